//! The journal of a run: what it does, recorded before and after each write, so that a killed run can be recovered.
//!
//! One line of JSON per event, in `STATE/journal/RUN.jsonl`. A line is on disk (`fsync`) before the write that it
//! announces is sent, and before the next step begins.

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

/// An event of a run, as far as a later run must know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// The run starts.
    RunStarted {
        /// [`JOURNAL_VERSION`].
        version: u32,
        /// The run id.
        run: RunId,
        /// The digest of its plan.
        plan: Digest,
        /// The cluster.
        cluster: ClusterName,
        /// How many steps the plan has.
        steps: usize,
        /// The shard that the run is limited to, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shard: Option<Shard>,
        /// The run whose snapshot it restores, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restores: Option<RunId>,
    },
    /// A write is about to be sent.
    Intent {
        /// The step that it belongs to.
        step: StepId,
        /// The object that is written to.
        subject: Subject,
        /// The kind of write, such as `upload logo`.
        write: String,
        /// The revision that the write sends in `If-Match`, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<Revision>,
        /// The `X-Request-ID`, which correlates this line with the server's log (observed 12).
        request: String,
        /// Where the credential comes from; never the credential.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// The response to a write arrived, or was lost.
    Answer {
        /// The step.
        step: StepId,
        /// The write's `X-Request-ID`.
        request: String,
        /// The response, in words.
        answer: String,
    },
    /// The server did something that must be repaired, such as deleting a welcome page.
    Repair {
        /// The step.
        step: StepId,
        /// What is repaired.
        what: String,
    },
    /// A step has ended.
    Outcome {
        /// The step.
        step: StepId,
        /// Its result.
        result: StepResult,
        /// Notes for the reader.
        notes: Vec<String>,
    },
    /// The run has ended.
    RunFinished {
        /// How many steps were done.
        done: usize,
    },
    /// The run never ended, and a later one has repaired what it left.
    Recovered,
}

impl Entry {
    /// Converts a line of an earlier version, which recorded a step that was not begun as failed.
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

/// The journal of one run, open for writing.
#[derive(Debug)]
pub struct Journal {
    run: RunId,
    path: Utf8PathBuf,
    lines: Log,
}

/// Why a journal could not be written or read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// A file could not be read or written.
    #[error(
        "cannot {action} {path}: {source}; check that the state directory is writable and has space"
    )]
    File {
        /// The operation that failed.
        action: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// The error of the system.
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
        /// The parse error.
        source: serde_json::Error,
    },
}

impl Journal {
    /// Starts the journal of a run; the run id gets a number when another run already has it.
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

    /// Opens the journal of a run that never ended, to record what became of it; an incomplete last line is removed.
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

    /// Returns the id of the run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Appends a line, and waits until it is on disk.
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

/// Locks a journal for the lifetime of the process, so that others can see whether it is alive. Nothing depends on it,
/// so a file system without locks is fine; where a lock would keep others from reading, none is taken.
fn hold(file: &File) {
    if cfg!(unix)
        && let Err(error) = file.try_lock()
    {
        tracing::debug!(%error, "the journal is not locked");
    }
}

/// Returns whether the process that carries out a run is alive.
pub(super) fn is_under_way(state_directory: &Utf8Path, run: &RunId) -> bool {
    let file = File::open(path(state_directory, run));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Reads the journal of a run; an incomplete last line, cut off when the run died, is ignored.
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
            Err(_) if lines.peek().is_none() && !line.ends_with(b"\n") => {
                entries.extend(without_its_end(line).map(Entry::told_anew));
            }
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

/// Returns the entry of a last line that is whole but for a damaged newline: a write may have followed it. A line that
/// was cut off has none.
fn without_its_end(line: &[u8]) -> Option<Entry> {
    let (_, entry) = line.split_last()?;
    serde_json::from_slice(entry).ok()
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

/// The state of a run that never ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The run id, if its first line was written.
    pub run: Option<RunId>,
    /// The digest of its plan, if its first line was written.
    pub plan: Option<Digest>,
    /// The steps without an outcome that had sent a write, or were about to; whether the write landed must be
    /// determined by reading.
    pub in_flight: Vec<InFlight>,
    /// How many steps had ended.
    pub finished: usize,
}

/// A step that was in flight when its run died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The step.
    pub step: StepId,
    /// The object that it was writing to; its snapshot is in the manifest of the run.
    pub subject: Subject,
    /// Its last write, in words.
    pub write: String,
    /// The revision that this write sent in `If-Match`.
    pub if_match: Option<Revision>,
    /// The write's `X-Request-ID`.
    pub request: String,
    /// Whether a response to it was seen.
    pub answered: bool,
}

/// Returns the state of a run that died; `None` when it ended properly.
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
                key: _,
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
            restores: None,
        }
    }

    fn intent(step: u32, write: &str, request: &str) -> JournalEvent {
        JournalEvent::Intent {
            step: StepId(step),
            subject: subject(),
            write: write.to_owned(),
            if_match: Some(Revision::new("3-abc")),
            request: request.to_owned(),
            key: None,
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

    /// The request id correlates a line with the server's log.
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
    fn a_last_line_whose_newline_was_damaged_still_counts() {
        let (_keep, state) = directory();
        let journal = Journal::create(&state, &run()).unwrap();
        journal.append(NOW, started(&run())).unwrap();
        let first = std::fs::read(&journal.path).unwrap().len();
        journal.append(NOW, intent(0, "update", "r-1")).unwrap();
        let whole = std::fs::read(&journal.path).unwrap();
        let both = entries(vec![started(&run()), intent(0, "update", "r-1")]);
        for bit in 0..8 {
            let mut damaged = whole.clone();
            *damaged.last_mut().unwrap() ^= 1 << bit;
            std::fs::write(&journal.path, &damaged).unwrap();
            assert_eq!(read(&state, journal.run()).unwrap(), both, "bit {bit}");
        }
        for cut in first + 1..whole.len() - 1 {
            std::fs::write(&journal.path, &whole[..cut]).unwrap();
            let read = read(&state, journal.run()).unwrap();
            assert_eq!(read, both[..1], "cut at {cut}");
        }
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
