//! The steps of zones, before they are numbered.
//!
//! The records of an account follow its domain: they stay unchanged if a guard holds the account back or its domain
//! cannot be read or claimed, and wait for the step that moves the domain, if there is one. All other RRsets of a zone
//! are written in one step, and so in one message, or in as few as hold them. All RRsets of the same name are in one,
//! because an alias may replace other records there or vice versa.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::messages::messages;
use super::order::Slot;
use super::{
    Action, Options, PlannedSet, Precondition, Refusal, RefusalKind, Subject, guard, removal,
};
use crate::diff::{SetDifference, ZoneDifference};
use crate::dns::push::digest;
use crate::model::{AccountName, RecordName, count, lasting};
use crate::tree::Policy;

/// What happens to the records of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RecordsPlan {
    /// They are written.
    Free,
    /// They are written once this step has succeeded.
    After(Slot),
    /// They stay unchanged, for this reason.
    Held(String),
    /// They stay unchanged because the account could not be read, for this reason.
    Unknown(String),
}

/// A step for a zone, or for a part of it.
pub(super) struct ZoneStep {
    pub(super) subject: Subject,
    pub(super) precondition: Precondition,
    pub(super) draft: Draft,
    /// The steps that it depends on.
    pub(super) after: BTreeSet<Slot>,
}

/// Drafts the steps of all zones, and adds to the differences which records stay unchanged and why. An account that is
/// not in `courses` is free.
pub(super) fn steps(
    zones: &mut [ZoneDifference],
    courses: &BTreeMap<AccountName, RecordsPlan>,
    (policy, options): (&Policy, &Options),
    refusals: &mut Vec<Refusal>,
) -> Vec<ZoneStep> {
    let mut steps = Vec::new();
    for zone in zones {
        let subject = Subject::Zone(zone.zone.clone());
        refusals.extend(zone.refused.iter().map(|refused| {
            let name = &refused.name;
            let (reason, help) = (refused.reason.split_once("; ")).unwrap_or((
                &refused.reason,
                "enter it by hand, or take it out of the template",
            ));
            Refusal {
                kind: RefusalKind::UnwritableRecords,
                subject: Some(subject.clone()),
                message: format!("{name} {}: {reason}", refused.record_type),
                help: help.to_owned(),
            }
        }));
        let (unasked, refusal) = removal::asked_sets(zone, &subject, (policy, options));
        refusals.extend(refusal);
        let mut held = hold(zone, courses);
        if !options.allows(RefusalKind::ProtectedAccount) {
            for name in protected(zone, policy) {
                refusals.push(guard::account_refusal(Some(subject.clone()), &name));
                held.insert(name);
            }
        }
        let wanted = (zone.sets.iter()).filter(|set| !unasked.contains(&set.set.question));
        for (after, sets) in parts(wanted, &held, courses) {
            let messages = messages(sets);
            let all = messages.len();
            for (number, sets) in (1..).zip(messages) {
                let Some(mut draft) = draft(&sets) else {
                    continue;
                };
                if all > 1 {
                    draft.notes.push(format!(
                        "message {number} of {all}: a message has 65,535 octets at most, and each is written or fails on its own"
                    ));
                }
                steps.push(ZoneStep {
                    subject: subject.clone(),
                    precondition: Precondition::Records(digest(sets.iter().map(|it| &it.set))),
                    draft,
                    after: after.clone(),
                });
            }
        }
    }
    steps
}

fn draft(sets: &[&SetDifference]) -> Option<Draft> {
    let changes = sets.iter().map(|it| it.change.clone()).collect();
    let note = old_answers(sets);
    let sets = sets.iter().map(|it| PlannedSet {
        change: it.set.clone(),
        accounts: it.accounts.clone(),
    });
    let action = Action::Records {
        sets: sets.collect(),
    };
    Some(Draft::new(action, changes)?.note(note))
}

/// Returns the note on how long resolvers give what the sets replace: it tells whoever moves a service for how long the old
/// place must go on working.
fn old_answers(sets: &[&SetDifference]) -> Option<String> {
    let outlived = |set: &&&SetDifference| set.set.outlived();
    let longest = sets.iter().max_by_key(outlived)?;
    let seconds = longest.set.outlived()?;
    let question = &longest.set.question;
    let others = sets.iter().filter_map(|set| outlived(&set)).count() - 1;
    let others = match others {
        0 => String::new(),
        others => format!(", and those of {}", count(others, "other set")),
    };
    Some(format!(
        "resolvers may give the old records of {} {}{others} for up to {} after the step",
        question.name,
        question.record_type,
        lasting(seconds)
    ))
}

/// Returns the accounts whose records stay unchanged, and adds the reasons to the zone.
fn hold(
    zone: &mut ZoneDifference,
    courses: &BTreeMap<AccountName, RecordsPlan>,
) -> BTreeSet<AccountName> {
    let mut held = BTreeSet::new();
    for name in accounts(zone) {
        match courses.get(&name) {
            Some(RecordsPlan::Held(reason)) => {
                zone.notes
                    .push(format!("the records of {name} stay as they are: {reason}"));
            }
            Some(RecordsPlan::Unknown(reason)) => {
                zone.unknown
                    .push(format!("the records of {name}: {reason}"));
            }
            Some(RecordsPlan::Free | RecordsPlan::After(_)) | None => continue,
        }
        held.insert(name);
    }
    held
}

fn protected(zone: &ZoneDifference, policy: &Policy) -> BTreeSet<AccountName> {
    let mut names = accounts(zone);
    names.retain(|name| policy.protected_accounts.contains(name));
    names
}

fn accounts(zone: &ZoneDifference) -> BTreeSet<AccountName> {
    let accounts = zone.sets.iter().flat_map(|set| &set.accounts);
    accounts.cloned().collect()
}

/// Groups the RRsets of a zone by the steps that they depend on, without names that held accounts use.
fn parts<'a>(
    sets: impl Iterator<Item = &'a SetDifference>,
    held: &BTreeSet<AccountName>,
    courses: &BTreeMap<AccountName, RecordsPlan>,
) -> BTreeMap<BTreeSet<Slot>, Vec<&'a SetDifference>> {
    let mut names: BTreeMap<&RecordName, Vec<&SetDifference>> = BTreeMap::new();
    for set in sets {
        names.entry(&set.set.question.name).or_default().push(set);
    }
    let mut parts: BTreeMap<BTreeSet<Slot>, Vec<&SetDifference>> = BTreeMap::new();
    for sets in names.into_values() {
        let accounts = || sets.iter().flat_map(|set| &set.accounts);
        if accounts().any(|name| held.contains(name)) {
            continue;
        }
        let after = accounts().filter_map(|name| match courses.get(name) {
            Some(RecordsPlan::After(slot)) => Some(*slot),
            _ => None,
        });
        parts.entry(after.collect()).or_default().extend(sets);
    }
    parts
}
