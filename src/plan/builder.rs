//! Builds the whole plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::domains::{self, DocumentEffect, DomainFacts, Kept, Verdict};
use super::draft::{self, Draft};
use super::house::{self, RuleInput};
use super::intent::Intent;
use super::kept::keep;
use super::order::{self, Level, Slot};
use super::records::{self, RecordsPlan};
use super::{
    Action, FORMAT_VERSION, Options, Plan, Precondition, Refusal, RefusalKind, Scope, ShardScope,
    Step, StepId, Subject, Unknown, guard, removal, servable,
};
use crate::diag::SourceMap;
use crate::diff::{
    AccountDifference, Change, ChangeKey, Differences, ManagedRecords, TemplateDifference,
    ZoneDifference, compare, departed_name,
};
use crate::live::{Live, Reading};
use crate::model::{AccountId, AccountName, Digest, KeyPath};
use crate::tree::{self, Desired, Policy, SharedAccount};

/// The note on a step that repairs the template.
const UNREAD_TEMPLATE: &str = "the declared template replaces the whole template: undeclared hosts on the platform cannot be read and are lost; no snapshot can be taken, and `restore` cannot bring them back";

/// A plan, and the differences that it is based on.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The differences, including those for which a guard refused a step.
    pub differences: Differences,
}

/// Plans the steps from the live state to the desired one, without DNS records; see [`plan_with_records`].
#[must_use]
pub fn plan(
    desired: &Desired,
    base: Option<&Desired>,
    live: &Live,
    sources: &SourceMap,
    options: &Options,
) -> Planned {
    let mut planned = plan_with_records(desired, base, live, Vec::new(), sources, options);
    planned.plan.scope.records_unread = ManagedRecords::are_needed(desired, base);
    planned
}

/// Plans the steps from the live state to the desired one. `zones` are the differences in the DNS of managed accounts.
#[must_use]
pub fn plan_with_records(
    desired: &Desired,
    base: Option<&Desired>,
    live: &Live,
    zones: Vec<ZoneDifference>,
    sources: &SourceMap,
    options: &Options,
) -> Planned {
    let mut differences = compare(desired, base, live, sources);
    differences.zones = zones;
    plan_differences(differences, desired.digest(), desired, base, live, options)
}

/// Plans the steps from the live state to the desired one, given the result of [`compare`] for exactly these two.
/// `tree` is the digest of the desired state. Pure: equal inputs give equal bytes.
///
/// Guards refuse as little as possible: when the removal of an asset is refused, the account's other steps remain. But
/// an account whose domain is held by another account gets no steps, because half a brand is worse than none.
#[must_use]
pub fn plan_differences(
    mut differences: Differences,
    tree: Digest,
    desired: &Desired,
    base: Option<&Desired>,
    live: &Live,
    options: &Options,
) -> Planned {
    if !options.part.covers_template() {
        differences.template = None;
    }
    if options.allows(RefusalKind::RepairTemplate)
        && let Some(template) = &mut differences.template
    {
        template.allow_repair();
    }
    keep(&mut differences, live, desired, options.no_remove);
    let mut zones = std::mem::take(&mut differences.zones);
    let mut refusals: Vec<Refusal> = emptied(&differences, desired, options)
        .into_iter()
        .collect();
    let mut chains = Vec::new();
    let mut edges = BTreeSet::new();
    let mut intents: Vec<Intent<'_>> = (desired.accounts.iter().zip(&differences.accounts))
        .map(|(account, difference)| {
            let live = live.accounts.get(&account.name).map(AsRef::as_ref);
            let rules = (&desired.policy, options);
            Intent::new(account, difference, live, rules, &mut refusals)
        })
        .collect();
    if let Some(base) = base
        && (!desired.accounts.is_empty()
            || options.part.left_out > 0
            || options.allows(RefusalKind::EmptyTree))
    {
        let rules = (&desired.policy, options);
        intents.extend(departed(base, &differences, live, rules, &mut refusals));
        // Reports list accounts by name, and number the steps of merged ones likewise.
        intents.sort_by(|a, b| a.difference.name.cmp(&b.difference.name));
    }
    let users: Vec<_> = intents.iter().map(Intent::user).collect();
    let facts = DomainFacts {
        holders: &live.holders,
        part: &options.part,
        outside: &live.outside,
        kept: kept(&refusals),
    };
    let verdicts = domains::settle(&users, &facts);
    for (intent, verdict) in intents.iter().zip(&verdicts) {
        chains.push(chain(intent, verdict, &mut refusals));
    }
    for (index, verdict) in verdicts.iter().enumerate() {
        edges.extend(domain_edges(&chains, index, verdict));
    }
    // Only zones need them.
    let courses = match zones[..] {
        [] => BTreeMap::new(),
        [..] => courses(desired, base, live, (&intents, &verdicts, &chains)),
    };
    if let Some(difference) = &differences.template {
        let rules = (&desired.policy, options);
        chains.push(template(difference, live, rules, &mut refusals));
    }
    let rules = (&desired.policy, options);
    for step in records::steps(&mut zones, &courses, rules, &mut refusals) {
        let slot = (chains.len(), 0);
        edges.extend(step.after.into_iter().map(|before| (before, slot)));
        chains.push(Some(Chain {
            subject: step.subject,
            precondition: step.precondition,
            drafts: vec![step.draft],
        }));
    }
    let mut plan = Plan {
        version: FORMAT_VERSION,
        cluster: desired.cluster.name.clone(),
        tree,
        commit: None,
        base: None,
        forgotten: Vec::new(),
        scope: scope(desired, live, &zones, options),
        steps: assemble(chains, edges),
        refusals,
        unknown: Unknown::default(),
    };
    let mut guarded = guard::check(&plan, desired, &options.allow, options.now);
    guarded.retain(|refusal| !plan.refusals.contains(refusal));
    plan.refusals.extend(guarded);
    plan.refusals
        .sort_by(|a, b| (&a.subject, a.kind).cmp(&(&b.subject, b.kind)));
    differences.zones = zones;
    plan.unknown = Unknown::of(&differences);
    plan.scope.departed = in_plan(&plan, &differences.departed);
    Planned { plan, differences }
}

