//! The history of runs: their journals, read back, and their plans.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::journal::{self, Entry, JournalError, JournalEvent};
use super::outcome::{Applied, Halt, StepOutcome, StepResult};
use super::parked;
use super::run_id::RunId;
use super::standing::StepCount;
use super::state_file;
use crate::model::{ClusterName, Digest, Shard};
use crate::plan::{Plan, StepId};

/// A summary of one earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The run id.
    pub run: RunId,
    /// The digest of its plan.
    pub plan: Digest,
    /// The cluster that it wrote to.
    pub cluster: ClusterName,
    /// The shard that it was limited to, if any.
    pub shard: Option<Shard>,
    /// The run whose snapshot it restored, if any.
    pub restores: Option<RunId>,
    /// When it began.
    pub started: Timestamp,
    /// When its last line was written.
    pub last: Timestamp,
    /// How many steps its plan had.
    pub steps: usize,
    /// How many of them have which standing.
    pub count: StepCount,
    /// Why steps were not begun, if the run ended before them.
    pub halt: Option<Halt>,
    /// Whether it sent any write.
    pub wrote: bool,
    /// How it ended.
    pub state: RunState,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It ran to its end, whatever the results of its steps.
    Finished,
    /// It ended before all of its steps were begun: somebody interrupted it, or a failure or a guard ended it.
    Stopped,
    /// Its process is running.
    UnderWay,
    /// It never ended, and was not recovered yet.
    Interrupted,
    /// It never ended, and a later run repaired what it left.
    Recovered,
}

impl RunState {
    /// Returns the name in machine formats.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::UnderWay => "under_way",
            Self::Interrupted => "interrupted",
            Self::Recovered => "recovered",
        }
    }

    /// Returns the name for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::UnderWay => "under way",
            Self::Finished | Self::Stopped | Self::Interrupted | Self::Recovered => self.as_str(),
        }
    }
}

/// Summarizes a run from its journal; `None` when it died before its first line.
#[must_use]
pub fn record(entries: &[Entry]) -> Option<Record> {
    let first = entries.first()?;
    let JournalEvent::RunStarted {
        run,
        plan,
        cluster,
        steps,
        shard,
        restores,
        ..
    } = &first.event
    else {
        return None;
    };
    let mut applied = Applied::default();
    applied
        .outcomes
        .extend(ended(entries, RunState::Interrupted).into_values());
    let mut count = applied.count();
    // Only a run that died has steps that its journal does not mention.
    let silent = steps.saturating_sub(count.total());
    count.not_begun = count.not_begun.saturating_add(silent);
    let mut record = Record {
        run: run.clone(),
        plan: plan.clone(),
        cluster: cluster.clone(),
        started: first.at,
        last: entries.last().map_or(first.at, |entry| entry.at),
        steps: *steps,
        shard: *shard,
        restores: restores.clone(),
        count,
        halt: applied.halt().or((silent > 0).then_some(Halt::Died)),
        wrote: false,
        state: RunState::Interrupted,
    };
    for entry in entries {
        match &entry.event {
            JournalEvent::Intent { .. } => record.wrote = true,
            JournalEvent::RunFinished { .. } if record.halt.is_some() => {
                record.state = RunState::Stopped;
            }
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
        let record = record(&journal::read(state_directory, &run)?);
        records.extend(record.map(|record| seen(record, state_directory)));
    }
    Ok(records)
}

/// Distinguishes a run that is under way from one whose process died.
fn seen(mut record: Record, state_directory: &Utf8Path) -> Record {
    if record.state == RunState::Interrupted && journal::is_under_way(state_directory, &record.run)
    {
        record.state = RunState::UnderWay;
    }
    record
}

/// Reads the summary of a run, if there is one, and its journal.
pub fn run_of(
    state_directory: &Utf8Path,
    run: &RunId,
) -> Result<(Option<Record>, Vec<Entry>), JournalError> {
    let entries = journal::read(state_directory, run)?;
    let record = record(&entries).map(|record| seen(record, state_directory));
    Ok((record, entries))
}

/// Finds the run that has used up a plan, by sending something. A plan whose run sent nothing can still be applied.
pub fn used_by(state_directory: &Utf8Path, plan: &Digest) -> Result<Option<Record>, JournalError> {
    let mut records = records(state_directory)?.into_iter();
    Ok(records.find(|record| record.plan == *plan && record.wrote))
}

/// Reads the outcome of each step of a plan from the journal of its run. If the run has no end, the steps in flight are
/// unknown, and those that it never reached are not begun.
#[must_use]
pub fn outcomes(entries: &[Entry], plan: &Plan, state: RunState) -> Applied {
    let mut found = ended(entries, state);
    let is_told: BTreeSet<StepId> = told(entries).collect();
    for step in &plan.steps {
        let id = step.id;
        found.entry(id).or_insert_with(|| {
            let reason = match state {
                RunState::UnderWay => "the run is under way, and has not come to it".to_owned(),
                _ => "the process died before; plan again".to_owned(),
            };
            let halt = Halt::Died;
            outcome(id, StepResult::NotBegun { halt, reason }, &[])
        });
    }
    if state != RunState::UnderWay {
        // A run that ended has told this itself.
        for step in (plan.steps.iter()).filter(|step| !is_told.contains(&step.id)) {
            let result_of = |id| found.get(&id).map(|outcome| &outcome.result);
            let result = result_of(step.id);
            let note = result.and_then(|result| parked::note(plan, step, result, result_of));
            if let Some(outcome) = found.get_mut(&step.id) {
                outcome.notes.extend(note);
            }
        }
    }
    Applied {
        outcomes: found.into_values().collect(),
    }
}

fn outcome(step: StepId, result: StepResult, notes: &[String]) -> StepOutcome {
    StepOutcome {
        step,
        result,
        notes: notes.to_vec(),
    }
}

/// Returns the steps whose outcome a journal holds.
fn told(entries: &[Entry]) -> impl Iterator<Item = StepId> {
    entries.iter().filter_map(|entry| match &entry.event {
        JournalEvent::Outcome { step, .. } => Some(*step),
        _ => None,
    })
}

/// Returns the outcomes of the steps that a journal mentions.
fn ended(entries: &[Entry], state: RunState) -> BTreeMap<StepId, StepOutcome> {
    let mut found = BTreeMap::new();
    for entry in entries {
        match &entry.event {
            JournalEvent::Intent { step, write, .. } => {
                let reason = match state {
                    RunState::UnderWay => format!("it is in flight ({write})"),
                    _ => format!("the process died while it was in flight ({write}); plan again"),
                };
                let result = StepResult::Unknown { reason };
                found.insert(*step, outcome(*step, result, &[]));
            }
            JournalEvent::Outcome {
                step,
                result,
                notes,
            } => {
                found.insert(*step, outcome(*step, result.clone(), notes));
            }
            JournalEvent::RunStarted { .. }
            | JournalEvent::Answer { .. }
            | JournalEvent::Repair { .. }
            | JournalEvent::RunFinished { .. }
            | JournalEvent::Recovered => {}
        }
    }
    found
}

/// Reads the plan that a run carried out; `None` when it was not stored, or is of another version.
#[must_use]
pub fn plan_of(state_directory: &Utf8Path, run: &RunId) -> Option<Plan> {
    let text = std::fs::read_to_string(plan_path(state_directory, run)).ok()?;
    Plan::from_json(&text).ok()
}

/// Stores the plan that a run is about to carry out.
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
