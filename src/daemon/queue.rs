//! What others want of the loop.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::status::{Author, Intervention, InterventionKind, Pause, Trigger};
use crate::model::{AccountName, Digest};

/// How many interventions wait for the loop at most; of more, which only a program can give, the first are not kept.
const INTERVENTIONS: usize = 100;

/// One wish. None has an answer: what became of it is seen on the [`super::PublishedStatus`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkItem {
    /// The source may have changed.
    Changed,
    /// A forge says that something was pushed; `commit` is what it says is the branch's new one.
    Webhook {
        /// A hint, never trusted: the branch itself is read.
        commit: Option<String>,
    },
    /// Accounts are to be read now, whatever is known of them, and what the policy lets be done about them, done.
    /// No account names all.
    Resync {
        /// Which.
        accounts: Vec<AccountName>,
        /// Who wants it.
        author: Author,
    },
    /// What is pending is to be applied, also where the policy leaves that to a person; it must still be what was
    /// looked at.
    Approve {
        /// [`super::ClusterStatus::plan`].
        plan: Digest,
        /// Who wants it.
        author: Author,
    },
    /// Nothing is to be written.
    Pause(Pause),
    /// Writing may go on.
    Resume {
        /// Who wants it.
        author: Author,
    },
    /// The configuration is to be read anew.
    Reload,
    /// The step in hand is to be finished, and the daemon to end.
    Stop,
}

/// Everything that was wished for since the loop last looked. However many orders there were, this is
/// no larger than the tree has accounts, and so many interventions of people as can be looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingWork {
    /// What called.
    pub triggers: BTreeSet<Trigger>,
    /// The commit that a forge named last.
    pub hint: Option<String>,
    /// The accounts to be read, beside those that are due anyway.
    pub accounts: BTreeSet<AccountName>,
    /// Whether all of them are.
    pub everything: bool,
    /// What was approved last.
    pub approved: Option<Digest>,
    /// The last word on the pause: `Some(None)` ends it.
    pub pause: Option<Option<Pause>>,
    /// Whether the configuration is to be read anew.
    pub reload: bool,
    /// Whether the daemon is to end.
    pub stop: bool,
    /// What people asked for, for the history.
    pub interventions: Vec<Intervention>,
}

impl PendingWork {
    /// Takes in one more. Two orders of the same kind are one; of two that contradict each other the later holds.
    pub fn add(&mut self, order: WorkItem) {
        match order {
            WorkItem::Changed => {
                self.triggers.insert(Trigger::Change);
            }
            WorkItem::Webhook { commit } => {
                self.triggers.insert(Trigger::Webhook);
                self.hint = commit.or(self.hint.take());
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
            WorkItem::Approve { plan, author } => {
                self.note(Intervention {
                    plan: Some(plan.clone()),
                    ..Intervention::new(InterventionKind::Approve, author)
                });
                self.triggers.insert(Trigger::Approval);
                self.approved = Some(plan);
            }
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
                // What was held back is looked at anew.
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

    fn note(&mut self, intervention: Intervention) {
        if self.interventions.len() >= INTERVENTIONS {
            self.interventions.remove(0);
        }
        self.interventions.push(intervention);
    }

    /// Tells whether nobody wants anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The letter box of the loop; cheap to clone. Giving an order never waits, and a storm of them is one.
#[derive(Clone, Debug, Default)]
pub struct WorkQueue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<PendingWork>,
    bell: Notify,
    /// Rings for pauses alone, which whoever writes hears at once.
    paused: Notify,
    stopped: CancellationToken,
}

impl WorkQueue {
    /// Gives an order.
    pub fn give(&self, order: WorkItem) {
        if order == WorkItem::Stop {
            self.shared.stopped.cancel();
        }
        let pauses = matches!(order, WorkItem::Pause(_));
        self.pending().add(order);
        self.shared.bell.notify_one();
        if pauses {
            self.shared.paused.notify_one();
        }
    }

    /// Waits until somebody wants a pause; returns at once when somebody does already. For one waiter.
    pub async fn pause_arrives(&self) {
        while !matches!(self.pending().pause, Some(Some(_))) {
            self.shared.paused.notified().await;
        }
    }

    /// Takes all that was wished for, and leaves nothing.
    #[must_use]
    pub fn take(&self) -> PendingWork {
        std::mem::take(&mut *self.pending())
    }

    /// Waits until there is something; returns at once when there is already. For one waiter.
    pub async fn arrive(&self) {
        while self.pending().is_empty() {
            self.shared.bell.notified().await;
        }
    }

    /// Gives out a token that is cancelled by [`WorkItem::Stop`], which must not wait for the loop to look.
    #[must_use]
    pub fn stopped(&self) -> CancellationToken {
        self.shared.stopped.clone()
    }

    fn pending(&self) -> MutexGuard<'_, PendingWork> {
        // Adding a wish cannot leave half of one behind.
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
            // What is for the history is looked at for itself.
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

    #[tokio::test]
    async fn an_order_that_was_given_before_is_not_waited_for() {
        let queue = WorkQueue::default();
        queue.give(WorkItem::Changed);
        queue.give(WorkItem::Stop);
        queue.arrive().await;
        assert!(queue.take().stop);
        assert!(queue.take().is_empty());
        // The bell may ring for what was taken already; that must not wake anybody.
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
        // It waits to be taken, by the loop.
        assert!(queue.take().pause.is_some());
    }

    #[test]
    fn each_intervention_is_kept_in_order_and_within_a_bound() {
        let mut pending = PendingWork::default();
        let plan = Digest::of(b"plan");
        pending.add(WorkItem::Approve {
            plan: plan.clone(),
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
