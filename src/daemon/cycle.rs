//! One cycle: read, assess, execute, read back, publish.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::assessment::{
    Approved, Assessment, AssessmentInput, acting, assess, has_settled, holds, is_complete,
};
use super::conditions::sentences;
use super::controller::{Controller, names_of};
use super::history_log::Detected;
use super::interventions::Target;
use super::observe::is_down;
use super::parts::parts;
use super::recovery::Unrecovered;
use super::schedule::{back_off, later};
use super::show::CycleFindings;
use super::source::SourceRevision;
use super::status::{
    Declined, Finding, InFlight, Intervention, InterventionKind, Mode, Run, RunResult, State,
    Trigger,
};
use super::verdict::{Hold, is_drift, name as key_name};
use crate::apply::StepCount;
use crate::apply::lease::LeaseGuard;
use crate::diff::{Change, Differences, WrittenParts};
use crate::live::ReadClient;
use crate::model::ObjectName;
use crate::reconcile::Reread;
use crate::report::card::Tense;
use crate::tree::{Desired, HealMode, Loaded, TreeSource, short_commit};

/// Reason given for work that is not started because the daemon is ending.
pub(super) const ENDED: &str = "the daemon is about to end";
/// Deadline for the requests of one cycle. Reading ten thousand accounts takes minutes; what is not read by then is
/// unknown, and due again.
const LONGEST_CYCLE: Duration = Duration::from_mins(30);

/// The result of one cycle.
#[derive(Default)]
pub(super) struct CycleResult {
    pub(super) steps: usize,
    pub(super) count: StepCount,
    /// Number of steps done for each object.
    pub(super) done: BTreeMap<ObjectName, usize>,
    /// Values of the source revision that were written.
    pub(super) written: WrittenParts,
    /// Whether something was written that the base did not have.
    pub(super) base_moved: bool,
}

impl Controller {
    /// Reads some objects and executes what policy allows for them.
    pub(super) async fn cycle(&mut self, read: BTreeSet<ObjectName>, guard: &LeaseGuard) {
        let Some(revision) = &self.revision else {
            return;
        };
        let loaded = Arc::clone(&revision.loaded);
        let files = Arc::clone(&revision.files);
        let started = Timestamp::now();
        let mut triggers: Vec<Trigger> = std::mem::take(&mut self.triggers).into_iter().collect();
        if triggers.is_empty() {
            triggers.push(Trigger::Interval);
        }
        let hand = InFlight {
            since: started,
            triggers: triggers.clone(),
            objects: read.len(),
            steps: 0,
            done: 0,
        };
        self.published
            .change(|status| status.cluster.mode = Mode::Running(hand));
        let before = self.before(&read);
        let result = match self.read(&loaded, &read, guard).await {
            Ok(_) if before.is_some_and(|before| before == self.observed.platform.known(&read)) => {
                self.stay(&read, Timestamp::now());
                CycleResult::default()
            }
            Ok(client) => self.reconcile(&loaded, &files, &read, &client, guard).await,
            Err(_) if self.queue.stopped().is_cancelled() => {
                self.drop_approval(ENDED);
                return;
            }
            Err(reason) => {
                let now = Timestamp::now();
                self.drop_approval(&format!("the platform could not be read: {reason}"));
                self.lose_platform(&reason, now);
                self.show_unread(&loaded, now);
                CycleResult::default()
            }
        };
        self.note_run(triggers, started, read.len(), &result);
    }

