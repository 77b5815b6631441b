//! Taking a lease between hosts while somebody may be taking one that excludes it.

use super::record::{Attempt, Claim, Lease, LeaseError, Record};

/// How often an attempt begins anew because somebody else was faster.
const ATTEMPTS: u32 = 5;

/// What else of the cluster is leased.
pub(super) enum Rival {
    /// Nothing that excludes this.
    None {
        /// Whose expired lease was ended.
        over: Option<Record>,
    },
    /// Somebody has it.
    Held(Record),
    /// A lease moved while it was looked at.
    Moving,
}

/// A lease that is one of several.
pub(super) trait Contender: Lease {
    /// Finds somebody who holds something that excludes this. What expired is ended, so that its holder, should it wake
    /// up, finds that it lost it.
    fn rival(&mut self) -> impl Future<Output = Result<Rival, LeaseError>> + Send;

    /// Takes the lease, if it can be had; nothing when somebody was faster.
    fn take(
        &mut self,
        claim: &Claim,
    ) -> impl Future<Output = Result<Option<Attempt>, LeaseError>> + Send;
}

/// Takes a lease, unless somebody has it or something that excludes it.
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
        // Of two that exclude each other the later one sees the earlier one here, or both do.
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
