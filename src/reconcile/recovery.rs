//! What an interrupted run destroyed is restored before anything else is planned.

use std::collections::BTreeSet;

use camino::Utf8Path;
use jiff::Timestamp;
use thiserror::Error;

use super::execute::{AuditTrail, Execution};
use crate::apply::{
    self, Applied, ApprovedPlan, AssetSource, InterruptedRun, JournalError, RestoreError,
    RestoreTarget, SnapshotStore, StoredAssets,
};
use crate::live::Live;
use crate::model::{AccountName, Shard};
use crate::plan::{self, Plan, RefusalKind};
use crate::tree::{BillingPolicy, ClusterConfig, Desired};

/// Why what an interrupted run destroyed is not restored; nothing else may be written until it is.
#[derive(Debug, Error)]
pub enum RecoveryError {
    /// A journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] RestoreError),
    /// A guard refuses the plan that restores it.
    #[error(
        "what the run {run} destroyed cannot be put back: {reason}; do what that says, or run `emblazon apply`"
    )]
    Refused {
        /// The run.
        run: String,
        /// The reason of the guard.
        reason: String,
    },
    /// Some steps of the plan failed.
    #[error(
        "not everything that the run {0} destroyed could be put back; look at `emblazon history`, or run again"
    )]
    Incomplete(String),
}

/// Reads, writes and reports for a recovery: the command line and the daemon each have one.
pub trait Recoverer: Sync {
    /// The error that ends a recovery.
    type Error: From<RecoveryError> + Send;

    /// Reads the accounts of a tree from the platform.
    fn read(&self, desired: &Desired) -> impl Future<Output = Result<Live, Self::Error>> + Send;

    /// Executes the plan that restores what was destroyed, under the lease of the run that follows.
    fn execute(
        &self,
        approved: ApprovedPlan<'_>,
        files: &dyn AssetSource,
        execution: Execution<'_>,
    ) -> impl Future<Output = Result<Applied, Self::Error>> + Send;

    /// Asks whether the reported plan may be executed; an error means no.
    fn agree(&self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Returns what the audit log says of the writes that restore something.
    fn audit(&self) -> AuditTrail;

    /// Reports an event.
    fn report(&self, event: RecoveryEvent<'_>);
}

/// An event of a recovery.
#[derive(Clone, Copy, Debug)]
pub enum RecoveryEvent<'a> {
    /// A run was found that never ended.
    Interrupted(&'a InterruptedRun),
    /// None of the objects that it had in flight is damaged.
    Intact,
    /// This plan restores what it destroyed.
    Planned(&'a Plan, &'a RestoreTarget),
    /// What it destroyed is restored.
    Restored(&'a InterruptedRun),
    /// An account that it had in flight could not be read; the next recovery checks it again.
    Unread(&'a AccountName),
}

/// Finds the runs on a cluster that never ended, and restores what they destroyed.
///
/// Returns the accounts that could not be read: their runs stay open for the next recovery. Nothing is written to such
/// an account meanwhile, because a plan has no steps for what is unknown (invariant 6).
///
/// # Errors
/// When something is destroyed and cannot be restored: a new plan would build on the damage.
pub async fn recover<R: Recoverer>(
    recoverer: &R,
    state: &Utf8Path,
    cluster: &ClusterConfig,
    shard: Option<Shard>,
) -> Result<Vec<AccountName>, R::Error> {
    let store = SnapshotStore::new(state);
    let mut unread = Vec::new();
    for run in apply::interrupted_runs(state, &cluster.name, shard).map_err(RecoveryError::from)? {
        recoverer.report(RecoveryEvent::Interrupted(&run));
        let before = run.before(&store, cluster).map_err(RecoveryError::from)?;
        let of_run = match before {
            Some(before) => restore(recoverer, (state, &store), &run, before).await?,
            None => Vec::new(),
        };
        if of_run.is_empty() {
            let closed = apply::close(state, &run.run, Timestamp::now());
            closed.map_err(RecoveryError::from)?;
        }
        unread.extend(of_run);
    }
    Ok(unread)
}

/// Restores what one run destroyed; returns the accounts that could not be read.
async fn restore<R: Recoverer>(
    recoverer: &R,
    (state, store): (&Utf8Path, &SnapshotStore),
    run: &InterruptedRun,
    mut before: RestoreTarget,
) -> Result<Vec<AccountName>, R::Error> {
    let live = recoverer.read(&before.desired).await?;
    let unread = apply::repair(run, &mut before, &live);
    for name in &unread {
        recoverer.report(RecoveryEvent::Unread(name));
    }
    if before.desired.accounts.is_empty() {
        if unread.is_empty() {
            recoverer.report(RecoveryEvent::Intact);
        }
        return Ok(unread);
    }
    // The only thing to delete is a placeholder, which the run itself made, and the only code is what was there before.
    let allow = BTreeSet::from([RefusalKind::Prune, RefusalKind::Executes]);
    let rules = plan::Options {
        now: Timestamp::now(),
        allow: allow.clone(),
        ..plan::Options::default()
    };
    let plan = plan::plan(&before.desired, None, &live, &before.sources, &rules).plan;
    recoverer.report(RecoveryEvent::Planned(&plan, &before));
    if let Some(refusal) = plan.refusals.first() {
        let refused = RecoveryError::Refused {
            run: run.run.to_string(),
            reason: refusal.message.clone(),
        };
        return Err(refused.into());
    }
    recoverer.agree().await?;
    let approved = ApprovedPlan {
        plan: &plan,
        desired: &before.desired,
        allow: &allow,
    };
    let files = StoredAssets::new(store, &before.desired);
    // The whitelabel was paid for before.
    let execution = Execution::new(state, BillingPolicy::Accept, recoverer.audit());
    let applied = recoverer.execute(approved, &files, execution).await?;
    if !applied.is_complete() {
        return Err(RecoveryError::Incomplete(run.run.to_string()).into());
    }
    recoverer.report(RecoveryEvent::Restored(run));
    Ok(unread)
}
