//! The lease of a cluster while `apply` runs.

use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::args::{LeaseArgs, PlatformArgs, RemoteArgs};
use super::base;
use super::deadline;
use super::execute::StateFolder;
use super::failure::Failure;
use super::ui::Ui;
use crate::apply::lease::{
    self, Claim, LeaseError, LeaseGuard, LeaseScope, Leases, Record, SKEW, Wait,
};
use crate::model::Shard;
use crate::reconcile::{Arbiter, claim, leases, while_leading};
use crate::report::text;
use crate::tree::ClusterConfig;

/// Validity of a lease; it is renewed three times in that time.
const TERM: Duration = Duration::from_mins(10);
/// Pause between two attempts to take the lease.
const PAUSE: Duration = Duration::from_secs(2);

/// A request for the lease of a cluster.
#[derive(Clone, Copy)]
pub(crate) struct LeaseRequest<'a> {
    pub(crate) folder: &'a Utf8Path,
    pub(crate) cluster: &'a ClusterConfig,
    /// The shard, if only that is leased.
    pub(crate) shard: Option<Shard>,
    pub(crate) platform: &'a PlatformArgs,
    pub(crate) remote: &'a RemoteArgs,
    pub(crate) lease: &'a LeaseArgs,
    /// The purpose that others see, such as `apply`.
    pub(crate) purpose: &'a str,
}

/// Does work under the lease of a cluster, within the deadline. A sandbox needs no lease.
pub(crate) async fn with_lease<T>(
    ui: Ui,
    request: LeaseRequest<'_>,
    work: impl AsyncFnOnce(LeaseGuard) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if request.platform.sandbox.is_wanted() {
        let guard = LeaseGuard::exclusive();
        let work = work(guard.clone());
        return deadline::within(ui, Some(&guard), deadline::GRACE, work).await;
    }
    let (leases, claim) = take(ui, request).await?;
    let guard = LeaseGuard::of(&leases);
    let work = deadline::within(ui, Some(&guard), deadline::GRACE, work(guard.clone()));
    let ended = while_leading(leases, &claim, &guard, work).await;
    if let Some(error) = ended.lost {
        ui.message(&format!("{error}; nothing further was begun"));
    }
    if let Some(error) = ended.not_released {
        let message = format!("the lease could not be given back, and expires: {error}");
        ui.message(&text::visible(&message));
    }
    ended.done
}

/// Takes the lease of a cluster, and waits for it as long as allowed. Without a remote, only this host is locked.
async fn take(ui: Ui, request: LeaseRequest<'_>) -> Result<(Leases, Claim), Failure> {
    let cluster = &request.cluster.name;
    let purpose = format!("{} to", request.purpose);
    let claim = claim(&purpose, cluster, request.shard, TERM);
    let state = StateFolder::of_tree(request.folder);
    let scope = LeaseScope::new(cluster, request.shard);
    let leases = leases(&state, scope, arbiter(request)?, SKEW).await;
    let mut leases = leases.map_err(|error| Failure::Failed(error.into()))?;
    let limit = request.lease.wait_for_lease.unwrap_or_default();
    let wait = Wait {
        limit: limit.min(ui.limit().left(Instant::now())),
        pause: PAUSE,
    };
    let say = |words: &str, record: &Record| {
        ui.message(&format!("{words} {}", text::visible(&record.explained())));
    };
    let busy = |record: &Record| say("waiting for", record);
    match lease::take(&mut leases, &claim, wait, &busy).await {
        Ok(over) => {
            if let Some(record) = over {
                say("took over the lease of", &record);
            }
            Ok((leases, claim))
        }
        Err(error @ (LeaseError::Held { .. } | LeaseError::Contended)) => Err(Failure::Refused(
            text::visible(&error.to_string()).into_owned(),
        )),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

/// Returns who arbitrates between hosts.
fn arbiter(request: LeaseRequest<'_>) -> Result<Arbiter, Failure> {
    if request.lease.kubernetes_lease {
        return Ok(Arbiter::Kubernetes);
    }
    let LeaseRequest {
        folder,
        cluster,
        platform,
        remote,
        ..
    } = request;
    let remote = base::arbiter(folder, cluster, platform, remote)?;
    let remote = remote.filter(|_| !request.lease.no_push);
    Ok(remote.map_or(Arbiter::Host, Arbiter::Git))
}
