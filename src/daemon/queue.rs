//! The work queue: requests to the loop from outside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::decision_files::DecisionFiles;
use super::platform_events::Hint;
use super::status::{Author, Declined, Intervention, InterventionKind, Pause, Trigger};
use crate::model::{AccountName, Digest, ObjectName};

/// Most interventions that wait for the loop; only a program can add more, and then the oldest are dropped.
const INTERVENTIONS: usize = 100;

/// One request. None is answered; its effect shows in the [`super::PublishedStatus`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkItem {
    /// The source may have changed.
    Changed,
    /// A forge reported a push; `commit` is the branch's new head, as it claims.
    Webhook {
        /// A hint, never trusted: the branch itself is read.
        commit: Option<String>,
    },
    /// The platform told of a change; only the read of that account comes sooner.
    Hint {
        /// The account.
        account: AccountName,
        /// What was heard.
        hint: Hint,
    },
    /// Reads accounts now, whatever is known of them, and does for them what policy allows. No account means all.
    Resync {
        /// The accounts; empty for all.
        accounts: Vec<AccountName>,
        /// Who requested it.
        author: Author,
    },
    /// Applies the pending changes, including those that policy leaves to a person. Refused unless the plan, or the
    /// object's part of it, is still the one that was approved.
    Approve {
        /// [`super::ClusterStatus::plan`], or the [`super::Part::plan`] of the object.
        plan: Digest,
        /// The object whose part is approved; absent for the whole plan.
        object: Option<ObjectName>,
        /// Who requested it.
        author: Author,
    },
    /// Proposes the drift of an account as a pull request.
    Propose {
        /// The account.
        account: AccountName,
        /// Who requested it.
        author: Author,
    },
    /// Leaves pending changes as they are.
    Decline(Decline),
    /// Stops writing.
    Pause(Pause),
    /// Resumes writing.
    Resume {
        /// Who requested it.
        author: Author,
    },
    /// Reads the configuration again.
    Reload,
    /// Finishes the steps in flight, and ends the daemon.
    Stop,
}

/// The request not to execute a plan, or one object's part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The plan or the part that was decided about.
    pub plan: Digest,
    /// The object, for a part.
    pub object: Option<ObjectName>,
    /// The digest of each part that stays as it is.
    pub parts: BTreeMap<ObjectName, Digest>,
    /// Until when it is put off; absent when it is rejected.
    pub until: Option<jiff::Timestamp>,
    /// Who requested it.
    pub author: Author,
}

/// The pending work: everything requested since the loop last took it. Its size is bounded by the number of accounts
/// and a fixed number of interventions, however many requests were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingWork {
    /// What triggered the work.
    pub triggers: BTreeSet<Trigger>,
    /// The commit that a forge reported last.
    pub hint: Option<String>,
    /// The accounts that the platform told of.
    pub hints: BTreeMap<AccountName, Hint>,
    /// The accounts to read in addition to those that are due.
    pub accounts: BTreeSet<AccountName>,
    /// Whether to read all accounts.
    pub everything: bool,
    /// What was approved last: the whole plan, and parts of it by object.
    pub approved: BTreeMap<Option<ObjectName>, Digest>,
    /// What is to stay as it is, by object.
    pub declined: BTreeMap<ObjectName, Declined>,
    /// The accounts whose drift is to be proposed.
    pub proposed: BTreeSet<AccountName>,
    /// The latest request about the pause: `Some(None)` ends it.
    pub pause: Option<Option<Pause>>,
    /// Whether to read the configuration again.
    pub reload: bool,
    /// Whether to end the daemon.
    pub stop: bool,
    /// Interventions to record in the history.
    pub interventions: Vec<Intervention>,
}

impl PendingWork {
    /// Adds an item. Items of one kind merge; of two that contradict each other, the later wins.
    pub fn add(&mut self, order: WorkItem) {
        match order {
            WorkItem::Changed => {
                self.triggers.insert(Trigger::Change);
            }
            WorkItem::Webhook { commit } => {
                self.triggers.insert(Trigger::Webhook);
                self.hint = commit.or(self.hint.take());
            }
            WorkItem::Hint { account, hint } => {
                self.triggers.insert(Trigger::Event);
                match self.hints.get_mut(&account) {
                    Some(known) => known.merge(hint),
                    None => {
                        self.hints.insert(account, hint);
                    }
                }
            }
            WorkItem::Resync { accounts, author } => {
                self.note(Intervention {
                    accounts: accounts.clone(),
                    ..Intervention::new(InterventionKind::Resync, author)
                });
                self.triggers.insert(Trigger::Resync);
                self.everything |= accounts.is_empty();
                self.accounts.extend(accounts);
                if self.everything {
                    self.accounts.clear();
                }
            }
            WorkItem::Approve {
                plan,
                object,
                author,
            } => {
                self.note(Intervention {
                    plan: Some(plan.clone()),
                    object: object.clone(),
                    ..Intervention::new(InterventionKind::Approve, author)
                });
                self.triggers.insert(Trigger::Approval);
                if let Some(object) = &object {
                    self.declined.remove(object);
                }
                self.approved.insert(object, plan);
            }
            WorkItem::Propose { account, author } => {
                self.note(Intervention {
                    object: Some((&account).into()),
                    ..Intervention::new(InterventionKind::Propose, author)
                });
                self.proposed.insert(account);
            }
            WorkItem::Decline(decline) => self.decline(decline),
            WorkItem::Pause(pause) => {
                self.note(Intervention {
                    until: pause.until,
                    ..Intervention::new(InterventionKind::Pause, pause.author())
                });
                self.pause = Some(Some(pause));
            }
            WorkItem::Resume { author } => {
                self.note(Intervention::new(InterventionKind::Resume, author));
                self.pause = Some(None);
                // Everything that the pause held back is reconciled again.
                self.triggers.insert(Trigger::Resync);
                self.everything = true;
                self.accounts.clear();
            }
            WorkItem::Reload => {
                self.triggers.insert(Trigger::Reload);
                self.reload = true;
            }
            WorkItem::Stop => self.stop = true,
        }
    }