    /// Reads some objects. The error says why none of them could be read.
    async fn read(
        &mut self,
        loaded: &Loaded,
        read: &BTreeSet<ObjectName>,
        guard: &LeaseGuard,
    ) -> Result<ReadClient, String> {
        let desired = &loaded.desired;
        let folder = self.source.folder().to_owned();
        let client = (self.observed.platform)
            .connect(&self.setup, &folder, &desired.cluster)
            .await?;
        // A deliberately slow platform must not hold up everything that is due.
        client
            .deadline()
            .set(Instant::now() + LONGEST_CYCLE, LONGEST_CYCLE);
        let audit = self.audit_trail(&BTreeSet::new());
        let (state, shard) = (&self.setup.state, self.setup.shard);
        let recovered = (self.recovery).advance(
            read,
            (state, &desired.cluster, shard),
            &client,
            (guard, audit),
        );
        match recovered.await {
            Ok(()) => self.conditions.recovery = None,
            Err(Unrecovered::Platform(error)) => return Err(error.explained()),
            // Reading goes on; nothing is written until the recovery succeeds.
            Err(error @ (Unrecovered::Recovery(_) | Unrecovered::Apply(_))) => {
                let reason = error.to_string();
                if self.conditions.recovery.as_ref() != Some(&reason) {
                    tracing::warn!(
                        reason,
                        "nothing is written until what an interrupted run left is looked at"
                    );
                }
                self.conditions.recovery = Some(reason);
            }
        }
        let with_departed = std::mem::take(&mut self.observed.look_for_departed);
        let base = self.applied.base.as_ref();
        let stop = self.queue.stopped();
        let result = tokio::select! {
            result = (self.observed.platform).read(&client, desired, base, read, with_departed) => result,
            // Reads may be abandoned at once; only writes are waited for.
            () = stop.cancelled() => return Err(ENDED.to_owned()),
        };
        let failure = match result {
            Ok(()) => self.outage_in(&client, desired, read).await,
            Err(error) => Some(error.explained()),
        };
        if let Some(reason) = failure {
            self.observed.look_for_departed |= with_departed;
            return Err(reason);
        }
        self.find_platform(Timestamp::now());
        self.read_zones(loaded, read).await;
        Ok(client)
    }

    /// Returns why the platform counts as lost after a read: nothing of it could be read, and no other object can be.
    async fn outage_in(
        &mut self,
        client: &ReadClient,
        desired: &Desired,
        read: &BTreeSet<ObjectName>,
    ) -> Option<String> {
        let reason = is_down(&self.observed.platform.live, read)?;
        let Some(witness) = self.observed.platform.witness(desired, read) else {
            return Some(reason);
        };
        let (base, witness) = (self.applied.base.as_ref(), [witness].into());
        let platform = &mut self.observed.platform;
        match platform.read(client, desired, base, &witness, false).await {
            Ok(()) => is_down(&platform.live, &witness).and(Some(reason)),
            Err(error) => Some(error.explained()),
        }
    }

    /// Starts or prolongs the outage, which postpones all reads.
    fn lose_platform(&mut self, reason: &str, now: Timestamp) {
        self.is_quiet = false;
        if self.timers.begin_outage(self.setup.interval, now) {
            tracing::warn!(reason, "the platform cannot be read");
        }
        self.observed.platform.disconnect();
        self.conditions.platform = Some(reason.to_owned());
        let all = names_of(self.revision.as_ref());
        self.observed.platform.lose(&all, reason);
        self.history_log.begin(Detected {
            finding: Finding::Outage,
            account: None,
            keys: Vec::new(),
            message: reason.to_owned(),
            commit: None,
            begun: None,
            at: now,
        });
    }

    /// Ends the outage, if there is one.
    fn find_platform(&mut self, now: Timestamp) {
        // An outage that began before this process started is over too.
        self.history_log
            .end(Finding::Outage, None, now, "it could be read again");
        if self.timers.end_outage(now) {
            tracing::info!("the platform can be read again");
            self.conditions.platform = None;
        }
    }

