//! Builds a [`Report`] from the results of the stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{
    BaseReport, Command, Coverage, ObjectReport, Report, Requests, ShardReport, Status, StepReport,
    Verb,
};
use super::{DnsReport, Looks, Places, Problem, outside, problems};
use crate::apply::{Applied, StepOutcome};
use crate::diag::{Diagnostic, SourceMap};
use crate::diff::{AccountDifference, Differences, ZoneDifference};
use crate::live::{Live, LiveAccount, Reading};
use crate::model::{AccountName, Digest, ObjectName, Shard, count_of};
use crate::plan::{Action, Plan, Refusal, Step, StepId, Subject, Unknown};
use crate::tree::{Base, Desired, DesiredAccount};

/// The results of the stages that were run.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The command that the report is about.
    pub command: Command,
    /// The problems found in the tree.
    pub diagnostics: &'a [Diagnostic],
    /// The source texts that the diagnostics point into.
    pub sources: &'a SourceMap,
    /// The desired state, if it could be determined.
    pub desired: Option<&'a Desired>,
    /// The live state.
    pub live: Option<&'a Live>,
    /// The differences between the desired and the live state.
    pub differences: Option<&'a Differences>,
    /// The plan, with its digest.
    pub plan: Option<(&'a Plan, &'a Digest)>,
    /// The outcome of applying the plan.
    pub applied: Option<&'a Applied>,
    /// The base, which is the last applied tree, if it was requested.
    pub base: Option<&'a Base>,
    /// Notes about the run as a whole.
    pub notes: &'a [String],
    /// What the tree makes of warnings, with its reasons.
    pub lint: &'a [String],
    /// The number of requests sent, if they were counted.
    pub requests: Option<Requests>,
    /// The results of the DNS check.
    pub dns: Option<&'a DnsReport>,
    /// The shard of the tree that was examined, if other shards examine the rest.
    pub shard: Option<&'a ShardFacts>,
}

/// What a shard knows about itself and about the whole tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardFacts {
    /// The shard.
    pub shard: Shard,
    /// The number of accounts that all shards examine together.
    pub accounts: u32,
    /// The digest of the whole tree.
    pub tree: Digest,
    /// Notes that only make sense in this shard's own report.
    pub notes: Vec<String>,
}

impl<'a> Facts<'a> {
    /// Creates the facts that every command has: those of a tree that was read.
    #[must_use]
    pub fn new(command: Command, diagnostics: &'a [Diagnostic], sources: &'a SourceMap) -> Self {
        Self {
            command,
            diagnostics,
            sources,
            desired: None,
            live: None,
            differences: None,
            plan: None,
            applied: None,
            base: None,
            notes: &[],
            lint: &[],
            requests: None,
            dns: None,
            shard: None,
        }
    }
}

/// Builds the report of a run.
#[must_use]
pub fn report(facts: &Facts<'_>) -> Report {
    let problems: Vec<Problem> = problems(facts.diagnostics, facts.sources);
    let mut planned = Planned::sort(facts);
    let alone = facts.plan.filter(|_| facts.desired.is_none());
    let objects = match alone {
        Some((plan, _)) => objects_of_plan(plan, &mut planned),
        None => objects_of_tree(facts, &mut planned),
    };
    Report {
        command: facts.command,
        cluster: facts
            .desired
            .map(|desired| desired.cluster.name.clone())
            .or_else(|| alone.map(|(plan, _)| plan.cluster.clone())),
        tree: (facts.shard.map(|shard| shard.tree.clone()))
            .or_else(|| facts.desired.map(Desired::digest))
            .or_else(|| alone.map(|(plan, _)| plan.tree.clone())),
        plan: facts.plan.map(|(_, digest)| digest.clone()),
        recorded: false,
        restored: false,
        problems,
        accounts: objects.accounts,
        unnamed: objects.unnamed,
        template: objects.template,
        zones: objects.zones,
        refusals: planned.refusals.remove(&None).unwrap_or_default(),
        notes: facts
            .differences
            .map(|differences| differences.notes.clone())
            .or_else(|| alone.map(|(plan, _)| notes_of_plan(plan)))
            .unwrap_or_default()
            .into_iter()
            .chain(facts.notes.iter().cloned())
            .chain(facts.lint.iter().cloned())
            .chain(facts.shard.iter().flat_map(|shard| shard.notes.clone()))
            .chain(
                facts
                    .live
                    .iter()
                    .flat_map(|live| outside::notes(&live.outside, facts.differences)),
            )
            .collect(),
        base: facts.base.map(BaseReport::from),
        coverage: facts.live.and_then(coverage),
        requests: facts.requests,
        dns: facts.dns.cloned(),
        shard: facts.shard.map(|shard| ShardReport {
            shard: shard.shard,
            accounts: shard.accounts as usize,
            looked_at: facts.desired.map_or(0, |desired| desired.accounts.len()),
            managed: facts.live.map_or(0, managed),
            unread: facts.live.map_or(0, unread),
            notes: shard.notes.clone(),
        }),
        places: places(facts),
    }
}

