//! What people asked the daemon for: a pause, and decisions about the plan. Each ends with an outcome in the history log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::PublishedStatus;
use super::conditions::Conditions;
use super::decision_files::Carried;
use super::history_log::HistoryLog;
use super::pause_ref::PauseRef;
use super::status::{Declined, Intervention, InterventionKind, Outcome, Pause, Status};
use crate::apply::remote::GitError;
use crate::model::{Digest, ObjectName, count};

/// What an approval is for: an object's part of the plan, or the whole plan.
pub(super) type Target = Option<ObjectName>;

/// The pause and the decisions that hold now.
#[derive(Debug, Default)]
pub(super) struct Interventions {
    pause: Option<Pause>,
    /// Carries the pause to the next leader; absent where no other host can lead.
    shared: Option<PauseRef>,
    /// What is known of that.
    carried: Carried,
    /// The approved plan, and the approved parts.
    approved: BTreeMap<Target, Digest>,
    /// The parts that stay as they are.
    declined: BTreeMap<ObjectName, Declined>,
}

impl Interventions {
    /// Restores the pause and the decisions from disk; a corrupted file counts as a pause.
    pub(super) fn restore(&mut self, log: &HistoryLog, conditions: &mut Conditions) {
        let mut unknown = |reason: String| {
            tracing::error!(%reason, "what people decided cannot be read; nothing is written until somebody resumes");
            conditions.pause = Some(reason.clone());
            Pause {
                reason: format!(
                    "{reason}; what somebody decided is not known, so nothing is written until somebody resumes"
                ),
                by: None,
                via: None,
                since: Timestamp::now(),
                until: None,
            }
        };
        let files = log.decisions();
        let declined = files.declined().map_err(&mut unknown);
        let pause = files.pause().unwrap_or_else(|reason| Some(unknown(reason)));
        self.pause = pause.or(declined.as_ref().err().cloned());
        self.declined = declined.unwrap_or_default();
        // Where it is not known whether other hosts know of a pause, they are told.
        self.carried = files.carried().unwrap_or_else(|_| Carried {
            seen: None,
            is_unsent: self.pause.is_some(),
        });
    }

    /// Says where the pause is carried to other hosts.
    pub(super) fn carry_by(&mut self, shared: Option<PauseRef>) {
        self.shared = shared;
    }

    /// Returns whether somebody paused or resumed here, which other hosts do not know yet.
    pub(super) fn has_unsent_pause(&self) -> bool {
        self.shared.is_some() && self.carried.is_unsent
    }

    /// Agrees with other hosts on the pause, and returns whether it changed here.
    ///
    /// What somebody said here last is sent, unless somebody said something elsewhere since. Of two such orders that
    /// crossed, the pause holds.
    ///
    /// # Errors
    /// When it is not known whether somebody paused elsewhere; nothing may be written by a new leader then.
    pub(super) async fn agree_on_pause(
        &mut self,
        log: &HistoryLog,
        conditions: &mut Conditions,
    ) -> Result<bool, GitError> {
        let Some(shared) = &self.shared else {
            return Ok(false);
        };
        let (id, theirs) = shared.read().await?;
        let is_moved = id != self.carried.seen;
        let is_unread = conditions.pause.is_some();
        let is_ours = match (&self.pause, &theirs) {
            // Nobody ever paused elsewhere, or the ref was deleted.
            (Some(_), None) if id.is_none() || is_unread => true,
            (None, Some(_)) => self.carried.is_unsent && !is_moved,
            _ => self.carried.is_unsent,
        };
        let mut seen = id;
        let mut has_changed = false;
        if self.pause != theirs {
            if is_ours {
                seen = Some(shared.write(seen.as_deref(), self.pause.as_ref()).await?);
            } else if is_moved {
                self.keep(theirs, log, conditions);
                has_changed = true;
            }
        }
        let carried = Carried {
            seen,
            is_unsent: false,
        };
        if carried != self.carried {
            if let Err(error) = log.decisions().keep_carried(&carried) {
                tracing::warn!(%error, "what other hosts know of the pause cannot be written down");
            }
            self.carried = carried;
        }
        Ok(has_changed)
    }

