//! The schedule of reads. Pure: `now` is an argument, and randomness comes from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};

use crate::model::ObjectName;

/// Objects that are due within this part of the interval are read together.
const SLICES: i32 = 60;
/// The shortest pause after a failure; doubled by each further one.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// The longest pause after failures.
pub(super) const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// When each object is due. Objects read at the same time drift apart, so that load on the platform is even instead of
/// bursty.
#[derive(Clone, Debug)]
pub(super) struct ReadSchedule {
    interval: SignedDuration,
    seed: u64,
    due: BTreeMap<ObjectName, Due>,
}

#[derive(Clone, Copy, Debug)]
struct Due {
    at: Timestamp,
    /// How many scheduled reads there were.
    rounds: u64,
}

impl ReadSchedule {
    pub(super) fn new(interval: SignedDuration, seed: u64) -> Self {
        Self {
            interval,
            seed,
            due: BTreeMap::new(),
        }
    }

    /// Changes the interval; what is due earlier stays so.
    pub(super) fn set_interval(&mut self, interval: SignedDuration, now: Timestamp) {
        self.interval = interval;
        let latest = later(now, interval);
        for due in self.due.values_mut() {
            due.at = due.at.min(latest);
        }
    }

    /// Schedules exactly these objects from now on. New ones are due at once.
    pub(super) fn follow(&mut self, names: &BTreeSet<ObjectName>, now: Timestamp) {
        self.due.retain(|name, _| names.contains(name));
        for name in names {
            let new = Due { at: now, rounds: 0 };
            self.due.entry(name.clone()).or_insert(new);
        }
    }

    /// Makes an object due no later than at a time.
    pub(super) fn requeue(&mut self, name: &ObjectName, at: Timestamp) {
        if let Some(due) = self.due.get_mut(name) {
            due.at = due.at.min(at);
        }
    }

    /// Makes all objects due now.
    pub(super) fn requeue_all(&mut self, now: Timestamp) {
        for due in self.due.values_mut() {
            due.at = due.at.min(now);
        }
    }

    /// Schedules the next read of an object that was just read: the first after a random part of the interval, later
    /// ones after an interval give or take a tenth.
    pub(super) fn read(&mut self, name: &ObjectName, now: Timestamp) {
        let (seed, interval) = (self.seed, self.interval);
        if let Some(due) = self.due.get_mut(name) {
            let chance = chance(seed, name, due.rounds);
            let share = if due.rounds == 0 {
                0.05 + 0.95 * chance
            } else {
                0.9 + 0.2 * chance
            };
            due.rounds += 1;
            due.at = later(now, interval.mul_f64(share));
        }
    }

    /// Corrects the schedule after the clock was set back: nothing waits longer than if it were scheduled now.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        let latest = later(now, self.interval);
        for due in self.due.values_mut() {
            due.at = due.at.min(latest);
        }
    }

    /// Postpones an object until exactly this time.
    pub(super) fn put_off(&mut self, name: &ObjectName, until: Timestamp) {
        if let Some(due) = self.due.get_mut(name) {
            due.at = until;
        }
    }

    /// Iterates over the objects.
    pub(super) fn names(&self) -> impl Iterator<Item = ObjectName> {
        self.due.keys().cloned()
    }

    /// Returns when the next object is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.values().map(|due| due.at).min()
    }

    /// Returns at most so many of the objects to read now: those that have waited longest.
    pub(super) fn longest_due(&self, now: Timestamp, most: usize) -> BTreeSet<ObjectName> {
        let mut due: Vec<(Timestamp, &ObjectName)> = (self.due.iter())
            .filter(|(_, due)| due.at <= now)
            .map(|(name, due)| (due.at, name))
            .collect();
        due.sort();
        let first = due.into_iter().take(most);
        first.map(|(_, name)| name.clone()).collect()
    }

    /// Returns the objects to read now; if any is due, those due soon are included.
    pub(super) fn due(&self, now: Timestamp) -> BTreeSet<ObjectName> {
        if self.next().is_none_or(|next| next > now) {
            return BTreeSet::new();
        }
        let soon = later(now, self.interval / SLICES);
        let due = self.due.iter().filter(|(_, due)| due.at <= soon);
        due.map(|(name, _)| name.clone()).collect()
    }
}

