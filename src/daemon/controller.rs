//! The controller: reads what is due, executes what is allowed, and publishes the result.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::assessment::{Record, names};
use super::base::BaseFile;
use super::conditions::{self, Conditions, Outage};
use super::domains::Domains;
use super::history_log::HistoryLog;
use super::kept_hooks::KeptHooks;
use super::observe::Platform;
use super::platform_events::{ChangeAuthor, Hint};
use super::recovery::Recovery;
use super::schedule::{LONGEST_PAUSE, Name, Schedule, later};
use super::setup::{Reread, Setup};
use super::shard_state::ShardState;
use super::source::{Source, SourceRevision};
use super::status::{Intervention, InterventionKind, Mode, Outcome, Pause, Trigger};
use super::zones::Zones;
use super::{PendingWork, PublishedStatus, WorkQueue};
use crate::apply::lease::LeaseGuard;
use crate::apply::{AppliedRef, WrittenRef};
use crate::diff::Comparison;
use crate::model::{AccountName, Digest};
use crate::tree::Desired;

/// How long after one read that a hint brought forward the next one of the same account comes.
const BETWEEN_HINTS: SignedDuration = SignedDuration::from_secs(2);

/// The state that the controller keeps from one cycle to the next.
pub(super) struct Controller {
    pub(super) setup: Setup,
    pub(super) published: PublishedStatus,
    pub(super) queue: WorkQueue,
    pub(super) source: Source,
    pub(super) history_log: HistoryLog,
    pub(super) revision: Option<SourceRevision>,
    pub(super) platform: Platform,
    /// The base, object by object.
    pub(super) base: Option<Desired>,
    /// Objects whose base was lost, so the origin of a difference is unknown.
    pub(super) without_base: BTreeSet<Name>,
    /// The base on disk; absent before the first source revision.
    pub(super) base_file: Option<BaseFile>,
    pub(super) reference: Option<AppliedRef>,
    /// The record of what was written of a commit that is not completely applied.
    pub(super) written: Option<WrittenRef>,
    /// The commit that the applied ref names.
    pub(super) applied: Option<String>,
    pub(super) records: BTreeMap<Name, Record>,
    pub(super) schedule: Schedule,
    pub(super) names: Domains,
    pub(super) zones: Zones,
    pub(super) seed: u64,
    pub(super) pause: Option<Pause>,
    pub(super) conditions: Conditions,
    /// The current outage of the platform, if any.
    pub(super) outage: Option<Outage>,
    /// Whether the recovery of interrupted runs is done.
    pub(super) recovery: Recovery,
    pub(super) runs: u64,
    /// The approved plan.
    pub(super) approved: Option<Digest>,
    /// When the source is read next.
    pub(super) look_at: Timestamp,
    /// The last reading of the clock.
    seen: Timestamp,
    /// The triggers of the next cycle.
    pub(super) triggers: BTreeSet<Trigger>,
    pub(super) reread: Option<Reread>,
    /// Whether the next cycle reads the accounts that left the tree.
    pub(super) look_for_departed: bool,
    /// This daemon's shard of the tree.
    pub(super) shard_state: ShardState,
    /// Whether the last cycle left nothing to do, and nothing has changed since.
    pub(super) is_quiet: bool,
    /// Cached comparisons, so that only changed objects are compared again.
    pub(super) comparison: Comparison,
    /// How many times a plan was computed.
    pub(super) planned: u64,
    /// The hooks on the platform.
    pub(super) hooks: KeptHooks,
    /// Who changed an account last, as the platform says; kept while the account has drift.
    pub(super) authors: BTreeMap<Name, ChangeAuthor>,
    /// When a hint brought the read of an account forward last.
    hinted: BTreeMap<Name, Timestamp>,
}

