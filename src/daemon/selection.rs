//! Selects the parts of a tree and of a plan that may be executed. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::diff::ChangeKey;
use crate::model::ObjectName;
use crate::plan::{Plan, Precondition, Step, StepId, Subject};
use crate::tree::{Declared, Desired, DesiredTemplate, Ownership, SharedAccount, Target};

/// Removes held keys from a tree, so that nothing is planned for them: keys that a tree does not declare are kept.
///
/// Apply it to the base too, or the keys would look removed.
pub(super) fn without<'d>(
    desired: &'d Desired,
    held: &BTreeMap<ObjectName, BTreeSet<ChangeKey>>,
) -> Cow<'d, Desired> {
    if held.is_empty() {
        return Cow::Borrowed(desired);
    }
    let mut rest = desired.clone();
    for account in &mut rest.accounts {
        if let Some(keys) = held.get(&ObjectName::from(&account.name)) {
            let account = account.make_mut();
            for key in keys {
                match key {
                    ChangeKey::Setting(path) => {
                        account.settings.remove(path);
                    }
                    ChangeKey::Asset(kind) => {
                        account.assets.remove(kind);
                    }
                    ChangeKey::Host(_)
                    | ChangeKey::RecordType(_)
                    | ChangeKey::Records(_)
                    | ChangeKey::Whitelabel => {}
                }
            }
        }
    }
    if let (Some(template), Some(keys)) = (&mut rest.template, held.get(&ObjectName::Template)) {
        // A move must not be split: a held host is held under both spellings of its record type.
        let is_held = |target: &Target| {
            let spellings = [target.clone(), target.other_spelling()];
            spellings
                .into_iter()
                .any(|target| keys.contains(&ChangeKey::Host(target)))
        };
        template.hosts.retain(|target, _| !is_held(target));
    }
    Cow::Owned(rest)
}

/// Keeps the steps on some objects, unless they wait for a step on another, and renumbers them. Refusals for single
/// objects are dropped.
pub(super) fn only(plan: &Plan, admits: impl Fn(&Subject) -> bool) -> Plan {
    let mut numbers: BTreeMap<StepId, StepId> = BTreeMap::new();
    let mut steps = Vec::new();
    for step in &plan.steps {
        // A step waits for earlier ones only.
        if !admits(&step.subject) || !needs(step).all(|id| numbers.contains_key(&id)) {
            continue;
        }
        let id = StepId(u32::try_from(steps.len()).unwrap_or(u32::MAX));
        numbers.insert(step.id, id);
        steps.push(renumbered(step, &numbers));
    }
    let refusals = plan.refusals.iter();
    Plan {
        steps,
        refusals: refusals
            .filter(|refusal| refusal.subject.is_none())
            .cloned()
            .collect(),
        ..plan.clone()
    }
}

/// Returns a step with other numbers for itself and for the steps that it waits for.
pub(super) fn renumbered(step: &Step, numbers: &BTreeMap<StepId, StepId>) -> Step {
    let anew = |old: &StepId| numbers.get(old).copied().unwrap_or(*old);
    Step {
        id: anew(&step.id),
        after: step.after.iter().map(anew).collect(),
        precondition: match &step.precondition {
            Precondition::AsLeftBy(old) => Precondition::AsLeftBy(anew(old)),
            other => other.clone(),
        },
        ..step.clone()
    }
}

/// Returns the steps that a step waits for.
pub(super) fn needs(step: &Step) -> impl Iterator<Item = StepId> {
    let left_by = match &step.precondition {
        Precondition::AsLeftBy(id) => Some(*id),
        _ => None,
    };
    step.after.iter().copied().chain(left_by)
}

/// Returns the objects that differ between two trees, ignoring source locations; all objects when there was no tree
/// before.
pub(super) fn touched(before: Option<&Desired>, now: &Desired) -> BTreeSet<ObjectName> {
    let Some(before) = before
        .filter(|before| before.cluster.name == now.cluster.name && before.policy == now.policy)
    else {
        return now.object_names();
    };
    let is_touched = |account: &&SharedAccount| {
        let earlier = before.account(&account.name);
        earlier.is_none_or(|earlier| !is_same(earlier, account))
    };
    let mut touched: BTreeSet<ObjectName> = (now.accounts.iter())
        .filter(is_touched)
        .map(|account| ObjectName::from(&account.name))
        .collect();
    if now.template.is_some() && !is_same_template(before.template.as_ref(), now.template.as_ref())
    {
        touched.insert(ObjectName::Template);
    }
    touched
}

/// Returns whether two trees declare the same for an account.
pub(super) fn is_same(a: &SharedAccount, b: &SharedAccount) -> bool {
    let wants_the_same = || {
        a.identity.value == b.identity.value
            && a.absent.is_some() == b.absent.is_some()
            && (a.dns, a.policy) == (b.dns, b.policy)
            && values(&a.settings).eq(values(&b.settings))
            && values(&a.assets).eq(values(&b.assets))
    };
    a.is(b) || wants_the_same()
}

fn values<K, V>(declared: &BTreeMap<K, Declared<V>>) -> impl Iterator<Item = (&K, Option<&V>)> {
    let declared = declared.iter();
    declared.map(|(key, declared)| (key, declared.value.as_ref()))
}

/// Returns whether two trees declare the same domain template.
pub(super) fn is_same_template(a: Option<&DesiredTemplate>, b: Option<&DesiredTemplate>) -> bool {
    let parts = |template: &DesiredTemplate| {
        let hosts = template.hosts.iter();
        let hosts: Vec<_> = hosts
            .map(|(target, host)| (target.clone(), host.value.clone()))
            .collect();
        (template.ownership, template.types.clone(), hosts)
    };
    a.map(parts) == b.map(parts)
}

/// Returns whether the tree owns the keys of an object that it does not declare.
pub(super) fn is_exclusive(desired: &Desired, name: &ObjectName) -> bool {
    let ownership = match name {
        ObjectName::Account(name) => desired
            .account(name)
            .map(|account| account.policy.ownership),
        ObjectName::Template => desired.template.as_ref().map(|template| template.ownership),
        ObjectName::Zone(_) => None,
    };
    ownership == Some(Ownership::Exclusive)
}
