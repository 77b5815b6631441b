//! What the audit log says of the daemon's runs.

use std::collections::BTreeSet;

use super::controller::Controller;
use super::interventions::Target;
use super::source::SourceRevision;
use super::status::{Intervention, InterventionKind};
use crate::apply::Principals;
use crate::reconcile::AuditTrail;
use crate::tree::commit_facts;

impl Controller {
    /// Returns what stands behind a run for which some approvals count; without one, a policy lets it go on.
    pub(super) fn audit_trail(&self, granted: &BTreeSet<Target>) -> AuditTrail {
        let commit = self.revision.as_ref().and_then(SourceRevision::id);
        let signer = (self.revision.as_ref())
            .and_then(|revision| revision.commit.as_ref()?.signer.clone())
            .map(|signer| format!("{signer}, who signed it"));
        let author = || Some(commit_facts(self.source.folder(), commit?)?.author);
        let approvers: Vec<String> = (granted.iter())
            .filter_map(|target| self.approver(target))
            .collect();
        AuditTrail {
            principals: Principals {
                commit: commit.map(str::to_owned),
                author: signer.or_else(author),
                approver: (!approvers.is_empty()).then(|| approvers.join("; ")),
            },
            kept_in: self.applied.audit(),
        }
    }

    /// Returns who approved an object's part of the plan, or the whole plan, last, and how.
    fn approver(&self, target: &Target) -> Option<String> {
        let history = self.history_log.history();
        let is_it =
            |one: &&Intervention| one.kind == InterventionKind::Approve && one.object == *target;
        let author = &history.interventions.iter().rev().find(is_it)?.author;
        let mut text = author.named().to_owned();
        if let Some(via) = &author.via {
            text = format!("{text}, by {via}");
        }
        Some(match target {
            Some(name) => format!("{text}, for {name}"),
            None => text,
        })
    }
}
