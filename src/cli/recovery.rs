//! Recovery on the command line: shows what an interrupted run destroyed, and asks before restoring it.

use anyhow::anyhow;
use camino::Utf8Path;

use super::execute;
use super::failure::Failure;
use super::platform::Platform;
use super::tree::OpenTree;
use super::ui::{self, Ui};
use crate::apply::lease::LeaseGuard;
use crate::apply::{Applied, ApprovedPlan, AssetSource, InterruptedRun, RestoreTarget};
use crate::live::Live;
use crate::model::Shard;
use crate::plan::Plan;
use crate::reconcile::{self, AuditTrail, Execution, Recoverer, RecoveryError, RecoveryEvent};
use crate::report::text::visible;
use crate::report::{self, Command, Facts, text};
use crate::tree::Desired;

/// Looks for runs that never ended, shows what they had in flight, and restores what they destroyed. `history` is the
/// command that lists the runs.
///
/// # Errors
/// When something is destroyed and cannot be restored: a new plan would build on the damage.
pub(crate) async fn recover(
    ui: Ui,
    tree: &OpenTree,
    platform: &Platform,
    (state, shard): (&Utf8Path, Option<Shard>),
    guard: &LeaseGuard,
    (is_sure, audit): (bool, AuditTrail),
    history: &str,
) -> Result<(), Failure> {
    let terminal = Terminal {
        ui,
        platform,
        guard,
        is_sure,
        audit,
    };
    let cluster = &tree.loaded.desired.cluster;
    let recovered = reconcile::recover(&terminal, state, cluster, shard).await;
    match recovered {
        Ok(_) => Ok(()),
        Err(Ended::Failed(failure)) => Err(failure),
        Err(Ended::NotRestored(error)) => Err(failure(error, history)),
    }
}

struct Terminal<'a> {
    ui: Ui,
    platform: &'a Platform,
    guard: &'a LeaseGuard,
    is_sure: bool,
    audit: AuditTrail,
}

impl Recoverer for Terminal<'_> {
    type Error = Ended;

    async fn read(&self, desired: &Desired) -> Result<Live, Ended> {
        Ok(self.platform.collect_before(self.ui, desired).await?)
    }

    async fn execute(
        &self,
        approved: ApprovedPlan<'_>,
        files: &dyn AssetSource,
        execution: Execution<'_>,
    ) -> Result<Applied, Ended> {
        let (platform, guard) = (self.platform, self.guard);
        Ok(execute::execute_plan(self.ui, platform, approved, files, execution, guard).await?)
    }

    fn audit(&self) -> AuditTrail {
        self.audit.clone()
    }

    async fn agree(&self) -> Result<(), Ended> {
        if self.is_sure || ui::ask("Put this back from the snapshot?").await? {
            return Ok(());
        }
        Err(Failure::Refused("not put back, not applied".to_owned()).into())
    }

    fn report(&self, event: RecoveryEvent<'_>) {
        let ui = self.ui;
        match event {
            RecoveryEvent::Interrupted(run) => tell(ui, run),
            RecoveryEvent::Intact => {
                ui.message("nothing is destroyed; this run goes by what is live now");
            }
            RecoveryEvent::Planned(plan, before) => show(ui, plan, before),
            RecoveryEvent::Restored(_) => ui.message("put back"),
            RecoveryEvent::Unread(name) => ui.message(&format!(
                "{}: could not be read, and is looked at again by the next run",
                visible(name.as_str())
            )),
        }
    }
}

/// Why a recovery ended.
enum Ended {
    /// The command failed.
    Failed(Failure),
    /// What was destroyed is not restored.
    NotRestored(RecoveryError),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<RecoveryError> for Ended {
    fn from(error: RecoveryError) -> Self {
        Self::NotRestored(error)
    }
}

/// Returns the failure of a command; `history` is the command that lists the runs.
fn failure(error: RecoveryError, history: &str) -> Failure {
    match error {
        // The plan was shown with its refusals.
        RecoveryError::Refused { .. } => Failure::Refused(
            "what the run destroyed cannot be put back; do what the refusal says, then run again"
                .to_owned(),
        ),
        RecoveryError::Incomplete(_) => Failure::Failed(anyhow!(
            "not everything that the run destroyed could be put back; run again, or look at `{history}`"
        )),
        other @ (RecoveryError::Journal(_) | RecoveryError::Snapshot(_)) => {
            Failure::Failed(other.into())
        }
    }
}

fn tell(ui: Ui, run: &InterruptedRun) {
    ui.message(&format!(
        "the run {} never ended; what it had in flight:",
        run.run
    ));
    for step in &run.in_flight {
        let answered = if step.answered { "" } else { ", not answered" };
        ui.message(&format!(
            "  {}: {}{answered}",
            visible(step.subject.title()),
            visible(&step.write)
        ));
    }
    if run.in_flight.is_empty() {
        ui.message("  nothing");
    }
}

fn show(ui: Ui, plan: &Plan, before: &RestoreTarget) {
    let digest = plan.digest();
    let facts = Facts {
        plan: Some((plan, &digest)),
        ..Facts::new(Command::Plan, &[], &before.sources)
    };
    ui.message("what the run left in pieces, and how it is put back:");
    let report = report::report(&facts);
    ui.message_page(&text::render(&report, ui.stderr_options()));
}
