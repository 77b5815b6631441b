//! Combines the lock of one host with the lease shared between hosts.

use super::record::{Attempt, Claim, Lease, LeaseError};
use super::{Fence, FileLease, SharedLease};

/// The lock of this host and, if there is one, the lease shared between hosts.
pub struct Leases {
    host: FileLease,
    remote: Option<SharedLease>,
    is_host_busy: bool,
}

impl Leases {
    /// Combines both; acquires nothing yet.
    #[must_use]
    pub fn new(host: FileLease, remote: Option<SharedLease>) -> Self {
        Self {
            host,
            remote,
            is_host_busy: false,
        }
    }

    /// Returns the fence of the shared lease; none where only this host is arbitrated, by a lock that ends with its
    /// process.
    #[must_use]
    pub fn fence(&self) -> Option<Fence> {
        self.remote.as_ref().map(SharedLease::fence)
    }
}

impl Lease for Leases {
    async fn attempt(&mut self, claim: &Claim) -> Result<Attempt, LeaseError> {
        let host = self.host.attempt(claim).await?;
        self.is_host_busy = matches!(host, Attempt::Busy(_));
        let Some(remote) = self.remote.as_mut().filter(|_| !self.is_host_busy) else {
            return Ok(host);
        };
        let attempt = remote.attempt(claim).await;
        if !matches!(attempt, Ok(Attempt::Taken { .. })) {
            self.host.release().await?;
        }
        attempt
    }

    async fn renew(&mut self, claim: &Claim) -> Result<(), LeaseError> {
        self.host.renew(claim).await?;
        match &mut self.remote {
            Some(remote) => remote.renew(claim).await,
            None => Ok(()),
        }
    }

    async fn release(&mut self) -> Result<(), LeaseError> {
        let released = match &mut self.remote {
            Some(remote) => remote.release().await,
            None => Ok(()),
        };
        self.host.release().await?;
        released
    }

    fn remedy(&self) -> Option<String> {
        let remote = self.remote.as_ref().filter(|_| !self.is_host_busy);
        remote.and_then(Lease::remedy)
    }
}
