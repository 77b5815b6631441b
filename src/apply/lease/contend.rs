//! Takes a lease between hosts while somebody may be taking one that excludes it.

use super::record::{Attempt, Claim, Lease, LeaseError, Record};

/// How many attempts are made while somebody else is faster.
const ATTEMPTS: u32 = 5;

/// Another lease on the cluster that conflicts with this one.
pub(super) enum Rival {
    /// There is no conflicting lease.
    None {
        /// The expired lease that was ended, if any.
        over: Option<Record>,
    },
    /// A conflicting lease is held.
    Held(Record),
    /// A lease changed while it was being read.
    Moving,
}

/// A lease that can conflict with others on the same cluster.
pub(super) trait Contender: Lease {
    /// Looks for a held lease that excludes this one. Expired leases are ended, so that a holder that wakes up finds
    /// that it lost its lease.
    fn rival(&mut self) -> impl Future<Output = Result<Rival, LeaseError>> + Send;

    /// Takes the lease if it is free; returns nothing when somebody was faster.
    fn take(
        &mut self,
        claim: &Claim,
    ) -> impl Future<Output = Result<Option<Attempt>, LeaseError>> + Send;
}

/// Takes a lease, unless somebody holds it or one that excludes it.
pub(super) async fn contend(
    lease: &mut impl Contender,
    claim: &Claim,
) -> Result<Attempt, LeaseError> {
    for _ in 0..ATTEMPTS {
        let ended = match lease.rival().await? {
            Rival::Moving => continue,
            Rival::Held(record) => return Ok(Attempt::Busy(record)),
            Rival::None { over } => over,
        };
        let over = match lease.take(claim).await? {
            None => continue,
            Some(busy @ Attempt::Busy(_)) => return Ok(busy),
            Some(Attempt::Taken { over }) => over.or(ended),
        };
        // Of two leases that exclude each other, the later one sees the earlier one here, or both see each other.
        let rival = match lease.rival().await? {
            Rival::None { .. } => return Ok(Attempt::Taken { over }),
            rival => rival,
        };
        lease.release().await?;
        if let Rival::Held(record) = rival {
            return Ok(Attempt::Busy(record));
        }
    }
    Err(LeaseError::Contended)
}
