//! The drift history of an object: drift seen at earlier reads, and what was healed. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::status::Drift;
use crate::diff::{Change, ChangeKey, Side};

/// Most times that a key is healed before a person has to look.
pub(super) const ROUNDS: usize = 3;
/// How long a healing counts towards that limit.
const HEALING_COUNTS: SignedDuration = SignedDuration::from_hours(6);

/// The drift history of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DriftHistory {
    seen: BTreeMap<ChangeKey, SeenDrift>,
    healed: BTreeMap<ChangeKey, Vec<Timestamp>>,
    /// When the object was last read completely.
    read: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
struct SeenDrift {
    live: Side,
    first: Timestamp,
    confirmed: Option<Timestamp>,
    absent: Option<Timestamp>,
}

impl DriftHistory {
    /// Records the drift of a complete read. Drift that an earlier read showed with the same live value is confirmed;
    /// drift that is gone is forgotten.
    pub(super) fn observe<'a>(
        &mut self,
        drift: impl Iterator<Item = &'a Change>,
        now: Timestamp,
    ) -> Vec<Drift> {
        let before = std::mem::take(&mut self.seen);
        let mut found = Vec::new();
        for change in drift {
            let earlier = before.get(&change.key);
            let first = earlier.map_or(now, |seen| seen.first);
            let confirmed = earlier
                .filter(|seen| seen.live == change.before && seen.first < now)
                .map(|seen| seen.confirmed.unwrap_or(now));
            let absent = earlier.map_or(self.read, |seen| seen.absent);
            let rounds = self.rounds(&change.key, now);
            found.push(Drift {
                change: change.clone(),
                absent,
                seen: first,
                confirmed,
                rounds: u32::try_from(rounds).unwrap_or(u32::MAX),
            });
            let live = change.before.clone();
            let seen = SeenDrift {
                live,
                first,
                confirmed,
                absent,
            };
            self.seen.insert(change.key.clone(), seen);
        }
        self.read = Some(now);
        found
    }

    /// Records that a key was healed.
    pub(super) fn healed(&mut self, key: &ChangeKey, now: Timestamp) {
        self.seen.remove(key);
        self.healed.entry(key.clone()).or_default().push(now);
    }

    /// Restarts the count of healings, because a person looked; the drift seen so far is kept.
    pub(super) fn reset_rounds(&mut self) {
        self.healed.clear();
    }

    /// Moves what was dated in the future to `now`, after the clock was set back: else drift would never be confirmed, and
    /// healings would count for longer than they should.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        // A read confirms only what an earlier one showed.
        let earlier = now.saturating_sub(SignedDuration::from_millis(1));
        let earlier = earlier.unwrap_or(now);
        for seen in self.seen.values_mut() {
            seen.first = seen.first.min(earlier);
            seen.confirmed = seen.confirmed.map(|at| at.min(now));
            seen.absent = seen.absent.map(|at| at.min(earlier));
        }
        for healed in self.healed.values_mut().flatten() {
            *healed = (*healed).min(now);
        }
        self.read = self.read.map(|at| at.min(now));
    }

    /// Forgets everything, because the tree changed.
    pub(super) fn forget(&mut self) {
        self.seen.clear();
        self.healed.clear();
    }

    /// Returns whether a key was changed back after each of its healings, up to the limit.
    pub(super) fn keeps_changing(&self, key: &ChangeKey, now: Timestamp) -> bool {
        self.rounds(key, now) >= ROUNDS
    }

    fn rounds(&self, key: &ChangeKey, now: Timestamp) -> usize {
        let rounds = self.healed.get(key).into_iter().flatten();
        rounds
            .filter(|healed| now.duration_since(**healed) < HEALING_COUNTS)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::diff::Cause;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn drift(key: &str, live: &str) -> Change {
        Change {
            key: ChangeKey::Setting(key.into()),
            before: Side::Value(json!(live)),
            after: Side::Absent,
            cause: Cause::Drift,
            origin: None,
        }
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_no_drift_from_being_confirmed() {
        let mut drift_history = DriftHistory::default();
        let change = drift("a", "x");
        drift_history.observe([&change].into_iter(), at(86_400));
        let healed = ChangeKey::Setting("b".into());
        for _ in 0..ROUNDS {
            drift_history.healed(&healed, at(2_592_000));
        }
        drift_history.set_back(at(100));
        let found = drift_history.observe([&change].into_iter(), at(100));
        assert_eq!(found[0].confirmed, Some(at(100)));
        assert!(drift_history.keeps_changing(&healed, at(100)));
        let hours = 7 * 3600;
        assert!(!drift_history.keeps_changing(&healed, at(100 + hours)));
    }

    /// Lists for each read: key, live value, when last absent, first seen, confirmed.
    fn reads(reads: &[(i64, &[(&str, &str)])]) -> Vec<String> {
        let mut drift_history = DriftHistory::default();
        let mut lines = Vec::new();
        for (second, found) in reads {
            let changes: Vec<Change> = found.iter().map(|(key, live)| drift(key, live)).collect();
            for drift in drift_history.observe(changes.iter(), at(*second)) {
                let confirmed = drift.confirmed.map(Timestamp::as_second);
                let (ChangeKey::Setting(key), Side::Value(live)) =
                    (&drift.change.key, &drift.change.before)
                else {
                    unreachable!()
                };
                let first = drift.seen.as_second();
                let absent = drift.absent.map(Timestamp::as_second);
                lines.push(format!(
                    "{second}: {key}={live} not at {absent:?}, since {first} {confirmed:?}"
                ));
            }
        }
        lines
    }

    #[test]
    fn drift_counts_when_it_was_read_twice() {
        insta::assert_snapshot!(
            reads(&[
                (1, &[("a", "x")]),
                (2, &[("a", "x"), ("b", "y")]),
                (3, &[("a", "x"), ("b", "z")]),
                (4, &[("b", "z")]),
                (5, &[("a", "x")]),
                (5, &[("a", "x")]),
            ])
            .join("\n"),
            @r#"
        1: a="x" not at None, since 1 None
        2: a="x" not at None, since 1 Some(2)
        2: b="y" not at Some(1), since 2 None
        3: a="x" not at None, since 1 Some(2)
        3: b="z" not at Some(1), since 2 None
        4: b="z" not at Some(1), since 2 Some(4)
        5: a="x" not at Some(4), since 5 None
        5: a="x" not at Some(4), since 5 None
        "#
        );
    }

    #[test]
    fn who_keeps_changing_back_is_told_from_who_did_it_long_ago() {
        let mut drift_history = DriftHistory::default();
        let key = ChangeKey::Setting("a".into());
        for second in [0, 10, 20] {
            assert!(!drift_history.keeps_changing(&key, at(second)));
            drift_history.healed(&key, at(second));
        }
        assert!(drift_history.keeps_changing(&key, at(30)));
        assert!(!drift_history.keeps_changing(&ChangeKey::Whitelabel, at(30)));
        assert!(!drift_history.keeps_changing(&key, at(30 + 6 * 3600)));
        drift_history.reset_rounds();
        assert!(!drift_history.keeps_changing(&key, at(30)));
    }

    #[test]
    fn who_is_forgiven_does_not_have_to_be_seen_twice_again() {
        let mut drift_history = DriftHistory::default();
        let change = drift("a", "x");
        drift_history.observe([&change].into_iter(), at(1));
        drift_history.observe([&change].into_iter(), at(2));
        drift_history.reset_rounds();
        let found = drift_history.observe([&change].into_iter(), at(3));
        assert_eq!(found[0].confirmed, Some(at(2)));
        drift_history.forget();
        let found = drift_history.observe([&change].into_iter(), at(4));
        assert_eq!(found[0].confirmed, None);
    }

    proptest! {
        /// A value seen by one read only is never confirmed.
        #[test]
        fn nothing_is_confirmed_by_one_read(values in proptest::collection::vec(0_u8..3, 1..20)) {
            let mut drift_history = DriftHistory::default();
            let mut last = None;
            for (second, value) in (1..).zip(values) {
                let change = drift("a", &value.to_string());
                let found = drift_history.observe([&change].into_iter(), at(second));
                prop_assert_eq!(found[0].confirmed.is_some(), last == Some(value));
                last = Some(value);
            }
        }
    }
}
