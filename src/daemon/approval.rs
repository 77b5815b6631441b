//! The end of an approval: executed or refused.

use jiff::Timestamp;

use super::controller::Controller;
use super::cycle::CycleResult;
use super::status::{InterventionKind, Outcome};
use crate::model::{Digest, count};

impl Controller {
    /// Records the outcome of the approval. `offered` is the number of its steps if it was for the current plan, else
    /// the digest of the current plan.
    pub(super) fn end_approval(
        &mut self,
        offered: Result<usize, Digest>,
        result: &CycleResult,
        held: Option<&str>,
    ) {
        let now = Timestamp::now();
        let steps = match offered {
            Ok(steps) => steps,
            Err(instead) => {
                let message = format!(
                    "it is not what there is to do any more; look at plan {} and approve that",
                    instead.short()
                );
                return self.drop_approval(&message, now);
            }
        };
        if let Some(reason) = held {
            return self.drop_approval(&format!("nothing was written: {reason}"), now);
        }
        let done = result.count.done;
        let message = match (done, done == steps) {
            (done, true) => format!("carried out: {} done", count(done, "step")),
            (done, false) => {
                let steps = count(steps, "step");
                format!(
                    "carried out in part: {done} of {steps} done; see what is left and approve that"
                )
            }
        };
        self.conclude_approval(&Outcome {
            at: now,
            is_done: done == steps,
            message,
        });
    }

    /// Refuses the approval, with the reason.
    pub(super) fn drop_approval(&mut self, reason: &str, now: Timestamp) {
        self.conclude_approval(&Outcome {
            at: now,
            is_done: false,
            message: format!("not carried out: {reason}"),
        });
    }

    fn conclude_approval(&mut self, outcome: &Outcome) {
        let Some(plan) = self.approved.take() else {
            return;
        };
        tracing::info!(plan = plan.short(), "approval {}", outcome.message);
        self.history_log.settle(InterventionKind::Approve, outcome);
        let history = self.history_log.history();
        self.published.change(|status| {
            status.history = history;
            let is_it = |approval: &super::status::Approval| approval.plan == plan;
            if status.cluster.approval.as_ref().is_some_and(is_it) {
                status.cluster.approval = None;
            }
        });
    }
}
