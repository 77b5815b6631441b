//! A lease between hosts: a ref on the Git remote, moved only by compare-and-swap.
//!
//! The ref points to a commit without parents and files, whose message is the record: every Git server accepts commits.

use std::time::Instant;

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};

use super::contend::{Contender, Rival, contend};
use super::fence::{Fence, Moment};
use super::predecessor::Predecessor;
use super::record::{Attempt, Claim, Clock, Lease, LeaseError, Record, SKEW};
use super::scope::LeaseScope;
use super::unchanged::Unchanged;
use crate::apply::remote::{GitError, Remote, Swap};

/// Expiry of a lease that was released.
const ENDED: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);

/// A lease that is a ref on a Git remote.
pub struct GitLease {
    remote: Remote,
    scope: LeaseScope,
    reference: String,
    now: Clock,
    skew: SignedDuration,
    fence: Fence,
    /// When it was taken, by both clocks: the wall clock, which others compare with theirs, and a monotonic one.
    since: Option<(Timestamp, Instant)>,
    /// Values of the ref that mean the lease is ours: the last confirmed one, and any whose push was not acknowledged.
    ours: Vec<String>,
    predecessor: Option<Predecessor>,
    unchanged: Unchanged,
}

impl GitLease {
    /// Names the lease of a cluster, or of one shard; acquires nothing yet.
    #[must_use]
    pub fn new(remote: Remote, scope: LeaseScope, now: Clock) -> Self {
        Self {
            remote,
            reference: scope.reference(),
            scope,
            now,
            skew: SKEW,
            fence: Fence::default(),
            since: None,
            ours: Vec::new(),
            predecessor: None,
            unchanged: Unchanged::default(),
        }
    }

    /// Takes the lease over at once from a killed process that used the same state directory on the same machine. Only
    /// for callers that take the lock of the host, [`super::FileLease`], first.
    #[must_use]
    pub fn after_predecessor(mut self, state: &Utf8Path) -> Self {
        self.predecessor = Some(Predecessor::new(state, &self.scope));
        self
    }

    /// Sets how far the clocks of other hosts may be off, instead of one minute.
    #[must_use]
    pub fn with_skew(mut self, skew: SignedDuration) -> Self {
        self.skew = skew;
        self
    }

