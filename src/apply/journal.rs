//! What a run does, written down before and after each write, so that a run that was killed can be
//! understood.
//!
//! One JSON line an event, in `STATE/journal/RUN.jsonl`. A line is on the disk (`fsync`) before the
//! write that it announces is sent, and before the step after it begins.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::outcome::{Halt, StepResult};
use super::run_id::RunId;
use super::state_file::{self, Log};
use crate::model::{ClusterName, Digest, Revision, Shard};
use crate::plan::{StepId, Subject};

/// The version of the journal's format; raised when an event changes its meaning.
pub const JOURNAL_VERSION: u32 = 2;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: JournalEvent,
}

/// What happens in a run, as far as a later run must know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// The run starts.
    RunStarted {
        /// [`JOURNAL_VERSION`].
        version: u32,
        /// Its name.
        run: RunId,
        /// The digest of its plan.
        plan: Digest,
        /// The cluster.
        cluster: ClusterName,
        /// How many steps it has.
        steps: usize,
        /// The only part of the cluster that it writes to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shard: Option<Shard>,
    },
    /// A write is about to be sent.
    Intent {
        /// The step that it belongs to.
        step: StepId,
        /// What is written to.
        subject: Subject,
        /// What is done, such as `upload logo`.
        write: String,
        /// The revision that the write names in `If-Match`, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<Revision>,
        /// The `X-Request-ID` that ties this line to the server's log (observed 12).
        request: String,
    },
    /// The answer to a write came, or did not.
    Answer {
        /// The step.
        step: StepId,
        /// The write's `X-Request-ID`.
        request: String,
        /// What came, in words.
        answer: String,
    },
    /// The server did something that must be put right, such as eating a welcome page.
    Repair {
        /// The step.
        step: StepId,
        /// What is put right.
        what: String,
    },
    /// A step has ended.
    Outcome {
        /// The step.
        step: StepId,
        /// How.
        result: StepResult,
        /// What a reader should know.
        notes: Vec<String>,
    },
    /// The run has ended.
    RunFinished {
        /// How many steps were done.
        done: usize,
    },
    /// The run never ended, and a later one has put right what it left.
    Recovered,
}

impl Entry {
    /// Earlier versions told that a step was not begun as its failure.
    fn told_anew(mut self) -> Self {
        if let JournalEvent::Outcome { result, .. } = &mut self.event
            && let StepResult::Failed { reason } = result
            && let Some(reason) = reason.strip_prefix("not begun: ")
        {
            let halt = if reason.contains("did not succeed") {
                Halt::Failure
            } else if reason.starts_with("the run was interrupted") {
                Halt::Interrupted
            } else if reason.starts_with("the steps wait") {
                Halt::Knot
            } else {
                Halt::Freeze
            };
            let reason = reason.to_owned();
            *result = StepResult::NotBegun { halt, reason };
        }
        self
    }
}

/// Writes one run's journal.
#[derive(Debug)]
pub struct Journal {
    run: RunId,
    path: Utf8PathBuf,
    lines: Log,
}

