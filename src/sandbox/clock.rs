//! The sandbox's clock, which tests may set and turn.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds from the Gregorian year 0 to 1970, the server's way to count (L7).
pub(crate) const GREGORIAN_OFFSET: u64 = 62_167_219_200;

/// Tells the time: the machine's, shifted by what a test asked for.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    shift_millis: AtomicI64,
}

impl Clock {
    /// Returns milliseconds since 1970.
    pub(crate) fn unix_millis(&self) -> u64 {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let real = i64::try_from(real).unwrap_or(i64::MAX);
        let shifted = real.saturating_add(self.shift_millis.load(Ordering::Relaxed));
        u64::try_from(shifted).unwrap_or_default()
    }

    /// Turns the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shift_millis.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets the clock to a time in seconds since 1970; it goes on from there.
    pub(crate) fn set(&self, unix_seconds: u64) {
        let now = self.unix_millis();
        let wanted = unix_seconds.saturating_mul(1000);
        let difference =
            i64::try_from(wanted).unwrap_or(i64::MAX) - i64::try_from(now).unwrap_or(i64::MAX);
        self.shift_millis.fetch_add(difference, Ordering::Relaxed);
    }
}
