//! Guards against changes that need approval, even if the tree is valid. Pure: `now` is an argument.
//!
//! | guard | trips when | what is held back |
//! | --- | --- | --- |
//! | `prune` | a whitelabel would be deleted without `--prune` | the account |
//! | `remove` | something would be removed that `policy.remove` says to ask for | what would be removed |
//! | `protected` | something of an account with `protected` would be deleted | the account |
//! | `recreate` | an asset can only be removed by deleting the whitelabel | the asset |
//! | `protected-account` | an account of `policy.protected_accounts` would change | the account |
//! | `protected-key` | a key of `policy.protected_keys` would change or be removed | the account |
//! | `executes` | a key that runs code in the browsers of customers would change, and not only back to what was applied last | the account |
//! | `too-many-deletions` | more than `policy.max_deletions` accounts would lose their whitelabel or a name in the DNS, or hosts the template | the run |
//! | `too-many-changes` | more than `policy.max_changed_percent` of the accounts would change | the run |
//! | `unreadable` | more than `policy.max_unreadable_percent` of the accounts could not be read | the run |
//! | `repair-template` | an unreadable template would be replaced without `--repair-template` | the template |
//! | `freeze` | `now` is in a window of `policy.freeze` | the run |
//! | `empty-tree` | the tree has neither accounts nor a template | the run |
//! | `rule` | a change does not meet a rule of `policy.rules`, or that cannot be told | the account, or the template |
//! | `billing` | the server charges money (C7), which it only reports on creation | the step |
//!
//! An account that is held back is left out of the plan, so that other accounts need not wait. A run that is held back
//! is planned in full for review, but not executed. [`check`] checks a finished plan: after planning, and again right
//! before execution.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Action, Plan, PlannedSet, Precondition, Refusal, RefusalKind, Step, Subject};
use crate::diff::{Cause, Change, ChangeKey, Edit, removed, removed_hosts, removed_sets};
use crate::dns::push::SetChange;
use crate::model::{AccountName, CodeKind, KeyPath, code_kind, count, count_of};
use crate::tree::{CodePolicy, Desired, DesiredAccount, Policy, Removable, RemovalRule};

/// The guards that an approval can lift, with their names on the command line.
pub const GUARDS: [(RefusalKind, &str); 15] = [
    (RefusalKind::Prune, "prune"),
    (RefusalKind::Remove, "remove"),
    (RefusalKind::Protected, "protected"),
    (RefusalKind::Recreate, "recreate"),
    (RefusalKind::ProtectedAccount, "protected-account"),
    (RefusalKind::ProtectedKey, "protected-key"),
    (RefusalKind::Executes, "executes"),
    (RefusalKind::TooManyDeletions, "too-many-deletions"),
    (RefusalKind::TooManyChanges, "too-many-changes"),
    (RefusalKind::Unreadable, "unreadable"),
    (RefusalKind::RepairTemplate, "repair-template"),
    (RefusalKind::Freeze, "freeze"),
    (RefusalKind::EmptyTree, "empty-tree"),
    (RefusalKind::Billing, "billing"),
    (RefusalKind::Rule, "rule"),
];

impl RefusalKind {
    /// Returns the guard's name on the command line; `None` for a refusal that no approval lifts.
    #[must_use]
    pub fn guard(self) -> Option<&'static str> {
        let found = GUARDS.iter().find(|(kind, _)| *kind == self);
        found.map(|(_, name)| *name)
    }

    /// Finds a guard by its name on the command line.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = GUARDS.iter().find(|(_, known)| *known == name);
        found.map(|(kind, _)| *kind)
    }
}

