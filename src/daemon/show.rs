//! Publishes the results of a cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::assessment::acting;
use super::assessment::{Assessment, AssessmentInput, circumstances};
use super::controller::Controller;
use super::objects::ObjectRecord;
use super::status::{
    Declined, LiveBrand, ObjectStatus, Offer, OtherSteps, Part, PlannedStep, Reason, Taker,
};
use super::verdict::{ObjectStanding, is_drift, judge, reason};
use crate::diff::{Change, Differences};
use crate::live::LiveDocument;
use crate::model::{KeyPath, ObjectName, count};
use crate::plan::{Action, Plan, Refusal, Step, Subject};
use crate::report::Look;
use crate::tree::Loaded;

/// The results of a cycle, to be published.
pub(super) struct CycleFindings<'a> {
    pub(super) differences: &'a Differences,
    /// The plans; absent when nothing was planned.
    pub(super) plans: Option<Plans<'a>>,
    /// The objects that the plan writes to.
    pub(super) acting: BTreeSet<ObjectName>,
    /// Whether the plan is being executed at this moment.
    pub(super) carrying: bool,
    /// Why the run as a whole was refused.
    pub(super) held: Option<&'a str>,
}

/// The plans, by who takes their steps.
#[derive(Clone, Copy)]
pub(super) struct Plans<'a> {
    /// All steps.
    whole: &'a Plan,
    /// Steps that need no person.
    next: &'a Plan,
    /// Steps that an approval would execute.
    offer: &'a Plan,
    /// What an approval of each object alone would execute.
    parts: &'a BTreeMap<ObjectName, Part>,
    /// The decisions not to execute a part.
    declined: &'a BTreeMap<ObjectName, Declined>,
}

impl<'a> CycleFindings<'a> {
    /// Takes the results from an assessment.
    pub(super) fn of(assessment: &'a Assessment<'_>, held: Option<&'a str>) -> Self {
        Self {
            differences: &assessment.differences,
            plans: Some(Plans {
                whole: &assessment.whole,
                next: &assessment.next,
                offer: &assessment.offer,
                parts: &assessment.parts,
                declined: &assessment.declined,
            }),
            acting: acting(&assessment.plan),
            carrying: false,
            held,
        }
    }
}

/// What is said of differences that stay.
const KEPT: &str = "kept as it is, which `emblazon plan` shows";

impl Controller {
    /// Publishes the status of all objects when nothing could be planned.
    pub(super) fn show_unread(&mut self, loaded: &Loaded, now: Timestamp) {
        let differences = self.differences(loaded);
        let found = CycleFindings {
            differences: &differences,
            plans: None,
            acting: BTreeSet::new(),
            carrying: false,
            held: None,
        };
        self.show(loaded, &loaded.desired.object_names(), &found, now);
    }

    /// Publishes the status of objects.
    pub(super) fn show(
        &self,
        loaded: &Loaded,
        which: &BTreeSet<ObjectName>,
        found: &CycleFindings<'_>,
        now: Timestamp,
    ) {
        let all = loaded.desired.object_names();
        let nothing = BTreeMap::new();
        let declined = found.plans.as_ref().map(|plans| plans.declined);
        let input = AssessmentInput {
            declined: declined.unwrap_or(&nothing),
            ..self.input(loaded, &all, now)
        };
        self.published.change(|status| {
            for name in which {
                // An object that was never read keeps its status, unless the platform cannot be read.
                let is_read = match name {
                    ObjectName::Account(name) => {
                        self.observed.platform.live.accounts.contains_key(name)
                    }
                    ObjectName::Template => self.observed.platform.live.template.is_some(),
                    ObjectName::Zone(_) => false,
                };
                if let Some(object) = status.object_mut(name).filter(|_| is_read)
                    && !self.stays(object, found)
                {
                    self.fill(Arc::make_mut(object), &input, found);
                }
            }
            if let Some(plans) = &found.plans {
                let offer = plans.offer;
                status.cluster.plan = (!offer.steps.is_empty()).then(|| offer.digest());
                status.cluster.offer = Offer {
                    steps: offer.steps.len(),
                    refusals: of_the_whole(offer),
                };
                status.cluster.refusals = of_the_whole(plans.whole);
                status.cluster.others = plans.others(&all);
            }
        });
    }