    async fn reconcile(
        &mut self,
        loaded: &Arc<Loaded>,
        files: &Arc<dyn TreeSource + Send>,
        read: &BTreeSet<ObjectName>,
        client: &ReadClient,
        guard: &LeaseGuard,
    ) -> CycleResult {
        self.is_quiet = false;
        let live = &self.observed.platform.live;
        if (self.applied).take_perhaps(&loaded.desired, live, read) {
            self.applied.keep();
        }
        let (mut assessment, mut granted) = self.assess(loaded, read, true);
        // Steps are planned from a fresh read, never from the cached state.
        let mut reread = Reread::default();
        while !guard.is_stopped() {
            let missing = reread.missing(&acting(&assessment.plan));
            if missing.is_empty() {
                break;
            }
            let believed = self.observed.platform.known(&missing);
            let stop = self.queue.stopped();
            let again = tokio::select! {
                again = (self.observed.platform).read_again(client, &loaded.desired, self.applied.base.as_ref(), &missing) => again,
                () = stop.cancelled() => {
                    self.drop_approval(ENDED);
                    return CycleResult::default();
                }
            };
            if let Err(error) = again {
                self.observed.platform.lose(&missing, &error.explained());
            }
            if self.observed.platform.known(&missing) != believed {
                (assessment, granted) = self.assess(loaded, read, false);
            }
        }
        self.detect(loaded, &assessment, read);
        let offered = self.offered(&assessment, &granted, is_all(loaded, read), read);
        let mut result = CycleResult {
            steps: assessment.plan.steps.len(),
            ..CycleResult::default()
        };
        let mut held = self.conditions.recovery.clone();
        if held.is_none() && !assessment.plan.steps.is_empty() && !guard.is_stopped() {
            let found = CycleFindings {
                carrying: true,
                ..CycleFindings::of(&assessment, None)
            };
            self.show(loaded, read, &found, Timestamp::now());
            let commit = self.revision.as_ref().and_then(SourceRevision::id);
            self.applied.announce(commit, &assessment).await;
            let audit = self.audit_trail(&granted);
            match self
                .execute_plan(loaded, files, &assessment, client, (guard, audit))
                .await
            {
                Ok(applied) => self.take_in(&assessment, &applied, &mut result),
                Err(error) => {
                    tracing::warn!(%error, "nothing was written");
                    held = Some(error.to_string());
                }
            }
            assessment = self.read_back(loaded, read, client, assessment).await;
        }
        self.end_approvals(offered, &result, held.as_deref());
        let now = Timestamp::now();
        let is_another = |name: &ObjectName, declined: &Declined| {
            let part = assessment.parts.get(name);
            read.contains(name)
                && assessment.differences.unknown_of(name).is_empty()
                && part.map_or_else(
                    // A guard may keep it from being planned for a while.
                    || assessment.differences.changes_of(name).is_empty(),
                    |part| part.plan != declined.plan,
                )
        };
        (self.interventions).forget_declined(is_another, &self.history_log);
        (self.applied.without_base)
            .retain(|name| !read.contains(name) || !has_settled(&assessment.differences, name));
        self.observed.zones.settle(&assessment.differences);
        let has_settled = (self.applied).settle(&loaded.desired, &assessment.differences);
        if has_settled || result.base_moved {
            // Persisted before the status reports it.
            self.applied.keep();
        }
        self.plan_ahead(&assessment, read, now);
        let found = CycleFindings::of(&assessment, held.as_deref());
        self.show(loaded, &loaded.desired.object_names(), &found, now);
        self.conclude(&assessment, read, (&result.done, &granted), now);
        let is_done = is_complete(&assessment) && held.is_none();
        let commit = self.revision.as_ref().and_then(SourceRevision::id);
        let advanced = is_done
            && (self.applied)
                .advance(commit, &self.setup, &mut self.conditions)
                .await;
        if !advanced {
            let written = std::mem::take(&mut result.written);
            self.applied.remember(commit, written).await;
        }
        self.is_quiet = held.is_none() && self.becomes_quiet(&assessment);
        result
    }

    /// Ends the approvals that a cycle decided about.
    fn end_approvals(
        &mut self,
        offered: BTreeMap<Target, Result<usize, String>>,
        result: &CycleResult,
        held: Option<&str>,
    ) {
        for (target, offered) in offered {
            let done = match &target {
                None => result.count.done,
                Some(name) => result.done.get(name).copied().unwrap_or_default(),
            };
            let (log, published) = (&mut self.history_log, &self.published);
            let outcome = (done, held);
            (self.interventions).end_approval(&target, offered, outcome, log, published);
        }
    }

    /// Reads the records of some accounts from their primary.
    pub(super) async fn read_zones(&mut self, loaded: &Loaded, names: &BTreeSet<ObjectName>) {
        let base = self.applied.base.as_ref();
        let folder = self.source.folder().to_owned();
        (self.observed)
            .read_zones((loaded, base), names, &folder, &self.setup)
            .await;
    }

