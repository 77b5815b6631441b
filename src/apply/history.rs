//! What earlier runs did: their journals, read again, and their plans.

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::journal::{self, Entry, JournalError, JournalEvent};
use super::outcome::{Applied, StepOutcome, StepResult};
use super::run_id::RunId;
use super::state_file;
use crate::model::{ClusterName, Digest, Shard};
use crate::plan::Plan;

/// One earlier run, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub run: RunId,
    /// The digest of its plan.
    pub plan: Digest,
    /// The cluster that it wrote to.
    pub cluster: ClusterName,
    /// The only part of the cluster that it wrote to.
    pub shard: Option<Shard>,
    /// When it began.
    pub started: Timestamp,
    /// When its last line was written.
    pub last: Timestamp,
    /// How many steps its plan had.
    pub steps: usize,
    /// How many of them were carried out.
    pub done: usize,
    /// Whether it sent anything that writes.
    pub wrote: bool,
    /// How it ended.
    pub state: RunState,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It came to its end, whatever its steps came to.
    Finished,
    /// It never ended, and nobody looked after it yet.
    Interrupted,
    /// It never ended, and a later run put right what it left.
    Recovered,
}

impl RunState {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Recovered => "recovered",
        }
    }
}

/// Reads a run off its journal; `None` when it died before its first line.
#[must_use]
pub fn record(entries: &[Entry]) -> Option<Record> {
    let first = entries.first()?;
    let JournalEvent::RunStarted {
        run,
        plan,
        cluster,
        steps,
        shard,
        ..
    } = &first.event
    else {
        return None;
    };
    let mut record = Record {
        run: run.clone(),
        plan: plan.clone(),
        cluster: cluster.clone(),
        started: first.at,
        last: entries.last().map_or(first.at, |entry| entry.at),
        steps: *steps,
        shard: *shard,
        done: 0,
        wrote: false,
        state: RunState::Interrupted,
    };
    for entry in entries {
        match &entry.event {
            JournalEvent::Intent { .. } => record.wrote = true,
            JournalEvent::Outcome {
                result: StepResult::Done { .. },
                ..
            } => record.done += 1,
            JournalEvent::RunFinished { .. } => record.state = RunState::Finished,
            JournalEvent::Recovered => record.state = RunState::Recovered,
            JournalEvent::RunStarted { .. }
            | JournalEvent::Answer { .. }
            | JournalEvent::Repair { .. }
            | JournalEvent::Outcome { .. } => {}
        }
    }
    Some(record)
}

/// Lists all runs, oldest first.
pub fn records(state_directory: &Utf8Path) -> Result<Vec<Record>, JournalError> {
    let mut records = Vec::new();
    for run in journal::runs(state_directory)? {
        records.extend(record(&journal::read(state_directory, &run)?));
    }
    Ok(records)
}

/// Finds the run that has used a plan up: one that sent something. A run that could send nothing leaves
/// its plan as good as new.
pub fn used_by(state_directory: &Utf8Path, plan: &Digest) -> Result<Option<Record>, JournalError> {
    let mut records = records(state_directory)?.into_iter();
    Ok(records.find(|record| record.plan == *plan && record.wrote))
}

/// Reads what became of each step off a run's journal; a step that has no outcome is not in it.
#[must_use]
pub fn outcomes(entries: &[Entry]) -> Applied {
    let mut outcomes: Vec<StepOutcome> = (entries.iter())
        .filter_map(|entry| match &entry.event {
            JournalEvent::Outcome {
                step,
                result,
                notes,
            } => Some(StepOutcome {
                step: *step,
                result: result.clone(),
                notes: notes.clone(),
            }),
            _ => None,
        })
        .collect();
    outcomes.sort_by_key(|outcome| outcome.step);
    Applied { outcomes }
}

/// Reads the plan that a run carried out; `None` when it was not kept, or is another version's.
#[must_use]
pub fn plan_of(state_directory: &Utf8Path, run: &RunId) -> Option<Plan> {
    let text = std::fs::read_to_string(plan_path(state_directory, run)).ok()?;
    Plan::from_json(&text).ok()
}

/// Keeps the plan that a run is about to carry out.
pub(super) fn keep_plan(
    state_directory: &Utf8Path,
    run: &RunId,
    plan: &Plan,
) -> Result<(), JournalError> {
    let path = plan_path(state_directory, run);
    let written = state_file::write_whole(path.as_std_path(), plan.to_json().as_bytes());
    written.map_err(|source| JournalError::File {
        action: "write",
        path,
        source,
    })
}

pub(super) fn plan_path(state_directory: &Utf8Path, run: &RunId) -> Utf8PathBuf {
    state_directory.join("plans").join(format!("{run}.json"))
}