    fn decline(&mut self, decline: Decline) {
        let Decline {
            plan,
            object,
            parts,
            until,
            author,
        } = decline;
        let kind = match until {
            Some(_) => InterventionKind::PutOff,
            None => InterventionKind::Reject,
        };
        self.note(Intervention {
            plan: Some(plan),
            object,
            until,
            ..Intervention::new(kind, author.clone())
        });
        self.triggers.insert(Trigger::Approval);
        for (name, plan) in parts {
            self.approved.remove(&Some(name.clone()));
            let author = author.clone();
            let declined = Declined {
                plan,
                author,
                until,
            };
            self.declined.insert(name, declined);
        }
    }

    fn note(&mut self, intervention: Intervention) {
        if self.interventions.len() >= INTERVENTIONS {
            self.interventions.remove(0);
        }
        self.interventions.push(intervention);
    }

    /// Returns whether nothing but hints of the platform is pending.
    #[must_use]
    pub fn is_only_hints(&self) -> bool {
        *self
            == Self {
                hints: self.hints.clone(),
                triggers: [Trigger::Event].into(),
                ..Self::default()
            }
    }

    /// Returns whether nothing is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The loop's work queue; cheap to clone. Adding an item never blocks, and items coalesce.
#[derive(Clone, Debug, Default)]
pub struct WorkQueue {
    shared: Arc<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    pending: Mutex<PendingWork>,
    bell: Notify,
    /// Notified of pauses only, so that an execution sees one at once.
    paused: Notify,
    stopped: CancellationToken,
    /// Where a pause is written down as soon as it is asked for.
    decisions: OnceLock<DecisionFiles>,
}

impl WorkQueue {
    /// Has each pause written down before [`Self::give`] returns: a kill in the next moment does not lose it.
    pub(super) fn keep_pauses(&self, files: DecisionFiles) {
        // The files of one daemon do not change.
        let _ = self.shared.decisions.set(files);
    }

    /// Adds an item.
    pub fn give(&self, order: WorkItem) {
        if order == WorkItem::Stop {
            self.shared.stopped.cancel();
        }
        let pauses = matches!(order, WorkItem::Pause(_));
        if let (WorkItem::Pause(pause), Some(files)) = (&order, self.shared.decisions.get())
            && let Err(error) = files.decide_pause(Some(pause))
        {
            tracing::warn!(%error, "the pause cannot be written down, and does not outlive this process");
        }
        self.pending().add(order);
        self.shared.bell.notify_one();
        if pauses {
            self.shared.paused.notify_one();
        }
    }

    /// Waits until a pause is pending; returns at once when one is. For one waiter.
    pub async fn pause_arrives(&self) {
        while !matches!(self.pending().pause, Some(Some(_))) {
            self.shared.paused.notified().await;
        }
    }

    /// Takes all pending work.
    #[must_use]
    pub fn take(&self) -> PendingWork {
        std::mem::take(&mut *self.pending())
    }

    /// Waits until work is pending; returns at once when some is. For one waiter.
    pub async fn arrive(&self) {
        while self.pending().is_empty() {
            self.shared.bell.notified().await;
        }
    }

    /// Returns a token that [`WorkItem::Stop`] cancels at once, before the loop takes the item.
    #[must_use]
    pub fn stopped(&self) -> CancellationToken {
        self.shared.stopped.clone()
    }

    fn pending(&self) -> MutexGuard<'_, PendingWork> {
        // A panic while adding an item cannot leave half of one behind.
        self.shared
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn pause(reason: &str) -> Pause {
        Pause {
            reason: reason.to_owned(),
            by: None,
            via: None,
            since: Timestamp::UNIX_EPOCH,
            until: None,
        }
    }

    fn author() -> Author {
        Author::unnamed(Timestamp::UNIX_EPOCH)
    }

    fn resync(names: &[&str]) -> WorkItem {
        WorkItem::Resync {
            accounts: names.iter().copied().map(AccountName::new).collect(),
            author: author(),
        }
    }

