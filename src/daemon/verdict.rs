//! What policy lets the daemon do about an object, and the object's reason. Pure.
//!
//! | changed by | policy | result |
//! | --- | --- | --- |
//! | the tree, both sides, or an unknown side | `apply: auto` | applied |
//! | | `apply: manual` | waits for an approval |
//! | | `apply: off` | reported; even an approval does not apply it |
//! | unknown, because the base was lost | | waits for an approval or a resync |
//! | the platform | `heal: auto` | healed once a second read confirmed it, at most three times |
//! | | `heal: report` | reported once a second read confirmed it; an approval heals it |
//! | | `heal: propose` | the same, and proposed for the tree as a pull request |
//! | | `heal: off` | left alone, even with an approval |
//!
//! A part of the plan that a person rejected or put off stays as it is, whatever the policy, for as long as it is the
//! same part.
//!
//! An approval covers exactly the plan that was shown, so it also ends the wait for a second read, the back-off after a
//! failure and the limit on healing the same key. A pause blocks all of it. A held key does not block the other keys of
//! its object, unless the tree owns the object as a whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::drift_history::{DriftHistory, ROUNDS};
use super::status::{Declined, Drift, Reason};
use crate::diff::{Change, ChangeKey, Direction};
use crate::model;
use crate::tree::{ApplyMode, HealMode, WatchPolicy};

/// Why a change is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hold {
    /// Policy ignores drift (`heal: off`).
    Ignored,
    /// Only one read showed it.
    Unconfirmed,
    /// The daemon is paused.
    Paused,
    /// Policy only reports drift (`heal: report`).
    Reported,
    /// Policy requires an approval (`apply: manual`).
    Approval,
    /// Policy never applies it, even with an approval (`apply: off`).
    Off,
    /// The base was lost, so the origin of the difference is unknown.
    Unattributed,
    /// Somebody changed it back after each healing.
    KeepsChanging,
    /// A person rejected it or put it off.
    Declined,
}

/// The input of an object's verdict.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four facts that do not depend on each other"
)]
pub(super) struct Circumstances<'a> {
    pub(super) policy: WatchPolicy,
    /// Whether the tree owns keys that it does not declare.
    pub(super) is_exclusive: bool,
    pub(super) is_paused: bool,
    /// Whether the base of the object was lost.
    pub(super) is_baseless: bool,
    /// Whether the pending plan is approved.
    pub(super) is_approved: bool,
    /// The decision not to execute what is pending.
    pub(super) declined: Option<&'a Declined>,
    /// Until when the back-off after a failure lasts.
    pub(super) retry_at: Option<Timestamp>,
    /// All differences.
    pub(super) changes: Cow<'a, [Change]>,
    /// Those that were made on the platform.
    pub(super) drift: &'a [Drift],
    pub(super) drift_history: &'a DriftHistory,
    pub(super) now: Timestamp,
}

/// What may be done about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectVerdict {
    /// The changes that are held, and why.
    pub(super) holds: BTreeMap<ChangeKey, Hold>,
    /// Whether anything is written on the platform.
    pub(super) acts: bool,
    /// Whether records that are not held are written.
    pub(super) pushes: bool,
}

/// Returns whether only the platform changed.
pub(super) fn is_drift(change: &Change) -> bool {
    change.cause.direction() == Some(Direction::Live)
}

/// Decides what may be done about an object.
pub(super) fn judge(circumstances: &Circumstances<'_>) -> ObjectVerdict {
    let holds: BTreeMap<ChangeKey, Hold> = (circumstances.changes.iter())
        .filter_map(|change| Some((change.key.clone(), hold(circumstances, change)?)))
        .collect();
    // Records at the primary are independent of what is on the platform.
    let is_record = |key: &ChangeKey| matches!(key, ChangeKey::Records(_));
    let mut changes = circumstances.changes.iter();
    let some_is_free =
        changes.any(|change| !is_record(&change.key) && !holds.contains_key(&change.key));
    let nothing_is_held = holds.keys().all(is_record);
    let is_one_piece = circumstances.is_exclusive
        || holds
            .keys()
            .any(|key| matches!(key, ChangeKey::Whitelabel | ChangeKey::RecordType(_)));
    let waits = (circumstances.retry_at)
        .is_some_and(|retry_at| retry_at > circumstances.now && !circumstances.is_approved);
    ObjectVerdict {
        acts: some_is_free && !waits && (nothing_is_held || !is_one_piece),
        pushes: !waits,
        holds,
    }
}

