//! Removals that somebody must ask for: they stay among the differences, and the step is refused or done without them.

use std::collections::BTreeSet;

use super::{Options, Refusal, RefusalKind, Subject, guard};
use crate::diff::{
    Change, ChangeKey, Edit, KeptReason, TemplateDifference, ZoneDifference, removed,
    removed_hosts, removed_sets,
};
use crate::dns::Question;
use crate::live::{Live, Reading};
use crate::model::KeyPath;
use crate::tree::{Policy, Removable, RemovalRule};

/// Returns the keys of an account whose removal nobody asked for, and the refusal.
pub(super) fn asked_keys(
    changes: &[Change],
    edit: &Edit,
    subject: Option<Subject>,
    (policy, options): (&Policy, &Options),
    forget: impl Fn(&KeyPath) -> Option<String>,
) -> Option<(BTreeSet<KeyPath>, Refusal)> {
    if !asks(Removable::Keys, policy, options) {
        return None;
    }
    let id = match &subject {
        Some(Subject::Account { id, .. }) => Some(id),
        _ => None,
    };
    let gone = changes.iter().filter(|it| removed(it, edit, id).is_some());
    let gone = gone.filter_map(|change| match &change.key {
        ChangeKey::Setting(path) => Some(path.clone()),
        _ => None,
    });
    let paths: BTreeSet<KeyPath> = gone.collect();
    let names: Vec<String> = paths.iter().map(ToString::to_string).collect();
    let forget: Vec<String> = paths.iter().filter_map(forget).collect();
    let instead = match forget.as_slice() {
        [] => String::new(),
        words => format!("leave it as it is with `{}`, or ", words.join(" ")),
    };
    (!paths.is_empty()).then(|| {
        let refusal = guard::removal_refusal(subject, &names, Removable::Keys, &instead);
        (paths, refusal)
    })
}

/// Leaves hosts as they are whose removal nobody asked for, and returns the refusal.
pub(super) fn ask_hosts(
    difference: &TemplateDifference,
    live: &Live,
    (policy, options): (&Policy, &Options),
) -> Option<(TemplateDifference, Refusal)> {
    let live = live.template.as_ref().and_then(Reading::known)?;
    let names = removed_hosts(&difference.changes);
    if names.is_empty() || !asks(Removable::Hosts, policy, options) {
        return None;
    }
    let mut rest = difference.clone();
    rest.keep_hosts(live, KeptReason::NeverRemoved);
    let refusal = guard::removal_refusal(Some(Subject::Template), &names, Removable::Hosts, "");
    Some((rest, refusal))
}

/// Returns the RRsets whose removal nobody asked for, and the refusal.
pub(super) fn asked_sets(
    zone: &ZoneDifference,
    subject: &Subject,
    (policy, options): (&Policy, &Options),
) -> (BTreeSet<Question>, Option<Refusal>) {
    if !asks(Removable::Records, policy, options) {
        return (BTreeSet::new(), None);
    }
    let gone = removed_sets(&zone.changed());
    let names: Vec<String> = gone.iter().map(ToString::to_string).collect();
    let refusal = (!gone.is_empty())
        .then(|| guard::removal_refusal(Some(subject.clone()), &names, Removable::Records, ""));
    (gone, refusal)
}
/// Returns whether removals of a kind need to be asked for, and were not.
fn asks(kind: Removable, policy: &Policy, options: &Options) -> bool {
    policy.remove.rule(kind) == RemovalRule::Ask && !options.allows(RefusalKind::Remove)
}
