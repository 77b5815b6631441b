//! What people asked the daemon for: a pause, and the approval of a plan. Each ends with an outcome in the history log.

use jiff::Timestamp;

use super::PublishedStatus;
use super::conditions::Conditions;
use super::history_log::HistoryLog;
use super::pause_ref::{PauseRecord, PauseRef};
use super::status::{Approval, Intervention, InterventionKind, Outcome, Pause};
use crate::apply::remote::GitError;
use crate::model::{Digest, count};

/// The pause and the approval that hold now.
#[derive(Debug, Default)]
pub(super) struct Interventions {
    pause: Option<Pause>,
    /// Carries the pause to the next leader; absent where no other host can lead.
    shared: Option<PauseRef>,
    /// What the next leader does not know yet.
    unsent: Option<PauseRecord>,
    /// The approved plan.
    approved: Option<Digest>,
}

impl Interventions {
    /// Restores the pause from disk; a corrupted file counts as a pause.
    pub(super) fn restore(&mut self, log: &HistoryLog, conditions: &mut Conditions) {
        self.pause = log.pause().unwrap_or_else(|reason| {
            tracing::error!(%reason, "the pause cannot be read; nothing is written until somebody resumes");
            conditions.pause = Some(reason.clone());
            Some(Pause {
                reason: format!("{reason}; whether somebody paused is not known, so nothing is written until somebody resumes"),
                by: None,
                via: None,
                since: Timestamp::now(),
                until: None,
            })
        });
    }