    /// Returns the pause, if there is one.
    pub(super) fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Begins or ends a pause, and writes it down. Its state is known again, even if it could not be read.
    pub(super) fn set_pause(
        &mut self,
        pause: Option<Pause>,
        log: &HistoryLog,
        conditions: &mut Conditions,
    ) {
        self.carried.is_unsent = true;
        self.keep(pause, log, conditions);
    }

    fn keep(&mut self, pause: Option<Pause>, log: &HistoryLog, conditions: &mut Conditions) {
        let files = log.decisions();
        let kept = if self.carried.is_unsent {
            files.decide_pause(pause.as_ref())
        } else {
            files.keep_pause(pause.as_ref())
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "the pause cannot be written down, and does not outlive this process");
        }
        if let Some(pause) = &pause {
            tracing::info!(reason = %pause.reason, "paused");
        } else {
            tracing::info!("resumed");
        }
        self.pause = pause;
        conditions.pause = None;
    }

    /// Ends the pause if its time is over, and returns whether it was.
    pub(super) fn end_pause_when_over(
        &mut self,
        log: &mut HistoryLog,
        conditions: &mut Conditions,
        now: Timestamp,
    ) -> bool {
        let is_over = self.pause.as_ref().is_some_and(|pause| pause.is_over(now));
        if is_over {
            self.set_pause(None, log, conditions);
            let outcome = Outcome {
                at: now,
                is_done: true,
                message: "it ended at its time".to_owned(),
            };
            log.settle(is_pause, &outcome);
        }
        is_over
    }

    /// Records an intervention, and closes the ones that it replaces.
    pub(super) fn note(
        &mut self,
        intervention: Intervention,
        log: &mut HistoryLog,
        conditions: &mut Conditions,
        now: Timestamp,
    ) {
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
        let mut intervention = intervention;
        match intervention.kind {
            InterventionKind::Approve => {
                let target = intervention.object.clone();
                self.approved.remove(&target);
                let message = "not carried out: another approval came after it".to_owned();
                log.settle(is_approval_of(&target), &ended(message));
            }
            InterventionKind::Reject | InterventionKind::PutOff => {
                intervention.outcome = Some(Outcome {
                    is_done: true,
                    ..ended("it stays as it is, unless what is planned changes".to_owned())
                });
            }
            InterventionKind::Propose => {
                let object = intervention.object.clone();
                let message = format!("{who} asked for it again");
                let is_it = |one: &Intervention| {
                    one.kind == InterventionKind::Propose && one.object == object
                };
                log.settle(is_it, &ended(message));
            }
            InterventionKind::Pause => {
                let message = format!("{who} asked for another pause");
                log.settle(is_pause, &ended(message));
            }
            InterventionKind::Resume => {
                let outcome = Outcome {
                    is_done: true,
                    ..ended(format!("{who} resumed"))
                };
                log.settle(is_pause, &outcome);
            }
            // The resync acknowledges the alert.
            InterventionKind::Resync => conditions.history = None,
        }
        log.intervene(intervention);
    }

    /// Approves the plan, or an object's part of it, whatever was decided about that part before.
    pub(super) fn approve(&mut self, target: Target, plan: Digest, log: &HistoryLog) {
        if let Some(name) = &target
            && self.declined.remove(name).is_some()
        {
            self.keep_declined(log);
        }
        self.approved.insert(target, plan);
    }

    /// Returns what is approved.
    pub(super) fn approved(&self) -> &BTreeMap<Target, Digest> {
        &self.approved
    }

    /// Leaves parts of the plan as they are.
    pub(super) fn decline(&mut self, parts: BTreeMap<ObjectName, Declined>, log: &HistoryLog) {
        self.declined.extend(parts);
        self.keep_declined(log);
    }

    /// Returns the parts that stay as they are.
    pub(super) fn declined(&self) -> &BTreeMap<ObjectName, Declined> {
        &self.declined
    }

    /// Forgets the decisions about parts that are others by now, and those whose time is over; returns the objects.
    pub(super) fn forget_declined(
        &mut self,
        is_over: impl Fn(&ObjectName, &Declined) -> bool,
        log: &HistoryLog,
    ) -> BTreeSet<ObjectName> {
        let mut forgotten = BTreeSet::new();
        self.declined.retain(|name, declined| {
            let is_over = is_over(name, declined);
            if is_over {
                tracing::info!(object = %name, plan = declined.plan.short(), "no longer {}", declined.sentence());
                forgotten.insert(name.clone());
            }
            !is_over
        });
        if !forgotten.is_empty() {
            self.keep_declined(log);
        }
        forgotten
    }

    fn keep_declined(&self, log: &HistoryLog) {
        if let Err(error) = log.decisions().keep_declined(&self.declined) {
            tracing::warn!(%error, "what was rejected or put off cannot be written down, and does not outlive this process");
        }
    }

    /// Ends an approval after a cycle that did so many of its steps, or none for a reason. `offered` is the number of
    /// its steps if it was carried out, else why not.
    pub(super) fn end_approval(
        &mut self,
        target: &Target,
        offered: Result<usize, String>,
        (done, held): (usize, Option<&str>),
        log: &mut HistoryLog,
        published: &PublishedStatus,
    ) {
        let (is_done, message) = match (offered, held) {
            (Err(reason), _) => (false, format!("not carried out: {reason}")),
            (Ok(_), Some(reason)) => (
                false,
                format!("not carried out: nothing was written: {reason}"),
            ),
            (Ok(steps), None) if done == steps => {
                (true, format!("carried out: {} done", count(done, "step")))
            }
            (Ok(steps), None) => {
                let steps = count(steps, "step");
                let message = format!(
                    "carried out in part: {done} of {steps} done; see what is left and approve that"
                );
                (false, message)
            }
        };
        let outcome = Outcome {
            at: Timestamp::now(),
            is_done,
            message,
        };
        self.conclude_approval(target, &outcome, log, published);
    }

    /// Refuses all approvals, with the reason.
    pub(super) fn drop_approvals(
        &mut self,
        reason: &str,
        log: &mut HistoryLog,
        published: &PublishedStatus,
    ) {
        let targets: Vec<Target> = self.approved.keys().cloned().collect();
        for target in targets {
            let reason = Err(reason.to_owned());
            self.end_approval(&target, reason, (0, None), log, published);
        }
    }

    fn conclude_approval(
        &mut self,
        target: &Target,
        outcome: &Outcome,
        log: &mut HistoryLog,
        published: &PublishedStatus,
    ) {
        let Some(plan) = self.approved.remove(target) else {
            return;
        };
        let object = target.as_ref().map(ToString::to_string);
        tracing::info!(plan = plan.short(), object, "approval {}", outcome.message);
        log.settle(is_approval_of(target), outcome);
        let history = log.history();
        published.change(|status| {
            status.history = history;
            forget_approval(status, target, &plan);
        });
    }
}

