//! The lease between hosts: on a Git remote, or in Kubernetes.

use super::Fence;
use super::GitLease;
#[cfg(feature = "kubernetes")]
use super::KubernetesLease;
use super::record::{Attempt, Claim, Clock, Lease, LeaseError};
use super::scope::LeaseScope;

/// A lease that other hosts can see.
pub enum SharedLease {
    /// A ref on a Git remote.
    Git(Box<GitLease>),
    /// An object in the cluster that this runs in.
    #[cfg(feature = "kubernetes")]
    Kubernetes(Box<KubernetesLease>),
}

impl SharedLease {
    /// Returns the fence of this lease.
    #[must_use]
    pub fn fence(&self) -> Fence {
        match self {
            Self::Git(lease) => lease.fence(),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(lease) => lease.fence(),
        }
    }

    /// Connects to Kubernetes as a pod or a user does; acquires nothing yet.
    ///
    /// # Errors
    /// When Kubernetes cannot be reached.
    #[cfg(feature = "kubernetes")]
    pub async fn of_kubernetes(scope: LeaseScope, now: Clock) -> Result<Self, LeaseError> {
        let lease = KubernetesLease::connect(scope, now).await?;
        Ok(Self::Kubernetes(Box::new(lease)))
    }

    /// Fails, since this build has no Kubernetes support.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "kubernetes"))]
    pub async fn of_kubernetes(_room: LeaseScope, _now: Clock) -> Result<Self, LeaseError> {
        std::future::ready(Err(LeaseError::NoKubernetes)).await
    }
}

impl Lease for SharedLease {
    async fn attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        match self {
            Self::Git(lease) => lease.attempt(claim).await,
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(lease) => lease.attempt(claim).await,
        }
    }

    async fn renew(&mut self, claim: &Claim) -> Result<(), LeaseError> {
        match self {
            Self::Git(lease) => lease.renew(claim).await,
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(lease) => lease.renew(claim).await,
        }
    }

    async fn release(&mut self) -> Result<(), LeaseError> {
        match self {
            Self::Git(lease) => lease.release().await,
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(lease) => lease.release().await,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Git(lease) => lease.remedy(),
            #[cfg(feature = "kubernetes")]
            Self::Kubernetes(lease) => lease.remedy(),
        }
    }
}