/// Collects the places in the tree; a shard keeps the texts of its own accounts and of the files that all accounts
/// share.
fn places(facts: &Facts<'_>) -> Places {
    let mut places = Places::of(facts.desired, facts.sources);
    if facts.shard.is_some() {
        let Places {
            texts, accounts, ..
        } = &mut places;
        texts.retain(|path, _| match path.strip_prefix("accounts") {
            Ok(below) => (below.components().next())
                .is_some_and(|name| accounts.contains_key(&AccountName::new(name.as_str()))),
            Err(_) => true,
        });
    }
    places
}

/// The objects of a report.
#[derive(Default)]
struct Objects {
    accounts: Vec<ObjectReport>,
    /// Accounts that are in sync, and not in the list.
    unnamed: usize,
    template: Option<ObjectReport>,
    zones: Vec<ObjectReport>,
}

/// Builds the reports of all objects of the tree.
fn objects_of_tree(facts: &Facts<'_>, planned: &mut Planned<'_>) -> Objects {
    let declared = facts.desired.iter().flat_map(|desired| &desired.accounts);
    let departed = facts.differences.iter().flat_map(|found| &found.departed);
    let names = declared
        .map(|declared| &declared.name)
        .chain(departed.map(|gone| &gone.name));
    let mut accounts: Vec<ObjectReport> = names.map(|name| account(name, planned)).collect();
    accounts.sort_by(|a, b| a.name.cmp(&b.name));
    let left_out = |report: &ObjectReport| {
        let found = facts.differences;
        found.is_some_and(|found| found.left_out.contains(report.title()))
    };
    // A difference that is left out of the report still exists.
    let as_it_is = |mut report: ObjectReport| {
        if report.status == Status::InSync && left_out(&report) {
            report.status = Status::Pending;
        }
        report
    };
    let looks = looks(facts);
    let accounts = accounts.into_iter().map(|mut report| {
        report.looks = (report.name.as_ref())
            .filter(|_| report.differs())
            .and_then(&looks);
        as_it_is(report)
    });
    let accounts = accounts.collect();
    let is_declared = facts
        .desired
        .filter(|_| facts.shard.is_none_or(|it| it.shard.is_first()))
        .is_some_and(|desired| desired.template.is_some());
    // A restore may refuse a template of which there is no snapshot.
    let is_refused = planned.refusals.contains_key(&Some(ObjectName::Template));
    let template = (is_declared || is_refused).then(|| as_it_is(template(facts, planned)));
    let zones = facts.differences.iter().flat_map(|found| &found.zones);
    Objects {
        accounts,
        unnamed: 0,
        template,
        zones: zones
            .map(|difference| as_it_is(zone(difference, planned)))
            .collect(),
    }
}

/// Returns a function that finds how an account of the tree looks on both sides.
fn looks(facts: &Facts<'_>) -> impl Fn(&AccountName) -> Option<Looks> {
    let declared = facts.desired.iter().flat_map(|desired| &desired.accounts);
    let declared: BTreeMap<&AccountName, &DesiredAccount> = declared
        .map(|account| (&account.name, &**account))
        .collect();
    let live = facts.live;
    move |name| {
        let live = live.and_then(|live| live.accounts.get(name));
        let account = declared.get(name)?;
        Some(Looks::of(account, live.map(|live| &live.document)))
    }
}