impl Controller {
    pub(super) fn new(
        setup: Setup,
        published: PublishedStatus,
        queue: WorkQueue,
        source: Source,
        history_log: HistoryLog,
    ) -> Self {
        let seed = fastrand::u64(..);
        let mut controller = Self {
            schedule: Schedule::new(setup.interval, seed),
            names: Domains::new(setup.dns_interval, seed),
            zones: Zones::default(),
            setup,
            published,
            queue,
            source,
            history_log,
            revision: None,
            platform: Platform::default(),
            base: None,
            without_base: BTreeSet::new(),
            base_file: None,
            reference: None,
            written: None,
            applied: None,
            records: BTreeMap::new(),
            seed,
            pause: None,
            conditions: Conditions::default(),
            outage: None,
            recovery: Recovery::Due,
            runs: 0,
            approved: None,
            look_at: Timestamp::UNIX_EPOCH,
            seen: Timestamp::UNIX_EPOCH,
            triggers: [Trigger::Start].into(),
            reread: None,
            look_for_departed: true,
            shard_state: ShardState::default(),
            is_quiet: false,
            comparison: Comparison::default(),
            planned: 0,
            hooks: KeptHooks::default(),
            authors: BTreeMap::new(),
            hinted: BTreeMap::new(),
        };
        controller.conditions.history = controller.history_log.spoilt();
        if let Some(reason) = &controller.conditions.history {
            tracing::warn!("{reason}");
        }
        controller.keep_to_pause();
        let outcome = Outcome {
            at: Timestamp::now(),
            is_done: false,
            message: "not known: the daemon ended before it was written down".to_owned(),
        };
        controller
            .history_log
            .settle(InterventionKind::Approve, &outcome);
        controller.published.change(|status| {
            status.cluster.source.place = controller.source.place();
            status.cluster.source.branch = controller.source.branch();
            status.cluster.paused.clone_from(&controller.pause);
            status.history = controller.history_log.history();
        });
        controller
    }

