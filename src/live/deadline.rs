//! The time by which a client must stop sending requests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

/// The time by which a client must stop sending requests; clones share it, so that it can be extended for work that
/// must be completed.
#[derive(Clone, Debug, Default)]
pub struct Deadline(Arc<Mutex<Option<Limit>>>);

#[derive(Clone, Copy, Debug)]
struct Limit {
    at: Instant,
    given: Duration,
}

/// The deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the deadline of {} is over", in_words(*.0))]
pub struct Late(
    /// The time that was allowed.
    pub Duration,
);

impl Deadline {
    /// Sets the deadline; `given` is the duration to report.
    pub fn set(&self, at: Instant, given: Duration) {
        self.put(Some(Limit { at, given }));
    }

    /// Removes the deadline.
    pub fn lift(&self) {
        self.put(None);
    }

    /// Returns how much time is left; `None` if there is no deadline.
    ///
    /// # Errors
    /// When the deadline has passed.
    pub fn left(&self, now: Instant) -> Result<Option<Duration>, Late> {
        let limit = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(limit) = limit else {
            return Ok(None);
        };
        let left = limit.at.saturating_duration_since(now);
        if left.is_zero() {
            return Err(Late(limit.given));
        }
        Ok(Some(left))
    }

    fn put(&self, limit: Option<Limit>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }
}

/// Formats a duration as on a command line: `90s`, `10m`, `1h`.
#[must_use]
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, 0) => format!("{}ms", duration.as_millis()),
        (hours @ 1.., 0, 0) => format!("{hours}h"),
        (_, _, 0) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_and_can_be_put_off() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let deadline = Deadline::default();
        assert_eq!(deadline.left(start), Ok(None));
        deadline.clone().set(start + second * 60, second * 60);
        assert_eq!(deadline.left(start + second * 59), Ok(Some(second)));
        let late = deadline.left(start + second * 60).unwrap_err();
        assert_eq!(late.to_string(), "the deadline of 1m is over");
        deadline.set(start + second * 90, second * 60);
        assert_eq!(deadline.left(start + second * 60), Ok(Some(second * 30)));
        deadline.lift();
        assert_eq!(deadline.left(start + second * 600), Ok(None));
    }

    #[test]
    fn durations_in_words() {
        #[track_caller]
        fn check(milliseconds: u64, expected: &str) {
            assert_eq!(in_words(Duration::from_millis(milliseconds)), expected);
        }
        check(50, "50ms");
        check(1_000, "1s");
        check(90_000, "90s");
        check(600_000, "10m");
        check(3_600_000, "1h");
        check(5_400_000, "90m");
        check(3_601_000, "3601s");
    }
}