/// Builds the reports of the objects in a plan, for when only the plan is known.
fn objects_of_plan(plan: &Plan, planned: &mut Planned<'_>) -> Objects {
    let refused = plan
        .refusals
        .iter()
        .filter_map(|refusal| refusal.subject.as_ref());
    let mut subjects: BTreeMap<&Subject, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        subjects.entry(&step.subject).or_default().push(step);
    }
    for subject in refused {
        subjects.entry(subject).or_default();
    }
    let mut found: BTreeMap<ObjectName, ObjectReport> = BTreeMap::new();
    for (subject, steps) in subjects {
        let name = subject.name();
        let mut report = object(&name, planned);
        if let Subject::Account { id, .. } = subject {
            report.id = Some(id.clone());
        }
        let steps = steps.into_iter();
        report.changes = steps.flat_map(|step| step.changes.clone()).collect();
        found.insert(name, report);
    }
    for (name, reasons) in unknown_of_plan(plan) {
        let report = found
            .entry(name)
            .or_insert_with_key(|name| object(name, planned));
        report.unknown = reasons;
    }
    let mut objects = Objects::default();
    for (name, mut report) in found {
        report.status = report.verdict();
        match name {
            ObjectName::Template => objects.template = Some(report),
            ObjectName::Zone(zone) => {
                report.zone = Some(zone);
                objects.zones.push(report);
            }
            ObjectName::Account(account) => {
                report.name = Some(account);
                objects.accounts.push(report);
            }
        }
    }
    let looked_at = plan.scope.accounts.saturating_add(plan.scope.departed) as usize;
    objects.unnamed = looked_at.saturating_sub(objects.accounts.len());
    objects
}

/// Lists the objects that could not be checked for a plan, with the reasons.
fn unknown_of_plan(plan: &Plan) -> Vec<(ObjectName, Vec<String>)> {
    let Unknown {
        accounts,
        template,
        zones,
    } = &plan.unknown;
    let accounts = accounts.iter();
    let accounts = accounts.map(|(name, why)| (ObjectName::Account(name.clone()), why.clone()));
    let zones = zones.iter();
    let zones = zones.map(|(zone, why)| (ObjectName::Zone(zone.clone()), why.clone()));
    let template = template.iter();
    let template = template.map(|why| (ObjectName::Template, vec![why.clone()]));
    accounts.chain(template).chain(zones).collect()
}

fn notes_of_plan(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(commit) = &plan.commit {
        notes.push(format!("the tree is that of commit {commit}"));
    }
    if let Some(base) = &plan.base {
        notes.push(format!(
            "commit {base} had been applied last when it was made"
        ));
    }
    if !plan.forgotten.is_empty() {
        notes.push(format!(
            "the tree no longer declares {}, which is left as it is",
            plan.forgotten.join(", ")
        ));
    }
    if plan.scope.no_remove {
        notes.push("it removes nothing: it was made with --no-remove".to_owned());
    }
    if plan.scope.unreadable > 0 {
        notes.push(format!(
            "{} could not be read when it was made",
            count_of(
                plan.scope.unreadable as usize,
                plan.scope.accounts as usize,
                "account"
            )
        ));
    }
    notes
}

/// Differences, steps and refusals by the object that they belong to; `None` stands for the whole run.
#[derive(Default)]
struct Planned<'a> {
    differences: BTreeMap<&'a AccountName, &'a AccountDifference>,
    steps: BTreeMap<ObjectName, Vec<StepReport>>,
    refusals: BTreeMap<Option<ObjectName>, Vec<Refusal>>,
}

impl<'a> Planned<'a> {
    fn sort(facts: &Facts<'a>) -> Self {
        let mut planned = Self::default();
        let differences = (facts.differences.iter())
            .flat_map(|found| found.accounts.iter().chain(&found.departed));
        planned.differences = differences.map(|found| (&found.name, &**found)).collect();
        let Some((plan, _)) = facts.plan else {
            return planned;
        };
        let subjects: BTreeMap<StepId, &Subject> = plan
            .steps
            .iter()
            .map(|step| (step.id, &step.subject))
            .collect();
        let outcomes: BTreeMap<StepId, &StepOutcome> = facts
            .applied
            .iter()
            .flat_map(|applied| &applied.outcomes)
            .map(|outcome| (outcome.step, outcome))
            .collect();
        for step in &plan.steps {
            planned
                .steps
                .entry(step.subject.name())
                .or_default()
                .push(step_report(step, &subjects, &outcomes));
        }
        for refusal in &plan.refusals {
            planned
                .refusals
                .entry(refusal.subject.as_ref().map(Subject::name))
                .or_default()
                .push(refusal.clone());
        }
        planned
    }
}

