//! The hooks that the daemon keeps on the platform.

use jiff::Timestamp;

/// The hooks that the daemon made.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptHooks {
    pub(super) ids: Vec<String>,
    pub(super) made: Option<Timestamp>,
    /// When they are looked after next.
    pub(super) next: Option<Timestamp>,
    pub(super) problem: Option<String>,
    pub(super) restored: u64,
}

impl KeptHooks {
    /// Has them looked after in the next round of the loop.
    pub(super) fn look_now(&mut self) {
        self.next = None;
    }

    /// Puts off what is planned; before the first round nothing is.
    pub(super) fn put_off(&mut self, until: Timestamp) {
        if let Some(next) = &mut self.next {
            *next = until;
        }
    }
}
