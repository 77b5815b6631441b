//! What must outlive the process: the history, and a pause. One folder, files that a kill cannot spoil.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::agenda::Name;
use super::status::{Finding, History, Incident, Pause};
use crate::diff::ChangeKey;

/// The most incidents that are kept.
const LONGEST: usize = 1000;

/// The history and the pause, in memory and on disk.
///
/// The history is a file of JSON lines. Each line is an incident as it is from then on, so that ending one is another
/// line with its number; a line that a kill tore is left out.
pub(super) struct Chronicle {
    folder: Utf8PathBuf,
    lines: Option<File>,
    written: usize,
    history: Arc<History>,
    next: u64,
    open: BTreeMap<(Finding, Name), u64>,
}

/// What is to be told of something that began.
pub(super) struct News {
    pub(super) finding: Finding,
    pub(super) name: Name,
    pub(super) keys: Vec<ChangeKey>,
    pub(super) message: String,
    pub(super) commit: Option<String>,
    pub(super) begun: Option<Timestamp>,
    pub(super) detected: Timestamp,
}

impl Chronicle {
    /// Reads what an earlier process wrote down.
    pub(super) fn open(state: &Utf8Path) -> io::Result<Self> {
        let folder = state.join("watch");
        fs::create_dir_all(&folder)?;
        let text = match fs::read(folder.join("history.jsonl")) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut incidents: BTreeMap<u64, Incident> = BTreeMap::new();
        let read = text.lines().map(serde_json::from_str::<Incident>);
        for incident in read.filter_map(Result::ok) {
            incidents.insert(incident.id, incident);
        }
        let next = incidents.keys().next_back().map_or(1, |last| last + 1);
        let too_many = incidents.len().saturating_sub(LONGEST);
        let incidents: Vec<Incident> = incidents.into_values().skip(too_many).collect();
        let open = incidents.iter().filter(|known| known.repaired.is_none());
        let open = open.map(|known| ((known.finding, known.account.clone()), known.id));
        let mut chronicle = Self {
            folder,
            lines: None,
            written: 0,
            open: open.collect(),
            history: Arc::new(History { incidents }),
            next,
        };
        chronicle.rewrite()?;
        Ok(chronicle)
    }

    /// Returns the history; cheap.
    pub(super) fn history(&self) -> Arc<History> {
        Arc::clone(&self.history)
    }

    /// Tells whether something goes on.
    #[cfg(test)]
    fn is_open(&self, finding: Finding, name: &Name) -> bool {
        self.open.contains_key(&(finding, name.clone()))
    }

    /// Writes down that something began, unless it goes on already.
    pub(super) fn begin(&mut self, news: News) {
        let key = (news.finding, news.name.clone());
        if self.open.contains_key(&key) {
            return;
        }
        let incident = Incident {
            id: self.next,
            finding: news.finding,
            account: news.name,
            keys: news.keys,
            message: news.message,
            commit: news.commit,
            begun: news.begun,
            detected: news.detected,
            repaired: None,
            end: None,
        };
        self.next += 1;
        self.open.insert(key, incident.id);
        self.append(&incident);
        let incidents = &mut Arc::make_mut(&mut self.history).incidents;
        incidents.push(incident);
        if incidents.len() > LONGEST {
            incidents.remove(0);
        }
    }

    /// Writes down that something is over, when it went on.
    pub(super) fn end(&mut self, finding: Finding, name: &Name, now: Timestamp, how: &str) {
        let Some(id) = self.open.remove(&(finding, name.clone())) else {
            return;
        };
        let incidents = &mut Arc::make_mut(&mut self.history).incidents;
        let Some(incident) = incidents.iter_mut().find(|known| known.id == id) else {
            return;
        };
        incident.repaired = Some(now);
        incident.end = Some(how.to_owned());
        let incident = incident.clone();
        self.append(&incident);
    }

    /// Ends what goes on about objects that are not there any more.
    pub(super) fn follow(&mut self, is_there: impl Fn(&Name) -> bool, now: Timestamp) {
        let gone: Vec<_> = (self.open.keys())
            .filter(|(_, name)| name.is_some() && !is_there(name))
            .cloned()
            .collect();
        for (finding, name) in gone {
            self.end(finding, &name, now, "it left the tree");
        }
    }

