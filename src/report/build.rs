//! The stages' values → one [`Report`].

use std::collections::BTreeMap;

use super::model::{Command, Coverage, ObjectReport, Report, Requests, Status, StepReport, Verb};
use super::{Problem, problems};
use crate::apply::{Applied, StepOutcome};
use crate::diag::{Diagnostic, SourceMap};
use crate::diff::Change;
use crate::live::{Live, LiveAccount, Reading};
use crate::model::{AccountName, Digest};
use crate::plan::{Action, Plan, Refusal, Step, StepId, Subject};
use crate::tree::Desired;

/// What the stages gave, as far as they were run.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The command that is reported on.
    pub command: Command,
    /// What is wrong in the tree.
    pub diagnostics: &'a [Diagnostic],
    /// The texts that the diagnostics point into.
    pub sources: &'a SourceMap,
    /// The desired state, when it could be made out.
    pub desired: Option<&'a Desired>,
    /// The live state.
    pub live: Option<&'a Live>,
    /// The plan, with its digest.
    pub plan: Option<(&'a Plan, &'a Digest)>,
    /// What became of the plan.
    pub applied: Option<&'a Applied>,
    /// The requests that were sent, when they were counted.
    pub requests: Option<Requests>,
}

/// Puts together what a run has to say.
#[must_use]
pub fn report(facts: &Facts<'_>) -> Report {
    let problems: Vec<Problem> = problems(facts.diagnostics, facts.sources);
    let mut planned = Planned::sort(facts);
    let accounts = facts.desired.map_or_else(Vec::new, |desired| {
        let account = |name: &AccountName| account(name, facts, &mut planned);
        desired
            .accounts
            .iter()
            .map(|declared| &declared.name)
            .map(account)
            .collect()
    });
    let template = facts
        .desired
        .and_then(|desired| desired.template.as_ref())
        .map(|_| template(facts, &mut planned));
    Report {
        command: facts.command,
        cluster: facts.desired.map(|desired| desired.cluster.name.clone()),
        tree: facts.desired.map(Desired::digest),
        plan: facts.plan.map(|(_, digest)| digest.clone()),
        problems,
        accounts,
        template,
        refusals: planned.refusals.remove(&None).unwrap_or_default(),
        coverage: facts.live.and_then(coverage),
        requests: facts.requests,
    }
}

/// Steps and refusals by the object that they belong to; `None` is the run as a whole.
#[derive(Default)]
struct Planned {
    steps: BTreeMap<Object, Vec<StepReport>>,
    refusals: BTreeMap<Option<Object>, Vec<Refusal>>,
}

/// What people call an account or the template; the template's name cannot be a folder's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Object {
    Template,
    Account(AccountName),
}

impl From<&Subject> for Object {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Account { name, .. } => Self::Account(name.clone()),
            Subject::Template => Self::Template,
        }
    }
}

impl Planned {
    fn sort(facts: &Facts<'_>) -> Self {
        let mut planned = Self::default();
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
                .entry(Object::from(&step.subject))
                .or_default()
                .push(step_report(step, &subjects, &outcomes));
        }
        for refusal in &plan.refusals {
            planned
                .refusals
                .entry(refusal.subject.as_ref().map(Object::from))
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
        .map(|subject| match subject {
            Subject::Account { name, .. } => name.to_string(),
            Subject::Template => "domain template".to_owned(),
        })
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
        notes,
        result: outcome.map(|outcome| outcome.result.clone()),
    }
}

fn account(name: &AccountName, facts: &Facts<'_>, planned: &mut Planned) -> ObjectReport {
    let live = facts.live.and_then(|live| live.accounts.get(name));
    let id = live.and_then(|live| live.id.known()).cloned();
    let unknown = live.map_or_else(Vec::new, unknown);
    let mut report = object(&Object::Account(name.clone()), unknown, planned);
    report.name = Some(name.clone());
    report.id = id;
    report
}

fn template(facts: &Facts<'_>, planned: &mut Planned) -> ObjectReport {
    let unknown = match facts.live.and_then(|live| live.template.as_ref()) {
        Some(Reading::Unknown(reason)) => vec![reason.clone()],
        Some(Reading::Known(_)) | None => Vec::new(),
    };
    object(&Object::Template, unknown, planned)
}

fn object(object: &Object, unknown: Vec<String>, planned: &mut Planned) -> ObjectReport {
    let mut report = ObjectReport {
        name: None,
        id: None,
        status: Status::InSync,
        unknown,
        steps: planned.steps.remove(object).unwrap_or_default(),
        refusals: planned
            .refusals
            .remove(&Some(object.clone()))
            .unwrap_or_default(),
        open: Vec::<Change>::new(),
    };
    report.status = report.verdict();
    report
}

fn unknown(live: &LiveAccount) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Reading::Unknown(reason) = &live.id {
        reasons.push(reason.clone());
    }
    match &live.document {
        Reading::Unknown(reason) => {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        Reading::Known(None) => {}
        Reading::Known(Some(document)) => {
            for (kind, asset) in &document.assets {
                if let Reading::Unknown(reason) = asset {
                    reasons.push(format!("{kind}: {reason}"));
                }
            }
        }
    }
    reasons
}

fn coverage(live: &Live) -> Option<Coverage> {
    let managed = live
        .accounts
        .values()
        .filter(|account| matches!(account.document, Reading::Known(Some(_))))
        .count();
    let unmanaged = live.unmanaged.clone()?;
    Some(Coverage { managed, unmanaged })
}