/// Returns the refusal of a tree that lost all accounts, while some of them still have a whitelabel.
fn emptied(differences: &Differences, desired: &Desired, options: &Options) -> Option<Refusal> {
    let is_emptied = desired.accounts.is_empty()
        && options.part.left_out == 0
        && !differences.departed.is_empty()
        && desired.template.is_some()
        && !options.allows(RefusalKind::EmptyTree);
    is_emptied.then(|| Refusal {
        kind: RefusalKind::EmptyTree,
        subject: None,
        message: match differences.departed.len() {
            1 => {
                "the tree has no accounts, but 1 of the tree applied last still has a whitelabel"
                    .to_owned()
            }
            many => format!(
                "the tree has no accounts, but {many} of the tree applied last still have a whitelabel"
            ),
        },
        help: "check that this is the right folder and the right cluster".to_owned(),
    })
}

/// Returns the accounts for which a guard refuses a deletion.
fn kept(refusals: &[Refusal]) -> BTreeMap<AccountId, Kept> {
    let mut kept = BTreeMap::new();
    for refusal in refusals {
        if let Some(Subject::Account { name, id }) = &refusal.subject {
            kept.entry(id.clone()).or_insert(Kept {
                name: name.to_string(),
                kind: refusal.kind,
            });
        }
    }
    kept
}