fn hold(circumstances: &Circumstances<'_>, change: &Change) -> Option<Hold> {
    let Circumstances { policy, now, .. } = *circumstances;
    let asked = if is_drift(change) {
        let confirmed = (circumstances.drift.iter())
            .any(|drift| drift.change.key == change.key && drift.confirmed.is_some());
        match policy.heal {
            HealMode::Off => Some(Hold::Ignored),
            HealMode::Auto | HealMode::Report | HealMode::Propose if circumstances.is_approved => {
                None
            }
            HealMode::Auto | HealMode::Report | HealMode::Propose if !confirmed => {
                Some(Hold::Unconfirmed)
            }
            HealMode::Report | HealMode::Propose => Some(Hold::Reported),
            HealMode::Auto => (circumstances.drift_history)
                .keeps_changing(&change.key, now)
                .then_some(Hold::KeepsChanging),
        }
    } else {
        match policy.apply {
            ApplyMode::Auto if circumstances.is_baseless && !circumstances.is_approved => {
                Some(Hold::Unattributed)
            }
            ApplyMode::Auto => None,
            ApplyMode::Manual if circumstances.is_approved => None,
            ApplyMode::Manual => Some(Hold::Approval),
            ApplyMode::Off => Some(Hold::Off),
        }
    };
    if circumstances.declined.is_some() && !matches!(asked, Some(Hold::Ignored | Hold::Off)) {
        return Some(Hold::Declined);
    }
    asked.or(circumstances.is_paused.then_some(Hold::Paused))
}

/// What else is known of an object after planning.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectStanding<'a> {
    /// Why it could not be read, or only partly.
    pub(super) unknown: &'a [String],
    /// What guards refused, for this object or for the whole run.
    pub(super) refused: Option<&'a str>,
    /// The last error, and the number of consecutive failures.
    pub(super) failure: Option<(&'a str, u32)>,
}

/// Returns the object's reason and message; of several reasons the most pressing.
pub(super) fn reason(
    circumstances: &Circumstances<'_>,
    verdict: &ObjectVerdict,
    standing: &ObjectStanding<'_>,
) -> (Reason, String) {
    let count = |wanted: Hold| {
        verdict
            .holds
            .values()
            .filter(|hold| **hold == wanted)
            .count()
    };
    let changes = |number: usize| model::count(number, "change");
    if let Some(unknown) = standing.unknown.first() {
        return (Reason::Unreadable, unknown.clone());
    }
    if let Some(declined) = circumstances.declined
        && count(Hold::Declined) > 0
    {
        let reason = match declined.until {
            Some(_) => Reason::PutOff,
            None => Reason::Rejected,
        };
        let message = format!("{} {}", changes(count(Hold::Declined)), declined.sentence());
        return (reason, message);
    }
    let fought = count(Hold::KeepsChanging);
    if fought > 0 {
        let message = format!(
            "somebody keeps changing back what was fixed {ROUNDS} times: {}; find out who, then approve the plan or ask for a resync",
            keys(verdict, Hold::KeepsChanging)
        );
        return (Reason::KeepsChanging, message);
    }
    if let Some(refused) = standing.refused {
        return (Reason::Refused, refused.to_owned());
    }
    if let Some((failure, number)) = standing.failure {
        let message = format!("failed {number} times in a row, and is tried again: {failure}");
        return (Reason::BackingOff, message);
    }
    if count(Hold::Approval) > 0 {
        let waiting = count(Hold::Approval);
        let message = format!(
            "{} of the tree {} for somebody's approval",
            changes(waiting),
            if waiting == 1 { "waits" } else { "wait" }
        );
        return (Reason::AwaitingApproval, message);
    }
    if count(Hold::Off) > 0 {
        let message = format!(
            "{} of the tree, which apply: off leaves: {}; run `emblazon apply`, or set apply: manual",
            changes(count(Hold::Off)),
            keys(verdict, Hold::Off)
        );
        return (Reason::ApplyOff, message);
    }
    if count(Hold::Unattributed) > 0 {
        let message = format!(
            "{} may be the tree's or somebody's, for what was applied last was lost: {}; approve the plan or ask for a resync to make it match the tree",
            changes(count(Hold::Unattributed)),
            keys(verdict, Hold::Unattributed)
        );
        return (Reason::AwaitingApproval, message);
    }
    if count(Hold::Reported) > 0 {
        let message = format!(
            "{} made on the platform, which the policy leaves: {}; {}",
            changes(count(Hold::Reported)),
            keys(verdict, Hold::Reported),
            way_on(circumstances.policy.heal)
        );
        return (Reason::DriftReported, message);
    }
    if count(Hold::Paused) > 0 {
        let message = format!(
            "{} wait for the end of the pause",
            changes(count(Hold::Paused))
        );
        return (Reason::Paused, message);
    }
    if count(Hold::Unconfirmed) > 0 {
        let message = format!(
            "{} seen on the platform, which a second read is to confirm: {}",
            changes(count(Hold::Unconfirmed)),
            keys(verdict, Hold::Unconfirmed)
        );
        return (Reason::Confirming, message);
    }
    if verdict.acts || circumstances.changes.len() > verdict.holds.len() {
        let free = circumstances.changes.len() - verdict.holds.len();
        return (Reason::Pending, format!("{} to be applied", changes(free)));
    }
    if count(Hold::Ignored) > 0 {
        let message = format!(
            "in sync, but for {} on the platform, which heal: off leaves alone",
            changes(count(Hold::Ignored))
        );
        return (Reason::InSync, message);
    }
    (Reason::InSync, "in sync".to_owned())
}

