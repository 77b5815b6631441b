//! Tree × base × live → differences, verdicts and plans. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::objects::ObjectRecord;
use super::parts::parts;
use super::selection::{is_exclusive, is_same, is_same_template, only, without};
use super::status::{Declined, Part};
use super::verdict::{Circumstances, Hold, ObjectVerdict, is_drift, judge};
use super::zones::{leaves_some, records_wait, writable};
use crate::diff::{Change, ChangeKey, Differences};
use crate::live::Live;
use crate::model::{AccountName, Digest, ObjectName};
use crate::plan::{self, Plan, RefusalKind, Step};
use crate::tree::{ApplyMode, Desired, Loaded, SharedAccount, departed};

/// What is approved.
#[derive(Clone, Copy)]
pub(super) enum Approved<'a> {
    Nothing,
    /// The parts of these objects.
    Only(&'a BTreeSet<ObjectName>),
    /// The whole plan.
    Everything,
}

impl Approved<'_> {
    fn covers(self, name: &ObjectName) -> bool {
        match self {
            Self::Nothing => false,
            Self::Only(names) => names.contains(name),
            Self::Everything => true,
        }
    }
}

/// The input of an assessment.
#[derive(Clone, Copy)]
pub(super) struct AssessmentInput<'l, 'a> {
    pub(super) loaded: &'l Loaded,
    /// The digest of the tree, if it is known.
    pub(super) tree: Option<&'a Digest>,
    pub(super) base: Option<&'a Desired>,
    pub(super) live: &'a Live,
    pub(super) records: &'a BTreeMap<ObjectName, ObjectRecord>,
    /// The objects that were just read; nothing is done for others.
    pub(super) read: &'a BTreeSet<ObjectName>,
    pub(super) is_paused: bool,
    pub(super) approved: Approved<'a>,
    /// What people decided not to execute, by object; it counts while the object's part of the plan is the same.
    pub(super) declined: &'a BTreeMap<ObjectName, Declined>,
    /// The objects whose base was lost.
    pub(super) without_base: &'a BTreeSet<ObjectName>,
    /// The part of the tree to plan for.
    pub(super) part: &'a plan::Part,
    pub(super) now: Timestamp,
}

/// The differences, the verdicts, and the plans that follow.
pub(super) struct Assessment<'a> {
    pub(super) differences: Differences,
    /// The verdict on each object that differs.
    pub(super) verdicts: BTreeMap<ObjectName, ObjectVerdict>,
    /// The plan for all differences, whoever may execute it.
    pub(super) whole: Plan,
    /// The part for all objects that needs no person, as if the daemon were not paused.
    pub(super) next: Plan,
    /// The part for all objects that an approval would execute; an approval names its digest.
    pub(super) offer: Plan,
    /// What an approval of each object alone would execute, declined or not.
    pub(super) parts: BTreeMap<ObjectName, Part>,
    /// The decisions not to execute a part that hold.
    pub(super) declined: BTreeMap<ObjectName, Declined>,
    /// The tree without held keys; [`Self::plan`] leads to it.
    pub(super) desired: Cow<'a, Desired>,
    /// The part to execute now.
    pub(super) plan: Plan,
}

/// Returns the objects of a tree that differ, on the platform or at the primary.
fn differing(differences: &Differences) -> BTreeSet<ObjectName> {
    let accounts = differences.accounts.iter();
    let accounts = accounts.filter(|account| !account.changes.is_empty());
    let accounts = accounts.map(|account| ObjectName::from(&account.name));
    let is_declared = |name: &&AccountName| differences.account(name).is_some();
    let sets = differences.zones.iter().flat_map(|zone| &zone.sets);
    let owners = sets.flat_map(|set| &set.accounts).filter(is_declared);
    let template = (differences.template.as_ref())
        .filter(|template| !template.changes.is_empty())
        .map(|_| ObjectName::Template);
    accounts
        .chain(owners.map(ObjectName::from))
        .chain(template)
        .collect()
}