/// Checks a finished plan against the guards and returns the refusals. The plan must not be executed if there are any.
///
/// `desired` is the tree that the plan was made from. `allow` are the guards that were lifted for exactly this plan,
/// including [`RefusalKind::Prune`] if deletions were requested.
#[must_use]
pub fn check(
    plan: &Plan,
    desired: &Desired,
    allow: &BTreeSet<RefusalKind>,
    now: Timestamp,
) -> Vec<Refusal> {
    let policy = &desired.policy;
    let mut refusals = Vec::new();
    let emptied = |refusal: &&Refusal| refusal.kind == RefusalKind::EmptyTree;
    let emptied = plan.refusals.iter().find(emptied).cloned();
    refusals.extend(emptied.or_else(|| empty_tree(plan, desired)));
    if !plan.steps.is_empty() {
        refusals.extend(too_many_deletions(plan, policy));
        refusals.extend(too_many_changes(plan, policy));
        refusals.extend(unreadable(plan, policy));
        refusals.extend(freeze(plan, policy, now));
    }
    let created = created(plan);
    for step in &plan.steps {
        match (&step.subject, &step.action) {
            (_, Action::Delete) if created.contains(&step.subject) => {}
            (Subject::Account { name, .. }, _) => {
                let account = desired.account(name).map(AsRef::as_ref);
                refusals.extend(held_step(step, name, policy, account));
            }
            (_, Action::Records { sets }) => refusals.extend(held_records(step, sets, policy)),
            (Subject::Template, _) if step.precondition == Precondition::UnservableTemplate => {
                refusals.push(unread_template());
            }
            (Subject::Template, _) => {
                let hosts = removed_hosts(&step.changes);
                let subject = step.subject.clone();
                refusals.extend(unasked(subject, Removable::Hosts, &hosts, policy));
            }
            (Subject::Zone(_), _) => {}
        }
    }
    refusals.retain(|refusal| !allow.contains(&refusal.kind));
    let mut seen = BTreeSet::new();
    refusals.retain(|refusal| seen.insert((refusal.kind, refusal.subject.clone())));
    refusals
}

/// Returns the help text on how to allow what the plan leaves out; the digest is that of the plan that includes it.
pub(super) fn approval(kind: RefusalKind) -> String {
    kind.guard().map_or_else(String::new, |guard| {
        format!(
            "look at it with `plan --allow {guard}`, and allow exactly that with `apply --allow {guard} --expect DIGEST`"
        )
    })
}

/// Returns the protected key that a change would change or remove.
pub(super) fn protected_key<'a>(policy: &'a Policy, change: &Change) -> Option<&'a KeyPath> {
    let ChangeKey::Setting(path) = &change.key else {
        return None;
    };
    (policy.protected_keys.iter()).find(|key| path.is_within(key) || key.is_within(path))
}

/// Returns how a change of a key runs code in the browsers of customers, if it does; what is taken away runs nothing.
pub(super) fn runs_code(change: &Change) -> Option<CodeKind> {
    match &change.key {
        ChangeKey::Setting(path) if !change.is_removal() => code_kind(path.as_str()),
        _ => None,
    }
}

/// Returns the key of a change that runs code and that the policy has somebody approve.
///
/// What is only put back to the state that was applied last was approved then: the code of whoever changed it by hand goes
/// at once.
pub(super) fn unapproved_code<'a>(
    policy: &Policy,
    change: &'a Change,
) -> Option<(&'a KeyPath, CodeKind)> {
    let ChangeKey::Setting(path) = &change.key else {
        return None;
    };
    let is_asked = policy.code == CodePolicy::Ask && change.cause != Cause::Drift;
    runs_code(change)
        .filter(|_| is_asked)
        .map(|kind| (path, kind))
}

pub(super) fn code_refusal(
    subject: Option<Subject>,
    name: &AccountName,
    (key, kind): (&KeyPath, CodeKind),
) -> Refusal {
    Refusal {
        kind: RefusalKind::Executes,
        subject,
        message: format!("{key} of {name} would change, and it {}", kind.words()),
        help: format!(
            "{}; or save that plan with `plan --allow executes --out FILE`, and run `apply FILE`",
            approval(RefusalKind::Executes)
        ),
    }
}

