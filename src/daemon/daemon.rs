//! From a setup to a daemon: opens what it needs, leads when it may, and ends when it is told to.

use std::io;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::conditions;
use super::controller::Controller;
use super::history_log::HistoryLog;
use super::setup::{Place, Reread, Setup};
use super::source::{FolderSource, FolderWatcher, RemoteSource, Source};
use super::status::{Role, State};
use super::{PublishedStatus, WorkQueue};
use crate::apply::lease::{Attempt, Claim, Lease as _, LeaseError, LeaseGuard, LeaseScope, Leases};
use crate::apply::remote::{Ending, GitError};
use crate::model::ClusterName;
use crate::reconcile::{Arbiter, claim, leases, while_leading};

/// How long a standby waits between two attempts to take the lease.
const PAUSE: Duration = Duration::from_secs(2);
/// How often `once` waits for drift to be confirmed, and for failures to pass.
const ROUNDS: u32 = 3;

/// Says why the daemon cannot begin.
#[derive(Debug, Error)]
pub enum WatchError {
    /// The state folder cannot be used.
    #[error("the state folder {path} cannot be used: {source}")]
    State {
        /// The folder.
        path: Utf8PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The repository for the source cannot be used.
    #[error("the source cannot be prepared: {0}")]
    Source(#[from] GitError),
}

/// Runs until an [`super::WorkItem::Stop`]; what is in hand then comes to its end first. `reread` reads the daemon's file
/// anew on an [`super::WorkItem::Reload`].
pub async fn watch(
    setup: Setup,
    published: PublishedStatus,
    queue: WorkQueue,
    reread: Option<Reread>,
) -> Result<(), WatchError> {
    let (mut controller, _watcher) = open(setup, published, queue.clone())?;
    controller.reread = reread;
    let stop = queue.stopped();
    while !stop.is_cancelled() {
        Box::pin(lead(&mut controller, &stop, false)).await;
    }
    controller
        .published
        .change(|status| status.cluster.next_run = None);
    Ok(())
}

/// Turns the wheel until nothing is left that goes by itself, and ends. Refused when somebody else leads.
pub async fn once(
    setup: Setup,
    published: PublishedStatus,
    queue: WorkQueue,
) -> Result<(), WatchError> {
    let (mut controller, _watcher) = open(setup, published, queue.clone())?;
    let stop = queue.stopped();
    Box::pin(lead(&mut controller, &stop, true)).await;
    controller
        .published
        .change(|status| status.cluster.next_run = None);
    Ok(())
}

fn open(
    setup: Setup,
    published: PublishedStatus,
    queue: WorkQueue,
) -> Result<(Controller, Option<FolderWatcher>), WatchError> {
    let history_log = HistoryLog::open(&setup.state).map_err(|source| WatchError::State {
        path: setup.state.clone(),
        source,
    })?;
    let ending = Ending::with(queue.stopped());
    let (source, watcher) = match &setup.source {
        Place::Folder(folder) => {
            let watcher = FolderWatcher::new(folder, &queue);
            if let Err(error) = &watcher {
                tracing::warn!(%error, "the folder cannot be watched; it is read now and then");
            }
            let source = FolderSource::new(folder.clone(), ending);
            (Source::Folder(source), watcher.ok())
        }
        Place::Remote {
            url,
            branch,
            folder,
            signers,
        } => {
            let state = &setup.state;
            let source = RemoteSource::new(state, url, branch, folder, signers.clone(), ending)?;
            (Source::Remote(Box::new(source)), None)
        }
    };
    Ok((
        Controller::new(setup, published, queue, source, history_log),
        watcher,
    ))
}

/// Waits for the lease, and works as long as it is held.
async fn lead(controller: &mut Controller, stop: &CancellationToken, is_once: bool) {
    let Some(cluster) = controller.name_cluster(stop, is_once).await else {
        return;
    };
    if controller.setup.platform.is_some() {
        // A sandbox is nobody else's.
        controller.take_lead(Timestamp::now());
        work(controller, &LeaseGuard::exclusive(), is_once).await;
        return;
    }
    let claim = claim(
        "watch",
        &cluster,
        controller.setup.shard,
        controller.setup.term,
    );
    let mut leases = match leases_of(controller, &cluster).await {
        Ok(leases) => leases,
        Err(error) => {
            tracing::error!(%error, "there is no lease to lead by");
            controller.stand_by(&error.to_string(), Timestamp::now());
            return;
        }
    };
    if !take(controller, &mut leases, &claim, stop, is_once).await {
        return;
    }
    controller.take_lead(Timestamp::now());
    tracing::info!(%cluster, "leading");
    let guard = LeaseGuard::of(&leases);
    let work = Box::pin(work(controller, &guard, is_once));
    let ended = while_leading(leases, &claim, &guard, work).await;
    if let Some(error) = ended.lost {
        tracing::warn!(%error, "no longer leading; nothing further was begun");
    }
    if let Some(error) = ended.not_released {
        tracing::warn!(%error, "the lease could not be given back, and expires");
    }
}

async fn work(controller: &mut Controller, guard: &LeaseGuard, is_once: bool) {
    if is_once {
        controller.run_until_settled(guard, ROUNDS).await;
    } else {
        controller.run(guard).await;
    }
}

async fn leases_of(controller: &Controller, cluster: &ClusterName) -> Result<Leases, LeaseError> {
    let setup = &controller.setup;
    let reference = controller.source.applied_ref(cluster).ok().flatten();
    let remote = reference.and_then(|reference| reference.remote().cloned());
    let arbiter = match remote.filter(|_| setup.push) {
        _ if setup.kubernetes => Arbiter::Kubernetes,
        Some(remote) => Arbiter::Git(remote),
        None => Arbiter::Host,
    };
    let scope = LeaseScope::new(cluster, setup.shard);
    leases(&setup.state, scope, arbiter, setup.skew).await
}

/// Takes the lease, however long that takes; `false` when it is to end first.
async fn take(
    controller: &mut Controller,
    leases: &mut Leases,
    claim: &Claim,
    stop: &CancellationToken,
    is_once: bool,
) -> bool {
    loop {
        match leases.attempt(claim).await {
            Ok(Attempt::Taken { over }) => {
                if let Some(record) = over {
                    tracing::warn!("took over the lease of {}", record.explained());
                }
                return true;
            }
            Ok(Attempt::Busy(record)) => controller.stand_by(&record.explained(), Timestamp::now()),
            Err(LeaseError::Contended) => {}
            Err(error) => {
                tracing::warn!(%error, "the lease cannot be had");
                // A push whose answer was lost may have taken it.
                let _ = leases.release().await;
                controller.lack_lease(&error, Timestamp::now());
            }
        }
        if is_once {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => return false,
        }
    }
}

impl Controller {
    fn take_lead(&mut self, now: Timestamp) {
        self.conditions.lease = None;
        self.begin(now);
        self.published
            .change(|status| status.cluster.role = Role::Leader { since: now });
    }

    /// Says that the lease cannot be taken, though nobody is known to hold it.
    fn lack_lease(&mut self, error: &LeaseError, now: Timestamp) {
        let reason = match error {
            LeaseError::Git(error) => format!(
                "the lease cannot be taken: {error}; the daemon's account at the Git remote must be allowed to write refs/emblazon/*; where no other host writes to this cluster, lease: {{push: false}} in the daemon's file does without"
            ),
            _ => format!("the lease cannot be taken: {error}"),
        };
        self.conditions.lease = Some(reason.clone());
        self.published.change(|status| {
            status.cluster.beat = now;
            let since = match &status.cluster.role {
                Role::Leaseless { since, .. } => *since,
                Role::Starting | Role::Leader { .. } | Role::Standby { .. } => now,
            };
            status.cluster.role = Role::Leaseless { reason, since };
            status.cluster.alerts = conditions::alerts(status, &self.conditions, now);
        });
    }

    fn stand_by(&mut self, holder: &str, now: Timestamp) {
        self.conditions.lease = None;
        let status = self.published.status();
        let is_known = matches!(&status.cluster.role, Role::Standby { .. });
        if !is_known {
            tracing::info!(holder, "standing by");
        }
        self.published.change(|status| {
            let since = match &status.cluster.role {
                Role::Standby { since, .. } => *since,
                Role::Starting | Role::Leader { .. } | Role::Leaseless { .. } => now,
            };
            status.cluster.beat = now;
            status.cluster.role = Role::Standby {
                holder: holder.to_owned(),
                since,
            };
            status.cluster.alerts = conditions::alerts(status, &self.conditions, now);
        });
    }

    /// Finds out the cluster's name, for the lease: it stands in the tree. Waits until there is a tree.
    async fn name_cluster(
        &mut self,
        stop: &CancellationToken,
        is_once: bool,
    ) -> Option<ClusterName> {
        loop {
            let (cluster, now) = (self.setup.cluster.as_deref(), Timestamp::now());
            let read = self.source.read(cluster, None, now).await;
            match read {
                Ok(snapshot) => return Some(snapshot.loaded.desired.cluster.name.clone()),
                Err(error) => self.report_source_error(error, Timestamp::now()),
            }
            if is_once {
                return None;
            }
            let pause = Duration::try_from(self.setup.poll).unwrap_or(PAUSE);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.queue.arrive() => {
                    let pending = self.queue.take();
                    self.handle(pending, Timestamp::now());
                }
                () = stop.cancelled() => return None,
            }
        }
    }

    /// Turns until nothing is left that goes by itself.
    async fn run_until_settled(&mut self, guard: &LeaseGuard, rounds: u32) {
        let stop = self.queue.stopped();
        for round in 0..rounds {
            self.reconcile_due(guard).await;
            if round == 0 {
                self.names.requeue_all(Timestamp::now());
            }
            self.ask_dns_and_wait(&stop).await;
            let status = self.published.status();
            if status.count(State::Reconciling) == 0 && !self.names.is_confirming() {
                return;
            }
            let pause = Duration::try_from(self.setup.confirm_after).unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
