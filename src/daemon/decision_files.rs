//! What people decided, kept on disk across restarts, in files that a kill cannot corrupt.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::checksum::{verified, with_checksum};
use super::status::{Declined, Pause};
use crate::model::ObjectName;

/// File of the pause.
const PAUSE: &str = "pause.json";
/// File of what this host knows of the ref that carries the pause.
const CARRIED: &str = "pause-ref.json";
/// File of what people decided not to execute.
const DECLINED: &str = "declined.json";

/// The files of one daemon.
#[derive(Clone, Debug)]
pub(super) struct DecisionFiles {
    folder: Utf8PathBuf,
}

/// What a host knows of the ref that carries the pause to other hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    /// The value of the ref when it was last read or written.
    pub(super) seen: Option<String>,
    /// Whether somebody paused or resumed here, which the ref does not say yet.
    pub(super) is_unsent: bool,
}

impl DecisionFiles {
    pub(super) fn new(folder: &Utf8Path) -> Self {
        let folder = folder.to_owned();
        Self { folder }
    }

    /// Reads the pause that holds; the error says why it is unknown whether one does.
    pub(super) fn pause(&self) -> Result<Option<Pause>, String> {
        self.kept(PAUSE)
    }

    /// Persists the pause, or its absence.
    pub(super) fn keep_pause(&self, pause: Option<&Pause>) -> io::Result<()> {
        self.keep(PAUSE, pause)
    }

    /// Persists a decision of this host about the pause, which the ref that carries it does not know yet.
    pub(super) fn decide_pause(&self, pause: Option<&Pause>) -> io::Result<()> {
        let carried = Carried {
            is_unsent: true,
            ..self.carried().unwrap_or_default()
        };
        // A kill in between leaves an older decision unsent, which changes nothing.
        self.keep_carried(&carried)?;
        self.keep_pause(pause)
    }

    /// Reads what is known of the ref that carries the pause; the error says why that is unknown.
    pub(super) fn carried(&self) -> Result<Carried, String> {
        Ok(self.kept(CARRIED)?.unwrap_or_default())
    }

    /// Persists what is known of the ref that carries the pause.
    pub(super) fn keep_carried(&self, carried: &Carried) -> io::Result<()> {
        self.keep(CARRIED, Some(carried))
    }

    /// Reads what people decided not to execute; the error says why it is unknown.
    pub(super) fn declined(&self) -> Result<BTreeMap<ObjectName, Declined>, String> {
        let kept: Option<Vec<(ObjectName, Declined)>> = self.kept(DECLINED)?;
        Ok(kept.into_iter().flatten().collect())
    }

    /// Persists what people decided not to execute.
    pub(super) fn keep_declined(
        &self,
        declined: &BTreeMap<ObjectName, Declined>,
    ) -> io::Result<()> {
        let list: Vec<_> = declined.iter().collect();
        self.keep(DECLINED, (!list.is_empty()).then_some(&list))
    }

    fn kept<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>, String> {
        let path = self.folder.join(file);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{path} cannot be read: {error}")),
        };
        let text = String::from_utf8_lossy(&text);
        let kept = verified(text.trim_end()).and_then(|text| serde_json::from_str(text).ok());
        kept.map(Some)
            .ok_or_else(|| format!("something corrupted {path}"))
    }

    fn keep<T: Serialize>(&self, file: &str, value: Option<&T>) -> io::Result<()> {
        let path = self.folder.join(file);
        let Some(value) = value else {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        };
        let mut file = NamedTempFile::new_in(&self.folder)?;
        let text = with_checksum(&serde_json::to_string(value)?);
        file.write_all(format!("{text}\n").as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}