/// Returns what can be done about drift that is only reported.
fn way_on(heal: HealMode) -> &'static str {
    match heal {
        HealMode::Propose => "merge its pull request to keep it, or approve the plan to revert it",
        HealMode::Auto | HealMode::Report | HealMode::Off => {
            "approve the plan to revert it, take it into the tree, or set heal: auto"
        }
    }
}

/// Lists the keys held for one reason, as the tree spells them.
fn keys(verdict: &ObjectVerdict, wanted: Hold) -> String {
    let held = verdict.holds.iter().filter(|(_, hold)| **hold == wanted);
    let mut names: Vec<String> = held.map(|(key, _)| name(key)).take(4).collect();
    let more = verdict
        .holds
        .values()
        .filter(|hold| **hold == wanted)
        .count()
        - names.len();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// Returns the name of a changed key, as the tree spells it.
pub(super) fn name(key: &ChangeKey) -> String {
    match key {
        ChangeKey::Setting(path) => path.to_string(),
        ChangeKey::Asset(kind) => kind.as_str().to_owned(),
        ChangeKey::Host(target) | ChangeKey::Records(target) => {
            format!("{} {}", target.record_type, target.host)
        }
        ChangeKey::RecordType(record_type) => record_type.clone(),
        ChangeKey::Whitelabel => "the whitelabel".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{Cause, Side};
    use crate::tree::DnsWatch;

    fn change(key: ChangeKey, cause: Cause) -> Change {
        Change {
            key,
            before: Side::Present,
            after: Side::Absent,
            cause,
            origin: None,
        }
    }

    fn setting(key: &str) -> ChangeKey {
        ChangeKey::Setting(key.into())
    }

    fn policy(apply: ApplyMode, heal: HealMode) -> WatchPolicy {
        WatchPolicy {
            apply,
            heal,
            ..WatchPolicy::default()
        }
    }

    const AUTO: WatchPolicy = WatchPolicy {
        apply: ApplyMode::Auto,
        heal: HealMode::Auto,
        prune: false,
        dns: DnsWatch::Ask,
    };

    /// Number of reads that showed the drift, and of earlier healings.
    struct Past {
        reads: i64,
        heals: i64,
    }

    struct Case<'a> {
        policy: WatchPolicy,
        changes: &'a [Change],
        past: Past,
        twist: fn(&mut Circumstances<'_>),
    }

    impl Case<'_> {
        fn check(&self, acts: bool, expected: Reason) {
            let mut drift_history = DriftHistory::default();
            let at = |second: i64| Timestamp::from_second(second).unwrap();
            let drifted = || self.changes.iter().filter(|change| is_drift(change));
            for second in 0..self.past.heals {
                for change in drifted() {
                    drift_history.healed(&change.key, at(second));
                }
            }
            let mut drift = Vec::new();
            for second in 0..self.past.reads {
                drift = drift_history.observe(drifted(), at(10 + second));
            }
            let mut circumstances = Circumstances {
                policy: self.policy,
                is_exclusive: false,
                is_paused: false,
                is_baseless: false,
                is_approved: false,
                declined: None,
                retry_at: None,
                changes: self.changes.into(),
                drift: &drift,
                drift_history: &drift_history,
                now: at(20),
            };
            (self.twist)(&mut circumstances);
            let verdict = judge(&circumstances);
            let standing = ObjectStanding {
                unknown: &[],
                refused: None,
                failure: None,
            };
            let (reason, message) = reason(&circumstances, &verdict, &standing);
            assert_eq!((verdict.acts, reason), (acts, expected), "{message}");
        }
    }

    #[test]
    fn policies() {
        #[track_caller]
        fn check(
            policy: WatchPolicy,
            changes: &[Change],
            reads: i64,
            acts: bool,
            expected: Reason,
        ) {
            let past = Past { reads, heals: 0 };
            let case = Case {
                policy,
                changes,
                past,
                twist: |_| {},
            };
            case.check(acts, expected);
        }
        let git = [change(setting("a"), Cause::Git)];
        let live = [change(setting("a"), Cause::Drift)];
        let both = [
            change(setting("a"), Cause::Git),
            change(setting("b"), Cause::Drift),
        ];
        check(AUTO, &[], 1, false, Reason::InSync);
        check(AUTO, &git, 1, true, Reason::Pending);
        check(
            policy(ApplyMode::Manual, HealMode::Auto),
            &git,
            1,
            false,
            Reason::AwaitingApproval,
        );
        check(
            policy(ApplyMode::Off, HealMode::Auto),
            &git,
            1,
            false,
            Reason::ApplyOff,
        );
        check(AUTO, &live, 1, false, Reason::Confirming);
        check(AUTO, &live, 2, true, Reason::Pending);
        check(
            policy(ApplyMode::Auto, HealMode::Report),
            &live,
            1,
            false,
            Reason::Confirming,
        );
        check(
            policy(ApplyMode::Auto, HealMode::Report),
            &live,
            2,
            false,
            Reason::DriftReported,
        );
        check(
            policy(ApplyMode::Auto, HealMode::Off),
            &live,
            2,
            false,
            Reason::InSync,
        );
        check(
            policy(ApplyMode::Auto, HealMode::Report),
            &both,
            2,
            true,
            Reason::DriftReported,
        );
        check(
            policy(ApplyMode::Off, HealMode::Auto),
            &both,
            2,
            true,
            Reason::ApplyOff,
        );
        check(
            AUTO,
            &[change(setting("a"), Cause::Conflict)],
            1,
            true,
            Reason::Pending,
        );
        check(
            AUTO,
            &[change(setting("a"), Cause::Differs)],
            1,
            true,
            Reason::Pending,
        );
        check(
            AUTO,
            &[change(ChangeKey::Whitelabel, Cause::Drift), git[0].clone()],
            1,
            false,
            Reason::Confirming,
        );
    }

    #[test]
    fn circumstances() {
        #[track_caller]
        fn check(
            changes: &[Change],
            past: Past,
            twist: fn(&mut Circumstances<'_>),
            acts: bool,
            expected: Reason,
        ) {
            let case = Case {
                policy: AUTO,
                changes,
                past,
                twist,
            };
            case.check(acts, expected);
        }
        let git = [change(setting("a"), Cause::Git)];
        let live = [change(setting("a"), Cause::Drift)];
        let both = [
            change(setting("a"), Cause::Git),
            change(setting("b"), Cause::Drift),
        ];
        let read = |reads| Past { reads, heals: 0 };
        check(
            &git,
            read(1),
            |given| given.is_paused = true,
            false,
            Reason::Paused,
        );
        check(
            &live,
            read(2),
            |given| given.is_paused = true,
            false,
            Reason::Paused,
        );
        check(
            &both,
            read(1),
            |given| given.is_exclusive = true,
            false,
            Reason::Confirming,
        );
        check(
            &both,
            read(2),
            |given| given.is_exclusive = true,
            true,
            Reason::Pending,
        );
        let later = |given: &mut Circumstances<'_>| given.retry_at = Some(Timestamp::MAX);
        check(&git, read(1), later, false, Reason::Pending);
        let over = |given: &mut Circumstances<'_>| given.retry_at = Some(given.now);
        check(&git, read(1), over, true, Reason::Pending);
        let manual = |given: &mut Circumstances<'_>| {
            given.policy.apply = ApplyMode::Manual;
            given.is_approved = true;
        };
        check(&git, read(1), manual, true, Reason::Pending);
        let off = |given: &mut Circumstances<'_>| {
            given.policy.apply = ApplyMode::Off;
            given.is_approved = true;
        };
        check(&git, read(1), off, false, Reason::ApplyOff);
        let report = |given: &mut Circumstances<'_>| given.policy.heal = HealMode::Report;
        check(&live, read(2), report, false, Reason::DriftReported);
        let approved = |given: &mut Circumstances<'_>| {
            given.policy.heal = HealMode::Report;
            given.is_approved = true;
        };
        check(&live, read(2), approved, true, Reason::Pending);
        // The approver saw it, as the first read did.
        check(&live, read(1), approved, true, Reason::Pending);
        let ignored = |given: &mut Circumstances<'_>| {
            given.policy.heal = HealMode::Off;
            given.is_approved = true;
        };
        check(&live, read(2), ignored, false, Reason::InSync);
        let paused = |given: &mut Circumstances<'_>| {
            given.is_approved = true;
            given.is_paused = true;
        };
        check(&live, read(2), paused, false, Reason::Paused);
        let failed = |given: &mut Circumstances<'_>| {
            given.retry_at = Some(Timestamp::MAX);
            given.is_approved = true;
        };
        check(&git, read(1), failed, true, Reason::Pending);
        let healed = |heals| Past { reads: 2, heals };
        check(&live, healed(2), |_| {}, true, Reason::Pending);
        check(&live, healed(3), |_| {}, false, Reason::KeepsChanging);
        let approved = |given: &mut Circumstances<'_>| given.is_approved = true;
        check(&live, healed(3), approved, true, Reason::Pending);
        check(&both, healed(3), |_| {}, true, Reason::KeepsChanging);
    }
}