    /// Takes over the pause of the leader before this one. What this host noted later counts more, and is sent.
    ///
    /// # Errors
    /// When it cannot be read whether that leader was paused; nothing may be written then.
    pub(super) async fn take_over(
        &mut self,
        shared: Option<PauseRef>,
        log: &HistoryLog,
        conditions: &mut Conditions,
    ) -> Result<(), GitError> {
        self.unsent = None;
        self.shared = shared;
        let Some(shared) = &self.shared else {
            return Ok(());
        };
        let theirs = shared.read().await?;
        match (&self.pause, theirs) {
            (Some(ours), theirs) if theirs.as_ref().is_none_or(|it| it.at < ours.since) => {
                self.unsent = Some(PauseRecord {
                    at: ours.since,
                    pause: Some(ours.clone()),
                });
            }
            (ours, Some(theirs)) if *ours != theirs.pause => {
                self.keep(theirs.pause, log, conditions);
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells the next leader about the pause, if it does not know it yet.
    pub(super) async fn share(&mut self) {
        let (Some(shared), Some(unsent)) = (&self.shared, &self.unsent) else {
            return;
        };
        match shared.write(unsent).await {
            Ok(()) => self.unsent = None,
            Err(error) => {
                tracing::warn!(%error, "another host that takes over does not know yet whether this daemon is paused");
            }
        }
    }

    /// Returns the pause, if there is one.
    pub(super) fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Begins or ends a pause, and writes it down. Its state is known again, even if it could not be read.
    pub(super) fn set_pause(
        &mut self,
        pause: Option<Pause>,
        log: &HistoryLog,
        conditions: &mut Conditions,
    ) {
        self.unsent = Some(PauseRecord {
            at: pause
                .as_ref()
                .map_or_else(Timestamp::now, |pause| pause.since),
            pause: pause.clone(),
        });
        self.keep(pause, log, conditions);
    }

    fn keep(&mut self, pause: Option<Pause>, log: &HistoryLog, conditions: &mut Conditions) {
        if let Err(error) = log.keep_pause(pause.as_ref()) {
            tracing::warn!(%error, "the pause cannot be written down, and does not outlive this process");
        }
        if let Some(pause) = &pause {
            tracing::info!(reason = %pause.reason, "paused");
        } else {
            tracing::info!("resumed");
        }
        self.pause = pause;
        conditions.pause = None;
    }

    /// Ends the pause if its time is over, and returns whether it was.
    pub(super) fn end_pause_when_over(
        &mut self,
        log: &mut HistoryLog,
        conditions: &mut Conditions,
        now: Timestamp,
    ) -> bool {
        let is_over = self.pause.as_ref().is_some_and(|pause| pause.is_over(now));
        if is_over {
            self.set_pause(None, log, conditions);
            let outcome = Outcome {
                at: now,
                is_done: true,
                message: "it ended at its time".to_owned(),
            };
            log.settle(InterventionKind::Pause, &outcome);
        }
        is_over
    }

    /// Records an intervention, and closes the ones that it replaces.
    pub(super) fn note(
        &mut self,
        intervention: Intervention,
        log: &mut HistoryLog,
        conditions: &mut Conditions,
        now: Timestamp,
    ) {
        tracing::info!(
            by = intervention.author.by.as_deref().unwrap_or_default(),
            reason = intervention.author.reason.as_deref().unwrap_or_default(),
            via = intervention.author.via.as_deref().unwrap_or_default(),
            plan = intervention.plan.as_ref().map_or("", |plan| plan.short()),
            "{} was asked for",
            intervention.kind.as_str()
        );
        let ended = |message: String| Outcome {
            at: now,
            is_done: false,
            message,
        };
        let who = intervention.author.named().to_owned();
        match intervention.kind {
            InterventionKind::Approve => {
                self.approved = None;
                let message = "not carried out: another approval came after it".to_owned();
                log.settle(InterventionKind::Approve, &ended(message));
            }
            InterventionKind::Pause => {
                let message = format!("{who} asked for another pause");
                log.settle(InterventionKind::Pause, &ended(message));
            }
            InterventionKind::Resume => {
                let outcome = Outcome {
                    is_done: true,
                    ..ended(format!("{who} resumed"))
                };
                log.settle(InterventionKind::Pause, &outcome);
            }
            // The resync acknowledges the alert.
            InterventionKind::Resync => conditions.history = None,
        }
        log.intervene(intervention);
    }

    /// Approves a plan.
    pub(super) fn approve(&mut self, plan: Digest) {
        self.approved = Some(plan);
    }

    /// Returns whether a plan is the approved one.
    pub(super) fn approves(&self, plan: impl FnOnce() -> Digest) -> bool {
        let approved = self.approved.as_ref();
        approved.is_some_and(|approved| *approved == plan())
    }

    /// Ends the approval after a cycle over everything that did so many steps, or none for a reason. `offered` is the
    /// number of its steps if it was for the current plan, else the digest of the current plan.
    pub(super) fn end_approval(
        &mut self,
        offered: Result<usize, Digest>,
        (done, held): (usize, Option<&str>),
        log: &mut HistoryLog,
        published: &PublishedStatus,
    ) {
        let steps = match offered {
            Ok(steps) => steps,
            Err(instead) => {
                let message = format!(
                    "the plan has changed since; look at plan {} and approve that",
                    instead.short()
                );
                return self.drop_approval(&message, log, published);
            }
        };
        if let Some(reason) = held {
            let reason = format!("nothing was written: {reason}");
            return self.drop_approval(&reason, log, published);
        }
        let message = match (done, done == steps) {
            (done, true) => format!("carried out: {} done", count(done, "step")),
            (done, false) => {
                let steps = count(steps, "step");
                format!(
                    "carried out in part: {done} of {steps} done; see what is left and approve that"
                )
            }
        };
        let outcome = Outcome {
            at: Timestamp::now(),
            is_done: done == steps,
            message,
        };
        self.conclude_approval(&outcome, log, published);
    }

    /// Refuses the approval, with the reason.
    pub(super) fn drop_approval(
        &mut self,
        reason: &str,
        log: &mut HistoryLog,
        published: &PublishedStatus,
    ) {
        let outcome = Outcome {
            at: Timestamp::now(),
            is_done: false,
            message: format!("not carried out: {reason}"),
        };
        self.conclude_approval(&outcome, log, published);
    }

    fn conclude_approval(
        &mut self,
        outcome: &Outcome,
        log: &mut HistoryLog,
        published: &PublishedStatus,
    ) {
        let Some(plan) = self.approved.take() else {
            return;
        };
        tracing::info!(plan = plan.short(), "approval {}", outcome.message);
        log.settle(InterventionKind::Approve, outcome);
        let history = log.history();
        published.change(|status| {
            status.history = history;
            let is_it = |approval: &Approval| approval.plan == plan;
            if status.cluster.approval.as_ref().is_some_and(is_it) {
                status.cluster.approval = None;
            }
        });
    }
}