pub(super) fn account_refusal(subject: Option<Subject>, name: &AccountName) -> Refusal {
    Refusal {
        kind: RefusalKind::ProtectedAccount,
        subject,
        message: format!("{name} would change, and policy.protected_accounts lists it"),
        help: approval(RefusalKind::ProtectedAccount),
    }
}

pub(super) fn key_refusal(
    subject: Option<Subject>,
    name: &AccountName,
    key: &KeyPath,
    what: &str,
) -> Refusal {
    Refusal {
        kind: RefusalKind::ProtectedKey,
        subject,
        message: format!("{key} of {name} would {what}, and policy.protected_keys lists it"),
        help: approval(RefusalKind::ProtectedKey),
    }
}

pub(super) fn removal_refusal(
    subject: Option<Subject>,
    names: &[String],
    kind: Removable,
    instead: &str,
) -> Refusal {
    Refusal {
        kind: RefusalKind::Remove,
        subject,
        message: format!(
            "{} would be removed, and policy.remove.{} says to ask",
            names.join(", "),
            kind.name()
        ),
        help: format!("{instead}{}", approval(RefusalKind::Remove)),
    }
}

/// Returns the removals of a planned template or update that the policy does not allow.
fn unasked(
    subject: Subject,
    kind: Removable,
    names: &[String],
    policy: &Policy,
) -> Option<Refusal> {
    let is_allowed = policy.remove.rule(kind) == RemovalRule::Allowed;
    (!is_allowed && !names.is_empty()).then(|| removal_refusal(Some(subject), names, kind, ""))
}

fn run_refusal(plan: &Plan, kind: RefusalKind, message: String, first: &str) -> Refusal {
    let digest = plan.digest();
    let guard = kind.guard().unwrap_or_default();
    let first = if plan.scope.shard.is_some() {
        format!("{first}, or run without --shard")
    } else {
        first.to_owned()
    };
    Refusal {
        kind,
        subject: None,
        message,
        help: format!(
            "{first}, or allow exactly this plan with `apply --allow {guard} --expect {}`",
            digest.short()
        ),
    }
}

/// Returns the accounts whose whitelabel the plan creates: deleting it again, which only releases a domain, loses
/// nothing.
fn created(plan: &Plan) -> BTreeSet<&Subject> {
    let creates = |step: &&Step| matches!(step.action, Action::Create { .. });
    let creations = plan.steps.iter().filter(creates);
    creations.map(|step| &step.subject).collect()
}

fn empty_tree(plan: &Plan, desired: &Desired) -> Option<Refusal> {
    let has_accounts = !desired.accounts.is_empty() || plan.scope.left_out > 0;
    // A plan that only restores records needs no tree.
    let is_zone = |step: &Step| matches!(step.subject, Subject::Zone(_));
    let has_records = plan.steps.iter().any(is_zone);
    (!has_accounts && desired.template.is_none() && !has_records).then(|| Refusal {
        kind: RefusalKind::EmptyTree,
        subject: None,
        message: "the tree has no accounts and no domain template".to_owned(),
        help: "check that this is the right folder and the right cluster".to_owned(),
    })
}

fn too_many_deletions(plan: &Plan, policy: &Policy) -> Option<Refusal> {
    let limit = policy.max_deletions?;
    let (mut whitelabels, mut names, mut hosts) = (BTreeSet::new(), BTreeSet::new(), 0);
    let created = created(plan);
    for step in &plan.steps {
        match (&step.subject, &step.action) {
            (_, Action::Delete) if created.contains(&step.subject) => {}
            (Subject::Account { name, .. }, Action::Delete) => {
                whitelabels.insert(name);
            }
            (_, Action::Records { sets }) => {
                let gone = sets.iter().filter(|set| set.change.after.is_empty());
                names.extend(gone.flat_map(|set| &set.accounts));
            }
            (Subject::Template, _) => hosts += removed_hosts(&step.changes).len(),
            _ => {}
        }
    }
    names.retain(|name| !whitelabels.contains(name));
    let deletions = (whitelabels.len() + names.len() + hosts) as u64;
    let shard = plan.scope.shard;
    let part = shard.map_or(u64::from(limit), |it| it.shard.part_of(u64::from(limit)));
    (deletions > part).then(|| {
        let records = match names.len() {
            0 => String::new(),
            number => format!(" and {} would lose records", count(number, "account")),
        };
        let of_template = match hosts {
            0 => String::new(),
            number => format!(" and {} of the domain template", count(number, "host")),
        };
        let message = format!(
            "{}{of_template} would be deleted{records}, policy.max_deletions is {limit}{}",
            count(whitelabels.len(), "whitelabel"),
            part_told(plan, part)
        );
        let first = "delete fewer at once";
        run_refusal(plan, RefusalKind::TooManyDeletions, message, first)
    })
}

