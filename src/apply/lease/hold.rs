//! Waiting for a lease, and keeping it while there is work.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio_util::sync::CancellationToken;

use super::record::{Attempt, Claim, Lease, LeaseError, Record};

/// How long to wait for a lease that somebody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How long in all; zero refuses at once.
    pub limit: Duration,
    /// How long between two attempts.
    pub pause: Duration,
}

/// Takes a lease, and waits for it as long as is allowed; `busy` is told once who has it.
///
/// Returns whose expired lease was taken over.
pub async fn take(
    lease: &mut impl Lease,
    claim: &Claim,
    wait: Wait,
    busy: &(dyn Fn(&Record) + Sync),
) -> Result<Option<Record>, LeaseError> {
    let mut left = wait.limit;
    let mut told = false;
    loop {
        let attempt = lease.attempt(claim).await;
        let record = match attempt {
            Ok(Attempt::Taken { over }) => return Ok(over),
            Ok(Attempt::Busy(record)) => record,
            Err(error) => {
                // A push whose answer was lost may have taken it.
                let _ = lease.release().await;
                return Err(error);
            }
        };
        if left.is_zero() {
            let remedy = lease.remedy();
            let record = Box::new(record);
            return Err(LeaseError::Held { record, remedy });
        }
        if !told {
            busy(&record);
            told = true;
        }
        let pause = wait.pause.min(left);
        tokio::time::sleep(pause).await;
        left = left.saturating_sub(pause.max(Duration::from_millis(1)));
    }
}

/// Does some work and renews the lease all the while, three times a term.
///
/// When the lease is lost, or could not be renewed before it ended, `lost` is cancelled and the
/// work is awaited all the same: what is in hand must come to its end. Says why it was lost.
pub async fn while_held<T>(
    lease: &mut impl Lease,
    claim: &Claim,
    lost: &CancellationToken,
    work: impl Future<Output = T>,
) -> (T, Option<LeaseError>) {
    let work = pin!(work);
    let renewing = pin!(renew(lease, claim));
    match select(work, renewing).await {
        Either::Left((done, _)) => (done, None),
        Either::Right((error, work)) => {
            lost.cancel();
            (work.await, Some(error))
        }
    }
}

/// Renews until that is over, and says why.
async fn renew(lease: &mut impl Lease, claim: &Claim) -> LeaseError {
    let mut failures = 0;
    loop {
        tokio::time::sleep(claim.term / 3).await;
        match tokio::time::timeout(claim.term / 6, lease.renew(claim)).await {
            Ok(Ok(())) => failures = 0,
            Ok(Err(LeaseError::Lost)) => return LeaseError::Lost,
            Ok(Err(error)) => {
                failures += 1;
                tracing::warn!(%error, "the lease could not be renewed");
            }
            Err(_) => failures += 1,
        }
        // A third of the term and a sixth, twice, is all of it.
        if failures == 2 {
            return LeaseError::Lost;
        }
    }
}
