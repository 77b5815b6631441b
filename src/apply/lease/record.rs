//! What a lease says, and what can be done with one.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::apply::remote::GitError;

/// By how much the clocks of two hosts may differ before one takes the other's lease for expired.
pub const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who wants to write, for what, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who, for people: user, host, process.
    pub holder: String,
    /// What for.
    pub purpose: String,
    /// How long it holds unless it is renewed.
    pub term: Duration,
}

/// Who may write, as it is written down for the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who, for people.
    pub holder: String,
    /// What for.
    pub purpose: String,
    /// When it was taken.
    pub since: Timestamp,
    /// When it ends unless it is renewed; absent where the system lets go of it by itself.
    pub expires: Option<Timestamp>,
    /// Tells two of the same second and the same holder apart.
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
            mark: fastrand::u64(..),
        }
    }

    pub(super) fn until(mut self, now: Timestamp, term: Duration) -> Self {
        let term = SignedDuration::try_from(term).unwrap_or(SignedDuration::MAX);
        self.expires = Some(now.saturating_add(term).unwrap_or(Timestamp::MAX));
        self.mark = fastrand::u64(..);
        self
    }

    /// Tells whether it ended, also by a clock that is so much too fast.
    #[must_use]
    pub fn is_over(&self, now: Timestamp, skew: SignedDuration) -> bool {
        self.expires
            .is_some_and(|expires| now.duration_since(expires) > skew)
    }

    /// Says in words who holds the lease.
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

/// What an attempt to take a lease gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is ours.
    Taken {
        /// Whose expired lease was taken over.
        over: Option<Record>,
    },
    /// Somebody else has it.
    Busy(Record),
}

/// Says why a lease cannot be had, or was lost.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LeaseError {
    /// Somebody else has it.
    #[error(
        "somebody else is writing to this cluster: {}; try again later, or say --wait-for-lease 10m{}",
        .record.explained(),
        .remedy.as_ref().map(|remedy| format!(". When that run is certainly dead, `{remedy}` takes its lease away")).unwrap_or_default()
    )]
    Held {
        /// Who.
        record: Box<Record>,
        /// What takes it away by force.
        remedy: Option<String>,
    },
    /// It was ours, and somebody else has it now, or nobody.
    #[error("the lease was lost while writing: it expired, or somebody took it away")]
    Lost,
    /// Others were faster, again and again.
    #[error("the lease could not be taken: others were faster each time; try again")]
    Contended,
    /// What stands in its place is no lease.
    #[error("{place} holds no lease that this version understands; `{remedy}` takes it away")]
    Malformed {
        /// Where it stands.
        place: String,
        /// What takes it away.
        remedy: String,
    },
    /// The lock's file could not be used.
    #[error("the lock {path} cannot be used: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// Kubernetes failed.
    #[error("the lease needs Kubernetes: {0}")]
    Kubernetes(String),
    /// This build has no Kubernetes.
    #[error(
        "this build knows nothing of Kubernetes; build it with `cargo build --release --features kubernetes`"
    )]
    NoKubernetes,
    /// Git failed.
    #[error("the lease needs the Git remote: {0}; --no-push does without")]
    Git(#[from] GitError),
}

/// Lets one run at a time write to a cluster.
pub trait Lease: Send {
    /// Takes it when nobody has it, or when its holder let it expire.
    fn attempt(
        &mut self,
        claim: &Claim,
    ) -> impl Future<Output = Result<Attempt, LeaseError>> + Send;

    /// Holds it for another term. [`LeaseError::Lost`] is final; any other error may pass.
    fn renew(&mut self, claim: &Claim) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// Gives it back; also what an attempt that failed half-way may have taken.
    fn release(&mut self) -> impl Future<Output = Result<(), LeaseError>> + Send;

    /// Returns what takes it away by force, for when its holder is dead.
    fn remedy(&self) -> Option<String>;
}
