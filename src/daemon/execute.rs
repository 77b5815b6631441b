//! Executes a plan, and processes the result.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use camino::Utf8Path;
use jiff::Timestamp;

use super::assessment::acting;
use super::assessment::{Assessment, assess, changes, subjects};
use super::controller::Controller;
use super::cycle::{CycleResult, ENDED};
use super::schedule::{Name, back_off, later};
use super::status::Mode;
use super::verdict::is_drift;
use crate::apply::lease::LeaseGuard;
use crate::apply::{Applied, ApplyError, ApprovedPlan, Event, Rollout, StepResult, StepStanding};
use crate::diff::{ChangeKey, WrittenParts, take_over};
use crate::live::ReadClient;
use crate::plan::{Action, RefusalKind};
use crate::reconcile::{Advance, Execution, advance, execute};
use crate::tree::{Desired, Loaded, MAX_ASSET_BYTES, TreeSource};

/// Deadline of the read-back when the daemon is ending.
const LAST: Duration = Duration::from_secs(2);

impl Controller {
    pub(super) async fn execute_plan(
        &self,
        loaded: &Loaded,
        files: &Arc<dyn TreeSource + Send>,
        assessment: &Assessment<'_>,
        client: &ReadClient,
        guard: &LeaseGuard,
    ) -> Result<Applied, ApplyError> {
        let plan = &assessment.plan;
        tracing::info!(steps = plan.steps.len(), "applying");
        let guard = guard.child();
        let execution = Execution {
            rollout: Rollout {
                canary: loaded.watch.canary.clone(),
                max_failures: None,
            },
            primary: self.zones.writer(),
            ..Execution::new(&self.setup.state, loaded.desired.policy.billing)
        };
        let mut allow = BTreeSet::new();
        if loaded.watch.policy.prune {
            allow.insert(RefusalKind::Prune);
        }
        let approved = ApprovedPlan {
            plan,
            desired: &assessment.desired,
            allow: &allow,
        };
        let done = AtomicUsize::new(0);
        let progress = |event: Event<'_>| {
            if let Event::Ended(_, outcome) = event
                && outcome.result.standing() == StepStanding::Done
            {
                done.fetch_add(1, Ordering::Relaxed);
            }
            self.published.change(|status| {
                if let Mode::Running(hand) = &mut status.cluster.mode {
                    hand.steps = plan.steps.len();
                    hand.done = done.load(Ordering::Relaxed);
                }
            });
        };
        let bytes = |path: &Utf8Path| files.read(path, MAX_ASSET_BYTES);
        let stop = self.queue.stopped();
        let run = execute(client, approved, &bytes, execution, &guard, &progress);
        let mut run = std::pin::pin!(run);
        tokio::select! {
            applied = &mut run => return applied,
            () = stop.cancelled() => {
                self.published
                    .change(|status| status.cluster.mode = Mode::Stopping);
            }
            () = self.queue.pause_arrives() => tracing::info!("a pause was asked for; no further step is begun"),
        }
        // Steps in flight are finished.
        guard.stopping().cancel();
        run.await
    }

    /// Processes the results of the steps.
    pub(super) fn take_in(
        &mut self,
        assessment: &Assessment<'_>,
        applied: &Applied,
        result: &mut CycleResult,
    ) {
        let now = Timestamp::now();
        result.count = applied.count();
        result.written =
            WrittenParts::done(&assessment.plan, applied, Some(&assessment.differences));
        result.base_moved = self.take_written(&result.written, &assessment.desired);
        let mut failures: BTreeMap<Name, String> = BTreeMap::new();
        let mut waiting: BTreeSet<Name> = BTreeSet::new();
        let mut touched: BTreeSet<Name> = BTreeSet::new();
        for (step, outcome) in assessment.plan.steps.iter().zip(&applied.outcomes) {
            let names = subjects(step);
            touched.extend(names.iter().cloned());
            match &outcome.result {
                StepResult::Done { .. } => {
                    for name in &names {
                        let Some(record) = self.records.get_mut(name) else {
                            continue;
                        };
                        for change in step.changes.iter().filter(|change| is_drift(change)) {
                            record.drift_history.healed(&change.key, now);
                        }
                        if let Action::Records { .. } = step.action {
                            self.names.requeue(name, now);
                        }
                    }
                }
                StepResult::Moved { reason }
                | StepResult::Failed { reason }
                | StepResult::Unknown { reason } => {
                    for name in names {
                        failures.entry(name).or_insert_with(|| reason.clone());
                    }
                }
                // Neither is a failure of its own: it is retried together with the step that blocked it.
                StepResult::Skipped { .. } | StepResult::NotBegun { .. } => waiting.extend(names),
            }
        }
        for name in touched {
            let seed = self.seed;
            let Some(record) = self.records.get_mut(&name) else {
                continue;
            };
            record.failure = failures.remove(&name);
            if let Some(reason) = &record.failure {
                tracing::warn!(object = ?name, reason, "not applied");
                record.failures += 1;
                record.retry_at = Some(later(now, back_off(record.failures, &name, seed)));
            } else {
                record.failures = 0;
                record.retry_at = None;
            }
        }
        let retries = self.records.values().filter_map(|record| record.retry_at);
        let after = retries.filter(|at| *at > now).max();
        for name in waiting {
            if let Some(record) = self.records.get_mut(&name)
                && record.failure.is_none()
            {
                record.retry_at = after;
            }
        }
    }

    /// Moves keys of partly written accounts into the base, and returns whether the base changed. Completely written
    /// accounts settle elsewhere. The domain key stays, because the records of the previous domain follow from it.
    fn take_written(&mut self, written: &WrittenParts, desired: &Desired) -> bool {
        let Some(base) = &mut self.base else {
            return false;
        };
        let domain = ChangeKey::Setting("domain".into());
        let mut has_moved = false;
        for (name, keys) in &written.keys {
            let (Some(there), Some(known)) = (desired.account(name), base.account_mut(name)) else {
                continue;
            };
            let mut keys = keys.clone();
            keys.remove(&domain);
            take_over(known.make_mut(), there, &keys);
            has_moved = true;
        }
        has_moved
    }

    /// Records beside the ref what was written of a commit that is not completely applied, so that every other process
    /// sees it.
    pub(super) async fn note_written(&mut self, parts: WrittenParts) {
        let commit = self
            .revision
            .as_ref()
            .and_then(|revision| revision.commit.as_ref());
        let (Some(commit), Some(written)) = (commit, &mut self.written) else {
            return;
        };
        if parts.is_empty() || self.applied.as_ref() == Some(&commit.id) {
            return;
        }
        let (shard, push) = (self.setup.shard, self.setup.push);
        let known = written.known(shard, self.applied.as_deref());
        let now = known.clone().and(&commit.id, parts);
        if now == known {
            return;
        }
        if let Err(error) = written.keep(shard, now, Timestamp::now(), push).await {
            tracing::warn!(%error, "what was written of a commit that is not applied completely cannot be noted; elsewhere it may look like somebody's edit");
        }
    }

    /// Deletes that record, which the new base replaces.
    pub(super) async fn forget_written(&mut self) {
        let push = self.setup.push;
        if let Some(written) = &mut self.written
            && let Err(error) = written.clear(push).await
        {
            tracing::warn!(%error, "what was noted beside the ref stays there");
        }
    }

    /// Reads back what was written, so that the status shows what is live.
    pub(super) async fn read_back<'l>(
        &mut self,
        loaded: &'l Loaded,
        read: &BTreeSet<Name>,
        client: &ReadClient,
        before: Assessment<'l>,
    ) -> Assessment<'l> {
        let written = acting(&before.plan);
        let deletes = before
            .plan
            .steps
            .iter()
            .any(|step| step.action == Action::Delete);
        let (desired, base, stop) = (&loaded.desired, self.base.as_ref(), self.queue.stopped());
        let last = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST).await;
        };
        let failure = tokio::select! {
            read = self.platform.read(client, desired, base, &written, deletes) => {
                read.err().map(|error| error.explained())
            }
            () = last => Some(ENDED.to_owned()),
        };
        match failure {
            Some(reason) => self.platform.lose(&written, &reason),
            None => self.read_zones(loaded, &written).await,
        }
        let now = Timestamp::now();
        self.planned += 1;
        let differences = self.differences(loaded);
        // Healed drift is gone; the drift history must not count the rest twice.
        for name in &written {
            if let Some(record) = self.records.get_mut(name) {
                let found = changes(&differences, name);
                record
                    .drift
                    .retain(|drift| found.iter().any(|change| change.key == drift.change.key));
            }
        }
        assess(&self.input(loaded, read, now), differences)
    }

    /// Records that the adopted commit is completely applied, in all or in this daemon's shard, and returns whether it
    /// is the new base.
    pub(super) async fn advance(&mut self) -> bool {
        let Some(commit) = self
            .revision
            .as_ref()
            .and_then(|revision| revision.commit.clone())
        else {
            return false;
        };
        let is_known = [&self.applied, &self.shard_state.noted].contains(&&Some(commit.id.clone()));
        let Some(reference) = self.reference.as_mut().filter(|_| !is_known) else {
            return false;
        };
        let (shard, push) = (self.setup.shard, self.setup.push);
        // A shard keeps the base for which it was cut.
        if push && shard.is_none() {
            reference.look().await;
        }
        let base = self.applied.as_deref();
        match advance(reference, shard, (&commit.id, base), push).await {
            whole @ Advance::Base { .. } => {
                tracing::info!("{whole}");
                self.applied = Some(commit.id);
                self.conditions.untrusted_base = None;
                return true;
            }
            waits @ Advance::Waits { .. } => {
                tracing::info!("{waits}");
                self.shard_state.noted = Some(commit.id);
            }
            other @ (Advance::Moved | Advance::Failed(_)) => {
                tracing::warn!("the base stays as it was: {other}");
            }
        }
        false
    }
}
