//! A lease on one host: a file lock, which the system releases when its process ends.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::record::{Attempt, Claim, Clock, Lease, LeaseError, Record};
use super::scope::LeaseScope;
use crate::apply::state_file::{self, Locked};

/// How much of the lock file is read at most, in bytes.
const MAX_RECORD: u64 = 1 << 16;

/// A lock on a file in the state directory. A shard also takes the lock of the whole cluster as a shared lock, so that
/// nobody can hold that exclusively.
pub struct FileLease {
    folder: Utf8PathBuf,
    scope: LeaseScope,
    now: Clock,
    held: Vec<Locked>,
}

impl FileLease {
    /// Names the lock of a cluster, or of one shard; acquires nothing yet.
    #[must_use]
    pub fn new(state_dir: &Utf8Path, scope: LeaseScope, now: Clock) -> Self {
        Self {
            folder: state_dir.join("leases"),
            scope,
            now,
            held: Vec::new(),
        }
    }

    fn failed(&self, error: &std::io::Error) -> LeaseError {
        LeaseError::File {
            path: self.folder.join(self.scope.file()).to_string(),
            reason: error.to_string(),
        }
    }

    fn open(&self, name: &str) -> std::io::Result<File> {
        state_file::open_lock(self.folder.join(name).as_std_path())
    }

    /// Finds the holder of a lock that excludes this one.
    fn rival(&self) -> std::io::Result<Option<Record>> {
        for entry in self.folder.read_dir_utf8()? {
            let entry = entry?;
            if !self
                .scope
                .is_rival(self.scope.whole_file(), entry.file_name())
            {
                continue;
            }
            let file = self.open(entry.file_name())?;
            match file.try_lock_shared() {
                Ok(()) => drop(Locked(file)),
                Err(TryLockError::WouldBlock) => return Ok(Some(holder(&file))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    fn try_attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        let taken = self.lock(claim);
        taken.map_err(|error| self.failed(&error))
    }

    fn lock(&mut self, claim: &Claim) -> std::io::Result<Attempt> {
        let mut held = Vec::new();
        if self.scope.is_part() {
            let whole = self.open(self.scope.whole_file())?;
            match whole.try_lock_shared() {
                Ok(()) => held.push(Locked(whole)),
                Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(holder(&whole))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let file = self.open(&self.scope.file())?;
        let mut file = match file.try_lock() {
            Ok(()) => Locked(file),
            Err(TryLockError::WouldBlock) => {
                let rival = self.rival()?;
                return Ok(Attempt::Busy(rival.unwrap_or_else(|| holder(&file))));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        };
        write(&mut file.0, &Record::new(claim, (self.now)()))?;
        held.push(file);
        // Of two locks that exclude each other, the later one sees the earlier one here, or both see each other.
        if self.scope.is_part()
            && let Some(rival) = self.rival()?
        {
            return Ok(Attempt::Busy(rival));
        }
        self.held = held;
        Ok(Attempt::Taken { over: None })
    }
}

/// Writes who holds the lock, for others to read; only the lock itself counts.
fn write(file: &mut File, record: &Record) -> std::io::Result<()> {
    let text = serde_json::to_vec(record)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

/// Reads who holds the lock; the holder may not have written its record yet.
fn holder(file: &File) -> Record {
    let mut text = Vec::new();
    let read = file.take(MAX_RECORD).read_to_end(&mut text);
    let record = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
    record.unwrap_or_else(|| Record {
        holder: "another process".to_owned(),
        purpose: "no purpose given".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        expires: None,
        term_seconds: None,
        mark: 0,
    })
}

impl Lease for FileLease {
    async fn attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        self.try_attempt(claim)
    }

    async fn renew(&mut self, _claim: &Claim) -> Result<(), LeaseError> {
        if self.held.is_empty() {
            return Err(LeaseError::Lost);
        }
        Ok(())
    }

    async fn release(&mut self) -> Result<(), LeaseError> {
        for Locked(file) in &self.held {
            file.unlock().map_err(|error| self.failed(&error))?;
        }
        self.held.clear();
        Ok(())
    }

    fn remedy(&self) -> Option<String> {
        None
    }
}
