//! Chooses the lease that decides who writes to a cluster, and runs work while it is held.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};

use crate::apply::lease::{
    self, Claim, Clock, FileLease, GitLease, Lease as _, LeaseError, LeaseGuard, LeaseScope,
    Leases, SharedLease,
};
use crate::apply::remote::Remote;
use crate::model::{ClusterName, Shard};

/// What arbitrates between hosts.
pub enum Arbiter {
    /// Nothing: only the processes of this host exclude each other.
    Host,
    /// A ref on the Git remote.
    Git(Remote),
    /// A `Lease` object in Kubernetes.
    Kubernetes,
}

/// Creates the lease of the host and the one between hosts; acquires neither yet.
///
/// `skew` is the tolerated difference between the clocks of two hosts.
///
/// # Errors
/// When Kubernetes arbitrates and cannot be reached.
pub async fn leases(
    state: &Utf8Path,
    scope: LeaseScope,
    arbiter: Arbiter,
    skew: SignedDuration,
) -> Result<Leases, LeaseError> {
    let now: Clock = Arc::new(Timestamp::now);
    let host = FileLease::new(state, scope.clone(), Arc::clone(&now));
    let between_hosts = match arbiter {
        Arbiter::Host => None,
        Arbiter::Git(remote) => {
            let lease = GitLease::new(remote, scope, now).with_skew(skew);
            let lease = lease.after_predecessor(state);
            Some(SharedLease::Git(Box::new(lease)))
        }
        Arbiter::Kubernetes => Some(SharedLease::of_kubernetes(scope, now).await?),
    };
    Ok(Leases::new(host, between_hosts))
}

/// Creates the claim to the lease of a cluster, or of one shard of it, with a purpose such as `apply to`.
#[must_use]
pub fn claim(purpose: &str, cluster: &ClusterName, shard: Option<Shard>, term: Duration) -> Claim {
    let purpose = match shard {
        Some(shard) => format!("{purpose} shard {shard} of {cluster}"),
        None => format!("{purpose} {cluster}"),
    };
    Claim {
        holder: lease::holder(),
        purpose,
        term,
    }
}

/// The result of work and of the lease that it was done under.
pub struct Ended<T> {
    /// The result of the work.
    pub done: T,
    /// Why the lease was lost during the work, if it was.
    pub lost: Option<LeaseError>,
    /// Why the lease was not released, if so; it expires.
    pub not_released: Option<LeaseError>,
}

/// Runs work under leases that were taken: renews them during the work, and releases them afterwards. When they are
/// lost, the guard stops the work.
pub async fn while_leading<T>(
    mut leases: Leases,
    claim: &Claim,
    guard: &LeaseGuard,
    work: impl Future<Output = T>,
) -> Ended<T> {
    let (done, lost) = lease::while_held(&mut leases, claim, guard.stopping(), work).await;
    let not_released = leases.release().await.err();
    Ended {
        done,
        lost,
        not_released,
    }
}
