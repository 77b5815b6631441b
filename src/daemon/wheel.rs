//! The loop: what is due is read, what may be done is done, and what is found is shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::agenda::{Agenda, LONGEST_PAUSE, Name, later};
use super::alarm::{self, Trouble as Alarm};
use super::assessment::{Record, names};
use super::base::BaseFile;
use super::chronicle::Chronicle;
use super::dns::Names;
use super::outage::Outage;
use super::reading::Platform;
use super::recovery::Recovery;
use super::setup::{Reread, Setup};
use super::share::Share;
use super::source::{Snapshot, Source};
use super::status::{Intervention, InterventionKind, Mode, Outcome, Pause, Trigger};
use super::zones::Zones;
use super::{Board, Orders, Wishes};
use crate::apply::lease::LeaseGuard;
use crate::apply::{AppliedRef, WrittenRef};
use crate::diff::Comparison;
use crate::model::Digest;
use crate::tree::Desired;

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
    /// The objects of which it was lost what was applied last: whose a difference is, nobody can tell.
    pub(super) baseless: BTreeSet<Name>,
    /// Where what was applied is kept; absent before there is a tree.
    pub(super) base_file: Option<BaseFile>,
    pub(super) reference: Option<AppliedRef>,
    /// Where it is noted what was written of a commit that is not applied completely.
    pub(super) written: Option<WrittenRef>,
    /// The commit that the ref names.
    pub(super) applied: Option<String>,
    pub(super) records: BTreeMap<Name, Record>,
    pub(super) agenda: Agenda,
    pub(super) names: Names,
    pub(super) zones: Zones,
    pub(super) seed: u64,
    pub(super) pause: Option<Pause>,
    pub(super) alarm: Alarm,
    /// Since when, how often and until when the platform cannot be read.
    pub(super) outage: Option<Outage>,
    /// Whether what an interrupted run destroyed is restored.
    pub(super) recovery: Recovery,
    pub(super) runs: u64,
    /// The plan that somebody approved.
    pub(super) approved: Option<Digest>,
    /// When the source is looked at again.
    pub(super) look_at: Timestamp,
    /// What the clock said last.
    seen: Timestamp,
    /// What calls for the next turn.
    pub(super) triggers: BTreeSet<Trigger>,
    pub(super) reread: Option<Reread>,
    /// Whether accounts that the tree lost are read in the next turn.
    pub(super) look_for_departed: bool,
    /// The part of the tree that this daemon is for.
    pub(super) share: Share,
    /// Whether the last turn left nothing to be done, and nothing has moved since.
    pub(super) is_quiet: bool,
    /// What was compared, so that only what moved since is compared again.
    pub(super) comparison: Comparison,
    /// How often the whole was planned.
    pub(super) planned: u64,
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
        let mut wheel = Self {
            agenda: Agenda::new(setup.interval, seed),
            names: Names::new(setup.dns_interval, seed),
            zones: Zones::default(),
            setup,
            board,
            orders,
            source,
            chronicle,
            force: None,
            platform: Platform::default(),
            base: None,
            baseless: BTreeSet::new(),
            base_file: None,
            reference: None,
            written: None,
            applied: None,
            records: BTreeMap::new(),
            seed,
            pause: None,
            alarm: Alarm::default(),
            outage: None,
            recovery: Recovery::Due,
            runs: 0,
            approved: None,
            look_at: Timestamp::UNIX_EPOCH,
            seen: Timestamp::UNIX_EPOCH,
            triggers: [Trigger::Start].into(),
            reread: None,
            look_for_departed: true,
            share: Share::default(),
            is_quiet: false,
            comparison: Comparison::default(),
            planned: 0,
        };
        wheel.alarm.history = wheel.chronicle.spoilt();
        if let Some(reason) = &wheel.alarm.history {
            tracing::warn!("{reason}");
        }
        wheel.keep_to_pause();
        let outcome = Outcome {
            at: Timestamp::now(),
            is_done: false,
            message: "not known: the daemon ended before it was written down".to_owned(),
        };
        wheel.chronicle.settle(InterventionKind::Approve, &outcome);
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
        self.base_file = None;
        self.reference = None;
        self.written = None;
        self.share = Share::default();
        self.is_quiet = false;
        self.records.clear();
        self.recovery = Recovery::Due;
        self.agenda = Agenda::new(self.setup.interval, self.seed);
        self.names = Names::new(self.setup.dns_interval, self.seed);
        self.zones = Zones::default();
        self.drop_approval("this daemon began to lead anew", now);
        self.keep_to_pause();
        self.outage = None;
        self.look_at = now;
        self.triggers = [Trigger::Start].into();
        self.look_for_departed = true;
    }

    /// Takes over the pause that was kept; one that something spoilt is a pause all the same.
    fn keep_to_pause(&mut self) {
        let now = Timestamp::now();
        self.pause = self.chronicle.pause().unwrap_or_else(|reason| {
            tracing::error!(%reason, "the pause cannot be read; nothing is written until somebody resumes");
            self.alarm.pause = Some(reason.clone());
            Some(Pause {
                reason: format!("{reason}; whether somebody paused is not known, so nothing is written until somebody resumes"),
                by: None,
                via: None,
                since: now,
                until: None,
            })
        });
    }

    /// Turns until it is told to stop, or the lease is lost.
    pub(super) async fn turn_on(&mut self, guard: &LeaseGuard) {
        let stop = self.orders.stopped();
        loop {
            // Also before the first step, for it may write.
            let wishes = self.orders.take();
            if !wishes.is_empty() {
                self.heed(wishes, Timestamp::now());
            }
            self.step(guard).await;
            if stop.is_cancelled() || guard.is_stopped() {
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
                }
                answers = self.names.come() => self.hear(answers),
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
                () = guard.stopping().cancelled() => {}
            }
        }
    }

    /// Does what is due now.
    pub(super) async fn step(&mut self, guard: &LeaseGuard) {
        let now = Timestamp::now();
        if now < self.seen {
            self.set_back(now);
        }
        self.seen = now;
        self.end_pause_when_over(now);
        if self.look_at <= now {
            self.look_at_source(now).await;
        }
        let now = Timestamp::now();
        let due = self.due(now);
        // A commit that only takes accounts away leaves no other to be read.
        let has_departed = self.look_for_departed && self.outage.is_none();
        if due.is_empty() && !has_departed {
            self.triggers.clear();
        } else {
            self.turn(due, guard).await;
        }
        self.ask_dns(Timestamp::now());
        self.publish(Timestamp::now());
    }

    /// Makes up for a clock that was set back: what is to happen later happens as soon as if it had been planned now.
    fn set_back(&mut self, now: Timestamp) {
        tracing::warn!(by = %self.seen.duration_since(now), "the clock was set back");
        self.agenda.set_back(now);
        self.names.set_back(now);
        self.look_at = self.look_at.min(later(now, self.setup.poll));
        let latest = later(now, LONGEST_PAUSE);
        if let Some(outage) = &mut self.outage {
            outage.retry_at = outage.retry_at.min(latest);
        }
        for record in self.records.values_mut() {
            record.retry_at = record.retry_at.map(|at| at.min(latest));
        }
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
        let times = [Some(self.look_at), work, pause, self.names.next()];
        times.into_iter().flatten().min().unwrap_or(self.look_at)
    }

    fn until_next(&self, now: Timestamp) -> std::time::Duration {
        let wait = self.next().duration_since(now);
        std::time::Duration::try_from(wait).unwrap_or_default()
    }

    /// Takes in what others want.
    pub(super) fn heed(&mut self, wishes: Wishes, now: Timestamp) {
        self.is_quiet = false;
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
            self.names.hasten_all(now);
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
                self.names.hasten(name, now);
                self.baseless.remove(name);
                let record = self.records.entry(name.clone()).or_default();
                record.memory.forgive();
                record.retry_at = None;
            }
        }
        for intervention in wishes.interventions {
            self.note(intervention, now);
        }
        if let Some(pause) = wishes.pause {
            self.put_pause(pause);
        }
        if let Some(plan) = wishes.approved {
            self.approved = Some(plan);
            for record in self.records.values_mut() {
                record.retry_at = None;
            }
        }
        if let Some(pause) = &self.pause {
            let reason = format!("the daemon is paused ({})", pause.reason);
            self.drop_approval(&reason, now);
        }
        self.triggers.extend(wishes.triggers);
    }

    /// Writes down what somebody asked for, and ends what that is instead of.
    fn note(&mut self, intervention: Intervention, now: Timestamp) {
        tracing::info!(
            by = intervention.author.by.as_deref().unwrap_or_default(),
            reason = intervention.author.reason.as_deref().unwrap_or_default(),
            via = intervention.author.via.as_deref().unwrap_or_default(),
            plan = intervention.plan.as_ref().map_or("", |plan| plan.short()),
            "{} was asked for",
            intervention.kind.as_str()
        );
        let ended = |message: String| Outcome {
            at: now,
            is_done: false,
            message,
        };
        let who = intervention.author.named().to_owned();
        match intervention.kind {
            InterventionKind::Approve => {
                self.approved = None;
                let message = "not carried out: another approval came after it".to_owned();
                self.chronicle
                    .settle(InterventionKind::Approve, &ended(message));
            }
            InterventionKind::Pause => {
                let message = format!("{who} asked for another pause");
                self.chronicle
                    .settle(InterventionKind::Pause, &ended(message));
            }
            InterventionKind::Resume => {
                let outcome = Outcome {
                    is_done: true,
                    ..ended(format!("{who} resumed"))
                };
                self.chronicle.settle(InterventionKind::Pause, &outcome);
            }
            // Somebody looked.
            InterventionKind::Resync => self.alarm.history = None,
        }
        self.chronicle.intervene(intervention);
    }

    /// Takes over what can change while the daemon runs. A file with mistakes leaves everything as it was.
    fn reload(&mut self, now: Timestamp) {
        self.platform.disconnect();
        self.zones.disconnect();
        let Some(reread) = &self.reread else {
            return;
        };
        let setup = match reread() {
            Ok(setup) => setup,
            Err(reason) => {
                tracing::error!(reason, "the configuration stays as it was");
                self.alarm.config = Some(format!(
                    "the daemon's file has mistakes, and what was in force stays so: {reason}"
                ));
                return;
            }
        };
        self.alarm.config = None;
        for key in self.setup.moved(&setup) {
            tracing::warn!(
                key,
                "the daemon's file says something else, which needs a restart"
            );
        }
        self.setup.trust = setup.trust;
        let breach = (self.force.as_ref()).and_then(|force| self.breach(&force.loaded));
        if let Some(breach) = breach {
            tracing::warn!(%breach, "the tree that was in force is let go of");
            self.force = None;
            self.agenda = Agenda::new(setup.interval, self.seed);
            self.names = Names::new(setup.dns_interval, self.seed);
        }
        self.setup.interval = setup.interval;
        self.setup.poll = setup.poll;
        self.setup.confirm_after = setup.confirm_after;
        self.setup.dns_interval = setup.dns_interval;
        self.agenda.set_interval(setup.interval, now);
        self.names.set_interval(setup.dns_interval, now);
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
        self.is_quiet = false;
        // It is known again.
        self.alarm.pause = None;
    }

    fn end_pause_when_over(&mut self, now: Timestamp) {
        if self.pause.as_ref().is_some_and(|pause| pause.is_over(now)) {
            self.put_pause(None);
            let outcome = Outcome {
                at: now,
                is_done: true,
                message: "it ended at its time".to_owned(),
            };
            self.chronicle.settle(InterventionKind::Pause, &outcome);
            self.agenda.hasten_all(now);
            self.triggers.insert(Trigger::Resync);
        }
    }

    /// Shows what is not about single objects.
    pub(super) fn publish(&mut self, now: Timestamp) {
        if self.baseless.is_empty() {
            self.alarm.base = None;
        }
        let next = self.next();
        let alarm = &self.alarm;
        self.board.change(|status| {
            status.cluster.beat = now;
            status.cluster.mode = Mode::Idle;
            status.cluster.compared = self.comparison.compared();
            status.cluster.planned = self.planned;
            status.cluster.paused.clone_from(&self.pause);
            status.cluster.down_since = self.outage.map(|outage| outage.since);
            status.cluster.next_run = Some(next);
            status.history = self.chronicle.history();
            status.cluster.alerts = alarm::alerts(status, alarm, now);
        });
    }
}

pub(super) fn names_of(force: Option<&Snapshot>) -> BTreeSet<Name> {
    force.map_or_else(BTreeSet::new, |force| names(&force.loaded.desired))
}
