//! The record of a lease, and the operations on one.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::apply::remote::GitError;

/// How far the clocks of two hosts may differ before one considers the other's lease expired.
pub const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Returns the current time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A request for a lease: who wants to write, for what, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who asks, for people to read: user, host, process.
    pub holder: String,
    /// What the lease is needed for.
    pub purpose: String,
    /// How long the lease lasts unless it is renewed.
    pub term: Duration,
}

/// The holder of a lease, as recorded for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The holder, for people to read.
    pub holder: String,
    /// What the lease is needed for.
    pub purpose: String,
    /// When it was taken.
    pub since: Timestamp,
    /// When it expires unless it is renewed; absent where the system releases it by itself.
    pub expires: Option<Timestamp>,
    /// How long it lasts after each renewal, in seconds; absent in what earlier versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term_seconds: Option<u64>,
    /// Distinguishes two records of the same holder in the same second.
    #[serde(default)]
    pub mark: u64,
}

impl Record {
    pub(super) fn new(claim: &Claim, since: Timestamp) -> Self {
        Self {
            holder: claim.holder.clone(),
            purpose: claim.purpose.clone(),
            since,
            expires: None,
            term_seconds: None,
            mark: fastrand::u64(..),
        }
    }

    pub(super) fn until(mut self, now: Timestamp, term: Duration) -> Self {
        self.term_seconds = Some(term.as_secs() + u64::from(term.subsec_nanos() > 0));
        let term = SignedDuration::try_from(term).unwrap_or(SignedDuration::MAX);
        self.expires = Some(now.saturating_add(term).unwrap_or(Timestamp::MAX));
        self.mark = fastrand::u64(..);
        self
    }

    /// Returns whether it has expired, even by a clock that is fast by `skew`.
    #[must_use]
    pub fn is_over(&self, now: Timestamp, skew: SignedDuration) -> bool {
        self.expires
            .is_some_and(|expires| now.duration_since(expires) > skew)
    }

    /// Returns whether it stood unchanged for longer than its term, by a clock that may be fast by `skew`: then its holder
    /// is dead, even if its own clock was ahead.
    pub(super) fn is_abandoned(&self, unchanged: SignedDuration, skew: SignedDuration) -> bool {
        let term = self.term_seconds.and_then(|term| i64::try_from(term).ok());
        let term = term.map(SignedDuration::from_secs);
        term.is_some_and(|term| unchanged > term.saturating_add(skew))
    }

    /// Describes who holds the lease, in words.
    #[must_use]
    pub fn explained(&self) -> String {
        let until = self
            .expires
            .map_or_else(String::new, |expires| format!(", until {expires}"));
        format!(
            "{} ({}) since {}{until}",
            self.holder, self.purpose, self.since
        )
    }
}

/// The result of an attempt to take a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The lease is ours.
    Taken {
        /// The expired lease that was taken over, if any.
        over: Option<Record>,
    },
    /// Somebody else holds it.
    Busy(Record),
}

/// Why a lease could not be taken, or was lost.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LeaseError {
    /// Somebody else holds it.
    #[error(
        "somebody else is writing to this cluster: {}; try again later, or pass --wait-for-lease 10m{}",
        .record.explained(),
        .remedy.as_ref().map(|remedy| format!(". When that run is certainly dead, `{remedy}` removes its lease")).unwrap_or_default()
    )]
    Held {
        /// The current holder.
        record: Box<Record>,
        /// The command that removes the lease by force.
        remedy: Option<String>,
    },
    /// It was ours, but now somebody else holds it, or nobody.
    #[error("the lease was lost while writing: it expired, or somebody removed it")]
    Lost,
    /// Others were faster, again and again.
    #[error("the lease could not be taken: others were faster each time; try again")]
    Contended,
    /// The place of the lease holds something else.
    #[error("{place} holds no lease that this version understands; `{remedy}` removes it")]
    Malformed {
        /// The ref that holds it.
        place: String,
        /// The command that removes it.
        remedy: String,
    },
    /// The lock file could not be used.
    #[error("the lock {path} cannot be used: {reason}")]
    File {
        /// The lock file.
        path: String,
        /// The error of the system.
        reason: String,
    },
    /// A request to Kubernetes failed.
    #[error("the lease needs Kubernetes: {0}")]
    Kubernetes(String),
    /// This build has no Kubernetes support.
    #[error(
        "this build knows nothing of Kubernetes; build it with `cargo build --release --features kubernetes`"
    )]
    NoKubernetes,
    /// A Git operation failed.
    #[error("the lease needs the Git remote: {0}; --no-push does without")]
    Git(#[from] GitError),
}

/// Lets one run at a time write to a cluster.
pub trait Lease: Send {
    /// Takes the lease when nobody holds it, or when its holder let it expire.
    fn attempt(
        &mut self,
        claim: &Claim,
    ) -> impl Future<Output = Result<Attempt, LeaseError>> + Send;

    /// Extends the lease by another term. [`LeaseError::Lost`] is final; any other error may be temporary.
    fn renew(&mut self, claim: &Claim) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// Releases the lease, and whatever a failed attempt may have taken.
    fn release(&mut self) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// Returns the command that removes the lease by force, for when its holder is dead.
    fn remedy(&self) -> Option<String>;
}