    /// Returns whether an object was in sync, was not read since, and has no differences. Its status is then left
    /// shared with readers.
    fn stays(&self, object: &ObjectStatus, found: &CycleFindings<'_>) -> bool {
        let name = &object.name;
        let commit = self
            .revision
            .as_ref()
            .and_then(|revision| revision.commit.as_ref());
        let record = self.objects.get(name);
        object.reason == Reason::InSync
            && object.checked == self.observed.platform.read_at(name)
            && object.commit.as_ref() == commit.map(|commit| &commit.id)
            && object.drift.is_empty()
            && object.failures == 0
            && record.is_none_or(|record| record.failures == 0 && record.drift.is_empty())
            && !found.acting.contains(name)
            && found.differences.changes_of(name).is_empty()
            && found.differences.unknown_of(name).is_empty()
            && !object.message.contains(KEPT)
            && found.differences.kept_of(name) == 0
    }

    /// Fills in the status of one object.
    fn fill(
        &self,
        object: &mut ObjectStatus,
        input: &AssessmentInput<'_, '_>,
        found: &CycleFindings<'_>,
    ) {
        let name = object.name.clone();
        let nothing = ObjectRecord::default();
        let record = self.objects.get(&name).unwrap_or(&nothing);
        let circumstances = circumstances(input, record, found.differences, &name);
        let unknown = found.differences.unknown_of(&name);
        let plans = found.plans.as_ref();
        let steps = plans.map_or_else(Vec::new, |plans| plans.steps(&name));
        let refusals = plans.map_or_else(Vec::new, |plans| refusals_of(plans.whole, object));
        let is_acting = found.acting.contains(&name);
        let refused = (refusals.first())
            .map(|refusal| format!("{}; {}", refusal.message, refusal.help))
            .or_else(|| found.held.filter(|_| is_acting).map(str::to_owned));
        let standing = ObjectStanding {
            unknown: &unknown,
            refused: refused.as_deref(),
            failure: (record.failure.as_deref()).map(|why| (why, record.failures)),
        };
        let verdict = judge(&circumstances);
        let (mut why, mut message) = reason(&circumstances, &verdict, &standing);
        if is_acting && found.carrying && why != Reason::Unreadable {
            // This includes what waited for the approval being executed.
            why = Reason::Applying;
            "its steps are being carried out".clone_into(&mut message);
        } else if why == Reason::Pending && is_acting && found.held.is_none() {
            why = Reason::Applying;
        }
        let author = self.objects.author(&name);
        object.changed_by = author.filter(|_| !record.drift.is_empty()).cloned();
        if let Some(author) = &object.changed_by {
            let _ = write!(message, "; by {author}, the platform says");
        }
        let kept = found.differences.kept_of(&name);
        if why == Reason::InSync && kept > 0 {
            let _ = write!(message, ", but for {} {KEPT}", count(kept, "difference"));
        }
        object.put(why, message, input.now);
        let differing = found.differences.changes_of(&name);
        object.pending = (differing.iter())
            .filter(|change| !is_drift(change))
            .cloned()
            .collect();
        object.drift.clone_from(&record.drift);
        object.steps = steps;
        object.part = plans.and_then(|plans| plans.parts.get(&name)).cloned();
        object.declined = input.declined.get(&name).cloned();
        object.refusals = refusals;
        object.failures = record.failures;
        object.retry_at = record.retry_at;
        if unknown.is_empty() {
            object.checked = self.observed.platform.read_at(&name).or(object.checked);
        }
        if why == Reason::InSync {
            let commit = self
                .revision
                .as_ref()
                .and_then(|revision| revision.commit.as_ref());
            object.commit = commit.map(|commit| commit.id.clone());
        }
        let Some(account) = (name.account()).and_then(|name| input.live.accounts.get(name)) else {
            return;
        };
        object.live = (account.document.known()).map(|document| live_brand(document.as_ref()));
        if let Some(id) = account.id.known() {
            object.id = Some(id.clone());
        }
        if let Some(document) = account.document.known() {
            object.revision = document.as_ref().map(|document| document.revision.clone());
        }
    }
}