/// Determines the course for the records of each account, which follow its domain.
fn courses(
    desired: &Desired,
    base: Option<&Desired>,
    live: &Live,
    (intents, verdicts, chains): (&[Intent<'_>], &[Verdict], &[Option<Chain>]),
) -> BTreeMap<AccountName, RecordsPlan> {
    let mut courses = BTreeMap::new();
    let departed = base.map_or_else(Vec::new, |base| tree::departed(desired, base));
    for account in departed {
        let found = live.departed.get(&account.name).map(|live| &live.document);
        let records_plan = match found {
            Some(Reading::Known(None)) => RecordsPlan::Free,
            Some(Reading::Known(Some(_))) => {
                RecordsPlan::Held("its whitelabel is still there".to_owned())
            }
            Some(Reading::Unknown(_)) | None => {
                RecordsPlan::Unknown("its whitelabel could not be read".to_owned())
            }
        };
        courses.insert(departed_name(desired, account), records_plan);
    }
    for (index, (intent, verdict)) in intents.iter().zip(verdicts).enumerate() {
        let drafts = chains.get(index).and_then(Option::as_ref);
        let drafts = drafts.map_or(&[][..], |chain| &chain.drafts);
        let name = intent.difference.name.clone();
        courses.insert(name, records_plan(intent, verdict, index, drafts));
    }
    courses
}

fn records_plan(
    intent: &Intent<'_>,
    verdict: &Verdict,
    index: usize,
    drafts: &[Draft],
) -> RecordsPlan {
    let domain = ChangeKey::Setting(KeyPath::from("domain"));
    let changes = |draft: &Draft, key: &ChangeKey| draft.changes.iter().any(|it| it.key == *key);
    let is_whole = |change: &Change| change.key == ChangeKey::Whitelabel;
    let last = |wanted: &dyn Fn(&Draft) -> bool| drafts.iter().rposition(wanted);
    match intent.effect {
        DocumentEffect::Unknown => {
            RecordsPlan::Unknown("its whitelabel could not be read".to_owned())
        }
        _ if intent.is_observed() => RecordsPlan::Held("the account is only observed".to_owned()),
        DocumentEffect::Held => RecordsPlan::Held("a guard holds the account".to_owned()),
        _ if verdict.refused.is_some() => RecordsPlan::Held("it cannot have its domain".to_owned()),
        DocumentEffect::Untouched if intent.difference.changes.iter().any(is_whole) => {
            RecordsPlan::Held("its whitelabel is not deleted".to_owned())
        }
        DocumentEffect::Untouched | DocumentEffect::Updated if intent.keeps_domain().is_some() => {
            RecordsPlan::Held("its domain stays".to_owned())
        }
        DocumentEffect::Missing => RecordsPlan::Free,
        DocumentEffect::Deleted => last(&|draft| draft.action == Action::Delete)
            .map_or(RecordsPlan::Free, |place| {
                RecordsPlan::After((index, place))
            }),
        DocumentEffect::Created | DocumentEffect::Updated | DocumentEffect::Untouched => {
            let moves = last(&|draft| draft.is_write() && changes(draft, &domain));
            let created = last(&|draft| matches!(draft.action, Action::Create { .. }));
            moves.or(created).map_or(RecordsPlan::Free, |place| {
                RecordsPlan::After((index, place))
            })
        }
    }
}

/// Returns the intents for accounts that are no longer in the tree.
fn departed<'a>(
    base: &'a Desired,
    differences: &'a Differences,
    live: &'a Live,
    rules: (&Policy, &Options),
    refusals: &mut Vec<Refusal>,
) -> Vec<Intent<'a>> {
    (differences.departed.iter())
        .filter_map(|difference| {
            let id = difference.id.as_ref()?;
            let mut departed = live.departed.iter();
            let (name, live) = departed.find(|(_, live)| live.id.known() == Some(id))?;
            let account = base.account(name)?;
            Intent::departed(account, difference, live, rules, refusals)
        })
        .collect()
}

/// Counts the accounts among these that a plan has steps, refusals or reasons for.
fn in_plan(plan: &Plan, accounts: &[Arc<AccountDifference>]) -> u32 {
    let steps = plan.steps.iter().map(|step| &step.subject);
    let refused = (plan.refusals.iter()).filter_map(|refusal| refusal.subject.as_ref());
    let named: BTreeSet<&AccountName> = steps
        .chain(refused)
        .filter_map(|subject| match subject {
            Subject::Account { name, .. } => Some(name),
            Subject::Template | Subject::Zone(_) => None,
        })
        .chain(plan.unknown.accounts.keys())
        .collect();
    let found = accounts.iter().filter(|found| named.contains(&found.name));
    u32::try_from(found.count()).unwrap_or(u32::MAX)
}

fn scope(desired: &Desired, live: &Live, zones: &[ZoneDifference], options: &Options) -> Scope {
    let part = &options.part;
    let is_read = |account: &&SharedAccount| {
        let live = live.accounts.get(&account.name);
        live.is_some_and(|live| live.id.known().is_some() && live.document.known().is_some())
    };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let read = desired.accounts.iter().filter(is_read).count();
    Scope {
        accounts: count(desired.accounts.len()),
        unreadable: count(desired.accounts.len() - read),
        no_remove: options.no_remove,
        left_out: part.left_out,
        departed: 0,
        selection: part.selection.clone(),
        since: part.since.clone(),
        shard: part.siblings.as_ref().map(|siblings| ShardScope {
            shard: siblings.shard,
            accounts: siblings.accounts,
        }),
        records_unread: zones.iter().any(|zone| !zone.unknown.is_empty()),
    }
}

/// The steps of one subject, each depending on the previous one.
struct Chain {
    subject: Subject,
    precondition: Precondition,
    drafts: Vec<Draft>,
}