/// Judges what was read, and plans what may be done.
pub(super) fn assess<'l>(
    input: &AssessmentInput<'l, '_>,
    differences: Differences,
) -> Assessment<'l> {
    let AssessmentInput { loaded, now, .. } = *input;
    let desired = &loaded.desired;
    let policy = loaded.watch.policy;
    let mut allow = BTreeSet::new();
    if policy.prune {
        allow.insert(RefusalKind::Prune);
    }
    let rules = plan::Options {
        allow,
        no_remove: false,
        now,
        part: input.part.clone(),
    };
    let compared = differences.clone();
    let tree = input.tree.cloned().unwrap_or_else(|| desired.digest());
    let whole = plan::plan_differences(compared, tree, desired, input.base, input.live, &rules);
    let mut whole = whole.plan;
    let all = desired.object_names();
    let has_zones = !differences.zones.is_empty();
    let nothing = BTreeMap::new();
    let everything = AssessmentInput {
        is_paused: false,
        approved: Approved::Everything,
        declined: &nothing,
        read: &all,
        ..*input
    };
    let full = reduced(
        &everything,
        &permitted(&everything, &differences, &whole, &rules),
    );
    let parts = parts(&full);
    let is_declined = |(name, declined): &(&ObjectName, &Declined)| {
        let part = parts.get(*name);
        part.is_some_and(|part| part.plan == declined.plan) && !declined.is_over(now)
    };
    let declined: BTreeMap<ObjectName, Declined> = (input.declined.iter())
        .filter(is_declined)
        .map(|(name, declined)| (name.clone(), declined.clone()))
        .collect();
    let input = &AssessmentInput {
        declined: &declined,
        ..*input
    };
    let own = permitted(input, &differences, &whole, &rules);
    let next = if input.is_paused || (has_zones && input.read.len() < all.len()) {
        let input = AssessmentInput {
            is_paused: false,
            read: &all,
            ..*input
        };
        let next = permitted(&input, &differences, &whole, &rules);
        reduced(&input, &next)
    } else {
        let input = AssessmentInput {
            read: &all,
            ..*input
        };
        reduced(&input, &own)
    };
    let offer = if declined.is_empty() {
        full
    } else {
        let offered = AssessmentInput {
            declined: &declined,
            ..everything
        };
        reduced(&offered, &permitted(&offered, &differences, &whole, &rules))
    };
    whole.scope.records_unread |= leaves_some(loaded);
    Assessment {
        plan: reduced(input, &own),
        next,
        offer,
        desired: own.desired,
        verdicts: own.verdicts,
        parts,
        declined,
        whole,
        differences,
    }
}

/// What policy, a pause and an approval allow.
struct Permitted<'l> {
    verdicts: BTreeMap<ObjectName, ObjectVerdict>,
    /// The tree without held keys.
    desired: Cow<'l, Desired>,
    /// The plan that leads to it.
    planned: Plan,
}

/// Computes what may be done; records only of the objects that were read.
fn permitted<'l>(
    input: &AssessmentInput<'l, '_>,
    differences: &Differences,
    whole: &Plan,
    rules: &plan::Options,
) -> Permitted<'l> {
    let loaded = input.loaded;
    let desired = &loaded.desired;
    let nothing = ObjectRecord::default();
    let mut verdicts = BTreeMap::new();
    let mut held: BTreeMap<ObjectName, BTreeSet<ChangeKey>> = BTreeMap::new();
    for name in differing(differences) {
        let record = input.records.get(&name).unwrap_or(&nothing);
        let verdict = judge(&circumstances(input, record, differences, &name));
        if !verdict.holds.is_empty() {
            held.insert(name.clone(), verdict.holds.keys().cloned().collect());
        }
        verdicts.insert(name, verdict);
    }
    let rest = without(desired, &held);
    let may_write = |name: &AccountName, key: &ChangeKey| {
        let name = ObjectName::from(name);
        let free = |verdict: &ObjectVerdict| verdict.pushes && !verdict.holds.contains_key(key);
        if is_known(desired, &name) {
            input.read.contains(&name) && verdicts.get(&name).is_some_and(free)
        } else {
            // A record of an account that left the tree.
            may_delete(input, &name)
        }
    };
    let is_whole = held.is_empty() && differences.zones.is_empty();
    let planned = if is_whole {
        whole.clone()
    } else {
        let base = input.base.map(|base| without(base, &held));
        let zones = writable(&differences.zones, may_write);
        let sources = &loaded.sources;
        plan::plan_with_records(&rest, base.as_deref(), input.live, zones, sources, rules).plan
    };
    Permitted {
        verdicts,
        desired: rest,
        planned,
    }
}

/// Reduces what may be done to the objects that were read.
fn reduced(input: &AssessmentInput<'_, '_>, permitted: &Permitted<'_>) -> Plan {
    let acts = |name: &ObjectName| {
        let verdict = permitted.verdicts.get(name);
        input.read.contains(name) && verdict.is_some_and(|verdict| verdict.acts)
    };
    only(&permitted.planned, |subject| {
        let name = subject.name();
        match name {
            // Only writable records of a zone were planned.
            ObjectName::Zone(_) => true,
            _ if is_known(&input.loaded.desired, &name) => acts(&name),
            // An account that left the tree.
            ObjectName::Account(_) => may_delete(input, &name),
            ObjectName::Template => false,
        }
    })
}

fn is_known(desired: &Desired, name: &ObjectName) -> bool {
    match name {
        ObjectName::Account(name) => desired.account(name).is_some(),
        ObjectName::Template => desired.template.is_some(),
        ObjectName::Zone(_) => false,
    }
}

/// Returns whether objects that left the tree may be deleted.
fn may_delete(input: &AssessmentInput<'_, '_>, name: &ObjectName) -> bool {
    let policy = input.loaded.watch.policy;
    let is_wanted = match policy.apply {
        ApplyMode::Auto => true,
        ApplyMode::Manual => input.approved.covers(name),
        ApplyMode::Off => false,
    };
    policy.prune && !input.is_paused && is_wanted && !input.declined.contains_key(name)
}

