//! A plan that a run may carry out.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::error::ApplyError;
use crate::plan::{FORMAT_VERSION, Plan, Refusal, RefusalKind, guard};
use crate::tree::Desired;

/// A plan with the policy and the lifted guards that it was approved under. The run itself checks the guards once more,
/// so no caller can leave them out.
#[derive(Clone, Copy, Debug)]
pub struct ApprovedPlan<'a> {
    /// The plan to carry out.
    pub plan: &'a Plan,
    /// The tree that the plan leads to; its policy applies.
    pub desired: &'a Desired,
    /// The guards that were lifted for exactly this plan; [`RefusalKind::Prune`] when deletions were asked for.
    pub allow: &'a BTreeSet<RefusalKind>,
}

impl ApprovedPlan<'_> {
    /// Returns the refusals that hold the plan at this moment.
    #[must_use]
    pub fn held(&self, now: Timestamp) -> Vec<Refusal> {
        guard::check(self.plan, self.desired, self.allow, now)
    }

    /// Checks that this is a plan of this version, unchanged, for this tree, and that no guard holds it.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), ApplyError> {
        let plan = self.plan;
        if plan.version != FORMAT_VERSION {
            return Err(ApplyError::Version {
                found: plan.version,
            });
        }
        if let Some((place, step)) = (0..).zip(&plan.steps).find(|(n, step)| step.id.0 != *n) {
            return Err(ApplyError::Numbering {
                place,
                found: step.id,
            });
        }
        let found = self.desired.digest();
        if plan.tree != found || plan.cluster != self.desired.cluster.name {
            return Err(ApplyError::OtherTree {
                planned: plan.tree.clone(),
                found,
            });
        }
        match self.held(now) {
            held if held.is_empty() => Ok(()),
            held => Err(ApplyError::Held(held)),
        }
    }

    /// Returns the reason to stop when a freeze began during the run.
    pub(super) fn frozen(&self, now: impl FnOnce() -> Timestamp) -> Option<String> {
        if self.desired.policy.freezes.is_empty() || self.allow.contains(&RefusalKind::Freeze) {
            return None;
        }
        let refusal = guard::freeze(self.plan, &self.desired.policy, now())?;
        Some(format!("{}; plan again afterwards", refusal.message))
    }
}
