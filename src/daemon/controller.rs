//! The controller: reads what is due, executes what is allowed, and publishes the result.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::applied_state::AppliedState;
use super::conditions::{self, Conditions};
use super::history_log::HistoryLog;
use super::hooks::KeptHooks;
use super::interventions::Interventions;
use super::objects::Objects;
use super::observed::Observed;
use super::platform_events::Hint;
use super::proposals::Proposals;
use super::recovery::Recovery;
use super::schedule::{LONGEST_PAUSE, later};
use super::setup::{EventChannel, ReadSetup, Setup};
use super::source::{Source, SourceRevision};
use super::status::{InterventionKind, Mode, Outcome, Trigger};
use super::subscriptions::Subscriptions;
use super::timers::Timers;
use super::{PendingWork, PublishedStatus, WorkQueue};
use crate::apply::lease::LeaseGuard;
use crate::model::{AccountName, ClusterName, ObjectName};

/// How long the loop sleeps at most. What is due is a time of the wall clock: when that is set back, it is noticed by then.
const LONGEST_SLEEP: std::time::Duration = std::time::Duration::from_secs(30);

/// The state that the controller keeps from one cycle to the next.
pub(super) struct Controller {
    pub(super) setup: Setup,
    /// Reads the daemon's file again.
    pub(super) read_setup: Option<ReadSetup>,
    pub(super) published: PublishedStatus,
    pub(super) queue: WorkQueue,
    pub(super) source: Source,
    pub(super) history_log: HistoryLog,
    pub(super) conditions: Conditions,
    pub(super) interventions: Interventions,
    /// The cluster whose lease is held; absent on a sandbox of its own, which needs none.
    pub(super) led: Option<ClusterName>,
    /// Whether the tree is for another cluster by now, whose lease has to be taken first.
    pub(super) leads_another: bool,
    /// The tree that is reconciled.
    pub(super) revision: Option<SourceRevision>,
    pub(super) applied: AppliedState,
    pub(super) observed: Observed,
    pub(super) objects: Objects,
    pub(super) timers: Timers,
    /// The hooks on the platform.
    pub(super) hooks: KeptHooks,
    /// The connection to Blackhole, in a term as leader.
    subscriptions: Option<Subscriptions>,
    /// How the drift of each account is kept.
    pub(super) proposals: Proposals,
    /// Whether the recovery of interrupted runs is done.
    pub(super) recovery: Recovery,
    /// The triggers of the next cycle.
    pub(super) triggers: BTreeSet<Trigger>,
    /// Whether the last cycle left nothing to do, and nothing has changed since.
    pub(super) is_quiet: bool,
    pub(super) runs: u64,
    /// How many times a plan was computed.
    pub(super) planned: u64,
    pub(super) seed: u64,
    /// The last reading of the clock.
    seen: Timestamp,
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
            applied: AppliedState::default(),
            observed: Observed::default(),
            objects: Objects::new(seed),
            timers: Timers::new(&setup, seed, Timestamp::UNIX_EPOCH),
            setup,
            read_setup: None,
            published,
            queue,
            source,
            history_log,
            conditions: Conditions::default(),
            interventions: Interventions::default(),
            led: None,
            leads_another: false,
            revision: None,
            hooks: KeptHooks::default(),
            subscriptions: None,
            proposals: Proposals::default(),
            recovery: Recovery::Due,
            triggers: [Trigger::Start].into(),
            is_quiet: false,
            runs: 0,
            planned: 0,
            seed,
            seen: Timestamp::UNIX_EPOCH,
        };
        controller.conditions.history = controller.history_log.spoilt();
        if let Some(reason) = &controller.conditions.history {
            tracing::warn!("{reason}");
        }
        let (log, conditions) = (&controller.history_log, &mut controller.conditions);
        controller.interventions.restore(log, conditions);
        let outcome = Outcome {
            at: Timestamp::now(),
            is_done: false,
            message: "not known: the daemon ended before it was written down".to_owned(),
        };
        controller
            .history_log
            .settle(|one| carries_out(one.kind), &outcome);
        controller.published.change(|status| {
            status.cluster.source.place = controller.source.place();
            status.cluster.source.branch = controller.source.branch();
            status.cluster.paused = controller.interventions.pause().cloned();
            status.history = controller.history_log.history();
        });
        controller
    }

    /// Starts a term as leader, and forgets everything known before.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.leads_another = false;
        self.revision = None;
        self.applied = AppliedState::default();
        self.observed.forget();
        self.objects = Objects::new(self.seed);
        self.timers = Timers::new(&self.setup, self.seed, now);
        self.hooks = KeptHooks::default();
        self.subscriptions = None;
        self.proposals = Proposals::default();
        self.recovery = Recovery::Due;
        self.triggers = [Trigger::Start].into();
        self.is_quiet = false;
        self.drop_approval("this daemon began to lead anew");
        let (log, conditions) = (&self.history_log, &mut self.conditions);
        self.interventions.restore(log, conditions);
    }

    /// Refuses all approvals, with the reason.
    pub(super) fn drop_approval(&mut self, reason: &str) {
        let (log, published) = (&mut self.history_log, &self.published);
        self.interventions.drop_approvals(reason, log, published);
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
            if stop.is_cancelled() || guard.is_stopped() || self.leads_another {
                let client = self.observed.platform.client();
                self.subscriptions = None;
                self.proposals = Proposals::default();
                self.hooks.remove(client, guard).await;
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
                answers = self.timers.domains.arrive() => self.take_answers(answers),
                answers = self.timers.brands.arrive() => self.take_probes(answers),
                done = self.proposals.arrive() => self.take_proposal(done, Timestamp::now()),
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
        self.end_pauses_when_over(now);
        if self.interventions.has_unsent_pause() || self.timers.source <= now {
            self.agree_on_pause(now).await;
        }
        if self.timers.source <= now {
            self.look_at_source(now).await;
        }
        let now = Timestamp::now();
        let due = self.timers.due(now);
        // A commit that only removes accounts makes no remaining account due.
        let has_departed = self.observed.look_for_departed && self.timers.outage().is_none();
        if due.is_empty() && !has_departed {
            self.triggers.clear();
        } else {
            self.cycle(due, guard).await;
        }
        self.keep_events(guard).await;
        self.ask_dns(Timestamp::now());
        self.ask_probes(Timestamp::now());
        self.keep_drift(Timestamp::now()).await;
        self.publish(Timestamp::now());
    }

    /// Has the platform tell of its changes, if that is configured.
    async fn keep_events(&mut self, guard: &LeaseGuard) {
        let Some(events) = &self.setup.events else {
            return;
        };
        let client = self.observed.platform.client();
        if let EventChannel::Blackhole { url } = &events.channel {
            let subscriptions = self.subscriptions.get_or_insert_with(|| {
                let outputs = (self.queue.clone(), self.published.clone());
                Subscriptions::start(url.clone(), events.told.clone(), outputs, self.seed)
            });
            let accounts = self.observed.platform.accounts_by_id();
            subscriptions.follow(client, accounts);
            return;
        }
        let client = client.filter(|_| self.timers.outage().is_none());
        let now = Timestamp::now();
        let maker = self.setup.mark();
        let kept = self.hooks.keep(client, (events, &maker), guard, now);
        if kept.await {
            self.timers.objects.requeue_all(now);
        }
    }

    /// Corrects all deadlines after the clock was set back, so that nothing waits longer than if it were scheduled now.
    fn set_back(&mut self, now: Timestamp) {
        tracing::warn!(by = %self.seen.duration_since(now), "the clock was set back");
        let latest = later(now, LONGEST_PAUSE);
        self.timers.set_back(now, self.setup.poll, latest);
        self.objects.set_back(now, latest);
        self.proposals.set_back(latest);
        self.hooks.look_now();
    }

    /// Returns when the next work is due.
    fn next(&self) -> Timestamp {
        let pause = self.interventions.pause().and_then(|pause| pause.until);
        let declined = self.interventions.declined().values();
        let declined = declined.filter_map(|declined| declined.until).min();
        let others = [pause, declined, self.hooks.next(), self.proposals.next()];
        let work = self.timers.next();
        others.into_iter().flatten().fold(work, Ord::min)
    }

    fn until_next(&self, now: Timestamp) -> std::time::Duration {
        sleep_until(self.next(), now)
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
            self.timers.source = now;
        }
        if pending.reload {
            self.reload(now);
        }
        let approves_all = pending.approved.contains_key(&None);
        if pending.everything || approves_all || pending.reload {
            self.timers.requeue_all(now);
            self.observed.look_for_departed = true;
        }
        if pending.everything {
            self.hooks.look_now();
        }
        if pending.everything || !pending.accounts.is_empty() {
            self.timers.end_back_off(now);
        }
        let all = names_of(self.revision.as_ref());
        for name in &all {
            let is_asked = pending.everything
                || (name.account()).is_some_and(|name| pending.accounts.contains(name));
            if is_asked {
                self.timers.requeue(name, now);
                self.applied.without_base.remove(name);
                self.objects.resync(name);
            }
        }
        for intervention in pending.interventions {
            let (log, conditions) = (&mut self.history_log, &mut self.conditions);
            self.interventions.note(intervention, log, conditions, now);
        }
        if let Some(pause) = pending.pause {
            let (log, conditions) = (&self.history_log, &mut self.conditions);
            self.interventions.set_pause(pause, log, conditions);
            self.is_quiet = false;
        }
        for name in pending.declined.keys() {
            self.timers.objects.requeue(name, now);
        }
        if !pending.declined.is_empty() {
            self.interventions
                .decline(pending.declined, &self.history_log);
        }
        for (target, plan) in pending.approved {
            if let Some(name) = &target {
                self.timers.requeue(name, now);
            }
            self.interventions.approve(target, plan, &self.history_log);
        }
        for name in &pending.proposed {
            self.proposals.ask(name);
        }
        if approves_all {
            self.objects.end_back_off();
        }
        if let Some(pause) = self.interventions.pause() {
            let reason = format!("the daemon is paused ({})", pause.reason);
            self.drop_approval(&reason);
        }
        self.triggers.extend(pending.triggers);
    }

    /// Brings the read of an account forward that the platform told of. What is forged, comes twice, late or in another
    /// order costs a read at the most; what emblazon itself wrote was read since.
    fn follow(&mut self, account: &AccountName, hint: &Hint, now: Timestamp) {
        let name = ObjectName::from(account);
        if self.observed.platform.knows(account, hint) {
            return;
        }
        let record = self.objects.get(&name);
        if record.is_some_and(|record| record.failures > 0) {
            // An account that cannot be read keeps to its back-off, whoever asks for it.
            return;
        }
        self.timers.hint(&name, now);
        if let Some(author) = &hint.author {
            self.objects.set_author(name, author.clone());
        }
    }

    /// Adopts the settings that can change while the daemon runs. A file with mistakes changes nothing.
    fn reload(&mut self, now: Timestamp) {
        self.observed.disconnect();
        let Some(read_setup) = &self.read_setup else {
            return;
        };
        let setup = match read_setup() {
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
        self.setup.trust.clone_from(&setup.trust);
        let breach = (self.revision.as_ref()).and_then(|revision| self.breach(&revision.loaded));
        if let Some(breach) = breach {
            tracing::warn!(%breach, "the tree is no longer trusted, and is let go of");
            self.revision = None;
            self.timers.clear(&setup);
        }
        self.setup.interval = setup.interval;
        self.setup.poll = setup.poll;
        self.setup.confirm_after = setup.confirm_after;
        self.setup.dns_interval = setup.dns_interval;
        self.timers.set_intervals(&self.setup, now);
        tracing::info!("the configuration was read anew");
    }

    /// Ends the pause and the postponements whose time is over.
    fn end_pauses_when_over(&mut self, now: Timestamp) {
        let (log, conditions) = (&mut self.history_log, &mut self.conditions);
        if (self.interventions).end_pause_when_over(log, conditions, now) {
            self.is_quiet = false;
            self.timers.objects.requeue_all(now);
            self.triggers.insert(Trigger::Resync);
        }
        let over = (self.interventions)
            .forget_declined(|_, declined| declined.is_over(now), &self.history_log);
        for name in over {
            self.is_quiet = false;
            self.timers.objects.requeue(&name, now);
            self.triggers.insert(Trigger::Resync);
        }
    }

    /// Agrees with other hosts on the pause. What it held back is looked at again once it is over.
    pub(super) async fn agree_on_pause(&mut self, now: Timestamp) {
        let (log, conditions) = (&self.history_log, &mut self.conditions);
        match self.interventions.agree_on_pause(log, conditions).await {
            Ok(false) => {}
            Ok(true) => {
                self.is_quiet = false;
                self.timers.objects.requeue_all(now);
                self.triggers.insert(Trigger::Resync);
            }
            Err(error) => {
                tracing::warn!(%error, "other hosts and this one may not agree on whether somebody paused; asking again");
            }
        }
    }

    /// Publishes the status of the cluster.
    pub(super) fn publish(&mut self, now: Timestamp) {
        if self.applied.without_base.is_empty() {
            self.conditions.base = None;
        }
        let next = self.next();
        let events = self.setup.events.as_ref().map(|events| {
            let told = &events.told;
            let subscriptions = self.subscriptions.as_ref();
            subscriptions.map_or_else(
                || self.hooks.status(told),
                |listening| listening.status(told),
            )
        });
        let conditions = &self.conditions;
        self.published.change(|status| {
            status.cluster.beat = now;
            status.cluster.mode = Mode::Idle;
            status.cluster.compared = self.observed.compared();
            status.cluster.planned = self.planned;
            status.cluster.paused = self.interventions.pause().cloned();
            status.cluster.down_since = self.timers.outage().map(|outage| outage.since);
            status.cluster.next_run = Some(next);
            status.cluster.events = events;
            status.cluster.has_forge = self.setup.forge.is_some() && self.setup.push;
            status.history = self.history_log.history();
            status.cluster.alerts = conditions::alerts(status, conditions, now);
        });
    }
}

/// Returns whether a request ends with an outcome of its own, which the daemon must live to see.
fn carries_out(kind: InterventionKind) -> bool {
    matches!(kind, InterventionKind::Approve | InterventionKind::Propose)
}

pub(super) fn names_of(revision: Option<&SourceRevision>) -> BTreeSet<ObjectName> {
    revision.map_or_else(BTreeSet::new, |revision| {
        revision.loaded.desired.object_names()
    })
}

/// Returns how long the loop sleeps until something is due.
fn sleep_until(next: Timestamp, now: Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(next.duration_since(now))
        .unwrap_or_default()
        .min(LONGEST_SLEEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a clock was set back by an hour, what was due in a second is due in an hour.
    #[test]
    fn a_clock_that_was_set_back_is_noticed_soon() {
        #[track_caller]
        fn check(next: i64, now: i64, expected: u64) {
            let at = |second| Timestamp::from_second(second).unwrap();
            let slept = sleep_until(at(next), at(now));
            assert_eq!(slept, std::time::Duration::from_secs(expected));
        }
        check(10_001, 10_000, 1);
        check(10_001, 10_001 - 3600, 30);
        check(10_000, 10_001, 0);
    }
}
