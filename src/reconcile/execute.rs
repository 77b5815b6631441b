//! The only way from an approved plan to writes.

use std::collections::BTreeMap;

use camino::Utf8Path;
use jiff::Timestamp;

use crate::apply::lease::LeaseGuard;
use crate::apply::{
    self, Applied, ApplyError, ApprovedPlan, AssetSource, AuditHead, AuditRef, CanaryCheck, Event,
    Principals, Rollout, RunId, SnapshotUse, audit_head,
};
use crate::dns::push::PrimaryWriter;
use crate::live::{Known, ReadClient, TemplateWriter, WriteClient, WriteKeys};
use crate::model::{AccountId, AccountName};
use crate::plan::{Plan, StepId, Subject};
use crate::tree::{BillingPolicy, Retention};

/// What the audit log says of a run, and where its head is kept.
#[derive(Clone, Debug, Default)]
pub struct AuditTrail {
    /// Who stands behind the run.
    pub principals: Principals,
    /// The ref that keeps the head; absent where there is no Git.
    pub kept_in: Option<AuditRef>,
}

/// How a plan is executed.
pub struct Execution<'a> {
    /// The folder for journal and snapshots.
    pub state: &'a Utf8Path,
    /// Whether creating a whitelabel may cost money (C7).
    pub billing: BillingPolicy,
    /// Which accounts go first, and when to stop.
    pub rollout: Rollout,
    /// Steps that are left out, with the reasons.
    pub withheld: BTreeMap<StepId, String>,
    /// Writes records; steps on zones fail without it.
    pub primary: Option<PrimaryWriter>,
    /// Looks at the accounts that went first before any other begins; nobody looks when absent.
    pub canary_check: Option<CanaryCheck>,
    /// The run whose snapshot is restored, if any.
    pub restores: Option<RunId>,
    /// How many old runs are kept once this one is complete; all if absent.
    pub retention: Option<Retention>,
    /// What the audit log says of it.
    pub audit: AuditTrail,
    /// What need not be read again.
    pub known: Known,
}

impl<'a> Execution<'a> {
    /// Creates an execution without records and without a canary, which deletes no old runs.
    #[must_use]
    pub fn new(state: &'a Utf8Path, billing: BillingPolicy, audit: AuditTrail) -> Self {
        Self {
            state,
            billing,
            rollout: Rollout::default(),
            withheld: BTreeMap::new(),
            primary: None,
            canary_check: None,
            restores: None,
            retention: None,
            audit,
            known: Known::default(),
        }
    }
}

/// Executes a plan under a lease, and returns the outcome of each step.
///
/// # Errors
/// When the run cannot begin; nothing was written then.
pub async fn execute(
    client: &ReadClient,
    approved: ApprovedPlan<'_>,
    files: &dyn AssetSource,
    execution: Execution<'_>,
    guard: &LeaseGuard,
    progress: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Applied, ApplyError> {
    let state = execution.state.to_owned();
    let mut options = apply::Options::new(state, guard.clone(), Timestamp::now);
    options.billing = execution.billing;
    options.rollout = execution.rollout;
    options.withheld = execution.withheld;
    options.primary = execution.primary;
    options.canary_check = execution.canary_check;
    options.restores = execution.restores;
    options.principals = execution.audit.principals;
    options.known = execution.known;
    let before = audit_head(execution.state).ok().flatten();
    let keys = WriteKeys::find(client, &targets(approved.plan)).await;
    let writer = WriteClient::with_keys(client.clone(), keys);
    let template = TemplateWriter::new(client.clone());
    let snapshots = SnapshotUse::begin(execution.state)?;
    let run = apply::run(
        approved,
        &writer,
        Some(&template),
        files,
        &options,
        progress,
    );
    let applied = run.await;
    drop(snapshots);
    options.known.save();
    let applied = applied?;
    if let Some(kept_in) = &execution.audit.kept_in
        && let Err(reason) = keep_head(kept_in, execution.state, before.as_ref()).await
    {
        progress(Event::Unkept(&reason));
    }
    if let Some(retention) = execution.retention.filter(|_| applied.is_complete()) {
        let pruned = apply::prune(execution.state, retention, Timestamp::now());
        progress(Event::Pruned(&pruned));
    }
    Ok(applied)
}

/// Returns the accounts that a plan writes to, with their folders in the tree.
fn targets(plan: &Plan) -> BTreeMap<AccountId, AccountName> {
    let subjects = plan.steps.iter().map(|step| &step.subject);
    let accounts = subjects.filter_map(|subject| match subject {
        Subject::Account { name, id } => Some((id.clone(), name.clone())),
        Subject::Template | Subject::Zone(_) => None,
    });
    accounts.collect()
}

/// Keeps the head of the audit log in Git, if the run has moved it; the error says why not.
async fn keep_head(
    kept_in: &AuditRef,
    state: &Utf8Path,
    before: Option<&(AuditHead, RunId)>,
) -> Result<(), String> {
    let now = audit_head(state).map_err(|error| error.to_string())?;
    let Some((head, run)) = now.as_ref().filter(|now| Some(*now) != before) else {
        return Ok(());
    };
    let kept = kept_in.keep(head, run, Timestamp::now()).await;
    kept.map_err(|error| error.to_string())
}