fn too_many_changes(plan: &Plan, policy: &Policy) -> Option<Refusal> {
    let limit = policy.max_changed_percent?;
    let changed: BTreeSet<&AccountName> = plan.steps.iter().flat_map(touched).collect();
    let accounts = plan.scope.whole();
    let over = over(changed.len(), accounts, limit, plan, policy);
    over.map(|part| {
        let message = format!(
            "{} would change, policy.max_changed_percent is {limit}{}",
            count_of(changed.len(), accounts as usize, "account"),
            part_told(plan, part)
        );
        let first = "change fewer at once";
        run_refusal(plan, RefusalKind::TooManyChanges, message, first)
    })
}

/// Returns the accounts that a step changes.
fn touched(step: &Step) -> Vec<&AccountName> {
    match (&step.subject, &step.action) {
        (Subject::Account { name, .. }, _) => vec![name],
        (_, Action::Records { sets }) => sets.iter().flat_map(|set| &set.accounts).collect(),
        (Subject::Template | Subject::Zone(_), _) => Vec::new(),
    }
}

fn unreadable(plan: &Plan, policy: &Policy) -> Option<Refusal> {
    let limit = policy.max_unreadable_percent?;
    let unreadable = plan.scope.unreadable;
    let shard = plan.scope.shard;
    let accounts = shard.map_or(plan.scope.accounts, |shard| shard.accounts);
    let over = over(unreadable as usize, accounts, limit, plan, policy);
    over.map(|part| {
        let message = format!(
            "{} could not be read, policy.max_unreadable_percent is {limit}{}",
            count_of(unreadable as usize, accounts as usize, "account"),
            part_told(plan, part)
        );
        let first = "run again when the platform answers";
        run_refusal(plan, RefusalKind::Unreadable, message, first)
    })
}

/// Returns the allowed number of accounts if `found` exceeds it. A shard gets its part of the limit of the whole tree,
/// so that all shards together never exceed that.
fn over(found: usize, whole: u32, limit: u32, plan: &Plan, policy: &Policy) -> Option<u64> {
    let allowed = u64::from(limit) * u64::from(whole) / 100;
    let shard = plan.scope.shard;
    let allowed = shard.map_or(allowed, |it| it.shard.part_of(allowed));
    (whole >= policy.share_floor && found as u64 > allowed).then_some(allowed)
}

/// Returns a message suffix with a shard's part of a limit.
fn part_told(plan: &Plan, part: u64) -> String {
    plan.scope.shard.map_or_else(String::new, |it| {
        format!(
            " for all {} together; the part of shard {} is {part}",
            count(it.shard.count() as usize, "shard"),
            it.shard
        )
    })
}

pub(crate) fn freeze(plan: &Plan, policy: &Policy, now: Timestamp) -> Option<Refusal> {
    let freeze = policy.freezes.iter().find(|freeze| freeze.holds(now))?;
    let reason = (freeze.reason.as_ref()).map_or_else(String::new, |reason| format!(": {reason}"));
    let message = format!(
        "nothing is written from {} until {}{reason}",
        freeze.from, freeze.until
    );
    let first = format!("wait until {}", freeze.until);
    Some(run_refusal(plan, RefusalKind::Freeze, message, &first))
}