/// Returns how long to wait after the `failures`th failure in a row, from 1.
pub(super) fn back_off(failures: u32, name: &ObjectName, seed: u64) -> SignedDuration {
    let doubled =
        FIRST_PAUSE.saturating_mul(2_i32.saturating_pow(failures.saturating_sub(1).min(20)));
    let jitter = 0.8 + 0.4 * chance(seed, name, u64::from(failures));
    doubled.min(LONGEST_PAUSE).mul_f64(jitter)
}

/// Returns a number from 0 to 1, the same for the same arguments.
fn chance(seed: u64, name: &ObjectName, round: u64) -> f64 {
    let mut hasher = DefaultHasher::new();
    (seed, name, round).hash(&mut hasher);
    let thousandth = u32::try_from(hasher.finish() % 1000).unwrap_or_default();
    f64::from(thousandth) / 1000.0
}

/// Adds, saturating at the last representable time.
pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::AccountName;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn account(number: usize) -> ObjectName {
        AccountName::new(format!("account-{number:04}")).into()
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        #[track_caller]
        fn check(failures: u32, least: i64, most: i64) {
            for seed in 0..50 {
                let pause = back_off(failures, &account(1), seed).as_secs();
                assert!((least..=most).contains(&pause), "{failures}: {pause}");
            }
        }
        check(1, 4, 6);
        check(2, 8, 12);
        check(4, 32, 48);
        check(9, 720, 1080);
        check(u32::MAX, 720, 1080);
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut schedule = ReadSchedule::new(SignedDuration::from_secs(600), 7);
        let names: BTreeSet<ObjectName> = (0..3).map(account).collect();
        schedule.follow(&names, at(0));
        assert_eq!(schedule.due(at(0)), names);
        for name in &names {
            schedule.read(name, at(0));
        }
        assert!(schedule.due(at(0)).is_empty());
        assert!(schedule.next() > Some(at(0)));
        schedule.requeue(&account(1), at(5));
        assert!(schedule.due(at(4)).is_empty());
        assert!(schedule.due(at(5)).contains(&account(1)));
        schedule.put_off(&account(1), at(900));
        schedule.follow(&[account(1)].into(), at(5));
        assert_eq!(schedule.next(), Some(at(900)));
    }

    /// Issue 17: a clock that jumps. Set back by a day, it would leave every object unread for a day; set forward, it
    /// makes all due once.
    #[test]
    fn a_clock_that_jumps_leaves_nothing_unread() {
        const DAY: i64 = 86_400;
        let mut schedule = ReadSchedule::new(SignedDuration::from_secs(600), 7);
        let names: BTreeSet<ObjectName> = (0..50).map(account).collect();
        schedule.follow(&names, at(DAY));
        for name in &names {
            schedule.read(name, at(DAY));
        }
        schedule.put_off(&account(1), later(at(DAY), LONGEST_PAUSE));
        schedule.set_back(at(0));
        let due = schedule.due(later(at(0), LONGEST_PAUSE));
        assert_eq!(due, names, "within the longest pause all are read again");
        for name in &names {
            schedule.read(name, at(0));
        }
        assert_eq!(schedule.due(at(DAY)), names);
        for name in &names {
            schedule.read(name, at(DAY));
        }
        assert!(schedule.due(at(DAY)).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Up to a thousand accounts: each is read about once an interval, and never many of them at once.
        #[test]
        fn reads_are_spread_over_the_interval(seed: u64, count in 1_usize..1000) {
            let mut schedule = ReadSchedule::new(SignedDuration::from_secs(600), seed);
            let names: BTreeSet<ObjectName> = (0..count).map(account).collect();
            schedule.follow(&names, at(0));
            for name in &names {
                schedule.read(name, at(0));
            }
            let (mut reads, mut runs, mut most) = (0, 0, 0);
            while let Some(next) = schedule.next().filter(|next| *next <= at(3000)) {
                let due = schedule.due(next);
                prop_assert!(!due.is_empty());
                reads += due.len();
                runs += 1;
                most = most.max(due.len());
                for name in &due {
                    schedule.read(name, next);
                }
            }
            prop_assert!((count * 4..=count * 6).contains(&reads), "{} reads of {}", reads, count);
            prop_assert!(most <= count / 12 + 8, "{} of {} at once", most, count);
            prop_assert!(runs <= 60 * 6, "{} runs", runs);
        }
    }
}