    /// Compares the tree with the state last read from the platform and the primary.
    pub(super) fn differences(&mut self, loaded: &Loaded) -> Differences {
        (self.observed).differences(loaded, self.applied.base.as_ref())
    }

    /// Assesses what was read, and returns the approvals that are for exactly what would be done. `is_first` enters
    /// what the read showed into the drift history, once per cycle.
    fn assess<'l>(
        &mut self,
        loaded: &'l Loaded,
        read: &BTreeSet<ObjectName>,
        is_first: bool,
    ) -> (Assessment<'l>, BTreeSet<Target>) {
        let now = Timestamp::now();
        self.planned += 1;
        let differences = self.differences(loaded);
        if is_first {
            self.objects.observe(&differences, read, now);
        }
        let mut input = self.input(loaded, read, now);
        let assessment = assess(&input, differences);
        let approved = self.interventions.approved();
        // This approval covers the plan for all objects, so it is executed as a whole.
        let is_all_approved = is_all(loaded, read)
            && (approved.get(&None)).is_some_and(|plan| *plan == assessment.offer.digest());
        if is_all_approved {
            input.approved = Approved::Everything;
            return (assess(&input, assessment.differences), [None].into());
        }
        let is_shown = |name: &&ObjectName| {
            let part = (assessment.parts.get(*name)).filter(|part| part.is_alone);
            let plan = approved.get(&Some((*name).clone()));
            read.contains(*name) && part.is_some_and(|part| Some(&part.plan) == plan)
        };
        let names = approved.keys().flatten();
        let mut names: BTreeSet<ObjectName> = names.filter(is_shown).cloned().collect();
        while !names.is_empty() {
            let attempt = AssessmentInput {
                approved: Approved::Only(&names),
                ..input
            };
            let again = assess(&attempt, assessment.differences.clone());
            // Without the rest of the plan, the steps may be others than the ones that were shown.
            let alone = parts(&again.plan);
            let (same, others): (BTreeSet<ObjectName>, _) =
                (names.iter().cloned()).partition(|name| {
                    alone.get(name).map(|part| &part.plan) == approved.get(&Some(name.clone()))
                });
            if others.is_empty() {
                return (again, same.into_iter().map(Some).collect());
            }
            names = same;
        }
        (assessment, BTreeSet::new())
    }

    /// Returns for each approval that this cycle decides about the number of its steps, or why it is not carried out.
    fn offered(
        &self,
        assessment: &Assessment<'_>,
        granted: &BTreeSet<Target>,
        is_all: bool,
        read: &BTreeSet<ObjectName>,
    ) -> BTreeMap<Target, Result<usize, String>> {
        let decides = |target: &Target| match target {
            None => is_all,
            Some(name) => read.contains(name),
        };
        // The approval of the whole plan covers its parts.
        let is_granted = |target: &Target| granted.contains(target) || granted.contains(&None);
        let offered = |target: &Target| {
            let part = target.as_ref().map(|name| assessment.parts.get(name));
            let plan = self.interventions.approved().get(target);
            match part {
                None if is_granted(target) => Ok(assessment.offer.steps.len()),
                Some(Some(part)) if is_granted(target) => Ok(part.steps),
                None => Err(format!(
                    "the plan has changed since; look at plan {} and approve that",
                    assessment.offer.digest().short()
                )),
                Some(Some(part)) if Some(&part.plan) == plan => Err(
                    "it cannot be done without the rest of the plan; approve the whole plan"
                        .to_owned(),
                ),
                Some(Some(part)) => Err(format!(
                    "what is planned for it has changed since; look at plan {} and approve that",
                    part.plan.short()
                )),
                Some(None) => Err("nothing of it is left to do".to_owned()),
            }
        };
        let targets = self.interventions.approved().keys();
        targets
            .filter(|target| decides(target))
            .map(|target| (target.clone(), offered(target)))
            .collect()
    }

    /// Gathers the input of an assessment after some objects were read.
    pub(super) fn input<'l, 'a>(
        &'a self,
        loaded: &'l Loaded,
        read: &'a BTreeSet<ObjectName>,
        now: Timestamp,
    ) -> AssessmentInput<'l, 'a> {
        AssessmentInput {
            loaded,
            tree: self.revision.as_ref().map(SourceRevision::digest),
            base: self.applied.base.as_ref(),
            live: &self.observed.platform.live,
            records: self.objects.records(),
            read,
            is_paused: self.interventions.pause().is_some(),
            approved: Approved::Nothing,
            declined: self.interventions.declined(),
            without_base: &self.applied.without_base,
            part: &self.applied.part,
            now,
        }
    }

    /// Records the differences in the history log.
    fn detect(
        &mut self,
        loaded: &Loaded,
        assessment: &Assessment<'_>,
        read: &BTreeSet<ObjectName>,
    ) {
        let now = Timestamp::now();
        let commit = self
            .revision
            .as_ref()
            .and_then(|revision| revision.commit.clone());
        for name in read {
            let found = assessment.differences.changes_of(name);
            let from_git: Vec<&Change> = found.iter().filter(|change| !is_drift(change)).collect();
            let title = name.title();
            let told = |changes: &[&Change], tense| {
                let words = sentences((title, None), changes.iter().copied(), tense);
                if words.is_empty() {
                    let keys = changes.iter().map(|change| key_name(&change.key));
                    let keys: Vec<String> = keys.take(6).collect();
                    return format!("{title}: {}", keys.join(", "));
                }
                format!("{title}: {words}")
            };
            if !from_git.is_empty() {
                self.history_log.begin(Detected {
                    finding: Finding::Change,
                    account: name.account().cloned(),
                    keys: from_git.iter().map(|change| change.key.clone()).collect(),
                    message: told(&from_git, Tense::Plan),
                    commit: commit.as_ref().map(|commit| commit.id.clone()),
                    begun: commit.as_ref().and_then(|commit| commit.made),
                    at: now,
                });
            }
            let Some(record) = self.objects.get(name) else {
                continue;
            };
            if loaded.watch.of(name.account()).heal == HealMode::Off {
                continue;
            }
            let confirmed: Vec<_> = (record.drift.iter())
                .filter(|drift| drift.confirmed.is_some())
                .collect();
            if let Some(first) = confirmed.iter().min_by_key(|drift| drift.seen) {
                let drifted: Vec<&Change> = confirmed.iter().map(|drift| &drift.change).collect();
                let by = self.objects.author(name);
                let by = by.map_or_else(String::new, |author| format!(" (by {author})"));
                self.history_log.begin(Detected {
                    finding: Finding::Drift,
                    account: name.account().cloned(),
                    keys: drifted.iter().map(|change| change.key.clone()).collect(),
                    message: told(&drifted, Tense::Drift) + &by,
                    commit: commit.as_ref().map(|commit| commit.id.clone()),
                    begun: first.absent,
                    at: first.seen,
                });
            }
        }
    }

    /// Schedules the next read of what was read.
    fn plan_ahead(
        &mut self,
        assessment: &Assessment<'_>,
        read: &BTreeSet<ObjectName>,
        now: Timestamp,
    ) {
        for name in read {
            self.timers.objects.read(name, now);
            let verdict = assessment.verdicts.get(name);
            if verdict.is_some_and(|verdict| holds(verdict, Hold::Unconfirmed)) {
                self.timers.confirm(name, self.setup.confirm_after, now);
                self.triggers.insert(Trigger::Confirm);
            }
            let Some(record) = self.objects.get_mut(name) else {
                continue;
            };
            if !assessment.differences.unknown_of(name).is_empty() {
                record.failures += 1;
                let pause = back_off(record.failures, name, self.seed).min(self.setup.interval);
                self.timers.objects.put_off(name, later(now, pause));
                continue;
            }
            if record.failure.is_none() {
                record.failures = 0;
            }
            let is_due = |at: &Timestamp| record.failure.is_some() || *at > now;
            if let Some(retry_at) = record.retry_at.filter(is_due) {
                self.timers.objects.requeue(name, retry_at);
                self.triggers.insert(Trigger::Retry);
            }
        }
        if self.conditions.recovery.is_some()
            && let Some(first) = read.first()
        {
            // The recovery is tried again soon, before the next read.
            let soon = later(now, self.setup.confirm_after);
            self.timers.objects.requeue(first, soon);
        }
    }

    /// Closes the incidents that are over in the history log.
    fn conclude(
        &mut self,
        assessment: &Assessment<'_>,
        read: &BTreeSet<ObjectName>,
        (done, granted): (&BTreeMap<ObjectName, usize>, &BTreeSet<Target>),
        now: Timestamp,
    ) {
        for name in read {
            if !assessment.differences.unknown_of(name).is_empty() {
                continue;
            }
            let found = assessment.differences.changes_of(name);
            let (is_live, is_right) = (found.iter().all(is_drift), !found.iter().any(is_drift));
            if is_right {
                self.objects.forget_author(name);
            }
            let account = name.account();
            let over: Vec<Finding> = [(Finding::Change, is_live), (Finding::Drift, is_right)]
                .into_iter()
                .filter(|(finding, is_over)| {
                    *is_over && self.history_log.is_open(*finding, account)
                })
                .map(|(finding, _)| finding)
                .collect();
            if over.is_empty() {
                continue;
            }
            let (change, drift) = self.ended(name, done.contains_key(name), granted);
            for finding in over {
                let how = if finding == Finding::Change {
                    &change
                } else {
                    &drift
                };
                self.history_log.end(finding, account, now, how);
            }
        }
    }

    /// Describes how a change of the tree and a change by hand ended, and who had a hand in it.
    fn ended(
        &self,
        name: &ObjectName,
        is_written: bool,
        granted: &BTreeSet<Target>,
    ) -> (String, String) {
        let history = self.history_log.history();
        let target = Some(name.clone());
        let is_it = |one: &&Intervention| {
            one.kind == InterventionKind::Approve
                && granted.contains(&one.object)
                && (one.object.is_none() || one.object == target)
        };
        let approval = history.interventions.iter().rev().find(is_it);
        let commit = self.revision.as_ref().and_then(SourceRevision::id);
        let incidents = history.incidents.iter().rev();
        let mut of_it = incidents
            .filter(|one| one.finding == Finding::Drift && one.account.as_ref() == name.account());
        let detected_at = of_it.next().and_then(|incident| incident.commit.clone());
        match (is_written, approval, commit) {
            (true, Some(approval), _) => {
                let who = approval.author.named();
                (
                    format!("applied, as {who} approved"),
                    format!("put right, as {who} approved"),
                )
            }
            (true, None, _) => (
                "applied by the daemon".to_owned(),
                "put right by the daemon".to_owned(),
            ),
            (false, _, Some(commit)) if detected_at.as_deref().is_some_and(|at| at != commit) => (
                "it is live".to_owned(),
                format!(
                    "accepted: the tree agrees since commit {}",
                    short_commit(commit)
                ),
            ),
            (false, ..) => (
                "it is live".to_owned(),
                "changed back, not by the daemon".to_owned(),
            ),
        }
    }

    fn note_run(
        &mut self,
        triggers: Vec<Trigger>,
        started: Timestamp,
        objects: usize,
        cycle: &CycleResult,
    ) {
        self.runs += 1;
        let number = self.runs;
        let commit = self
            .revision
            .as_ref()
            .and_then(|revision| revision.commit.as_ref());
        let commit = commit.map(|commit| commit.id.clone());
        let is_down = self.timers.outage().is_some();
        self.published.change(|status| {
            let count = |state| status.count(state);
            let result = if is_down {
                RunResult::Unknown
            } else if cycle.count.failed + cycle.count.unknown > 0 {
                RunResult::Failed
            } else if count(State::Unknown) > 0 {
                RunResult::Unknown
            } else if cycle.count.not_begun + count(State::Stalled) + count(State::Reconciling) > 0
            {
                RunResult::Open
            } else if cycle.count.done > 0 {
                RunResult::Applied
            } else {
                RunResult::InSync
            };
            status.cluster.last_run = Some(Run {
                number,
                triggers,
                started,
                ended: Timestamp::now(),
                commit,
                objects,
                result,
                steps: cycle.steps,
                count: cycle.count,
            });
        });
    }
}

/// Returns whether every object of the tree was read.
fn is_all(loaded: &Loaded, read: &BTreeSet<ObjectName>) -> bool {
    loaded
        .desired
        .object_names()
        .iter()
        .all(|name| read.contains(name))
}
