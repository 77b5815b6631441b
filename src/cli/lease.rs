//! Being the only one who writes to a cluster while `apply` runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::args::{LeaseArgs, PlatformArgs, RemoteArgs};
use super::base;
use super::carry::StateFolder;
use super::deadline;
use super::failure::Failure;
use super::ui::Ui;
use crate::apply::lease::{
    self, Claim, Clock, FileLease, GitLease, Lease as _, LeaseError, Leases, Record,
    Room as Leased, SharedLease, Tenure, Wait,
};
use crate::model::Shard;
use crate::report::text;
use crate::tree::ClusterConfig;

/// How long a lease holds unless it is renewed, which happens three times in between.
const TERM: Duration = Duration::from_mins(10);
/// How long to wait between two attempts to take it.
const PAUSE: Duration = Duration::from_secs(2);

/// What is to be had alone, and how.
#[derive(Clone, Copy)]
pub(crate) struct Room<'a> {
    pub(crate) folder: &'a Utf8Path,
    pub(crate) cluster: &'a ClusterConfig,
    /// The only part of it.
    pub(crate) shard: Option<Shard>,
    pub(crate) platform: &'a PlatformArgs,
    pub(crate) remote: &'a RemoteArgs,
    pub(crate) lease: &'a LeaseArgs,
    /// What for, for others to see.
    pub(crate) purpose: &'a str,
}

/// How work that is done alone learns that it is alone no more. Clones tell the same.
#[derive(Clone, Default)]
pub(crate) struct Solitude {
    /// Cancelled when the lease is lost, or the deadline is over: nothing else is begun.
    pub(crate) cancel: CancellationToken,
    tenure: Arc<OnceLock<Tenure>>,
    /// Why nothing else is begun.
    stopped: Arc<OnceLock<String>>,
    writes: Arc<AtomicBool>,
}

impl Solitude {
    /// Returns what to ask before each write; absent where no lease between hosts is held.
    pub(crate) fn tenure(&self) -> Option<Tenure> {
        self.tenure.get().cloned()
    }

    /// Takes note that something is about to be written.
    pub(crate) fn begin_writing(&self) {
        self.writes.store(true, Ordering::Relaxed);
    }

    /// Tells whether something was written, or is being written, and is still to be told.
    pub(crate) fn has_written(&self) -> bool {
        self.writes.load(Ordering::Relaxed)
    }

    /// Lets nothing else begin, for a reason.
    pub(crate) fn stop(&self, reason: String) {
        let _ = self.stopped.set(reason);
        self.cancel.cancel();
    }

    /// Returns the reason why nothing else is begun, when there is one.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.stopped.get().cloned()
    }
}

/// Does some work as the only one who writes to a cluster; a sandbox is nobody else's anyway.
pub(crate) async fn alone<T>(
    ui: Ui,
    room: Room<'_>,
    solitude: &Solitude,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let work = deadline::within(ui, solitude, deadline::GRACE, work);
    if room.platform.sandbox.is_wanted() {
        return work.await;
    }
    let held = Held::take(ui, room).await?;
    if let Some(tenure) = held.leases.tenure() {
        let _ = solitude.tenure.set(tenure);
    }
    held.during(ui, &solitude.cancel, work).await
}

/// Finds the lease between hosts; absent where nobody arbitrates.
async fn shared(
    room: Room<'_>,
    state: &Utf8Path,
    leased: Leased,
    now: Clock,
) -> Result<Option<SharedLease>, Failure> {
    if room.lease.kubernetes_lease {
        let lease = SharedLease::of_kubernetes(leased, now).await;
        return lease
            .map(Some)
            .map_err(|error| Failure::Failed(error.into()));
    }
    let remote = base::arbiter(room.folder, room.cluster, room.platform, room.remote)?;
    let remote = remote.filter(|_| !room.lease.no_push);
    Ok(remote.map(|remote| {
        let lease = GitLease::new(remote, leased, now).after_predecessor(state);
        SharedLease::Git(Box::new(lease))
    }))
}

/// A lease that was taken.
struct Held {
    leases: Leases,
    claim: Claim,
}

impl Held {
    /// Takes the lease of a cluster, and waits for it as long as is allowed. Without a remote only this
    /// host is arbitrated.
    async fn take(ui: Ui, room: Room<'_>) -> Result<Self, Failure> {
        let cluster = &room.cluster.name;
        let limit = room.lease.wait_for_lease.unwrap_or_default();
        let limit = limit.min(ui.limit().left(Instant::now()));
        let now: Clock = Arc::new(Timestamp::now);
        let state = StateFolder::of_tree(room.folder);
        let whole_or_part = Leased::new(cluster, room.shard);
        let host = FileLease::new(&state, whole_or_part.clone(), Arc::clone(&now));
        let between_hosts = shared(room, &state, whole_or_part, now).await?;
        let mut leases = Leases::new(host, between_hosts);
        let claim = Claim {
            holder: lease::holder(),
            purpose: match room.shard {
                Some(shard) => format!("{} to shard {shard} of {cluster}", room.purpose),
                None => format!("{} to {cluster}", room.purpose),
            },
            term: TERM,
        };
        let wait = Wait {
            limit,
            pause: PAUSE,
        };
        let say = |words: &str, record: &Record| {
            ui.talk(&format!("{words} {}", text::visible(&record.explained())));
        };
        let busy = |record: &Record| say("waiting for", record);
        match lease::take(&mut leases, &claim, wait, &busy).await {
            Ok(over) => {
                if let Some(record) = over {
                    say("took over the lease of", &record);
                }
                Ok(Self { leases, claim })
            }
            Err(error @ (LeaseError::Held { .. } | LeaseError::Contended)) => Err(
                Failure::Refused(text::visible(&error.to_string()).into_owned()),
            ),
            Err(error) => Err(Failure::Failed(error.into())),
        }
    }

    /// Does some work while the lease is renewed, and gives it back. When it is lost, `cancel` tells
    /// the work to begin nothing else.
    async fn during<T>(
        mut self,
        ui: Ui,
        cancel: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> T {
        let (done, lost) = lease::while_held(&mut self.leases, &self.claim, cancel, work).await;
        if let Some(error) = lost {
            ui.talk(&format!("{error}; nothing further was begun"));
        }
        if let Err(error) = self.leases.release().await {
            let message = format!("the lease could not be given back, and expires: {error}");
            ui.talk(&text::visible(&message));
        }
        done
    }
}