    #[test]
    fn orders_become_one() {
        #[track_caller]
        fn check(queue: &[WorkItem], expected: &PendingWork) {
            let mut pending = PendingWork::default();
            for order in queue {
                pending.add(order.clone());
            }
            // Interventions have a test of their own.
            pending.interventions.clear();
            assert_eq!(pending, *expected, "{queue:?}");
        }
        let webhook = |commit: Option<&str>| WorkItem::Webhook {
            commit: commit.map(str::to_owned),
        };
        check(&[], &PendingWork::default());
        check(
            &[
                WorkItem::Changed,
                WorkItem::Changed,
                webhook(Some("a")),
                webhook(None),
            ],
            &PendingWork {
                triggers: [Trigger::Change, Trigger::Webhook].into(),
                hint: Some("a".to_owned()),
                ..PendingWork::default()
            },
        );
        check(
            &[resync(&["b"]), resync(&["a"]), resync(&["b"])],
            &PendingWork {
                triggers: [Trigger::Resync].into(),
                accounts: [AccountName::new("a"), AccountName::new("b")].into(),
                ..PendingWork::default()
            },
        );
        check(
            &[resync(&["b"]), resync(&[]), resync(&["a"])],
            &PendingWork {
                triggers: [Trigger::Resync].into(),
                everything: true,
                ..PendingWork::default()
            },
        );
        check(
            &[
                WorkItem::Pause(pause("one")),
                WorkItem::Resume { author: author() },
                WorkItem::Pause(pause("two")),
            ],
            &PendingWork {
                triggers: [Trigger::Resync].into(),
                everything: true,
                pause: Some(Some(pause("two"))),
                ..PendingWork::default()
            },
        );
        check(
            &[WorkItem::Reload, WorkItem::Stop],
            &PendingWork {
                triggers: [Trigger::Reload].into(),
                reload: true,
                stop: true,
                ..PendingWork::default()
            },
        );
    }

    #[test]
    fn a_storm_of_hints_is_one_hint_an_account() {
        let hint = |second: i64, revision: &str| Hint {
            heard: Timestamp::from_second(second).unwrap(),
            revision: Some(crate::model::Revision::new(revision)),
            author: None,
        };
        let mut pending = PendingWork::default();
        for round in 0..1000 {
            for name in ["a", "b"] {
                pending.add(WorkItem::Hint {
                    account: AccountName::new(name),
                    hint: hint(round, &round.to_string()),
                });
            }
        }
        assert!(pending.is_only_hints());
        assert_eq!(pending.hints.len(), 2);
        assert_eq!(
            pending.hints[&AccountName::new("a")],
            hint(999, "999"),
            "the latest counts"
        );
        pending.add(WorkItem::Changed);
        assert!(!pending.is_only_hints());
    }

    #[tokio::test]
    async fn an_order_that_was_given_before_is_not_waited_for() {
        let queue = WorkQueue::default();
        queue.give(WorkItem::Changed);
        queue.give(WorkItem::Stop);
        queue.arrive().await;
        assert!(queue.take().stop);
        assert!(queue.take().is_empty());
        // The notification may be for work that was already taken; it must not wake anybody.
        let waiting = queue.clone();
        let arrive = tokio::spawn(async move { waiting.arrive().await });
        tokio::task::yield_now().await;
        assert!(!arrive.is_finished());
        queue.give(WorkItem::Resume { author: author() });
        arrive.await.unwrap();
    }

    #[tokio::test]
    async fn a_pause_is_heard_by_whoever_writes() {
        let queue = WorkQueue::default();
        queue.give(WorkItem::Changed);
        let waiting = queue.clone();
        let comes = tokio::spawn(async move { waiting.pause_arrives().await });
        tokio::task::yield_now().await;
        assert!(!comes.is_finished());
        queue.give(WorkItem::Pause(pause("one")));
        comes.await.unwrap();
        // It stays pending until the loop takes it.
        assert!(queue.take().pause.is_some());
    }

    #[test]
    fn each_intervention_is_kept_in_order_and_within_a_bound() {
        let mut pending = PendingWork::default();
        let plan = Digest::of(b"plan");
        pending.add(WorkItem::Approve {
            plan: plan.clone(),
            object: None,
            author: author(),
        });
        pending.add(WorkItem::Pause(pause("one")));
        pending.add(resync(&["a"]));
        pending.add(WorkItem::Resume { author: author() });
        let kinds: Vec<_> = (pending.interventions.iter())
            .map(|one| (one.kind.as_str(), one.author.reason.as_deref()))
            .collect();
        assert_eq!(
            kinds,
            [
                ("approve", None),
                ("pause", Some("one")),
                ("resync", None),
                ("resume", None)
            ]
        );
        assert_eq!(pending.interventions[0].plan, Some(plan));
        for _ in 0..1000 {
            pending.add(resync(&[]));
        }
        assert_eq!(pending.interventions.len(), INTERVENTIONS);
    }
}
