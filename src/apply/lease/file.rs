//! A lease on one host: a lock on a file, which the system lets go of when its process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::record::{Attempt, Claim, Clock, Lease, LeaseError, Record};
use crate::apply::state_file;
use crate::model::ClusterName;
use crate::tree::lease_ref;

/// How much of the file is read, in bytes.
const MAX_RECORD: u64 = 1 << 16;

/// A lock on a file of the state directory.
pub struct FileLease {
    path: Utf8PathBuf,
    now: Clock,
    held: Option<File>,
}

impl FileLease {
    /// Names the lock of a cluster; takes nothing yet.
    #[must_use]
    pub fn new(state_dir: &Utf8Path, cluster: &ClusterName, now: Clock) -> Self {
        let reference = lease_ref(cluster);
        let name = reference.split('/').nth(2).unwrap_or("cluster");
        Self {
            path: state_dir.join("leases").join(name),
            now,
            held: None,
        }
    }

    fn failed(&self, error: &std::io::Error) -> LeaseError {
        LeaseError::File {
            path: self.path.to_string(),
            reason: error.to_string(),
        }
    }

    fn open(&self) -> std::io::Result<File> {
        let folder = self.path.parent().unwrap_or(Utf8Path::new("."));
        state_file::make_directory(folder.as_std_path())?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options.open(&self.path)
    }

    fn try_attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        let mut file = self.open().map_err(|error| self.failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(holder(&file))),
            Err(TryLockError::Error(error)) => return Err(self.failed(&error)),
        }
        let record = Record::new(claim, (self.now)());
        write(&mut file, &record).map_err(|error| self.failed(&error))?;
        self.held = Some(file);
        Ok(Attempt::Taken { over: None })
    }
}

/// Writes for others who has the lock; what counts is the lock.
fn write(file: &mut File, record: &Record) -> std::io::Result<()> {
    let text = serde_json::to_vec(record)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

/// Reads who has the lock; they may be about to write it.
fn holder(file: &File) -> Record {
    let mut text = Vec::new();
    let read = file.take(MAX_RECORD).read_to_end(&mut text);
    let record = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
    record.unwrap_or_else(|| Record {
        holder: "another process".to_owned(),
        purpose: "it does not say what for".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        expires: None,
        mark: 0,
    })
}

impl Lease for FileLease {
    async fn attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        self.try_attempt(claim)
    }

    async fn renew(&mut self, _claim: &Claim) -> Result<(), LeaseError> {
        match self.held {
            Some(_) => Ok(()),
            None => Err(LeaseError::Lost),
        }
    }

    async fn release(&mut self) -> Result<(), LeaseError> {
        match self.held.take() {
            Some(file) => file.unlock().map_err(|error| self.failed(&error)),
            None => Ok(()),
        }
    }

    fn remedy(&self) -> Option<String> {
        None
    }
}
