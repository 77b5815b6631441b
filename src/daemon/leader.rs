//! Starts a daemon from its setup: opens what it needs, reconciles while it is the leader, and ends on request.

use std::io;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::conditions;
use super::controller::Controller;
use super::history_log::HistoryLog;
use super::pause_ref::PauseRef;
use super::setup::{Place, ReadSetup, Setup};
use super::source::{FolderSource, FolderWatcher, RemoteSource, Source};
use super::status::{Role, State};
use super::{PublishedStatus, WorkQueue};
use crate::apply::lease::{Attempt, Claim, Lease as _, LeaseError, LeaseGuard, LeaseScope, Leases};
use crate::apply::remote::{Ending, GitError, Remote};
use crate::model::ClusterName;
use crate::reconcile::{Arbiter, claim, leases, while_leading};

/// Pause of a standby between two attempts to take the lease.
const PAUSE: Duration = Duration::from_secs(2);
/// Most rounds in which `once` waits for drift to be confirmed and for failures to pass.
const ROUNDS: u32 = 3;

/// Why the daemon cannot start.
#[derive(Debug, Error)]
pub enum WatchError {
    /// The state folder cannot be used.
    #[error("the state folder {path} cannot be used: {source}")]
    State {
        /// The folder.
        path: Utf8PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The repository of the source cannot be used.
    #[error("the source cannot be prepared: {0}")]
    Source(#[from] GitError),
}

/// Runs until an [`super::WorkItem::Stop`], and finishes the steps in flight first. `read_setup` reads the daemon's file
/// again on an [`super::WorkItem::Reload`].
pub async fn watch(
    setup: Setup,
    published: PublishedStatus,
    queue: WorkQueue,
    read_setup: Option<ReadSetup>,
) -> Result<(), WatchError> {
    let (mut controller, _watcher) = open(setup, published, queue.clone())?;
    controller.read_setup = read_setup;
    let stop = queue.stopped();
    while !stop.is_cancelled() {
        Box::pin(lead(&mut controller, &stop, false)).await;
    }
    controller
        .published
        .change(|status| status.cluster.next_run = None);
    Ok(())
}

/// Runs cycles until nothing is left that needs no person, then ends. Does nothing while another process is the leader.
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
    queue.keep_pauses(history_log.decisions());
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

/// Waits for the lease, and works for as long as it is held.
async fn lead(controller: &mut Controller, stop: &CancellationToken, is_once: bool) {
    let Some(cluster) = controller.name_cluster(stop, is_once).await else {
        return;
    };
    if controller.setup.sandbox.is_some() {
        // No other process writes to this sandbox.
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
    let remote = remote_of(controller, &cluster);
    let mut leases = match leases_of(controller, &cluster, remote.clone()).await {
        Ok(leases) => leases,
        Err(error) => {
            tracing::error!(%error, "there is no lease to lead by");
            controller.stand_by(&error.to_string(), Timestamp::now());
            return;
        }
    };
    let shared = remote.map(|remote| PauseRef::new(remote, &cluster, controller.setup.shard));
    controller.interventions.carry_by(shared);
    if !take(controller, &mut leases, &claim, stop, is_once).await {
        return;
    }
    controller.led = Some(cluster.clone());
    let (log, conditions) = (&controller.history_log, &mut controller.conditions);
    let agreed = controller.interventions.agree_on_pause(log, conditions);
    if let Err(error) = agreed.await {
        let _ = leases.release().await;
        let reason =
            format!("whether somebody paused is not known, so this daemon does not lead: {error}");
        tracing::warn!("{reason}");
        controller.be_leaseless(reason, Timestamp::now());
        return wait(stop).await;
    }
    controller.take_lead(Timestamp::now());
    tracing::info!(%cluster, "leading");
    let guard = LeaseGuard::of(&leases);
    let work = Box::pin(work(controller, &guard, is_once));
    let ended = while_leading(leases, &claim, &guard, work).await;
    if let Some(error) = ended.lost {
        tracing::warn!(%error, "no longer leading; nothing further was begun");
        controller.drop_approval("this daemon no longer leads");
        controller.lack_lease(&error, Timestamp::now());
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

/// Returns the remote whose refs the daemon moves.
fn remote_of(controller: &Controller, cluster: &ClusterName) -> Option<Remote> {
    let reference = controller.source.applied_ref(cluster).ok().flatten();
    let remote = reference.and_then(|reference| reference.remote().cloned());
    remote.filter(|_| controller.setup.push)
}

async fn leases_of(
    controller: &Controller,
    cluster: &ClusterName,
    remote: Option<Remote>,
) -> Result<Leases, LeaseError> {
    let setup = &controller.setup;
    let arbiter = match remote {
        _ if setup.kubernetes => Arbiter::Kubernetes,
        Some(remote) => Arbiter::Git(remote),
        None => Arbiter::Host,
    };
    let scope = LeaseScope::new(cluster, setup.shard);
    leases(&setup.state, scope, arbiter, setup.skew).await
}

/// Retries until the lease is taken; `false` when the daemon is to end first.
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
                // The push may have taken the lease although its answer was lost.
                let _ = leases.release().await;
                controller.lack_lease(&error, Timestamp::now());
            }
        }
        if is_once {
            return false;
        }
        // The leader of now must know what somebody said here while this daemon led.
        if controller.interventions.has_unsent_pause() {
            controller.agree_on_pause(Timestamp::now()).await;
        }
        wait(stop).await;
        if stop.is_cancelled() {
            return false;
        }
    }
}

async fn wait(stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        () = stop.cancelled() => {}
    }
}

impl Controller {
    fn take_lead(&mut self, now: Timestamp) {
        self.conditions.lease = None;
        self.begin(now);
        self.published
            .change(|status| status.cluster.role = Role::Leader { since: now });
    }

    /// Publishes that the lease cannot be taken although no holder is known.
    fn lack_lease(&mut self, error: &LeaseError, now: Timestamp) {
        let reason = match error {
            LeaseError::Git(error) => format!(
                "the lease cannot be taken: {error}; the daemon's account at the Git remote must be allowed to write refs/emblazon/*; where no other host writes to this cluster, lease: {{push: false}} in the daemon's file does without"
            ),
            _ => format!("the lease cannot be taken: {error}"),
        };
        self.be_leaseless(reason, now);
    }

    fn be_leaseless(&mut self, reason: String, now: Timestamp) {
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
        // The leader reads the source, and tells when that fails.
        self.conditions.source = None;
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

    /// Reads the cluster's name, which the lease needs, from the tree. Waits until the tree can be read.
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

    /// Runs cycles until nothing is left that needs no person.
    async fn run_until_settled(&mut self, guard: &LeaseGuard, rounds: u32) {
        let stop = self.queue.stopped();
        for round in 0..rounds {
            self.reconcile_due(guard).await;
            if self.leads_another {
                return;
            }
            if round == 0 {
                self.timers.domains.requeue_all(Timestamp::now());
            }
            self.ask_dns_and_wait(&stop).await;
            self.probe_and_wait(&stop).await;
            self.keep_drift_and_wait().await;
            let status = self.published.status();
            let is_confirming =
                self.timers.domains.is_confirming() || self.timers.brands.is_confirming();
            if status.count(State::Reconciling) == 0 && !is_confirming {
                return;
            }
            let probe = self.setup.probe.as_ref().map(|probe| probe.confirm_after);
            let probe = probe.filter(|_| self.timers.brands.is_confirming());
            let pause = probe.unwrap_or_default().max(self.setup.confirm_after);
            let pause = Duration::try_from(pause).unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
