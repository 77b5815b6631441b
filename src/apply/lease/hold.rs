//! Waits for a lease, and keeps it while there is work.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio_util::sync::CancellationToken;

use super::record::{Attempt, Claim, Lease, LeaseError, Record};

/// How long to wait for a lease that somebody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Total waiting time; zero fails at once.
    pub limit: Duration,
    /// Time between two attempts.
    pub pause: Duration,
}

/// Takes a lease, waiting up to the limit; `busy` is called once with the current holder.
///
/// Returns the expired lease that was taken over, if any.
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
                // A push whose response was lost may have taken it.
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

/// Runs some work while renewing the lease three times per term.
///
/// When the lease is lost, or could not be renewed before it ended, `lost` is cancelled, but the work is still awaited:
/// steps in flight must finish. Also returns why the lease was lost.
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

/// Renews until the lease is lost, and returns why.
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
        // Each failure takes a third plus a sixth of the term, so two take all of it.
        if failures == 2 {
            return LeaseError::Lost;
        }
    }
}