/// Returns the live values that people recognise a brand by.
fn live_brand(document: Option<&LiveDocument>) -> LiveBrand {
    let Some(document) = document else {
        return LiveBrand::default();
    };
    let text = |key: &str| {
        let value = document.settings.get(&KeyPath::from(key))?;
        value.as_str().map(str::to_owned)
    };
    let assets = document.assets.iter();
    LiveBrand {
        is_there: true,
        look: Look::live(document),
        company: text("company_name"),
        domain: text("domain"),
        assets: assets
            .filter_map(|(kind, asset)| {
                let asset = asset.known()?.as_ref();
                Some((*kind, asset.map(|asset| asset.facts.clone())))
            })
            .collect(),
    }
}

/// Returns the refusals that concern the plan as a whole.
fn of_the_whole(plan: &Plan) -> Vec<Refusal> {
    let refusals = plan.refusals.iter();
    (refusals.filter(|refusal| refusal.subject.is_none()))
        .cloned()
        .collect()
}

impl Plans<'_> {
    /// Returns the steps on an object with who takes each; a change is listed once.
    fn steps(&self, name: &ObjectName) -> Vec<PlannedStep> {
        let mut listed: Vec<PlannedStep> = Vec::new();
        for (plan, taker) in [
            (self.next, Taker::NextRun),
            (self.offer, Taker::Approval),
            (self.whole, Taker::Nobody),
        ] {
            for mut step in steps_of(plan, name, taker) {
                let earlier = || listed.iter().filter(|known| known.taker != taker);
                let is_listed = |change: &Change| {
                    let mut changes = earlier().flat_map(|known| &known.changes);
                    changes.any(|known| known.key == change.key)
                };
                let had_changes = !step.changes.is_empty();
                step.changes.retain(|change| !is_listed(change));
                let same =
                    |known: &PlannedStep| (known.verb, known.asset) == (step.verb, step.asset);
                let is_new = if had_changes {
                    !step.changes.is_empty()
                } else {
                    !earlier().any(same)
                };
                if is_new {
                    listed.push(step);
                }
            }
        }
        listed
    }

    /// Returns the steps on accounts that are not among the objects of the tree.
    fn others(&self, known: &BTreeSet<ObjectName>) -> Vec<OtherSteps> {
        let plans = [self.next, self.offer, self.whole];
        let steps = plans.iter().flat_map(|plan| &plan.steps);
        let names: BTreeSet<ObjectName> = steps
            .flat_map(Step::objects)
            .filter(|name| !known.contains(name))
            .collect();
        let other = |name: ObjectName| {
            Some(OtherSteps {
                steps: self.steps(&name),
                part: self.parts.get(&name).cloned(),
                account: name.account()?.clone(),
            })
        };
        names.into_iter().filter_map(other).collect()
    }
}

fn refusals_of(plan: &Plan, object: &ObjectStatus) -> Vec<Refusal> {
    let is_own = |refusal: &&Refusal| match &refusal.subject {
        Some(Subject::Zone(zone)) => {
            let domain = object.domain.as_deref();
            domain.is_some_and(|domain| touches(domain, zone.as_str()))
        }
        Some(subject) => subject.name() == object.name,
        None => false,
    };
    plan.refusals.iter().filter(is_own).cloned().collect()
}

/// Returns whether one of two names is below the other or equal to it.
fn touches(domain: &str, zone: &str) -> bool {
    let is_in = |inner: &str, outer: &str| {
        (inner.strip_suffix(outer)).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    is_in(domain, zone) || is_in(zone, domain)
}

fn steps_of(plan: &Plan, name: &ObjectName, taker: Taker) -> Vec<PlannedStep> {
    let is_own = |step: &&Step| step.objects().contains(name);
    let planned = |step: &Step| PlannedStep {
        taker,
        verb: (&step.action).into(),
        asset: match &step.action {
            Action::Upload { asset, .. } => Some(*asset),
            _ => None,
        },
        changes: step.changes.clone(),
        risk: step.risk,
        notes: step.notes.clone(),
    };
    plan.steps.iter().filter(is_own).map(planned).collect()
}