fn chain(intent: &Intent<'_>, verdict: &Verdict, refusals: &mut Vec<Refusal>) -> Option<Chain> {
    let subject = intent.subject()?;
    if let Some(refused) = &verdict.refused {
        refusals.push(Refusal {
            kind: RefusalKind::DomainHeld,
            subject: Some(subject.clone()),
            message: refused.message.clone(),
            help: refused.help.clone(),
        });
    }
    let drafts = draft::steps(intent, verdict);
    (!drafts.is_empty()).then(|| Chain {
        subject,
        precondition: intent
            .document
            .map_or(Precondition::NoWhitelabel, |document| {
                Precondition::Revision(document.revision.clone())
            }),
        drafts,
    })
}

/// Returns edges to the write that claims a domain, from the first step of each holder that frees it.
fn domain_edges(chains: &[Option<Chain>], index: usize, verdict: &Verdict) -> Vec<(Slot, Slot)> {
    let drafts = |index: usize| {
        let chain = chains.get(index).and_then(Option::as_ref);
        chain.map_or(&[][..], |chain| &chain.drafts)
    };
    let Some(claim) = drafts(index).iter().rposition(Draft::is_write) else {
        return Vec::new();
    };
    let frees = |draft: &Draft| draft.is_write() || matches!(draft.action, Action::Release { .. });
    verdict
        .waits_for
        .iter()
        .filter_map(|holder| {
            let first = drafts(*holder).iter().position(frees)?;
            Some(((*holder, first), (index, claim)))
        })
        .collect()
}

/// Returns the step that replaces the template. It replaces all of it, so it is refused if any part could not be
/// served.
fn template(
    difference: &TemplateDifference,
    live: &Live,
    rules: (&Policy, &Options),
    refusals: &mut Vec<Refusal>,
) -> Option<Chain> {
    let asked = removal::ask_hosts(difference, live, rules);
    let difference = match &asked {
        Some((rest, refusal)) => {
            refusals.push(refusal.clone());
            rest
        }
        None => difference,
    };
    let wanted = difference.wanted.clone()?;
    let before = live.template.as_ref().and_then(Reading::known);
    let precondition = match before {
        Some(before) => Precondition::Template(before.digest()),
        // Only a repair has a desired template when the live one could not be read.
        None => Precondition::UnservableTemplate,
    };
    if difference.changes.is_empty() {
        return None;
    }
    let refused = servable::check(&wanted);
    if !refused.is_empty() {
        refusals.extend(refused);
        return None;
    }
    let replace = Action::ReplaceTemplate { template: wanted };
    let input = || RuleInput::of_template(&difference.changes);
    if let Some(refused) = house::refusal(rules, Some(&Subject::Template), input) {
        refusals.push(refused);
        return None;
    }
    let mut draft = Draft::new(replace, difference.changes.clone())?;
    if before.is_none() {
        draft.notes.push(UNREAD_TEMPLATE.to_owned());
    }
    Some(Chain {
        subject: Subject::Template,
        precondition,
        drafts: vec![draft],
    })
}

fn assemble(chains: Vec<Option<Chain>>, mut edges: BTreeSet<(Slot, Slot)>) -> Vec<Step> {
    let mut levels = BTreeMap::new();
    for (index, chain) in chains.iter().enumerate() {
        let drafts = chain.iter().flat_map(|chain| &chain.drafts);
        for (place, draft) in drafts.enumerate() {
            levels.insert((index, place), Level::of(&draft.action));
            if let Some(previous) = place.checked_sub(1) {
                edges.insert(((index, previous), (index, place)));
            }
        }
    }
    let numbers = order::number(&levels, &edges);
    let mut waits: BTreeMap<Slot, BTreeSet<StepId>> = BTreeMap::new();
    for (before, after) in &edges {
        if let Some(id) = numbers.get(before) {
            waits.entry(*after).or_default().insert(*id);
        }
    }
    let mut steps = Vec::new();
    for (index, chain) in chains.into_iter().enumerate() {
        let Some(chain) = chain else { continue };
        let mut precondition = chain.precondition;
        for (place, draft) in chain.drafts.into_iter().enumerate() {
            let slot = (index, place);
            let Some(id) = numbers.get(&slot).copied() else {
                break;
            };
            steps.push(Step {
                id,
                subject: chain.subject.clone(),
                action: draft.action,
                changes: draft.changes,
                precondition: std::mem::replace(&mut precondition, Precondition::AsLeftBy(id)),
                risk: draft.risk,
                after: waits.remove(&slot).into_iter().flatten().collect(),
                notes: draft.notes,
            });
        }
    }
    steps.sort_by_key(|step| step.id);
    steps
}
