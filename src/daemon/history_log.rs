//! The history log, kept on disk across restarts in a file that a kill cannot corrupt.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::checksum::{verified, with_checksum};
use super::decision_files::DecisionFiles;
use super::status::{Finding, History, Incident, Intervention, Outcome};
use crate::apply::make_directory;
use crate::diff::ChangeKey;
use crate::model::{AccountName, count};

/// Most incidents kept, and most interventions.
const LONGEST: usize = 1000;
/// File of the history log.
const HISTORY: &str = "history.jsonl";
/// Copy of a history log in which corrupted lines were found.
const SPOILT: &str = "history.spoilt.jsonl";

/// The history log, in memory and on disk.
///
/// Each line of the file is the digest of a JSON object, then the object: an incident or an intervention in its current
/// state. So ending one appends another line with its number. A line cut short by a kill is skipped; so is a corrupted
/// one, which is also reported.
pub(super) struct HistoryLog {
    folder: Utf8PathBuf,
    lines: Option<File>,
    written: usize,
    history: Arc<History>,
    next: u64,
    next_intervention: u64,
    open: BTreeMap<(Finding, Option<AccountName>), u64>,
    /// Number of corrupted lines.
    spoilt: usize,
}

/// One line of the history log.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HistoryLine {
    Incident(Incident),
    Intervention(Intervention),
}

impl HistoryLine {
    /// Reads a line with its newline, or the last one without it.
    fn read(line: &str) -> Option<Self> {
        let mut without_end = line.chars();
        without_end.next_back();
        // Something may have damaged the newline of the last line; its checksum vouches for the rest.
        let text = verified(without_end.as_str()).or_else(|| verified(line))?;
        let read = serde_json::from_str(text);
        // Earlier versions wrote incidents only, untagged.
        read.or_else(|_| serde_json::from_str(text).map(Self::Incident))
            .ok()
    }

    fn written(&self) -> io::Result<String> {
        let text = serde_json::to_string(self)?;
        Ok(with_checksum(&text) + "\n")
    }
}

fn newest<T>(known: BTreeMap<u64, T>) -> Vec<T> {
    let too_many = known.len().saturating_sub(LONGEST);
    known.into_values().skip(too_many).collect()
}

/// A new finding, for the history log.
pub(super) struct Detected {
    pub(super) finding: Finding,
    /// The account; absent for the template and for what concerns the cluster.
    pub(super) account: Option<AccountName>,
    pub(super) keys: Vec<ChangeKey>,
    pub(super) message: String,
    pub(super) commit: Option<String>,
    pub(super) begun: Option<Timestamp>,
    pub(super) at: Timestamp,
}

/// What a check found of an account, for the history log.
pub(super) struct CheckResult<'a> {
    pub(super) finding: Finding,
    pub(super) account: &'a AccountName,
    pub(super) headline: String,
    /// Since when something is wrong; absent until it is confirmed.
    pub(super) confirmed: Option<Timestamp>,
    /// When all was last well.
    pub(super) well_before: Option<Timestamp>,
    /// How it ended, if all is well.
    pub(super) end: Option<&'static str>,
}