    /// Starts a term as leader, and forgets everything known before.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.platform = Platform::default();
        self.revision = None;
        self.base = None;
        self.base_file = None;
        self.reference = None;
        self.written = None;
        self.shard_state = ShardState::default();
        self.is_quiet = false;
        self.hooks = KeptHooks::default();
        self.authors.clear();
        self.hinted.clear();
        self.records.clear();
        self.recovery = Recovery::Due;
        self.schedule = Schedule::new(self.setup.interval, self.seed);
        self.names = Domains::new(self.setup.dns_interval, self.seed);
        self.zones = Zones::default();
        self.drop_approval("this daemon began to lead anew", now);
        self.keep_to_pause();
        self.outage = None;
        self.look_at = now;
        self.triggers = [Trigger::Start].into();
        self.look_for_departed = true;
    }

    /// Restores the pause from disk; a corrupted file counts as a pause.
    fn keep_to_pause(&mut self) {
        let now = Timestamp::now();
        self.pause = self.history_log.pause().unwrap_or_else(|reason| {
            tracing::error!(%reason, "the pause cannot be read; nothing is written until somebody resumes");
            self.conditions.pause = Some(reason.clone());
            Some(Pause {
                reason: format!("{reason}; whether somebody paused is not known, so nothing is written until somebody resumes"),
                by: None,
                via: None,
                since: now,
                until: None,
            })
        });
    }

    /// Runs cycles until the daemon is to end or the lease is lost.
    pub(super) async fn run(&mut self, guard: &LeaseGuard) {
        let stop = self.queue.stopped();
        loop {
            // Before the first cycle too, which may write.
            let pending = self.queue.take();
            if !pending.is_empty() {
                self.handle(pending, Timestamp::now());
            }
            self.reconcile_due(guard).await;
            if stop.is_cancelled() || guard.is_stopped() {
                self.remove_hooks(guard).await;
                return;
            }
            let pause = self.until_next(Timestamp::now());
            tokio::select! {
                () = self.queue.arrive() => {
                    // Debounce: triggers come in bursts.
                    tokio::select! {
                        () = tokio::time::sleep(self.setup.settle) => {}
                        () = stop.cancelled() => {}
                    }
                }
                answers = self.names.arrive() => self.take_answers(answers),
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
                () = guard.stopping().cancelled() => {}
            }
        }
    }

    /// Reads the source if that is due, runs a cycle for the objects that are due, and publishes the status.
    pub(super) async fn reconcile_due(&mut self, guard: &LeaseGuard) {
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
        // A commit that only removes accounts makes no remaining account due.
        let has_departed = self.look_for_departed && self.outage.is_none();
        if due.is_empty() && !has_departed {
            self.triggers.clear();
        } else {
            self.cycle(due, guard).await;
        }
        self.keep_hooks(guard, Timestamp::now()).await;
        self.ask_dns(Timestamp::now());
        self.publish(Timestamp::now());
    }

    /// Corrects all deadlines after the clock was set back, so that nothing waits longer than if it were scheduled now.
    fn set_back(&mut self, now: Timestamp) {
        tracing::warn!(by = %self.seen.duration_since(now), "the clock was set back");
        self.schedule.set_back(now);
        self.names.set_back(now);
        self.hooks.look_now();
        self.look_at = self.look_at.min(later(now, self.setup.poll));
        let latest = later(now, LONGEST_PAUSE);
        if let Some(outage) = &mut self.outage {
            outage.retry_at = outage.retry_at.min(latest);
        }
        for record in self.records.values_mut() {
            record.retry_at = record.retry_at.map(|at| at.min(latest));
        }
    }

    /// Returns the objects to read now. During an outage, one object serves as the probe.
    fn due(&self, now: Timestamp) -> BTreeSet<Name> {
        match &self.outage {
            Some(outage) if outage.retry_at > now => BTreeSet::new(),
            Some(_) => self.schedule.names().take(1).collect(),
            None => self.schedule.due(now),
        }
    }

    /// Returns when the next work is due.
    fn next(&self) -> Timestamp {
        let work = match &self.outage {
            Some(outage) => Some(outage.retry_at),
            None => self.schedule.next(),
        };
        let pause = self.pause.as_ref().and_then(|pause| pause.until);
        let hooks = self.hooks.next;
        let times = [Some(self.look_at), work, pause, self.names.next(), hooks];
        times.into_iter().flatten().min().unwrap_or(self.look_at)
    }

    fn until_next(&self, now: Timestamp) -> std::time::Duration {
        let wait = self.next().duration_since(now);
        std::time::Duration::try_from(wait).unwrap_or_default()
    }

    /// Handles the pending work.
    pub(super) fn handle(&mut self, pending: PendingWork, now: Timestamp) {
        // A read that a hint brings forward may be as quiet as one that was due.
        self.is_quiet &= pending.is_only_hints();
        for (account, hint) in &pending.hints {
            self.follow(account, hint, now);
        }
        let calls_for_source = [Trigger::Change, Trigger::Webhook, Trigger::Reload];
        if pending
            .triggers
            .iter()
            .any(|trigger| calls_for_source.contains(trigger))
        {
            self.look_at = now;
        }
        if pending.reload {
            self.reload(now);
        }
        if pending.everything || pending.approved.is_some() || pending.reload {
            self.schedule.requeue_all(now);
            self.names.requeue_all(now);
            self.look_for_departed = true;
        }
        if pending.everything {
            self.hooks.look_now();
        }
        if pending.everything || !pending.accounts.is_empty() {
            // A person asks, so the back-off ends.
            if let Some(outage) = &mut self.outage {
                outage.retry_at = now;
            }
        }
        let all = names_of(self.revision.as_ref());
        for name in &all {
            let is_asked = pending.everything
                || (name.as_ref()).is_some_and(|name| pending.accounts.contains(name));
            if is_asked {
                self.schedule.requeue(name, now);
                self.names.requeue(name, now);
                self.without_base.remove(name);
                let record = self.records.entry(name.clone()).or_default();
                record.drift_history.reset_rounds();
                record.retry_at = None;
            }
        }
        for intervention in pending.interventions {
            self.note(intervention, now);
        }
        if let Some(pause) = pending.pause {
            self.put_pause(pause);
        }
        if let Some(plan) = pending.approved {
            self.approved = Some(plan);
            for record in self.records.values_mut() {
                record.retry_at = None;
            }
        }
        if let Some(pause) = &self.pause {
            let reason = format!("the daemon is paused ({})", pause.reason);
            self.drop_approval(&reason, now);
        }
        self.triggers.extend(pending.triggers);
    }

    /// Brings the read of an account forward that the platform told of. What is forged, comes twice, late or in another
    /// order costs a read at the most; what emblazon itself wrote was read since.
    fn follow(&mut self, account: &AccountName, hint: &Hint, now: Timestamp) {
        let name = Some(account.clone());
        if self.platform.knows(account, hint) {
            return;
        }
        let record = self.records.get(&name);
        if record.is_some_and(|record| record.failures > 0) {
            // An account that cannot be read keeps to its back-off, whoever asks for it.
            return;
        }
        let at = next_hinted(self.hinted.get(&name).copied(), now);
        self.hinted.insert(name.clone(), at);
        self.schedule.requeue(&name, at);
        if let Some(author) = &hint.author {
            self.authors.insert(name, author.clone());
        }
    }

    /// Records an intervention, and closes the ones that it replaces.
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
                self.history_log
                    .settle(InterventionKind::Approve, &ended(message));
            }
            InterventionKind::Pause => {
                let message = format!("{who} asked for another pause");
                self.history_log
                    .settle(InterventionKind::Pause, &ended(message));
            }
            InterventionKind::Resume => {
                let outcome = Outcome {
                    is_done: true,
                    ..ended(format!("{who} resumed"))
                };
                self.history_log.settle(InterventionKind::Pause, &outcome);
            }
            // The resync acknowledges the alert.
            InterventionKind::Resync => self.conditions.history = None,
        }
        self.history_log.intervene(intervention);
    }

    /// Adopts the settings that can change while the daemon runs. A file with mistakes changes nothing.
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
                self.conditions.config = Some(format!(
                    "the daemon's file has mistakes, so the previous configuration stays in force: {reason}"
                ));
                return;
            }
        };
        self.conditions.config = None;
        for key in self.setup.moved(&setup) {
            tracing::warn!(
                key,
                "the daemon's file says something else, which needs a restart"
            );
        }
        self.setup.trust = setup.trust;
        let breach = (self.revision.as_ref()).and_then(|revision| self.breach(&revision.loaded));
        if let Some(breach) = breach {
            tracing::warn!(%breach, "the tree that was in force is let go of");
            self.revision = None;
            self.schedule = Schedule::new(setup.interval, self.seed);
            self.names = Domains::new(setup.dns_interval, self.seed);
        }
        self.setup.interval = setup.interval;
        self.setup.poll = setup.poll;
        self.setup.confirm_after = setup.confirm_after;
        self.setup.dns_interval = setup.dns_interval;
        self.schedule.set_interval(setup.interval, now);
        self.names.set_interval(setup.dns_interval, now);
        tracing::info!("the configuration was read anew");
    }

    fn put_pause(&mut self, pause: Option<Pause>) {
        if let Err(error) = self.history_log.keep_pause(pause.as_ref()) {
            tracing::warn!(%error, "the pause cannot be written down, and does not outlive this process");
        }
        if let Some(pause) = &pause {
            tracing::info!(reason = %pause.reason, "paused");
        } else {
            tracing::info!("resumed");
        }
        self.pause = pause;
        self.is_quiet = false;
        // The state of the pause is known again.
        self.conditions.pause = None;
    }

    fn end_pause_when_over(&mut self, now: Timestamp) {
        if self.pause.as_ref().is_some_and(|pause| pause.is_over(now)) {
            self.put_pause(None);
            let outcome = Outcome {
                at: now,
                is_done: true,
                message: "it ended at its time".to_owned(),
            };
            self.history_log.settle(InterventionKind::Pause, &outcome);
            self.schedule.requeue_all(now);
            self.triggers.insert(Trigger::Resync);
        }
    }

    /// Publishes the status of the cluster.
    pub(super) fn publish(&mut self, now: Timestamp) {
        if self.without_base.is_empty() {
            self.conditions.base = None;
        }
        let next = self.next();
        let events = self.event_status();
        let conditions = &self.conditions;
        self.published.change(|status| {
            status.cluster.beat = now;
            status.cluster.mode = Mode::Idle;
            status.cluster.compared = self.comparison.compared();
            status.cluster.planned = self.planned;
            status.cluster.paused.clone_from(&self.pause);
            status.cluster.down_since = self.outage.map(|outage| outage.since);
            status.cluster.next_run = Some(next);
            status.cluster.events = events;
            status.history = self.history_log.history();
            status.cluster.alerts = conditions::alerts(status, conditions, now);
        });
    }
}

