//! The loop: what is due is read, what may be done is done, and what is found is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, Name, back_off, later};
use super::alarm::{self, Trouble as Alarm};
use super::assessment::{Record, names};
use super::chronicle::{Chronicle, News};
use super::reading::Platform;
use super::selection::touched;
use super::setup::{Reread, Setup};
use super::source::{Snapshot, Source, Trouble};
use super::status::{AlertKind, Finding, Mistake, Mode, ObjectStatus, Pause, Trigger};
use super::{Board, Orders, Wishes};
use crate::apply::AppliedRef;
use crate::diag::Severity;
use crate::model::{Digest, KeyPath};
use crate::report::{Problem, problems};
use crate::tree::{Desired, Loaded, WatchPolicy, is_before, short_commit};

/// What the loop knows from one turn to the next.
pub(super) struct Wheel {
    pub(super) setup: Setup,
    pub(super) board: Board,
    pub(super) orders: Orders,
    pub(super) source: Source,
    pub(super) chronicle: Chronicle,
    pub(super) force: Option<Snapshot>,
    pub(super) platform: Platform,
    /// What is known to have been applied, object by object.
    pub(super) base: Option<Desired>,
    pub(super) reference: Option<AppliedRef>,
    /// The commit that the ref names.
    pub(super) applied: Option<String>,
    pub(super) records: BTreeMap<Name, Record>,
    pub(super) agenda: Agenda,
    pub(super) seed: u64,
    pub(super) pause: Option<Pause>,
    pub(super) alarm: Alarm,
    /// Since when, how often and until when the platform cannot be read.
    pub(super) outage: Option<Outage>,
    /// Whether what an earlier run left in pieces was looked after.
    pub(super) is_recovered: bool,
    pub(super) runs: u64,
    /// The plan that somebody approved.
    pub(super) approved: Option<Digest>,
    /// When the source is looked at again.
    pub(super) look_at: Timestamp,
    /// What calls for the next turn.
    pub(super) triggers: BTreeSet<Trigger>,
    pub(super) reread: Option<Reread>,
    /// Whether accounts that the tree lost are read in the next turn.
    pub(super) look_for_departed: bool,
}

/// A time in which the platform cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    pub(super) since: Timestamp,
    pub(super) failures: u32,
    pub(super) retry_at: Timestamp,
}

impl Wheel {
    pub(super) fn new(
        setup: Setup,
        board: Board,
        orders: Orders,
        source: Source,
        chronicle: Chronicle,
    ) -> Self {
        let seed = fastrand::u64(..);
        let pause = chronicle.pause();
        let wheel = Self {
            agenda: Agenda::new(setup.interval, seed),
            setup,
            board,
            orders,
            source,
            chronicle,
            force: None,
            platform: Platform::default(),
            base: None,
            reference: None,
            applied: None,
            records: BTreeMap::new(),
            seed,
            pause,
            alarm: Alarm::default(),
            outage: None,
            is_recovered: false,
            runs: 0,
            approved: None,
            look_at: Timestamp::UNIX_EPOCH,
            triggers: [Trigger::Start].into(),
            reread: None,
            look_for_departed: true,
        };
        wheel.board.change(|status| {
            status.cluster.source.place = wheel.source.place();
            status.cluster.source.branch = wheel.source.branch();
            status.cluster.paused.clone_from(&wheel.pause);
            status.history = wheel.chronicle.history();
        });
        wheel
    }