fn step_report(
    step: &Step,
    subjects: &BTreeMap<StepId, &Subject>,
    outcomes: &BTreeMap<StepId, &StepOutcome>,
) -> StepReport {
    let outcome = outcomes.get(&step.id);
    let mut notes = step.notes.clone();
    notes.extend(outcome.iter().flat_map(|outcome| outcome.notes.clone()));
    let mut waits_for: Vec<String> = step
        .after
        .iter()
        .filter_map(|id| subjects.get(id))
        .filter(|subject| **subject != &step.subject)
        .map(|subject| subject.title().to_owned())
        .collect();
    waits_for.sort();
    waits_for.dedup();
    StepReport {
        id: step.id,
        verb: Verb::from(&step.action),
        asset: match step.action {
            Action::Upload { asset, .. } => Some(asset),
            _ => None,
        },
        changes: step.changes.clone(),
        risk: step.risk,
        waits_for,
        old_answers_for: step.action.outlived(),
        notes,
        result: outcome.map(|outcome| outcome.result.clone()),
        result_notes: outcome.map_or_else(Vec::new, |outcome| outcome.notes.clone()),
    }
}

fn account(name: &AccountName, planned: &mut Planned<'_>) -> ObjectReport {
    let mut report = object(&ObjectName::Account(name.clone()), planned);
    report.name = Some(name.clone());
    if let Some(difference) = planned.differences.get(name) {
        report.id.clone_from(&difference.id);
        report.changes.clone_from(&difference.changes);
        report.kept.clone_from(&difference.kept);
        report.unknown.clone_from(&difference.unknown);
        report.notes.clone_from(&difference.notes);
        report.status = report.verdict();
    }
    report
}

fn template(facts: &Facts<'_>, planned: &mut Planned<'_>) -> ObjectReport {
    let mut report = object(&ObjectName::Template, planned);
    let difference = facts
        .differences
        .and_then(|differences| differences.template.as_ref());
    if let Some(difference) = difference {
        report.changes.clone_from(&difference.changes);
        report.kept.clone_from(&difference.kept);
        report.unknown.extend(difference.unknown.clone());
        report.status = report.verdict();
    }
    report
}

fn zone(difference: &ZoneDifference, planned: &mut Planned<'_>) -> ObjectReport {
    let mut report = object(&ObjectName::Zone(difference.zone.clone()), planned);
    report.zone = Some(difference.zone.clone());
    report.changes = difference.changes().cloned().collect();
    report.kept.clone_from(&difference.kept);
    report.unknown.clone_from(&difference.unknown);
    report.notes.clone_from(&difference.notes);
    report.status = report.verdict();
    report
}

fn object(object: &ObjectName, planned: &mut Planned<'_>) -> ObjectReport {
    ObjectReport {
        name: None,
        zone: None,
        id: None,
        status: Status::NotCompared,
        unknown: Vec::new(),
        steps: planned.steps.remove(object).unwrap_or_default(),
        refusals: planned
            .refusals
            .remove(&Some(object.clone()))
            .unwrap_or_default(),
        changes: Vec::new(),
        looks: None,
        kept: Vec::new(),
        notes: Vec::new(),
    }
}

fn coverage(live: &Live) -> Option<Coverage> {
    let managed = managed(live);
    let unmanaged = live.unmanaged.clone()?;
    Some(Coverage {
        managed,
        unread: unread(live),
        unmanaged,
    })
}

/// Counts the accounts of the tree that have a whitelabel.
fn managed(live: &Live) -> usize {
    let has_one = |account: &&Arc<LiveAccount>| matches!(account.document, Reading::Known(Some(_)));
    live.accounts.values().filter(has_one).count()
}

/// Counts the accounts of the tree that may have a whitelabel: they could not be read.
fn unread(live: &Live) -> usize {
    let is_unread = |account: &&Arc<LiveAccount>| matches!(account.document, Reading::Unknown(_));
    live.accounts.values().filter(is_unread).count()
}
