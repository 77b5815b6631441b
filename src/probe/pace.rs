//! How fast the API is asked, below the platform's limit for anonymous callers.

use std::time::Duration;

/// A rate with a burst: the platform lets an address send about 110 anonymous requests at once and 10 a second after
/// that (observed 5), and answers the rest with 429, on which a browser shows the vendor's brand (U3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    burst: u32,
    per_second: u32,
    /// When a steady stream of the requests so far would have ended.
    steady: Duration,
}

impl Default for Pace {
    /// Returns a pace with a margin, because browsers share the address.
    fn default() -> Self {
        Self::new(90, 9)
    }
}

impl Pace {
    /// Creates a pace of `burst` requests at once and `per_second` after that; both count as at least 1.
    #[must_use]
    pub fn new(burst: u32, per_second: u32) -> Self {
        Self {
            burst: burst.max(1),
            per_second: per_second.max(1),
            steady: Duration::ZERO,
        }
    }

    /// Takes a place for a request at `now`, and returns how long it must wait. `now` is the time since any fixed moment,
    /// and never goes back.
    pub fn take(&mut self, now: Duration) -> Duration {
        let due = self.steady.saturating_sub(self.tolerance()).max(now);
        self.steady = self.steady.max(now) + self.interval();
        due.saturating_sub(now)
    }

    /// Returns how long so many requests take, at least.
    #[must_use]
    pub fn time_for(&self, requests: u64) -> Duration {
        let behind = requests.saturating_sub(u64::from(self.burst));
        let seconds = behind.div_ceil(u64::from(self.per_second));
        Duration::from_secs(seconds)
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }

    fn tolerance(&self) -> Duration {
        self.interval() * (self.burst - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut pace = Pace::new(3, 10);
        let waits: Vec<u128> = (0..6)
            .map(|_| pace.take(Duration::ZERO).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 100, 200, 300]);
        // After a rest, there is one burst again, and not more.
        let waits: Vec<u128> = (0..4)
            .map(|_| pace.take(Duration::from_hours(1)).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 100]);
    }

    #[test]
    fn the_time_is_known_beforehand() {
        #[track_caller]
        fn check(requests: u64, seconds: u64) {
            assert_eq!(Pace::new(90, 9).time_for(requests).as_secs(), seconds);
        }
        check(0, 0);
        check(90, 0);
        check(91, 1);
        check(5_000, 546);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A platform with a bucket of 110 that fills at 10 a second never refuses, whenever requests come.
        #[test]
        fn the_platforms_bucket_never_runs_dry(pauses in prop::collection::vec(0..30_000_u64, 1..400)) {
            let mut pace = Pace::default();
            let mut now = Duration::ZERO;
            let (mut tokens, mut filled) = (110.0_f64, 0.0);
            for pause in pauses {
                // Most requests follow each other at once.
                now += Duration::from_millis(if pause < 28_000 { 0 } else { pause });
                now += pace.take(now);
                tokens = (tokens + (now.as_secs_f64() - filled) * 10.0).min(110.0);
                filled = now.as_secs_f64();
                prop_assert!(tokens >= 1.0);
                tokens -= 1.0;
            }
        }
    }
}
