//! Until when a lease is ours for certain, by this process's own clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Until when a lease is ours for certain. Clones tell the same.
///
/// A process that was stopped for a while (a suspended machine, a debugger, a frozen container) goes on where it stood,
/// and finds out only later that somebody took over. Whoever is about to write asks this first: the clock behind it goes
/// on while the process does not.
#[derive(Clone, Debug, Default)]
pub struct Fence {
    until: Arc<Mutex<Option<Instant>>>,
}

impl Fence {
    /// Begins, or goes on, for a term from when it was asked for: what is written down for the others ends later.
    pub fn extend(&self, asked: Instant, term: Duration) {
        self.put(asked.checked_add(term));
    }

    /// Ends.
    pub fn end(&self) {
        self.put(None);
    }

    /// Tells whether it is ours still.
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