/// Says why a journal could not be written or read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// A file could not be read or written.
    #[error(
        "cannot {action} {path}: {source}; check that the state directory is writable and has space"
    )]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line other than the last one is not an event.
    #[error(
        "cannot understand line {line} of {path}: {source}; it was changed by hand or written by a newer version"
    )]
    Format {
        /// The file.
        path: Utf8PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Journal {
    /// Starts the journal of a run; the run's name gets a number when another run has it already.
    pub fn create(state_directory: &Utf8Path, run: &RunId) -> Result<Self, JournalError> {
        let directory = directory(state_directory);
        let mut name = run.clone();
        let mut number = 1;
        loop {
            let path = directory.join(format!("{name}.jsonl"));
            let started = state_file::create_new(path.as_std_path()).and_then(|file| {
                hold(&file);
                Log::new(file)
            });
            match started {
                Ok(lines) => {
                    return Ok(Self {
                        run: name,
                        path,
                        lines,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number += 1;
                    name = run.numbered(number);
                }
                Err(source) => {
                    return Err(JournalError::File {
                        action: "create",
                        path,
                        source,
                    });
                }
            }
        }
    }

    /// Opens the journal of a run that never ended, to say what became of it; a last line that was cut
    /// off is taken away.
    pub(super) fn reopen(state_directory: &Utf8Path, run: &RunId) -> Result<Self, JournalError> {
        let path = path(state_directory, run);
        let open = || {
            let text = std::fs::read(&path)?;
            let whole = (text.iter().rposition(|byte| *byte == b'\n')).map_or(0, |end| end + 1);
            let file = File::options().append(true).open(&path)?;
            file.set_len(whole as u64)?;
            hold(&file);
            Log::new(file)
        };
        let lines = open().map_err(|source| JournalError::File {
            action: "open",
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            run: run.clone(),
            path,
            lines,
        })
    }

    /// Returns the run's name.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Adds a line and waits until it is on the disk.
    pub fn append(&self, at: Timestamp, event: JournalEvent) -> Result<(), JournalError> {
        let failed = |source| JournalError::File {
            action: "write",
            path: self.path.clone(),
            source,
        };
        let entry = Entry { at, event };
        let mut line = serde_json::to_vec(&entry).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.lines.write(&line).map_err(failed)?;
        self.lines.sync().map_err(failed)
    }
}

/// Holds a journal as long as its process lives, for whoever wants to know whether it does. Nothing hangs on that, so a
/// file system without locks is fine; where a lock keeps others from reading, there is none.
fn hold(file: &File) {
    if cfg!(unix)
        && let Err(error) = file.try_lock()
    {
        tracing::debug!(%error, "the journal is not locked");
    }
}

/// Tells whether the process that carries a run out is at work.
pub(super) fn is_under_way(state_directory: &Utf8Path, run: &RunId) -> bool {
    let file = File::open(path(state_directory, run));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Reads a run's journal; a last line that was cut off when the run died is left out.
pub fn read(state_directory: &Utf8Path, run: &RunId) -> Result<Vec<Entry>, JournalError> {
    let path = path(state_directory, run);
    let text = std::fs::read(&path).map_err(|source| JournalError::File {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let mut entries = Vec::new();
    let mut lines = text.split_inclusive(|byte| *byte == b'\n').peekable();
    let mut number = 0;
    while let Some(line) = lines.next() {
        number += 1;
        match serde_json::from_slice::<Entry>(line) {
            Ok(entry) => entries.push(entry.told_anew()),
            Err(_) if lines.peek().is_none() && !line.ends_with(b"\n") => {}
            Err(source) => {
                return Err(JournalError::Format {
                    path,
                    line: number,
                    source,
                });
            }
        }
    }
    Ok(entries)
}

/// Lists the runs that have a journal, oldest first.
pub fn runs(state_directory: &Utf8Path) -> Result<Vec<RunId>, JournalError> {
    let directory = directory(state_directory);
    let failed = |source| JournalError::File {
        action: "list",
        path: directory.clone(),
        source,
    };
    let entries = match directory.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut runs = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().strip_suffix(".jsonl");
        runs.extend(name.and_then(|name| RunId::parse(name).ok()));
    }
    runs.sort();
    Ok(runs)
}

/// What a run that never ended had in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The run, when its first line was written.
    pub run: Option<RunId>,
    /// The digest of its plan, when its first line was written.
    pub plan: Option<Digest>,
    /// The steps that had sent a write, or were about to, and have no outcome: whether the write
    /// landed is to be found out by reading.
    pub in_flight: Vec<InFlight>,
    /// How many steps had ended.
    pub finished: usize,
}

/// A step that a run had in hand when it died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The step.
    pub step: StepId,
    /// What it was writing to; its snapshot is in the run's manifest.
    pub subject: Subject,
    /// Its last write, in words.
    pub write: String,
    /// The revision that this write named.
    pub if_match: Option<Revision>,
    /// The write's `X-Request-ID`.
    pub request: String,
    /// Whether an answer to it was seen.
    pub answered: bool,
}

/// Tells what a run had in hand when it ended without saying so; `None` when it ended properly.
#[must_use]
pub fn interrupted(entries: &[Entry]) -> Option<Interrupted> {
    let mut seen = Interrupted {
        run: None,
        plan: None,
        in_flight: Vec::new(),
        finished: 0,
    };
    let mut open: BTreeMap<StepId, InFlight> = BTreeMap::new();
    for entry in entries {
        match &entry.event {
            JournalEvent::RunStarted { run, plan, .. } => {
                seen.run = Some(run.clone());
                seen.plan = Some(plan.clone());
            }
            JournalEvent::Intent {
                step,
                subject,
                write,
                if_match,
                request,
            } => {
                let in_flight = InFlight {
                    step: *step,
                    subject: subject.clone(),
                    write: write.clone(),
                    if_match: if_match.clone(),
                    request: request.clone(),
                    answered: false,
                };
                open.insert(*step, in_flight);
            }
            JournalEvent::Answer { step, request, .. } => {
                if let Some(in_flight) = open.get_mut(step).filter(|w| w.request == *request) {
                    in_flight.answered = true;
                }
            }
            JournalEvent::Repair { .. } => {}
            JournalEvent::Outcome { step, .. } => {
                open.remove(step);
                seen.finished += 1;
            }
            JournalEvent::RunFinished { .. } | JournalEvent::Recovered => return None,
        }
    }
    seen.in_flight = open.into_values().collect();
    Some(seen)
}

pub(super) fn path(state_directory: &Utf8Path, run: &RunId) -> Utf8PathBuf {
    directory(state_directory).join(format!("{run}.jsonl"))
}

fn directory(state_directory: &Utf8Path) -> Utf8PathBuf {
    state_directory.join("journal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, AccountName};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn subject() -> Subject {
        Subject::Account {
            name: AccountName::new("acme"),
            id: AccountId::parse(&"a".repeat(32)).unwrap(),
        }
    }

    fn started(run: &RunId) -> JournalEvent {
        JournalEvent::RunStarted {
            version: JOURNAL_VERSION,
            run: run.clone(),
            plan: Digest::of(b"plan"),
            cluster: ClusterName::new("production"),
            steps: 2,
            shard: None,
        }
    }

    fn intent(step: u32, write: &str, request: &str) -> JournalEvent {
        JournalEvent::Intent {
            step: StepId(step),
            subject: subject(),
            write: write.to_owned(),
            if_match: Some(Revision::new("3-abc")),
            request: request.to_owned(),
        }
    }

    fn answer(step: u32, request: &str) -> JournalEvent {
        JournalEvent::Answer {
            step: StepId(step),
            request: request.to_owned(),
            answer: "200".to_owned(),
        }
    }

    fn outcome(step: u32) -> JournalEvent {
        JournalEvent::Outcome {
            step: StepId(step),
            result: StepResult::Done { revision: None },
            notes: Vec::new(),
        }
    }

    fn run() -> RunId {
        RunId::new(NOW, &Digest::of(b"plan"))
    }

    fn directory() -> (tempfile::TempDir, Utf8PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().to_owned();
        (directory, path)
    }

    fn entries(events: Vec<JournalEvent>) -> Vec<Entry> {
        events
            .into_iter()
            .map(|event| Entry { at: NOW, event })
            .collect()
    }

    #[test]
    fn lines_round_trip_and_two_runs_at_once_have_two_names() {
        let (_keep, state) = directory();
        let journal = Journal::create(&state, &run()).unwrap();
        let other = Journal::create(&state, &run()).unwrap();
        assert_ne!(journal.run(), other.run());
        journal.append(NOW, started(&run())).unwrap();
        journal.append(NOW, intent(0, "update", "r-1")).unwrap();
        let read = read(&state, journal.run()).unwrap();
        assert_eq!(
            read,
            entries(vec![started(&run()), intent(0, "update", "r-1")])
        );
        assert_eq!(
            runs(&state).unwrap(),
            [journal.run().clone(), other.run().clone()]
        );
    }

    /// The request id ties a line to the server's log.
    #[test]
    fn observed_12_request_ids_are_in_the_lines() {
        let line = serde_json::to_string(&Entry {
            at: NOW,
            event: intent(0, "upload logo", "20261123T210514042Z-d71f6ac7-3"),
        })
        .unwrap();
        insta::assert_snapshot!(line, @r#"{"at":"1970-01-01T00:00:00Z","event":"intent","step":0,"subject":{"account":{"name":"acme","id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},"write":"upload logo","if_match":"3-abc","request":"20261123T210514042Z-d71f6ac7-3"}"#);
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_any_other_is_an_error() {
        let (_keep, state) = directory();
        let journal = Journal::create(&state, &run()).unwrap();
        journal.append(NOW, started(&run())).unwrap();
        let whole = std::fs::read(&journal.path).unwrap();
        let mut torn = whole.clone();
        torn.extend_from_slice(br#"{"at":"1970-01-01T00:0"#);
        std::fs::write(&journal.path, &torn).unwrap();
        assert_eq!(
            read(&state, journal.run()).unwrap(),
            entries(vec![started(&run())])
        );
        torn.push(b'\n');
        torn.extend_from_slice(&whole);
        std::fs::write(&journal.path, &torn).unwrap();
        let error = read(&state, journal.run()).unwrap_err();
        assert!(
            matches!(error, JournalError::Format { line: 2, .. }),
            "{error}"
        );
    }

    #[test]
    fn what_a_killed_run_had_in_hand() {
        #[track_caller]
        fn check(events: Vec<JournalEvent>, expected: Option<&[(u32, &str, bool)]>) {
            let mut all = vec![started(&run())];
            all.extend(events);
            let got = interrupted(&entries(all)).map(|seen| {
                seen.in_flight
                    .into_iter()
                    .map(|step_run| (step_run.step.0, step_run.write, step_run.answered))
                    .collect::<Vec<_>>()
            });
            let expected = expected.map(|steps| {
                steps
                    .iter()
                    .map(|(step, write, answered)| (*step, (*write).to_owned(), *answered))
                    .collect::<Vec<_>>()
            });
            assert_eq!(got, expected);
        }
        check(vec![], Some(&[]));
        check(vec![intent(0, "a", "1")], Some(&[(0, "a", false)]));
        check(
            vec![intent(0, "a", "1"), answer(0, "1")],
            Some(&[(0, "a", true)]),
        );
        check(
            vec![intent(0, "a", "1"), answer(0, "1"), intent(0, "b", "2")],
            Some(&[(0, "b", false)]),
        );
        check(
            vec![intent(0, "a", "1"), intent(1, "b", "2"), outcome(0)],
            Some(&[(1, "b", false)]),
        );
        check(
            vec![
                intent(0, "a", "1"),
                outcome(0),
                JournalEvent::RunFinished { done: 1 },
            ],
            None,
        );
    }
}