    /// Begins to lead: nothing that was known before counts.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.platform = Platform::default();
        self.force = None;
        self.base = None;
        self.reference = None;
        self.records.clear();
        self.is_recovered = false;
        self.agenda = Agenda::new(self.setup.interval, self.seed);
        self.pause = self.chronicle.pause();
        self.outage = None;
        self.look_at = now;
        self.triggers = [Trigger::Start].into();
        self.look_for_departed = true;
    }

    /// Turns until it is told to stop, or the lease is lost.
    pub(super) async fn turn_on(&mut self, lost: &CancellationToken) {
        let stop = self.orders.stopped();
        loop {
            self.step(lost).await;
            if stop.is_cancelled() || lost.is_cancelled() {
                return;
            }
            let pause = self.until_next(Timestamp::now());
            tokio::select! {
                () = self.orders.come() => {
                    // A hint seldom comes alone.
                    tokio::select! {
                        () = tokio::time::sleep(self.setup.settle) => {}
                        () = stop.cancelled() => {}
                    }
                    let wishes = self.orders.take();
                    self.heed(wishes, Timestamp::now());
                }
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
                () = lost.cancelled() => {}
            }
        }
    }

    /// Does what is due now.
    pub(super) async fn step(&mut self, lost: &CancellationToken) {
        let now = Timestamp::now();
        self.end_pause_when_over(now);
        if self.look_at <= now {
            self.look_at_source(now).await;
        }
        let now = Timestamp::now();
        let due = self.due(now);
        if due.is_empty() {
            self.triggers.clear();
        } else {
            self.turn(due, lost).await;
        }
        self.publish(Timestamp::now());
    }

    /// Returns what is to be read now. While the platform is down, one object tells whether it is back.
    fn due(&self, now: Timestamp) -> BTreeSet<Name> {
        match &self.outage {
            Some(outage) if outage.retry_at > now => BTreeSet::new(),
            Some(_) => self.agenda.names().take(1).collect(),
            None => self.agenda.due(now),
        }
    }

    /// Returns when there is something to do again.
    fn next(&self) -> Timestamp {
        let work = match &self.outage {
            Some(outage) => Some(outage.retry_at),
            None => self.agenda.next(),
        };
        let pause = self.pause.as_ref().and_then(|pause| pause.until);
        let times = [Some(self.look_at), work, pause];
        times.into_iter().flatten().min().unwrap_or(self.look_at)
    }

    fn until_next(&self, now: Timestamp) -> std::time::Duration {
        let wait = self.next().duration_since(now);
        std::time::Duration::try_from(wait).unwrap_or_default()
    }

    /// Takes in what others want.
    pub(super) fn heed(&mut self, wishes: Wishes, now: Timestamp) {
        let calls_for_source = [Trigger::Change, Trigger::Webhook, Trigger::Reload];
        if wishes
            .triggers
            .iter()
            .any(|trigger| calls_for_source.contains(trigger))
        {
            self.look_at = now;
        }
        if wishes.reload {
            self.reload(now);
        }
        if wishes.everything || wishes.approved.is_some() || wishes.reload {
            self.agenda.hasten_all(now);
            self.look_for_departed = true;
        }
        if wishes.everything || !wishes.accounts.is_empty() {
            // Somebody looked at it.
            if let Some(outage) = &mut self.outage {
                outage.retry_at = now;
            }
        }
        let all = names_of(self.force.as_ref());
        for name in &all {
            let is_asked = wishes.everything
                || (name.as_ref()).is_some_and(|name| wishes.accounts.contains(name));
            if is_asked {
                self.agenda.hasten(name, now);
                let record = self.records.entry(name.clone()).or_default();
                record.memory.forgive();
                record.retry_at = None;
            }
        }
        if let Some(pause) = wishes.pause {
            self.put_pause(pause);
        }
        self.approved = wishes.approved.or(self.approved.take());
        self.triggers.extend(wishes.triggers);
    }

    /// Takes over what can change while the daemon runs. A file with mistakes leaves everything as it was.
    fn reload(&mut self, now: Timestamp) {
        self.platform.disconnect();
        let Some(reread) = &self.reread else {
            return;
        };
        let setup = match reread() {
            Ok(setup) => setup,
            Err(reason) => {
                tracing::error!(reason, "the configuration stays as it was");
                return;
            }
        };
        let is_elsewhere = (&setup.source, &setup.state, &setup.cluster)
            != (&self.setup.source, &self.setup.state, &self.setup.cluster);
        if is_elsewhere {
            tracing::warn!("another source, state folder or cluster needs a restart");
        }
        self.setup.interval = setup.interval;
        self.setup.poll = setup.poll;
        self.setup.confirm_after = setup.confirm_after;
        self.agenda.set_interval(setup.interval, now);
        tracing::info!("the configuration was read anew");
    }

    fn put_pause(&mut self, pause: Option<Pause>) {
        if let Err(error) = self.chronicle.keep_pause(pause.as_ref()) {
            tracing::warn!(%error, "the pause cannot be written down, and does not outlive this process");
        }
        if let Some(pause) = &pause {
            tracing::info!(reason = %pause.reason, "paused");
        } else {
            tracing::info!("resumed");
        }
        self.pause = pause;
    }

    fn end_pause_when_over(&mut self, now: Timestamp) {
        if self.pause.as_ref().is_some_and(|pause| pause.is_over(now)) {
            self.put_pause(None);
            self.agenda.hasten_all(now);
            self.triggers.insert(Trigger::Resync);
        }
    }

    /// Reads the source, and puts what it holds in force when it is good.
    async fn look_at_source(&mut self, now: Timestamp) {
        self.look_at = later(now, self.setup.poll);
        let cluster = self.setup.cluster.clone();
        let read = self.source.read(cluster.as_deref()).await;
        match read {
            Ok(snapshot) => self.consider(snapshot, now).await,
            Err(trouble) => self.report_trouble(trouble, now),
        }
    }

    /// Says why there is no tree to look at.
    pub(super) fn report_trouble(&mut self, trouble: Trouble, now: Timestamp) {
        let (kind, commit, reason) = match trouble {
            Trouble::Unreadable(reason) => (AlertKind::SourceUnreadable, None, reason),
            Trouble::Untrusted { commit, reason } => {
                (AlertKind::UntrustedCommit, Some(commit), reason)
            }
        };
        self.refuse(kind, commit, reason, now);
        self.publish(now);
    }

    async fn consider(&mut self, snapshot: Snapshot, now: Timestamp) {
        let commit = snapshot.commit.as_ref().map(|commit| commit.id.clone());
        let mistakes = mistakes(&snapshot.loaded);
        let errors = mistakes.iter().filter(|mistake| mistake.is_error).count();
        let first = mistakes.iter().find(|mistake| mistake.is_error);
        let first = first.map(|mistake| mistake.message.clone());
        self.board.change(|status| {
            status.cluster.source.checked = Some(now);
            status.cluster.source.mistakes = mistakes;
        });
        if let Some(first) = first {
            let plural = if errors == 1 { "" } else { "s" };
            let what = commit.as_deref().map_or_else(
                || "the tree".to_owned(),
                |commit| format!("commit {}", short_commit(commit)),
            );
            let reason = format!("{what} has {errors} error{plural}, the first: {first}");
            self.refuse(AlertKind::BadTree, commit, reason, now);
            return;
        }
        if self.force.is_none() {
            self.find_base(&snapshot).await;
        }
        if let (Some(applied), Some(commit)) = (&self.applied, &commit)
            && self.force.is_none()
            && is_before(self.source.folder(), commit, applied)
        {
            let reason = format!(
                "commit {} comes before commit {}, which was applied already; `emblazon apply --rollback` goes back to it",
                short_commit(commit),
                short_commit(applied)
            );
            let commit = Some(commit.clone());
            self.refuse(AlertKind::SourceUnreadable, commit, reason, now);
            return;
        }
        self.put_in_force(snapshot, now);
    }

    fn put_in_force(&mut self, snapshot: Snapshot, now: Timestamp) {
        self.alarm.source = None;
        self.chronicle
            .end(Finding::BadTree, &None, now, "a good tree is in force");
        let desired = &snapshot.loaded.desired;
        let before = self.force.as_ref().map(|before| &before.loaded);
        let is_other_cluster =
            before.is_some_and(|before| before.desired.cluster != desired.cluster);
        if is_other_cluster {
            self.platform.disconnect();
        }
        let mut touched = touched(before.map(|before| &before.desired), desired);
        if before.is_some_and(|before| before.watch != snapshot.loaded.watch) {
            touched = names(desired);
        }
        let lost_some = before
            .is_some_and(|before| before.desired.accounts.len() != desired.accounts.len())
            || !touched.is_empty();
        let is_new = before.is_none_or(|before| before.desired.digest() != desired.digest());
        self.agenda.follow(&names(desired), now);
        for name in &touched {
            self.agenda.hasten(name, now);
            let record = self.records.entry(name.clone()).or_default();
            record.memory.forget();
            record.retry_at = None;
            record.failures = 0;
            record.failure = None;
        }
        self.look_for_departed |= lost_some;
        let all = names(desired);
        self.records.retain(|name, _| all.contains(name));
        self.platform.follow(desired);
        self.chronicle.follow(|name| all.contains(name), now);
        self.show_force(&snapshot, is_new, now);
        self.board.put_files(Arc::clone(&snapshot.files));
        if is_new {
            tracing::info!(
                commit = snapshot
                    .commit
                    .as_ref()
                    .map_or("none", |commit| short_commit(&commit.id)),
                touched = touched.len(),
                "another tree is in force"
            );
        }
        self.force = Some(snapshot);
    }

    fn show_force(&self, snapshot: &Snapshot, is_new: bool, now: Timestamp) {
        let desired = &snapshot.loaded.desired;
        self.board.change(|status| {
            status.cluster.name = Some(desired.cluster.name.clone());
            let source = &mut status.cluster.source;
            let commit = snapshot.commit.as_ref();
            source.seen = commit.map(|commit| commit.id.clone());
            source.commit.clone_from(&source.seen);
            source.subject = commit.map(|commit| commit.subject.clone());
            source.signer = commit.and_then(|commit| commit.signer.clone());
            source.problem = None;
            if is_new || source.since.is_none() {
                source.since = Some(now);
                source.tree = Some(desired.digest());
            }
            let all = names(desired);
            status
                .accounts
                .retain(|name, _| all.contains(&Some(name.clone())));
            if desired.template.is_none() {
                status.template = None;
            }
            for name in all {
                let policy = snapshot.loaded.watch.of(name.as_ref());
                let object = match &name {
                    None => status.template.get_or_insert_with(|| unread(&name, now)),
                    Some(account) => (status.accounts.entry(account.clone()))
                        .or_insert_with(|| unread(&name, now)),
                };
                declare(Arc::make_mut(object), desired, policy);
            }
        });
    }

    /// Leaves what is in force as it is, and says why.
    fn refuse(&mut self, kind: AlertKind, commit: Option<String>, reason: String, now: Timestamp) {
        let is_known = matches!(&self.alarm.source, Some((known, words)) if *known == kind && *words == reason);
        if !is_known {
            tracing::warn!(%reason, "what was in force stays so");
        }
        if kind != AlertKind::SourceUnreadable {
            self.chronicle.begin(News {
                finding: Finding::BadTree,
                name: None,
                keys: Vec::new(),
                message: reason.clone(),
                commit: commit.clone(),
                begun: None,
                detected: now,
            });
        }
        self.board.change(|status| {
            let source = &mut status.cluster.source;
            source.checked = Some(now);
            source.problem = Some(reason.clone());
            if commit.is_some() {
                source.seen = commit;
            }
        });
        self.alarm.source = Some((kind, reason));
    }

    /// Finds out what was applied last.
    async fn find_base(&mut self, snapshot: &Snapshot) {
        let desired = &snapshot.loaded.desired;
        self.applied = None;
        if self.setup.platform.is_some() {
            return;
        }
        match self.source.applied_ref(&desired.cluster.name) {
            Ok(Some(mut reference)) => {
                let base = if self.setup.push {
                    reference.fetch().await
                } else {
                    match reference.recall() {
                        Ok(base) => base,
                        Err(error) => {
                            tracing::warn!(%error, "what was applied last is not known");
                            return;
                        }
                    }
                };
                tracing::info!("{}", base.explained());
                self.applied = base.commit().map(str::to_owned);
                self.base = base.desired().cloned();
                self.reference = Some(reference);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "what was applied last is not known"),
        }
    }

    /// Says that the platform cannot be read, and puts everything off.
    pub(super) fn lose_platform(&mut self, reason: &str, now: Timestamp) {
        let before = self.outage;
        let failures = before.map_or(0, |outage| outage.failures) + 1;
        let since = before.map_or(now, |outage| outage.since);
        let pause = back_off(failures, &None, self.seed).min(self.setup.interval);
        self.outage = Some(Outage {
            since,
            failures,
            retry_at: later(now, pause),
        });
        if before.is_none() {
            tracing::warn!(reason, "the platform cannot be read");
        }
        self.platform.disconnect();
        self.alarm.platform = Some(reason.to_owned());
        let all = names_of(self.force.as_ref());
        self.platform.lose(&all, reason);
        self.chronicle.begin(News {
            finding: Finding::Outage,
            name: None,
            keys: Vec::new(),
            message: reason.to_owned(),
            commit: None,
            begun: None,
            detected: now,
        });
    }

    /// Says that the platform can be read again, when it could not.
    pub(super) fn find_platform(&mut self, now: Timestamp) {
        if self.outage.take().is_some() {
            tracing::info!("the platform can be read again");
            self.alarm.platform = None;
            self.chronicle
                .end(Finding::Outage, &None, now, "it could be read again");
            self.agenda.hasten_all(now);
        }
    }

    /// Shows what is not about single objects.
    fn publish(&mut self, now: Timestamp) {
        let next = self.next();
        let alarm = &self.alarm;
        self.board.change(|status| {
            status.cluster.beat = now;
            status.cluster.mode = Mode::Idle;
            status.cluster.paused.clone_from(&self.pause);
            status.cluster.down_since = self.outage.map(|outage| outage.since);
            status.cluster.next_run = Some(next);
            status.history = self.chronicle.history();
            status.cluster.alerts = alarm::alerts(status, alarm, now);
        });
    }
}