fn unread_template() -> Refusal {
    Refusal {
        kind: RefusalKind::RepairTemplate,
        subject: Some(Subject::Template),
        message: "the domain template would be replaced as a whole, and what is there cannot be read, so no snapshot can bring it back".to_owned(),
        help: "look at it with `plan --repair-template`, and run with `--repair-template` to allow it".to_owned(),
    }
}

/// Checks DNS records for changes that planning should have left out.
fn held_records(step: &Step, sets: &[PlannedSet], policy: &Policy) -> Option<Refusal> {
    let mut accounts = sets.iter().flat_map(|set| &set.accounts);
    let protected = accounts.find(|name| policy.protected_accounts.contains(*name));
    if let Some(name) = protected {
        return Some(account_refusal(Some(step.subject.clone()), name));
    }
    let changes: Vec<&SetChange> = sets.iter().map(|set| &set.change).collect();
    let gone = removed_sets(&changes).into_iter();
    let names: Vec<String> = gone.map(|question| question.to_string()).collect();
    unasked(step.subject.clone(), Removable::Records, &names, policy)
}

/// Checks a step for changes that planning should have left out, because the policy may be newer than the plan and a
/// saved plan may have been edited.
fn held_step(
    step: &Step,
    name: &AccountName,
    policy: &Policy,
    account: Option<&DesiredAccount>,
) -> Vec<Refusal> {
    let subject = || Some(step.subject.clone());
    let deletes = step.action == Action::Delete;
    let recreates = matches!(step.action, Action::Recreate { .. });
    let mut held = Vec::new();
    if policy.protected_accounts.contains(name) {
        held.push(account_refusal(subject(), name));
    }
    let is_creation = matches!(step.action, Action::Create { .. });
    let key = (step.changes.iter()).find_map(|change| protected_key(policy, change));
    if let Some(key) = key.filter(|_| !is_creation) {
        held.push(key_refusal(subject(), name, key, "change"));
    }
    let code = (step.changes.iter()).find_map(|change| unapproved_code(policy, change));
    held.extend(code.map(|code| code_refusal(subject(), name, code)));
    let mut refuse = |kind, message, help| {
        held.push(Refusal {
            kind,
            subject: subject(),
            message,
            help,
        });
    };
    if deletes && policy.remove.rule(Removable::Whitelabels) != RemovalRule::Allowed {
        refuse(
            RefusalKind::Prune,
            format!("the whitelabel of {name} would be deleted with all its assets"),
            "run with `--prune` to allow deletions".to_owned(),
        );
    }
    if (deletes || recreates) && account.is_some_and(|account| account.policy.protected) {
        refuse(
            RefusalKind::Protected,
            format!("the whitelabel of {name} would be deleted, and {name} is protected"),
            approval(RefusalKind::Protected),
        );
    }
    let is_allowed = policy.remove.rule(Removable::Assets) == RemovalRule::Allowed;
    if recreates && !is_allowed && account.is_some_and(|account| !account.policy.recreate) {
        refuse(
            RefusalKind::Recreate,
            format!(
                "the whitelabel of {name} would be deleted and created again, and recreate is not allowed for {name}"
            ),
            approval(RefusalKind::Recreate),
        );
    }
    held.extend(held_keys(step, policy));
    held
}

/// Checks an update for removals that policy says to ask for.
fn held_keys(step: &Step, policy: &Policy) -> Option<Refusal> {
    let (Subject::Account { id, .. }, Action::Update { set, remove }) =
        (&step.subject, &step.action)
    else {
        return None;
    };
    let edit = Edit {
        set: set.clone(),
        remove: remove.clone(),
    };
    let gone = (step.changes.iter()).filter(|change| removed(change, &edit, Some(id)).is_some());
    let names: Vec<String> = gone
        .filter_map(|change| match &change.key {
            ChangeKey::Setting(path) => Some(path.to_string()),
            _ => None,
        })
        .collect();
    unasked(step.subject.clone(), Removable::Keys, &names, policy)
}
