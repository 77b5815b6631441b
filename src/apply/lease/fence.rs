//! How long a lease is certainly ours, by this machine's own clocks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A point in time on both clocks of the machine. The steady one never goes back, and stands still while the machine is
/// suspended; the wall clock goes on then, and may be set.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self {
            steady: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    fn checked_add(self, term: Duration) -> Option<Self> {
        Some(Self {
            steady: self.steady.checked_add(term)?,
            wall: self.wall.checked_add(term)?,
        })
    }

    /// Returns whether this is over by either clock.
    fn is_over(self, now: Self) -> bool {
        now.steady >= self.steady || now.wall >= self.wall
    }
}

/// The moment until which a lease is certainly ours. Clones share it.
///
/// A process that was paused (a suspended machine, a debugger, a frozen container) continues where it was, and learns
/// only later that somebody took over. Check the fence before every write: one of the two clocks has kept running. A
/// wall clock that is set forward ends the fence early, which only costs another request for the lease.
#[derive(Clone, Debug, Default)]
pub struct Fence {
    until: Arc<Mutex<Option<Moment>>>,
}

impl Fence {
    /// Starts or extends the fence for a term counted from when the lease was requested; the expiry that others see is
    /// later.
    pub fn extend(&self, asked: Moment, term: Duration) {
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
        until.is_some_and(|until| !until.is_over(Moment::now()))
    }

    fn put(&self, until: Option<Moment>) {
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
        fence.extend(Moment::now(), Duration::from_hours(1));
        assert!(fence.clone().holds());
        fence.extend(Moment::now(), Duration::ZERO);
        assert!(!fence.holds(), "the term is over");
        fence.extend(Moment::now(), Duration::from_hours(1));
        fence.end();
        assert!(!fence.holds());
    }

    /// The steady clock stands still while a machine is suspended, and the wall clock can be set back.
    #[test]
    fn either_clock_ends_it() {
        #[track_caller]
        fn check(steady: u64, wall: i64, expected: bool) {
            let begin = Moment::now();
            let until = begin.checked_add(Duration::from_mins(1)).unwrap();
            let passed = Duration::from_secs(wall.unsigned_abs());
            let now = Moment {
                steady: begin.steady + Duration::from_secs(steady),
                wall: if wall < 0 {
                    begin.wall - passed
                } else {
                    begin.wall + passed
                },
            };
            assert_eq!(until.is_over(now), expected, "{steady} {wall}");
        }
        check(59, 59, false);
        check(60, 60, true);
        check(1, 3600, true);
        check(60, -3600, true);
        check(1, -3600, false);
    }
}