    /// Reads the pause that holds.
    pub(super) fn pause(&self) -> Option<Pause> {
        let text = fs::read(self.pause_file()).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps a pause, or that there is none.
    pub(super) fn keep_pause(&self, pause: Option<&Pause>) -> io::Result<()> {
        let Some(pause) = pause else {
            return match fs::remove_file(self.pause_file()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        };
        let mut file = NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, pause)?;
        file.as_file().sync_all()?;
        file.persist(self.pause_file())?;
        Ok(())
    }

    fn pause_file(&self) -> Utf8PathBuf {
        self.folder.join("pause.json")
    }

    /// Adds a line. What cannot be written down is still in memory, and the next rewrite tries again.
    fn append(&mut self, incident: &Incident) {
        if self.written > 4 * LONGEST
            && let Err(error) = self.rewrite()
        {
            tracing::warn!(%error, "the history cannot be made shorter");
        }
        let Some(file) = &mut self.lines else {
            return;
        };
        let line = serde_json::to_string(incident).map_err(io::Error::from);
        let added = line.and_then(|line| {
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_data()
        });
        if let Err(error) = added {
            tracing::warn!(%error, "the history cannot be written down");
        }
        self.written += 1;
    }

    /// Writes one line an incident, in a file that appears whole.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        for incident in &self.history.incidents {
            serde_json::to_writer(&mut file, incident)?;
            file.write_all(b"\n")?;
        }
        file.as_file().sync_all()?;
        let path = self.folder.join("history.jsonl");
        file.persist(&path)?;
        self.lines = Some(OpenOptions::new().append(true).open(path)?);
        self.written = self.history.incidents.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountName;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn news(name: &str, detected: i64) -> News {
        News {
            finding: Finding::Drift,
            name: Some(AccountName::new(name)),
            keys: vec![ChangeKey::Whitelabel],
            message: "it changed".to_owned(),
            commit: None,
            begun: Some(at(detected - 3)),
            detected: at(detected),
        }
    }

    #[test]
    fn history_outlives_the_process_and_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let acme = Some(AccountName::new("acme"));
        let mut chronicle = Chronicle::open(state).unwrap();
        chronicle.begin(news("acme", 10));
        chronicle.begin(news("acme", 11));
        chronicle.begin(news("other", 12));
        chronicle.end(Finding::Drift, &acme, at(15), "put right");
        drop(chronicle);
        let path = state.join("watch/history.jsonl");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"id\": 7, \"find").unwrap();
        let mut chronicle = Chronicle::open(state).unwrap();
        let told: Vec<_> = (chronicle.history().incidents.iter())
            .map(|known| {
                let seconds = |time: Option<jiff::SignedDuration>| time.map(|time| time.as_secs());
                let detect = seconds(known.time_to_detect());
                (known.id, detect, seconds(known.time_to_repair()))
            })
            .collect();
        assert_eq!(told, [(1, Some(3), Some(5)), (2, Some(3), None)]);
        assert!(!chronicle.is_open(Finding::Drift, &acme));
        chronicle.follow(|_| false, at(20));
        assert!(!chronicle.is_open(Finding::Drift, &Some(AccountName::new("other"))));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }

    #[test]
    fn the_history_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let mut chronicle = Chronicle::open(state).unwrap();
        // Without the file, for the disk is slow.
        chronicle.lines = None;
        for number in 0..2 * LONGEST {
            chronicle.begin(news(&number.to_string(), 10));
        }
        assert_eq!(chronicle.history().incidents.len(), LONGEST);
    }

    #[test]
    fn a_pause_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let state = Utf8Path::from_path(folder.path()).unwrap();
        let pause = Pause {
            reason: "migration".to_owned(),
            by: None,
            since: at(1),
            until: Some(at(9)),
        };
        let chronicle = Chronicle::open(state).unwrap();
        assert_eq!(chronicle.pause(), None);
        chronicle.keep_pause(Some(&pause)).unwrap();
        let chronicle = Chronicle::open(state).unwrap();
        assert_eq!(chronicle.pause(), Some(pause));
        chronicle.keep_pause(None).unwrap();
        chronicle.keep_pause(None).unwrap();
        assert_eq!(chronicle.pause(), None);
    }
}
