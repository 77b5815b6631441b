//! From a setup to a daemon: opens what it needs, leads when it may, and ends when it is told to.

use std::io;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::alarm;
use super::chronicle::Chronicle;
use super::setup::{Place, Reread, Setup};
use super::source::{FolderSource, Lookout, RemoteSource, Source};
use super::status::{Role, State};
use super::wheel::Wheel;
use super::{Board, Orders};
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

/// Runs until an [`super::Order::Stop`]; what is in hand then comes to its end first. `reread` reads the daemon's file
/// anew on an [`super::Order::Reload`].
pub async fn watch(
    setup: Setup,
    board: Board,
    orders: Orders,
    reread: Option<Reread>,
) -> Result<(), WatchError> {
    let (mut wheel, _lookout) = open(setup, board, orders.clone())?;
    wheel.reread = reread;
    let stop = orders.stopped();
    while !stop.is_cancelled() {
        Box::pin(lead(&mut wheel, &stop, false)).await;
    }
    wheel.board.change(|status| status.cluster.next_run = None);
    Ok(())
}

/// Turns the wheel until nothing is left that goes by itself, and ends. Refused when somebody else leads.
pub async fn once(setup: Setup, board: Board, orders: Orders) -> Result<(), WatchError> {
    let (mut wheel, _lookout) = open(setup, board, orders.clone())?;
    let stop = orders.stopped();
    Box::pin(lead(&mut wheel, &stop, true)).await;
    wheel.board.change(|status| status.cluster.next_run = None);
    Ok(())
}

fn open(
    setup: Setup,
    board: Board,
    orders: Orders,
) -> Result<(Wheel, Option<Lookout>), WatchError> {
    let chronicle = Chronicle::open(&setup.state).map_err(|source| WatchError::State {
        path: setup.state.clone(),
        source,
    })?;
    let ending = Ending::with(orders.stopped());
    let (source, lookout) = match &setup.source {
        Place::Folder(folder) => {
            let lookout = Lookout::new(folder, &orders);
            if let Err(error) = &lookout {
                tracing::warn!(%error, "the folder cannot be watched; it is read now and then");
            }
            let source = FolderSource::new(folder.clone(), ending);
            (Source::Folder(source), lookout.ok())
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
    Ok((Wheel::new(setup, board, orders, source, chronicle), lookout))
}

/// Waits for the lease, and works as long as it is held.
async fn lead(wheel: &mut Wheel, stop: &CancellationToken, is_once: bool) {
    let Some(cluster) = wheel.name_cluster(stop, is_once).await else {
        return;
    };
    if wheel.setup.platform.is_some() {
        // A sandbox is nobody else's.
        wheel.take_lead(Timestamp::now());
        work(wheel, &LeaseGuard::exclusive(), is_once).await;
        return;
    }
    let claim = claim("watch", &cluster, wheel.setup.shard, wheel.setup.term);
    let mut leases = match leases_of(wheel, &cluster).await {
        Ok(leases) => leases,
        Err(error) => {
            tracing::error!(%error, "there is no lease to lead by");
            wheel.stand_by(&error.to_string(), Timestamp::now());
            return;
        }
    };
    if !take(wheel, &mut leases, &claim, stop, is_once).await {
        return;
    }
    wheel.take_lead(Timestamp::now());
    tracing::info!(%cluster, "leading");
    let guard = LeaseGuard::of(&leases);
    let work = Box::pin(work(wheel, &guard, is_once));
    let ended = while_leading(leases, &claim, &guard, work).await;
    if let Some(error) = ended.lost {
        tracing::warn!(%error, "no longer leading; nothing further was begun");
    }
    if let Some(error) = ended.not_released {
        tracing::warn!(%error, "the lease could not be given back, and expires");
    }
}

async fn work(wheel: &mut Wheel, guard: &LeaseGuard, is_once: bool) {
    if is_once {
        wheel.turn_until_settled(guard, ROUNDS).await;
    } else {
        wheel.turn_on(guard).await;
    }
}

async fn leases_of(wheel: &Wheel, cluster: &ClusterName) -> Result<Leases, LeaseError> {
    let setup = &wheel.setup;
    let reference = wheel.source.applied_ref(cluster).ok().flatten();
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
    wheel: &mut Wheel,
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
            Ok(Attempt::Busy(record)) => wheel.stand_by(&record.explained(), Timestamp::now()),
            Err(LeaseError::Contended) => {}
            Err(error) => {
                tracing::warn!(%error, "the lease cannot be had");
                // A push whose answer was lost may have taken it.
                let _ = leases.release().await;
                wheel.lack_lease(&error, Timestamp::now());
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

impl Wheel {
    fn take_lead(&mut self, now: Timestamp) {
        self.alarm.lease = None;
        self.begin(now);
        self.board
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
        self.alarm.lease = Some(reason.clone());
        self.board.change(|status| {
            status.cluster.beat = now;
            let since = match &status.cluster.role {
                Role::Leaseless { since, .. } => *since,
                Role::Starting | Role::Leader { .. } | Role::Standby { .. } => now,
            };
            status.cluster.role = Role::Leaseless { reason, since };
            status.cluster.alerts = alarm::alerts(status, &self.alarm, now);
        });
    }

    fn stand_by(&mut self, holder: &str, now: Timestamp) {
        self.alarm.lease = None;
        let status = self.board.status();
        let is_known = matches!(&status.cluster.role, Role::Standby { .. });
        if !is_known {
            tracing::info!(holder, "standing by");
        }
        self.board.change(|status| {
            let since = match &status.cluster.role {
                Role::Standby { since, .. } => *since,
                Role::Starting | Role::Leader { .. } | Role::Leaseless { .. } => now,
            };
            status.cluster.beat = now;
            status.cluster.role = Role::Standby {
                holder: holder.to_owned(),
                since,
            };
            status.cluster.alerts = alarm::alerts(status, &self.alarm, now);
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
                Err(trouble) => self.report_trouble(trouble, Timestamp::now()),
            }
            if is_once {
                return None;
            }
            let pause = Duration::try_from(self.setup.poll).unwrap_or(PAUSE);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.orders.come() => {
                    let wishes = self.orders.take();
                    self.heed(wishes, Timestamp::now());
                }
                () = stop.cancelled() => return None,
            }
        }
    }

    /// Turns until nothing is left that goes by itself.
    async fn turn_until_settled(&mut self, guard: &LeaseGuard, rounds: u32) {
        let stop = self.orders.stopped();
        for round in 0..rounds {
            self.step(guard).await;
            if round == 0 {
                self.names.hasten_all(Timestamp::now());
            }
            self.ask_dns_and_wait(&stop).await;
            let status = self.board.status();
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
