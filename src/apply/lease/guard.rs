//! Permission to write to a cluster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::both::Leases;
use super::fence::Fence;

/// Permission to write to a cluster, as long as its lease is held. Clones share one state.
///
/// Every run takes one, so an unfenced write does not compile. It is checked before each step and before each write:
/// once it is stopped, steps in flight finish and no other begins; once its fence is over, nothing further is sent at
/// all.
#[derive(Clone, Debug)]
pub struct LeaseGuard {
    fence: Option<Fence>,
    stop: CancellationToken,
    reason: Arc<OnceLock<String>>,
    has_written: Arc<AtomicBool>,
}

impl LeaseGuard {
    /// Guards writes under leases that were taken.
    #[must_use]
    pub fn of(leases: &Leases) -> Self {
        Self::new(leases.fence())
    }

    /// Guards writes to a platform that no other process can reach, such as a sandbox of this one.
    #[must_use]
    pub fn exclusive() -> Self {
        Self::new(None)
    }

    /// Guards writes under a lease whose fence is given.
    #[must_use]
    pub fn fenced(fence: Fence) -> Self {
        Self::new(Some(fence))
    }

    fn new(fence: Option<Fence>) -> Self {
        Self {
            fence,
            stop: CancellationToken::new(),
            reason: Arc::default(),
            has_written: Arc::default(),
        }
    }

    /// Returns a guard for one run, which can be stopped without stopping this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            stop: self.stop.child_token(),
            ..self.clone()
        }
    }

    /// Prevents further steps from beginning; the steps left over are reported with this reason.
    pub fn stop(&self, reason: String) {
        let _ = self.reason.set(reason);
        self.stop.cancel();
    }

    /// Returns the token that stops runs under this guard once it is cancelled.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Returns whether no further step may begin.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Returns the reason given to [`Self::stop`]; none after an interrupt or a lost lease.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Returns whether a write may be sent at this moment: the lease is certainly still held, or nobody else can take
    /// it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.fence.as_ref().is_none_or(Fence::holds)
    }

    /// Notes that a run under this guard is about to write.
    pub(crate) fn begin_writing(&self) {
        self.has_written.store(true, Ordering::Relaxed);
    }

    /// Returns whether a run under this guard has begun to write.
    #[must_use]
    pub fn has_written(&self) -> bool {
        self.has_written.load(Ordering::Relaxed)
    }
}