/// Returns when a hint has an account read, given when the hint before it had: one that is planned is not put off.
fn next_hinted(last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    match last {
        Some(planned) if planned > now => planned.min(later(now, BETWEEN_HINTS)),
        Some(last) => later(last, BETWEEN_HINTS).max(now),
        None => now,
    }
}

pub(super) fn names_of(revision: Option<&SourceRevision>) -> BTreeSet<Name> {
    revision.map_or_else(BTreeSet::new, |revision| names(&revision.loaded.desired))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    /// A minute of hints, four a second: the first has a read at once, and no later one waits longer than the pause.
    #[test]
    fn a_storm_of_hints_is_a_read_in_two_seconds() {
        let (mut last, mut reads) = (None, BTreeSet::new());
        for now in (0..60_000).step_by(250) {
            let planned = next_hinted(last, at(now));
            assert!(planned >= at(now) && planned <= at(now + 2000), "{now}");
            reads.insert(planned);
            last = Some(planned);
        }
        assert_eq!(reads.first(), Some(&at(0)));
        assert!(reads.len() <= 31, "{}", reads.len());
        assert_eq!(next_hinted(last, at(120_000)), at(120_000));
        // A clock that was set back puts nothing off for long.
        assert_eq!(next_hinted(Some(at(900_000)), at(0)), at(2000));
    }
}
