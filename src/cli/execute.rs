//! Executes a plan: fresh, saved, or a restore.

use anyhow::{Context as _, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::args::Trial;
use super::failure::Failure;
use super::platform::Platform;
use super::progress::{Phase, ended};
use super::ui::{Telling, Ui};
use crate::apply::lease::LeaseGuard;
use crate::apply::{Applied, ApplyError, ApprovedPlan, AssetSource, Event, JournalError, Pruned};
use crate::model::count;
use crate::reconcile::{Execution, execute};
use crate::report::text::visible;

/// Executes a plan and shows its progress. Ctrl-C ends the run after the writes that are in flight.
pub(crate) async fn execute_plan(
    ui: Ui,
    platform: &Platform,
    approved: ApprovedPlan<'_>,
    files: &dyn AssetSource,
    execution: Execution<'_>,
    guard: &LeaseGuard,
) -> Result<Applied, Failure> {
    let interrupted = watch_for_interrupt(ui, guard.stopping().clone());
    let steps = approved.plan.steps.len();
    let reader = platform.reader();
    let phase = Phase::asking(ui, "applying", steps, reader.activity());
    ui.limit().bound_writing(reader.deadline());
    let progress = |event: Event<'_>| {
        match event {
        Event::Begun(step) => phase.at(step.subject.title()),
        // A step that was not begun is no progress.
        Event::Ended(_, outcome) if outcome.result.halt().is_some() => {}
        Event::Ended(step, outcome) => {
            let number = phase.step();
            // Whoever reads a log follows the run in it, and still knows what was written if the run is killed.
            if ui.telling() == Telling::Lines {
                ui.message(&ended(step, outcome, (number, steps)));
            }
        }
        Event::Unkept(reason) => ui.message(&visible(&format!(
            "Git does not keep the head of the audit log: {reason}; the next run that writes tries again"
        ))),
        Event::Pruned(pruned) => tell_pruned(ui, pruned),
    }
    };
    let applied = execute(reader, approved, files, execution, guard, &progress).await;
    interrupted.abort();
    applied.map_err(|error| match error {
        ApplyError::Held(_) | ApplyError::Canary(..) => Failure::Refused(error.to_string()),
        _ => Failure::Failed(error.into()),
    })
}

fn watch_for_interrupt(ui: Ui, stop: CancellationToken) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ui.message("stopping after what is in flight");
            stop.cancel();
        }
    })
}

/// Reports that old runs were deleted. A failure does not fail the run.
fn tell_pruned(ui: Ui, pruned: &Result<Pruned, JournalError>) {
    match pruned {
        Ok(pruned) if pruned.runs > 0 => ui.message(&format!(
            "threw away {} and {} that nothing else had (policy.snapshots)",
            count(pruned.runs, "old run"),
            count(pruned.objects, "content")
        )),
        Ok(_) => {}
        Err(error) => ui.message(&format!("old runs are kept: {error}")),
    }
}

/// The folder of snapshots and journals.
pub(crate) struct StateFolder {
    pub(crate) path: Utf8PathBuf,
    /// Deletes the folder when the run is over.
    _passing: Option<TempDir>,
}

impl StateFolder {
    /// Returns the folder of runs on a platform, below the tree.
    pub(crate) fn of_tree(folder: &Utf8Path) -> Utf8PathBuf {
        folder.join(".emblazon")
    }

    /// Returns the folder of runs on the chosen platform; `None` for a sandbox that ends with its command.
    pub(crate) fn of_choice(sandbox: &Trial, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        if sandbox.is_wanted() {
            sandbox.runs()
        } else {
            Some(Self::of_tree(folder))
        }
    }

    /// Chooses the folder: below the tree for a platform, elsewhere or temporary for a sandbox, whose journal must not
    /// be mistaken for a platform's.
    pub(crate) fn choose(platform: &Platform, folder: &Utf8Path) -> Result<Self, Failure> {
        if !platform.is_sandbox() {
            return Ok(Self {
                path: Self::of_tree(folder),
                _passing: None,
            });
        }
        if let Some(runs) = platform.runs() {
            return Ok(Self {
                path: runs.to_owned(),
                _passing: None,
            });
        }
        let passing = tempfile::tempdir().context("a temporary folder")?;
        let path = Utf8PathBuf::from_path_buf(passing.path().to_owned())
            .map_err(|path| anyhow!("the temporary folder {} is not UTF-8", path.display()))?;
        Ok(Self {
            path,
            _passing: Some(passing),
        })
    }
}
