//! Executes a plan, and processes the result.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use camino::Utf8Path;
use jiff::Timestamp;

use super::assessment::{Assessment, acting, assess};
use super::controller::Controller;
use super::cycle::{CycleResult, ENDED};
use super::status::Mode;
use crate::apply::lease::LeaseGuard;
use crate::apply::{Applied, ApplyError, ApprovedPlan, Event, Rollout, StepResult, StepStanding};
use crate::diff::WrittenParts;
use crate::live::ReadClient;
use crate::model::ObjectName;
use crate::plan::{Action, RefusalKind};
use crate::reconcile::{AuditTrail, Execution, execute};
use crate::tree::{Loaded, MAX_ASSET_BYTES, TreeSource};

/// Deadline of the read-back when the daemon is ending.
const LAST: Duration = Duration::from_secs(2);

impl Controller {
    pub(super) async fn execute_plan(
        &self,
        loaded: &Loaded,
        files: &Arc<dyn TreeSource + Send>,
        assessment: &Assessment<'_>,
        client: &ReadClient,
        (guard, audit): (&LeaseGuard, AuditTrail),
    ) -> Result<Applied, ApplyError> {
        let plan = &assessment.plan;
        tracing::info!(steps = plan.steps.len(), "applying");
        let guard = guard.child();
        let execution = Execution {
            rollout: Rollout {
                canary: loaded.watch.canary.clone(),
                max_failures: None,
            },
            primary: self.observed.zones.writer(),
            retention: Some(loaded.desired.policy.snapshots),
            ..Execution::new(&self.setup.state, loaded.desired.policy.billing, audit)
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
            match event {
                Event::Ended(_, outcome) if outcome.result.standing() == StepStanding::Done => {
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Event::Unkept(reason) => {
                    tracing::warn!(reason, "Git does not keep the head of the audit log");
                }
                Event::Pruned(Err(error)) => tracing::warn!(%error, "old runs are kept"),
                Event::Begun(_) | Event::Ended(..) | Event::Pruned(Ok(_)) => {}
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
        result.base_moved = (self.applied).take_written(&result.written, &assessment.desired);
        self.objects.take_in(&assessment.plan, applied, now);
        for (step, outcome) in assessment.plan.steps.iter().zip(&applied.outcomes) {
            if !matches!(outcome.result, StepResult::Done { .. }) {
                continue;
            }
            for name in step.objects() {
                *result.done.entry(name.clone()).or_default() += 1;
                self.timers.brands.put_first(&name);
                if matches!(step.action, Action::Records { .. }) {
                    self.timers.domains.requeue(&name, now);
                }
            }
        }
    }

    /// Reads back what was written, so that the status shows what is live.
    pub(super) async fn read_back<'l>(
        &mut self,
        loaded: &'l Loaded,
        read: &BTreeSet<ObjectName>,
        client: &ReadClient,
        before: Assessment<'l>,
    ) -> Assessment<'l> {
        let written = acting(&before.plan);
        let deletes = before
            .plan
            .steps
            .iter()
            .any(|step| step.action == Action::Delete);
        let (desired, base, stop) = (
            &loaded.desired,
            self.applied.base.as_ref(),
            self.queue.stopped(),
        );
        let last = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST).await;
        };
        let failure = tokio::select! {
            read = self.observed.platform.read(client, desired, base, &written, deletes) => {
                read.err().map(|error| error.explained())
            }
            () = last => Some(ENDED.to_owned()),
        };
        match failure {
            Some(reason) => self.observed.platform.lose(&written, &reason),
            None => self.read_zones(loaded, &written).await,
        }
        let now = Timestamp::now();
        self.planned += 1;
        let differences = self.differences(loaded);
        self.objects.observe_healed(&differences, &written);
        assess(&self.input(loaded, read, now), differences)
    }
}