impl HistoryLog {
    /// Reads the log of an earlier process.
    pub(super) fn open(state: &Utf8Path) -> io::Result<Self> {
        let folder = state.join("watch");
        make_directory(folder.as_std_path())?;
        let text = match fs::read(folder.join(HISTORY)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut incidents: BTreeMap<u64, Incident> = BTreeMap::new();
        let mut interventions: BTreeMap<u64, Intervention> = BTreeMap::new();
        let mut spoilt = 0_usize;
        for line in text.split_inclusive('\n') {
            match HistoryLine::read(line) {
                Some(HistoryLine::Incident(incident)) => {
                    incidents.insert(incident.id, incident);
                }
                Some(HistoryLine::Intervention(intervention)) => {
                    interventions.insert(intervention.id, intervention);
                }
                // Without a newline, it is the last line, cut short by a kill.
                None => spoilt += usize::from(line.ends_with('\n')),
            }
        }
        let last = |ids: Option<&u64>| ids.map_or(1, |last| last + 1);
        let next = last(incidents.keys().next_back());
        let next_intervention = last(interventions.keys().next_back());
        let incidents: Vec<Incident> = newest(incidents);
        let interventions: Vec<Intervention> = newest(interventions);
        let open = incidents.iter().filter(|known| known.repaired.is_none());
        let open = open.map(|known| ((known.finding, known.account.clone()), known.id));
        let mut history_log = Self {
            folder,
            lines: None,
            written: 0,
            open: open.collect(),
            history: Arc::new(History {
                incidents,
                interventions,
                inherited: next_intervention - 1,
            }),
            next,
            next_intervention,
            spoilt,
        };
        if spoilt > 0 {
            let path = history_log.folder.join(SPOILT);
            fs::copy(history_log.folder.join(HISTORY), path)?;
        }
        history_log.rewrite()?;
        Ok(history_log)
    }

    /// Returns what was corrupted in the history log, for an alert.
    pub(super) fn spoilt(&self) -> Option<String> {
        (self.spoilt > 0).then(|| {
            let lines = count(self.spoilt, "line");
            let folder = &self.folder;
            format!(
                "something corrupted {lines} of {folder}/{HISTORY}, now left out; the file as it was is {folder}/{SPOILT}"
            )
        })
    }

    /// Returns the history; cheap to call.
    pub(super) fn history(&self) -> Arc<History> {
        Arc::clone(&self.history)
    }

    /// Opens an incident, unless one is open already.
    pub(super) fn begin(&mut self, news: Detected) {
        let key = (news.finding, news.account.clone());
        if self.open.contains_key(&key) {
            return;
        }
        let incident = Incident {
            id: self.next,
            finding: news.finding,
            account: news.account,
            keys: news.keys,
            message: news.message,
            commit: news.commit,
            begun: news.begun,
            detected: news.at,
            repaired: None,
            end: None,
        };
        self.next += 1;
        self.open.insert(key, incident.id);
        self.append(&HistoryLine::Incident(incident.clone()));
        let incidents = &mut Arc::make_mut(&mut self.history).incidents;
        incidents.push(incident);
        if incidents.len() > LONGEST {
            incidents.remove(0);
        }
    }

    /// Closes an incident, if it is open.
    pub(super) fn end(
        &mut self,
        finding: Finding,
        account: Option<&AccountName>,
        now: Timestamp,
        how: &str,
    ) {
        let Some(id) = self.open.remove(&(finding, account.cloned())) else {
            return;
        };
        let incidents = &mut Arc::make_mut(&mut self.history).incidents;
        let Some(incident) = incidents.iter_mut().find(|known| known.id == id) else {
            return;
        };
        incident.repaired = Some(now);
        incident.end = Some(how.to_owned());
        let line = HistoryLine::Incident(incident.clone());
        self.append(&line);
    }

    /// Returns whether an incident is open.
    pub(super) fn is_open(&self, finding: Finding, account: Option<&AccountName>) -> bool {
        self.open.contains_key(&(finding, account.cloned()))
    }

    /// Opens the incident of an account once what is wrong is confirmed, and closes it when all is well.
    pub(super) fn note_check(&mut self, result: CheckResult<'_>, now: Timestamp) {
        let CheckResult {
            finding,
            account,
            headline,
            confirmed,
            well_before,
            end,
        } = result;
        if let Some(seen) = confirmed {
            self.begin(Detected {
                finding,
                account: Some(account.clone()),
                keys: Vec::new(),
                message: format!("{account}: {headline}"),
                commit: None,
                begun: well_before.filter(|before| *before < seen),
                at: seen,
            });
        } else if let Some(end) = end {
            self.end(finding, Some(account), now, end);
        }
    }

    /// Records an intervention.
    pub(super) fn intervene(&mut self, mut intervention: Intervention) {
        intervention.id = self.next_intervention;
        self.next_intervention += 1;
        let interventions = &mut Arc::make_mut(&mut self.history).interventions;
        interventions.push(intervention.clone());
        if interventions.len() > LONGEST {
            interventions.remove(0);
        }
        self.append(&HistoryLine::Intervention(intervention));
    }

    /// Records the outcome of some interventions that have none yet.
    pub(super) fn settle(&mut self, which: impl Fn(&Intervention) -> bool, outcome: &Outcome) {
        let goes_on = |one: &Intervention| one.outcome.is_none() && which(one);
        if !self.history.interventions.iter().any(goes_on) {
            return;
        }
        let mut settled = Vec::new();
        for one in &mut Arc::make_mut(&mut self.history).interventions {
            if goes_on(one) {
                one.outcome = Some(outcome.clone());
                settled.push(one.clone());
            }
        }
        for one in settled {
            self.append(&HistoryLine::Intervention(one));
        }
    }

    /// Closes the incidents of accounts that are not there any more.
    pub(super) fn follow(&mut self, is_there: impl Fn(&AccountName) -> bool, now: Timestamp) {
        let is_gone = |account: &Option<AccountName>| {
            account.as_ref().is_some_and(|account| !is_there(account))
        };
        let gone: Vec<_> = (self.open.keys())
            .filter(|(_, account)| is_gone(account))
            .cloned()
            .collect();
        for (finding, account) in gone {
            self.end(finding, account.as_ref(), now, "it left the tree");
        }
    }

    /// Returns the files of what people decided.
    pub(super) fn decisions(&self) -> DecisionFiles {
        DecisionFiles::new(&self.folder)
    }

    /// Appends a line. If that fails, the entry is still in memory, and the next rewrite includes it.
    fn append(&mut self, line: &HistoryLine) {
        if self.written > 8 * LONGEST
            && let Err(error) = self.rewrite()
        {
            tracing::warn!(%error, "the history cannot be made shorter");
        }
        let Some(file) = &mut self.lines else {
            return;
        };
        let added = line.written().and_then(|line| {
            file.write_all(line.as_bytes())?;
            file.sync_data()
        });
        if let Err(error) = added {
            tracing::warn!(%error, "the history cannot be written down");
        }
        self.written += 1;
    }

    /// Writes one line per entry to a new file, and replaces the old one atomically.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        let History {
            incidents,
            interventions,
            ..
        } = &*self.history;
        let incidents = incidents.iter().cloned().map(HistoryLine::Incident);
        let interventions = interventions.iter().cloned().map(HistoryLine::Intervention);
        for line in incidents.chain(interventions) {
            file.write_all(line.written()?.as_bytes())?;
        }
        file.as_file().sync_all()?;
        let path = self.folder.join(HISTORY);
        file.persist(&path)?;
        self.lines = Some(OpenOptions::new().append(true).open(path)?);
        self.written = self.history.incidents.len() + self.history.interventions.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::status::{Author, InterventionKind};
    use crate::daemon::{Declined, Pause};
    use crate::model::ObjectName;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn news(name: &str, detected: i64) -> Detected {
        Detected {
            finding: Finding::Drift,
            account: Some(AccountName::new(name)),
            keys: vec![ChangeKey::Whitelabel],
            message: "it changed".to_owned(),
            commit: None,
            begun: Some(at(detected - 3)),
            at: at(detected),
        }
    }