fn is_pause(one: &Intervention) -> bool {
    one.kind == InterventionKind::Pause
}

fn is_approval_of(target: &Target) -> impl Fn(&Intervention) -> bool {
    let target = target.clone();
    move |one| one.kind == InterventionKind::Approve && one.object == target
}

/// Takes an approval out of the status, unless another came after it.
fn forget_approval(status: &mut Status, target: &Target, plan: &Digest) {
    let approval = match target {
        None => Some(&mut status.cluster.approval),
        Some(name) => (status.object_mut(name))
            .filter(|object| object.approval.is_some())
            .map(|object| &mut Arc::make_mut(object).approval),
    };
    if let Some(approval) = approval
        && (approval.as_ref()).is_some_and(|approval| approval.plan == *plan)
    {
        *approval = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cannot_tell_what_was_rejected_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = camino::Utf8Path::from_path(folder.path()).unwrap();
        let log = HistoryLog::open(state).unwrap();
        let mut conditions = Conditions::default();
        let mut interventions = Interventions::default();
        interventions.restore(&log, &mut conditions);
        assert_eq!(interventions.pause(), None);
        std::fs::write(state.join("watch/declined.json"), "spoilt").unwrap();
        interventions.restore(&log, &mut conditions);
        let reason = &interventions.pause().unwrap().reason;
        assert!(reason.contains("until somebody resumes"), "{reason}");
        assert!(conditions.pause.is_some());
    }

    /// One daemon, with a clone and a state folder of its own.
    struct Host {
        interventions: Interventions,
        log: HistoryLog,
        conditions: Conditions,
        clone: camino::Utf8PathBuf,
    }

    impl Host {
        fn new(folder: &camino::Utf8Path, name: &str) -> Self {
            let clone = folder.join(name);
            let repository = git2::Repository::init(&clone).unwrap();
            let bare = folder.join("origin");
            repository.remote("origin", bare.as_str()).unwrap();
            let mut host = Self {
                interventions: Interventions::default(),
                log: HistoryLog::open(&clone).unwrap(),
                conditions: Conditions::default(),
                clone,
            };
            host.start();
            host
        }

        fn start(&mut self) {
            let clone = crate::apply::remote::LocalClone::find(&self.clone);
            let remote = clone.unwrap().unwrap().remote(None).unwrap().unwrap();
            let cluster = crate::model::ClusterName::new("production");
            self.interventions = Interventions::default();
            self.interventions.restore(&self.log, &mut self.conditions);
            let shared = PauseRef::new(remote, &cluster, None);
            self.interventions.carry_by(Some(shared));
        }

        async fn carry_out(&mut self, order: &str) {
            let pause = Pause {
                reason: "the proxies move".to_owned(),
                by: None,
                via: None,
                since: Timestamp::now(),
                until: None,
            };
            let (log, conditions) = (&self.log, &mut self.conditions);
            match order {
                "pauses" => self.interventions.set_pause(Some(pause), log, conditions),
                "resumes" => self.interventions.set_pause(None, log, conditions),
                "agrees" => {
                    let agreed = self.interventions.agree_on_pause(log, conditions);
                    agreed.await.unwrap();
                }
                "restarts" => self.start(),
                other => panic!("{other}"),
            }
        }
    }

    /// In whatever order hosts come to know of each other: nobody works on while the last order was a pause, and nobody
    /// stays paused after everybody's was to resume. No clock is compared.
    #[tokio::test]
    async fn hosts_agree_on_the_pause() {
        #[track_caller]
        fn is(hosts: &BTreeMap<&str, Host>, orders: &str, expected: &str) {
            let paused = hosts
                .iter()
                .filter(|(_, host)| host.interventions.pause().is_some());
            let paused: Vec<&str> = paused.map(|(name, _)| *name).collect();
            assert_eq!(paused.join(" "), expected, "{orders}");
        }
        for (orders, expected) in [
            ("a pauses, a agrees, b agrees", "a b"),
            (
                "a pauses, a agrees, b agrees, b resumes, b agrees, a agrees",
                "",
            ),
            // It was said while the remote was away, and this host leads again.
            (
                "a pauses, a agrees, a resumes, a restarts, a agrees, b agrees",
                "",
            ),
            ("a agrees, a pauses, a restarts, a agrees, b agrees", "a b"),
            // Another host leads by then.
            (
                "a agrees, b agrees, a pauses, b agrees, a agrees, b agrees",
                "a b",
            ),
            // A host that slept knows an old pause, and has nothing to say.
            (
                "a pauses, a agrees, b agrees, b resumes, b agrees, a restarts, a agrees, b agrees",
                "",
            ),
            (
                "b pauses, b agrees, b resumes, b agrees, a agrees, a pauses, a restarts, a agrees",
                "a",
            ),
            // Two orders that crossed.
            (
                "a agrees, b agrees, a pauses, b pauses, b resumes, b agrees, a agrees, b agrees",
                "a b",
            ),
            (
                "a pauses, a agrees, b agrees, a resumes, b resumes, b pauses, b agrees, a agrees",
                "a b",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let folder = camino::Utf8Path::from_path(folder.path()).unwrap();
            git2::Repository::init_bare(folder.join("origin")).unwrap();
            let mut hosts: BTreeMap<&str, Host> = ["a", "b"]
                .map(|name| (name, Host::new(folder, name)))
                .into();
            for order in orders.split(", ") {
                let (host, order) = order.split_once(' ').unwrap();
                hosts.get_mut(host).unwrap().carry_out(order).await;
            }
            is(&hosts, orders, expected);
        }
    }
}
