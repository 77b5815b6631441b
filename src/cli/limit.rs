//! The deadline of a command.

use std::time::{Duration, Instant};

use crate::live::{Deadline, Late};

/// Default deadline: an import of ten thousand accounts takes minutes, and a command that takes longer than this hangs.
pub(crate) const USUAL: Duration = Duration::from_hours(1);
/// Grace after the deadline for requests of writes in flight: the longest time of one write.
const IN_HAND: Duration = Duration::from_mins(1);
/// The deadline of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    at: Instant,
    given: Duration,
    is_usual: bool,
}

impl Limit {
    /// Starts the deadline with the command.
    pub(crate) fn new(given: Option<Duration>, now: Instant) -> Self {
        let is_usual = given.is_none();
        let given = given.unwrap_or(USUAL);
        Self {
            at: now + given,
            given,
            is_usual,
        }
    }

    /// Extends the default deadline by a requested wait; an explicit deadline stays.
    pub(crate) fn beside(self, wait: Option<Duration>) -> Self {
        let wait = wait.filter(|_| self.is_usual).unwrap_or_default();
        Self {
            at: self.at + wait,
            given: self.given + wait,
            is_usual: self.is_usual,
        }
    }

    /// Returns the remaining time.
    pub(crate) fn left(self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// Bounds the requests of a client that only reads.
    pub(crate) fn bound(self, deadline: &Deadline) {
        deadline.set(self.at, self.given);
    }

    /// Bounds the requests of a client that starts to write: writes in flight may be finished.
    pub(crate) fn bound_writing(self, deadline: &Deadline) {
        deadline.set(self.at + IN_HAND, self.given);
    }

    /// Returns the error that the deadline has passed.
    pub(crate) fn over(self) -> Late {
        Late(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_was_asked_for_is_no_lateness() {
        let now = Instant::now();
        let wait = Some(Duration::from_hours(3));
        let usual = Limit::new(None, now).beside(wait);
        assert_eq!(usual.left(now), USUAL + Duration::from_hours(3));
        let asked = Limit::new(Some(Duration::from_mins(1)), now).beside(wait);
        assert_eq!(asked.left(now), Duration::from_mins(1));
        assert_eq!(asked.left(now + Duration::from_hours(1)), Duration::ZERO);
    }
}