    #[test]
    fn history_outlives_the_process_and_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let acme = Some(AccountName::new("acme"));
        let mut history_log = HistoryLog::open(state).unwrap();
        history_log.begin(news("acme", 10));
        history_log.begin(news("acme", 11));
        history_log.begin(news("other", 12));
        history_log.end(Finding::Drift, acme.as_ref(), at(15), "put right");
        drop(history_log);
        let path = state.join("watch/history.jsonl");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"id\": 7, \"find").unwrap();
        let mut history_log = HistoryLog::open(state).unwrap();
        let told: Vec<_> = (history_log.history().incidents.iter())
            .map(|known| {
                let seconds = |time: Option<jiff::SignedDuration>| time.map(|time| time.as_secs());
                let detect = seconds(known.time_to_detect());
                (known.id, detect, seconds(known.time_to_repair()))
            })
            .collect();
        assert_eq!(told, [(1, Some(3), Some(5)), (2, Some(3), None)]);
        assert!(!history_log.is_open(Finding::Drift, acme.as_ref()));
        history_log.follow(|_| false, at(20));
        assert!(!history_log.is_open(Finding::Drift, Some(&AccountName::new("other"))));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_last_line_whose_newline_was_damaged_still_counts() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let path = state.join("watch/history.jsonl");
        HistoryLog::open(state).unwrap().begin(news("acme", 10));
        let whole = fs::read(&path).unwrap();
        for bit in 0..8 {
            let mut damaged = whole.clone();
            *damaged.last_mut().unwrap() ^= 1 << bit;
            fs::write(&path, &damaged).unwrap();
            let history_log = HistoryLog::open(state).unwrap();
            assert_eq!(history_log.history().incidents.len(), 1, "bit {bit}");
            assert_eq!(history_log.spoilt(), None, "bit {bit}");
        }
    }

    #[test]
    fn the_history_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let mut history_log = HistoryLog::open(state).unwrap();
        // Without the file, because the disk is slow.
        history_log.lines = None;
        for number in 0..2 * LONGEST {
            history_log.begin(news(&number.to_string(), 10));
        }
        assert_eq!(history_log.history().incidents.len(), LONGEST);
    }

    #[test]
    fn a_pause_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let pause = Pause {
            reason: "migration".to_owned(),
            by: None,
            via: None,
            since: at(1),
            until: Some(at(9)),
        };
        let history_log = HistoryLog::open(state).unwrap();
        assert_eq!(history_log.decisions().pause(), Ok(None));
        history_log.decisions().keep_pause(Some(&pause)).unwrap();
        let history_log = HistoryLog::open(state).unwrap();
        assert_eq!(history_log.decisions().pause(), Ok(Some(pause)));
        history_log.decisions().keep_pause(None).unwrap();
        history_log.decisions().keep_pause(None).unwrap();
        assert_eq!(history_log.decisions().pause(), Ok(None));
    }

    #[test]
    fn what_was_rejected_outlives_the_process_and_is_never_guessed() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let history_log = HistoryLog::open(state).unwrap();
        assert_eq!(history_log.decisions().declined(), Ok(BTreeMap::new()));
        let rejected = Declined {
            plan: crate::model::Digest::of(b"part"),
            author: Author::unnamed(at(1)),
            until: None,
        };
        let declined: BTreeMap<ObjectName, Declined> = [
            (AccountName::new("acme").into(), rejected.clone()),
            (ObjectName::Template, rejected),
        ]
        .into();
        history_log.decisions().keep_declined(&declined).unwrap();
        let history_log = HistoryLog::open(state).unwrap();
        assert_eq!(history_log.decisions().declined(), Ok(declined));
        let path = state.join("watch").join("declined.json");
        let mut bytes = fs::read(&path).unwrap();
        bytes[70] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(history_log.decisions().declined().is_err());
        history_log
            .decisions()
            .keep_declined(&BTreeMap::new())
            .unwrap();
        assert_eq!(history_log.decisions().declined(), Ok(BTreeMap::new()));
    }

    /// Whichever bit of the file is flipped: it is reported, and never taken for the end of the pause.
    #[test]
    fn a_spoilt_pause_is_no_end_of_the_pause() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let pause = Pause {
            reason: "migration".to_owned(),
            by: Some("ada".to_owned()),
            via: None,
            since: at(1),
            until: Some(at(9)),
        };
        let history_log = HistoryLog::open(state).unwrap();
        history_log.decisions().keep_pause(Some(&pause)).unwrap();
        let path = state.join("watch/pause.json");
        let whole = fs::read(&path).unwrap();
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            match history_log.decisions().pause() {
                Err(reason) => assert!(reason.starts_with("something corrupted "), "{reason}"),
                // The line feed carries no information.
                read => assert_eq!((bit / 8, read), (whole.len() - 1, Ok(Some(pause.clone())))),
            }
        }
        fs::write(&path, "").unwrap();
        assert!(history_log.decisions().pause().is_err());
    }

    #[test]
    fn a_spoilt_line_of_the_history_is_said_and_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let mut history_log = HistoryLog::open(state).unwrap();
        history_log.begin(news("acme", 10));
        history_log.begin(news("other", 12));
        let author = Author {
            by: Some("ada".to_owned()),
            ..Author::unnamed(at(13))
        };
        history_log.intervene(Intervention::new(InterventionKind::Pause, author));
        assert_eq!(history_log.spoilt(), None);
        drop(history_log);
        let path = state.join("watch/history.jsonl");
        let whole = fs::read(&path).unwrap();
        for byte in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[byte] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let history_log = HistoryLog::open(state).unwrap();
            let history = history_log.history();
            let left = history.incidents.len() + history.interventions.len();
            assert!(left < 3, "byte {byte}");
            let said = history_log.spoilt();
            // Without its line feed, the last line looks as if a kill cut it short.
            assert_eq!(
                said.is_none(),
                byte == whole.len() - 1,
                "byte {byte}: {said:?}"
            );
            if said.is_some() {
                assert_eq!(fs::read(state.join("watch").join(SPOILT)).unwrap(), bytes);
            }
            let messages = history.incidents.iter().map(|known| &known.message);
            assert!(messages.clone().all(|message| message == "it changed"));
        }
    }

    #[test]
    fn who_asked_for_what_and_what_became_of_it_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let mut history_log = HistoryLog::open(state).unwrap();
        let author = |by: &str, second| Author {
            by: Some(by.to_owned()),
            reason: Some("because".to_owned()),
            ..Author::unnamed(at(second))
        };
        let outcome = |message: &str| Outcome {
            at: at(20),
            is_done: true,
            message: message.to_owned(),
        };
        history_log.intervene(Intervention::new(InterventionKind::Pause, author("ada", 1)));
        history_log.intervene(Intervention::new(
            InterventionKind::Approve,
            author("bob", 2),
        ));
        let of = |kind| move |one: &Intervention| one.kind == kind;
        history_log.settle(of(InterventionKind::Pause), &outcome("resumed"));
        let mut history_log = HistoryLog::open(state).unwrap();
        history_log.settle(of(InterventionKind::Approve), &outcome("carried out"));
        history_log.intervene(Intervention::new(
            InterventionKind::Resume,
            author("eve", 3),
        ));
        assert_eq!(
            history_log.history().inherited,
            2,
            "eve came after the restart"
        );
        let history_log = HistoryLog::open(state).unwrap();
        let told: Vec<String> = (history_log.history().interventions.iter())
            .map(|one| {
                let outcome = one.outcome.as_ref().map(|outcome| &*outcome.message);
                format!("{} {} {outcome:?}", one.id, one.sentence())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        1 ada paused: because Some("resumed")
        2 bob approved a plan: because Some("carried out")
        3 eve resumed: because None
        "#);
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        fs::create_dir_all(state.join("watch")).unwrap();
        let line = r#"{"id":4,"finding":"drift","account":"acme","keys":[],"message":"it changed","commit":null,"begun":null,"detected":"2026-01-01T00:00:00Z","repaired":null,"end":null}"#;
        fs::write(state.join("watch/history.jsonl"), format!("{line}\n")).unwrap();
        let pause =
            r#"{"reason":"migration","by":null,"since":"2026-01-01T00:00:00Z","until":null}"#;
        fs::write(state.join("watch/pause.json"), pause).unwrap();
        let history_log = HistoryLog::open(state).unwrap();
        assert_eq!(history_log.history().incidents[0].id, 4);
        assert_eq!(history_log.spoilt(), None);
        assert_eq!(
            history_log.decisions().pause().unwrap().unwrap().reason,
            "migration"
        );
    }
}
