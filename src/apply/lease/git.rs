//! A lease between hosts: a ref of the Git remote, which is moved only from a value that was seen.
//!
//! The ref names a commit without parents and files, whose message is the record; a commit is what every
//! Git server takes.

use std::time::Instant;

use git2::{ErrorCode, Oid, Signature, Time};
use jiff::{SignedDuration, Timestamp};

use super::record::{Attempt, Claim, Clock, Lease, LeaseError, Record, SKEW};
use super::tenure::Tenure;
use crate::apply::remote::{GitError, Remote, Swap};
use crate::model::ClusterName;
use crate::tree::lease_ref;

/// How often an attempt begins anew because somebody else was faster.
const ATTEMPTS: u32 = 5;

/// A ref of a Git remote.
pub struct GitLease {
    remote: Remote,
    reference: String,
    now: Clock,
    skew: SignedDuration,
    tenure: Tenure,
    since: Option<Timestamp>,
    /// What the ref may be when it is ours: the last one of which it is known, and one whose push was
    /// not answered.
    ours: Vec<String>,
}

impl GitLease {
    /// Names the lease of a cluster; takes nothing yet.
    #[must_use]
    pub fn new(remote: Remote, cluster: &ClusterName, now: Clock) -> Self {
        Self {
            remote,
            reference: lease_ref(cluster),
            now,
            skew: SKEW,
            tenure: Tenure::default(),
            since: None,
            ours: Vec::new(),
        }
    }

    /// Takes other clocks for so much off at most, instead of a minute.
    #[must_use]
    pub fn with_skew(mut self, skew: SignedDuration) -> Self {
        self.skew = skew;
        self
    }

    /// Returns what tells whether it is ours still.
    #[must_use]
    pub fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    fn delete_command(&self) -> String {
        format!("git push {} :{}", self.remote.name(), self.reference)
    }

    /// Reads what the ref says; absent when it moved in between.
    async fn read(&self, id: &str) -> Result<Option<Record>, LeaseError> {
        let mut message = self.message(id)?;
        if message.is_none() {
            // The ref may be gone by now, which is no failure.
            if let Err(error) = self.remote.peek(&self.reference).await
                && self.remote.value(&self.reference).await?.as_deref() == Some(id)
            {
                return Err(error.into());
            }
            message = self.message(id)?;
        }
        let Some(message) = message else {
            return Ok(None);
        };
        let record = serde_json::from_str(&message);
        record.map(Some).map_err(|_| LeaseError::Malformed {
            place: self.reference.clone(),
            remedy: self.delete_command(),
        })
    }

    fn message(&self, id: &str) -> Result<Option<String>, LeaseError> {
        let unreadable = |error: git2::Error| GitError::Repository(error.message().to_owned());
        let repository = self.remote.clone_of().repository()?;
        let id = Oid::from_str(id).map_err(unreadable)?;
        match repository.find_object(id, None) {
            Ok(object) => Ok(Some(
                object
                    .as_commit()
                    .map(|commit| String::from_utf8_lossy(commit.message_bytes()).into_owned())
                    .unwrap_or_default(),
            )),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(unreadable(error).into()),
        }
    }

    /// Puts a record into the repository, and notes that the ref may become it.
    fn write(&mut self, record: &Record) -> Result<String, LeaseError> {
        let unreadable = |error: git2::Error| GitError::Repository(error.message().to_owned());
        let text = serde_json::to_string(record)
            .map_err(|error| GitError::Repository(error.to_string()))?;
        let repository = self.remote.clone_of().repository()?;
        let write = || {
            let time = Time::new((self.now)().as_second(), 0);
            let author = Signature::new("emblazon", "emblazon@localhost", &time)?;
            let nothing = repository.treebuilder(None)?.write()?;
            let nothing = repository.find_tree(nothing)?;
            repository.commit(None, &author, &author, &text, &nothing, &[])
        };
        let id = write().map_err(unreadable)?.to_string();
        self.ours.push(id.clone());
        Ok(id)
    }

    fn record(&self, claim: &Claim) -> Record {
        let now = (self.now)();
        Record::new(claim, self.since.unwrap_or(now)).until(now, claim.term)
    }
}

impl Lease for GitLease {
    async fn attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        for _ in 0..ATTEMPTS {
            let seen = self.remote.value(&self.reference).await?;
            let over = match &seen {
                None => None,
                Some(id) => match self.read(id).await? {
                    None => continue,
                    Some(record) if !record.is_over((self.now)(), self.skew) => {
                        return Ok(Attempt::Busy(record));
                    }
                    over => over,
                },
            };
            let asked = Instant::now();
            self.since = Some((self.now)());
            let record = self.record(claim);
            let new = self.write(&record)?;
            let swapped = self
                .remote
                .swap(&self.reference, seen.as_deref(), Some(&new));
            match swapped.await? {
                Swap::Done => {
                    self.ours = vec![new];
                    self.tenure.extend(asked, claim.term);
                    return Ok(Attempt::Taken { over });
                }
                Swap::Moved => self.ours.clear(),
            }
        }
        Err(LeaseError::Contended)
    }

    async fn renew(&mut self, claim: &Claim) -> Result<(), LeaseError> {
        let seen = self.remote.value(&self.reference).await?;
        let Some(seen) = seen.filter(|seen| self.ours.contains(seen)) else {
            self.tenure.end();
            return Err(LeaseError::Lost);
        };
        let asked = Instant::now();
        let record = self.record(claim);
        let new = self.write(&record)?;
        let swapped = self.remote.swap(&self.reference, Some(&seen), Some(&new));
        match swapped.await? {
            Swap::Done => {
                self.ours = vec![new];
                self.tenure.extend(asked, claim.term);
                Ok(())
            }
            Swap::Moved => {
                self.tenure.end();
                Err(LeaseError::Lost)
            }
        }
    }

    async fn release(&mut self) -> Result<(), LeaseError> {
        self.tenure.end();
        if self.ours.is_empty() {
            return Ok(());
        }
        let seen = self.remote.value(&self.reference).await?;
        let Some(seen) = seen.filter(|seen| self.ours.contains(seen)) else {
            return Ok(());
        };
        let deleted = self.remote.swap(&self.reference, Some(&seen), None).await;
        if let Err(error) = deleted {
            // A server that lets nothing be deleted gets a record that is over.
            let ended = Record {
                expires: Some(Timestamp::UNIX_EPOCH),
                ..self.read(&seen).await?.ok_or(error)?
            };
            let ended = self.write(&ended)?;
            self.remote
                .swap(&self.reference, Some(&seen), Some(&ended))
                .await?;
        }
        self.ours.clear();
        Ok(())
    }

    fn remedy(&self) -> Option<String> {
        Some(self.delete_command())
    }
}