    /// Returns the fence of this lease.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Returns who holds the lease, or one that excludes it; takes nothing.
    ///
    /// # Errors
    /// When the remote cannot be read, or holds no record.
    pub async fn holder(&self) -> Result<Option<Record>, LeaseError> {
        let whole = self.scope.whole().to_owned();
        for (reference, id) in self.remote.values(&whole).await? {
            if reference != self.reference && !self.scope.is_rival(&whole, &reference) {
                continue;
            }
            let record = self.read(&reference, &id).await?;
            if let Some(record) = record.filter(|it| !it.is_over((self.now)(), self.skew)) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    fn delete_command(&self, reference: &str) -> String {
        format!("git push {} :{reference}", self.remote.name())
    }

    /// Reads the record behind a ref; none when the ref moved in between.
    async fn read(&self, reference: &str, id: &str) -> Result<Option<Record>, LeaseError> {
        let Some(text) = self.remote.text(reference, id).await? else {
            return Ok(None);
        };
        let record = serde_json::from_str(&text);
        record.map(Some).map_err(|_| LeaseError::Malformed {
            place: reference.to_owned(),
            remedy: self.delete_command(reference),
        })
    }

    /// Returns whether a lease has expired, by its record or by what was seen of it.
    fn is_over(&mut self, reference: &str, id: &str, record: &Record) -> bool {
        let now = (self.now)();
        let unchanged = self.unchanged.duration(reference, id, now);
        record.is_over(now, self.skew) || record.is_abandoned(unchanged, self.skew)
    }

    /// Records a value as ours before the ref has it.
    fn own(&mut self, value: &str) {
        self.ours.push(value.to_owned());
        if let Some(predecessor) = &self.predecessor {
            predecessor.keep(&self.ours);
        }
    }

    /// Returns whether the process that gave the ref this value is dead.
    fn is_orphaned(&self, value: &str) -> bool {
        let predecessor = self.predecessor.as_ref();
        predecessor.is_some_and(|predecessor| predecessor.held(value))
    }

    /// Writes a record to the repository, and returns its commit.
    fn write(&self, record: &Record) -> Result<String, LeaseError> {
        let text = serde_json::to_string(record)
            .map_err(|error| GitError::Repository(error.to_string()))?;
        Ok(self.remote.clone_of().write_text(&text, (self.now)())?)
    }

    /// Deletes a ref if it still has the value that was seen.
    async fn end(&mut self, reference: &str, seen: &str) -> Result<Swap, LeaseError> {
        let deleted = self.remote.swap(reference, Some(seen), None).await;
        let error = match deleted {
            Ok(swap) => return Ok(swap),
            Err(error) => error,
        };
        // A server that forbids deletion gets an expired record instead.
        let record = self.read(reference, seen).await?.ok_or(error)?;
        if record.expires == ENDED {
            return Ok(Swap::Done);
        }
        let ended = Record {
            expires: ENDED,
            ..record
        };
        let ended = self.write(&ended)?;
        let swap = self.remote.swap(reference, Some(seen), Some(&ended));
        Ok(swap.await?)
    }

    /// Builds the record of the holder and the expiry. While the lease is held, setting the clock back never makes it
    /// end earlier than a term from now: others would take it over while its holder writes.
    fn record(&self, claim: &Claim) -> Record {
        let now = (self.now)();
        let Some((since, taken)) = self.since else {
            return Record::new(claim, now).until(now, claim.term);
        };
        let passed = i64::try_from(taken.elapsed().as_secs()).unwrap_or_default();
        let passed = SignedDuration::from_secs(passed);
        let at_least = since.saturating_add(passed).unwrap_or(Timestamp::MAX);
        Record::new(claim, since).until(now.max(at_least), claim.term)
    }
}

impl Lease for GitLease {
    async fn attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        contend(self, claim).await
    }

    async fn renew(&mut self, claim: &Claim) -> Result<(), LeaseError> {
        let seen = self.remote.value(&self.reference).await?;
        let Some(seen) = seen.filter(|seen| self.ours.contains(seen)) else {
            self.fence.end();
            return Err(LeaseError::Lost);
        };
        let asked = Moment::now();
        let record = self.record(claim);
        let new = self.write(&record)?;
        self.own(&new);
        let swapped = self.remote.swap(&self.reference, Some(&seen), Some(&new));
        match swapped.await? {
            Swap::Done => {
                self.ours = vec![new];
                self.fence.extend(asked, claim.term);
                Ok(())
            }
            Swap::Moved => {
                self.fence.end();
                Err(LeaseError::Lost)
            }
        }
    }

    async fn release(&mut self) -> Result<(), LeaseError> {
        self.fence.end();
        if self.ours.is_empty() {
            return Ok(());
        }
        let seen = self.remote.value(&self.reference).await?;
        let Some(seen) = seen.filter(|seen| self.ours.contains(seen)) else {
            return Ok(());
        };
        let reference = self.reference.clone();
        self.end(&reference, &seen).await?;
        self.ours.clear();
        Ok(())
    }

    fn remedy(&self) -> Option<String> {
        Some(self.delete_command(&self.reference))
    }
}

impl Contender for GitLease {
    async fn rival(&mut self) -> Result<Rival, LeaseError> {
        let whole = self.scope.whole().to_owned();
        let mut over = None;
        for (reference, id) in self.remote.values(&whole).await? {
            if !self.scope.is_rival(&whole, &reference) {
                continue;
            }
            match self.read(&reference, &id).await? {
                None => return Ok(Rival::Moving),
                Some(record) if self.is_over(&reference, &id, &record) => {
                    if self.end(&reference, &id).await? == Swap::Moved {
                        return Ok(Rival::Moving);
                    }
                    over = Some(record).filter(|record| record.expires != ENDED);
                }
                Some(record) => return Ok(Rival::Held(record)),
            }
        }
        Ok(Rival::None { over })
    }

    async fn take(&mut self, claim: &Claim) -> Result<Option<Attempt>, LeaseError> {
        let reference = self.reference.clone();
        let seen = self.remote.value(&reference).await?;
        let over = match &seen {
            None => None,
            Some(id) => match self.read(&reference, id).await? {
                None => return Ok(None),
                Some(record) if !self.is_orphaned(id) && !self.is_over(&reference, id, &record) => {
                    return Ok(Some(Attempt::Busy(record)));
                }
                over => over,
            },
        };
        let asked = Moment::now();
        self.since = Some(((self.now)(), Instant::now()));
        let record = self.record(claim);
        let new = self.write(&record)?;
        self.own(&new);
        let swapped = self
            .remote
            .swap(&self.reference, seen.as_deref(), Some(&new));
        match swapped.await? {
            Swap::Done => {
                self.ours = vec![new];
                self.fence.extend(asked, claim.term);
                Ok(Some(Attempt::Taken { over }))
            }
            Swap::Moved => {
                self.ours.clear();
                Ok(None)
            }
        }
    }
}