fn names_of(force: Option<&Snapshot>) -> BTreeSet<Name> {
    force.map_or_else(BTreeSet::new, |force| names(&force.loaded.desired))
}

fn unread(name: &Name, now: Timestamp) -> Arc<ObjectStatus> {
    Arc::new(ObjectStatus::unread(name.clone(), now))
}

/// Puts into a status what the tree says.
fn declare(object: &mut ObjectStatus, desired: &Desired, policy: WatchPolicy) {
    object.policy = policy;
    let mut accounts = desired.accounts.iter();
    let Some(account) = accounts.find(|account| Some(&account.name) == object.name.as_ref()) else {
        return;
    };
    let text = |key: &str| {
        let declared = account.settings.get(&KeyPath::from(key))?;
        declared.value.as_ref()?.as_str().map(str::to_owned)
    };
    object.company = text("company_name");
    object.domain = text("domain");
    object.assets = (account.assets.iter())
        .filter_map(|(kind, declared)| Some((*kind, declared.value.clone()?)))
        .collect();
}

/// Lists the mistakes in a tree, for people and machines that have no source map.
fn mistakes(loaded: &Loaded) -> Vec<Mistake> {
    let found = problems(&loaded.diagnostics, &loaded.sources);
    let mistake = |problem: Problem| {
        let place = problem.primary;
        Mistake {
            code: problem.code.to_string(),
            is_error: problem.severity == Severity::Error,
            line: place.as_ref().map(|place| place.from.line),
            column: place.as_ref().map(|place| place.from.column),
            file: place.map(|place| place.source.path),
            message: problem.message,
            help: problem.help,
        }
    };
    found.into_iter().map(mistake).collect()
}
