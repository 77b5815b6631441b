//! The sandbox's clock, which tests can stop, set and advance.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds from the Gregorian year 0, the server's epoch, to 1970 (L7).
pub(crate) const GREGORIAN_OFFSET: u64 = 62_167_219_200;

/// The time of the machine, until a test sets the clock; from then on it is stopped.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Time>);

#[derive(Clone, Copy, Debug, Default)]
struct Time {
    stopped_at: Option<Duration>,
    ahead: Duration,
}

impl Clock {
    /// Returns milliseconds since 1970.
    pub(crate) fn unix_millis(&self) -> u64 {
        let time = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let base = time.stopped_at.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
        });
        u64::try_from((base + time.ahead).as_millis()).unwrap_or(u64::MAX)
    }

    /// Advances the clock.
    pub(crate) fn advance(&self, by: Duration) {
        let mut time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        time.ahead += by;
    }

    /// Sets the clock to a time in seconds since 1970 and stops it.
    pub(crate) fn set(&self, unix_seconds: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Time {
            stopped_at: Some(Duration::from_secs(unix_seconds)),
            ahead: Duration::ZERO,
        };
    }
}
