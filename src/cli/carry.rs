//! Carrying a plan out, whether it was just made, read from a file, or leads back to a snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::args::Trial;
use super::failure::Failure;
use super::lease::Solitude;
use super::platform::Platform;
use super::progress::Phase;
use super::ui::Ui;
use crate::apply::{self, Applied, ApplyError, AssetSource, Event, Mandate, Rollout};
use crate::dns::push::{PrimaryReader, PrimaryWriter};
use crate::model::count;
use crate::plan::StepId;
use crate::tree::{BillingPolicy, Retention};

/// How a plan is carried out.
pub(crate) struct Manner<'a> {
    pub(crate) state: &'a Utf8Path,
    pub(crate) billing: BillingPolicy,
    pub(crate) rollout: Rollout,
    /// Steps that are left out, with the reasons.
    pub(crate) withheld: BTreeMap<StepId, String>,
    /// The primary that records are written to.
    pub(crate) primary: Option<PrimaryReader>,
    /// Stops the run after what is in hand, and before a write once the lease is over.
    pub(crate) solitude: Solitude,
}

/// Carries a plan out. Ctrl-C ends the run after the writes that are in hand.
pub(crate) async fn carry_out(
    ui: Ui,
    platform: &Platform,
    mandate: Mandate<'_>,
    files: &dyn AssetSource,
    manner: Manner<'_>,
) -> Result<Applied, Failure> {
    let mut options = apply::Options::new(manner.state.to_owned(), Timestamp::now);
    options.billing = manner.billing;
    options.rollout = manner.rollout;
    options.withheld = manner.withheld;
    options.primary = manner.primary.map(PrimaryWriter::new);
    let solitude = manner.solitude;
    options.tenure = solitude.tenure();
    options.cancel = solitude.cancel.clone();
    let stopped = solitude.clone();
    options.stopped = Arc::new(move || stopped.stopped());
    let interrupted = watch_for_interrupt(ui, options.cancel.clone());
    let steps = mandate.plan.steps.len();
    let reader = platform.reader();
    let phase = Phase::asking(ui, "applying", steps, reader.activity());
    ui.limit().bound_writing(reader.deadline());
    solitude.begin_writing();
    let template = platform.template_writer();
    let applied = apply::run(
        mandate,
        &platform.writer(),
        Some(&template),
        files,
        &options,
        &|event| match event {
            Event::Begun(step) => phase.at(step.subject.title()),
            // What is not begun has not come any nearer to its end.
            Event::Ended(_, outcome) if outcome.result.halt().is_some() => {}
            Event::Ended(..) => phase.step(),
        },
    )
    .await
    .map_err(|error| match error {
        ApplyError::Held(_) => Failure::Refused(error.to_string()),
        _ => Failure::Failed(error.into()),
    });
    interrupted.abort();
    drop(phase);
    applied
}

fn watch_for_interrupt(ui: Ui, cancel: CancellationToken) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ui.talk("stopping after what is in hand");
            cancel.cancel();
        }
    })
}

/// Throws away what old runs left behind. A run that went well is not spoilt by what it could not clear.
pub(crate) fn clear_up(ui: Ui, state: &Utf8Path, retention: Retention) {
    match apply::prune(state, retention, Timestamp::now()) {
        Ok(pruned) if pruned.runs > 0 => ui.talk(&format!(
            "threw away {} and {} that nothing else had (policy.snapshots)",
            count(pruned.runs, "old run"),
            count(pruned.objects, "content")
        )),
        Ok(_) => {}
        Err(error) => ui.talk(&format!("old runs are kept: {error}")),
    }
}

/// Where snapshots and journals go.
pub(crate) struct StateFolder {
    pub(crate) path: Utf8PathBuf,
    /// Takes the folder away when the run is over.
    _passing: Option<TempDir>,
}

impl StateFolder {
    /// Names the folder of a platform's runs, below the tree.
    pub(crate) fn of_tree(folder: &Utf8Path) -> Utf8PathBuf {
        folder.join(".emblazon")
    }

    /// Names the folder of the runs on the platform that was chosen; none on a sandbox that ends with its command.
    pub(crate) fn of_choice(sandbox: &Trial, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        if sandbox.is_wanted() {
            sandbox.runs()
        } else {
            Some(Self::of_tree(folder))
        }
    }

    /// A platform's are kept below the tree, and a sandbox's beside it or not at all: its journal must not be taken for a
    /// platform's.
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
