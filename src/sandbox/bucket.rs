//! A token bucket: how many requests or frames may come at once, and how many a second after that (C4, B1).

use super::world::ServerSettings;

/// A bucket. It is full at its first use.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket(Option<Level>);

#[derive(Clone, Copy, Debug)]
struct Level {
    /// The tokens in thousandths, so that fractions of a second count.
    thousandths: u64,
    filled_at: u64,
}

impl Bucket {
    /// Takes one token at `now`, in milliseconds, and returns how many are left; `None` when there is none to take.
    pub(super) fn take(&mut self, settings: &ServerSettings, now: u64) -> Option<u32> {
        let Some(size) = settings.bucket else {
            return Some(u32::MAX);
        };
        let full = u64::from(size) * 1000;
        let level = self.0.get_or_insert(Level {
            thousandths: full,
            filled_at: now,
        });
        let passed = now.saturating_sub(level.filled_at);
        let refill = passed.saturating_mul(u64::from(settings.refill_per_second));
        level.thousandths = level.thousandths.saturating_add(refill).min(full);
        level.filled_at = now;
        level.thousandths = level.thousandths.checked_sub(1000)?;
        Some(u32::try_from(level.thousandths / 1000).unwrap_or(u32::MAX))
    }
}
