//! How long a lease is certainly ours, by this process's own clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The instant until which a lease is certainly ours. Clones share it.
///
/// A process that was paused (a suspended machine, a debugger, a frozen container) continues where it was, and learns
/// only later that somebody took over. Check the fence before every write: its clock keeps running while the process
/// does not.
#[derive(Clone, Debug, Default)]
pub struct Fence {
    until: Arc<Mutex<Option<Instant>>>,
}

impl Fence {
    /// Starts or extends the fence for a term counted from when the lease was requested; the expiry that others see is
    /// later.
    pub fn extend(&self, asked: Instant, term: Duration) {
        self.put(asked.checked_add(term));
    }

    /// Ends the fence.
    pub fn end(&self) {
        self.put(None);
    }

    /// Returns whether the lease is still ours.
    #[must_use]
    pub fn holds(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn put(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_its_term_and_when_it_is_given_back() {
        let fence = Fence::default();
        assert!(!fence.holds(), "nothing was taken");
        fence.extend(Instant::now(), Duration::from_hours(1));
        assert!(fence.clone().holds());
        fence.extend(Instant::now(), Duration::ZERO);
        assert!(!fence.holds(), "the term is over");
        fence.extend(Instant::now(), Duration::from_hours(1));
        fence.end();
        assert!(!fence.holds());
    }
}