/// Gathers the input of an object's verdict.
pub(super) fn circumstances<'a>(
    input: &AssessmentInput<'_, 'a>,
    record: &'a ObjectRecord,
    differences: &'a Differences,
    name: &ObjectName,
) -> Circumstances<'a> {
    Circumstances {
        policy: input.loaded.watch.of(name.account()),
        is_exclusive: is_exclusive(&input.loaded.desired, name),
        is_paused: input.is_paused,
        is_baseless: input.without_base.contains(name),
        is_approved: input.approved.covers(name),
        declined: input.declined.get(name),
        retry_at: record.retry_at,
        changes: differences.changes_of(name),
        drift: &record.drift,
        drift_history: &record.drift_history,
        now: input.now,
    }
}

/// Returns whether everything that a tree declares is live, so that its commit becomes the base. Drift that policy
/// leaves alone does not count.
pub(super) fn is_complete(assessment: &Assessment<'_>) -> bool {
    let open = |changes: &[Change]| changes.iter().any(|change| !is_drift(change));
    let differences = &assessment.differences;
    let template = differences.template.iter();
    let lists = (differences.accounts.iter().chain(&differences.departed))
        .map(|account| &account.changes)
        .chain(template.map(|template| &template.changes));
    !differences.is_incomplete()
        && !assessment.whole.scope.records_unread
        && assessment.whole.refusals.is_empty()
        && !lists.map(Vec::as_slice).any(open)
        && !(differences.zones.iter()).any(|zone| zone.changes().any(|change| !is_drift(change)))
}

/// Moves into the base what is known to be live, and returns whether that changed the base.
pub(super) fn settle(
    base: &mut Option<Desired>,
    desired: &Desired,
    differences: &Differences,
) -> bool {
    let found = differences.accounts.iter();
    let sets = differences.zones.iter().flat_map(|zone| &zone.sets);
    let open: BTreeSet<&AccountName> = found
        .filter(|found| !is_settled(&found.unknown, &found.changes))
        .map(|found| &found.name)
        .chain(
            sets.filter(|set| !is_drift(&set.change))
                .flat_map(|set| &set.accounts),
        )
        .collect();
    // Records to remove follow from the template in the base, so it stays while records are pending.
    let is_template_settled = !records_wait(differences)
        && differences.template.as_ref().is_some_and(|template| {
            let unknown: Vec<String> = template.unknown.iter().cloned().collect();
            is_settled(&unknown, &template.changes)
        });
    let settled = desired.accounts.iter();
    let settled = settled.filter(|account| !open.contains(&account.name));
    let template = desired.template.clone().filter(|_| is_template_settled);
    if base.is_none() && settled.clone().next().is_none() && template.is_none() {
        return false;
    }
    let mut has_changed = base.is_none();
    let base = base.get_or_insert_with(|| desired.emptied());
    let mut new: Vec<SharedAccount> = Vec::new();
    for account in settled {
        match base.account_mut(&account.name) {
            // Tree and base share equal accounts.
            Some(known) if is_same(known, account) => known.clone_from(account),
            Some(_) | None => new.push(account.clone()),
        }
    }
    if !new.is_empty() {
        has_changed = true;
        let names: BTreeSet<_> = new.iter().map(|account| &account.name).collect();
        let identities: BTreeSet<_> = new.iter().map(|account| &account.identity.value).collect();
        base.accounts.retain(|known| {
            !names.contains(&known.name) && !identities.contains(&known.identity.value)
        });
        base.accounts.extend(new);
    }
    let mut departed_ones = differences.departed.iter();
    if !differences.is_incomplete() && departed_ones.all(|gone| gone.changes.is_empty()) {
        let gone: BTreeSet<AccountName> = (departed(desired, base).into_iter())
            .map(|account| account.name.clone())
            .collect();
        has_changed |= !gone.is_empty();
        base.accounts.retain(|known| !gone.contains(&known.name));
    }
    base.accounts.sort_by(|a, b| a.name.cmp(&b.name));
    if template.is_some() && !is_same_template(template.as_ref(), base.template.as_ref()) {
        base.template = template;
        has_changed = true;
    }
    has_changed
}

/// Returns whether what the tree declares of an object is live.
pub(super) fn has_settled(differences: &Differences, name: &ObjectName) -> bool {
    is_settled(&differences.unknown_of(name), &differences.changes_of(name))
}

/// Returns whether what the tree declares of an object is live; later manual changes are drift.
fn is_settled(unknown: &[String], changes: &[Change]) -> bool {
    unknown.is_empty() && changes.iter().all(is_drift)
}

/// Returns whether a verdict holds any key for a reason.
pub(super) fn holds(verdict: &ObjectVerdict, wanted: Hold) -> bool {
    verdict.holds.values().any(|hold| *hold == wanted)
}

/// Returns the objects that a plan writes to.
pub(super) fn acting(plan: &Plan) -> BTreeSet<ObjectName> {
    plan.steps.iter().flat_map(Step::objects).collect()
}
