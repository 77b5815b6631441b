//! Keeps the daemon's connection to Blackhole, with a subscription for each account of the tree.
//!
//! A connection may break, and what happened meanwhile is not told later. So each account is read once when its
//! subscription is made, which goes at the platform's pace of ten a second, and is spared where nothing changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use url::Url;

use super::platform_events::{EventSource, EventStatus, Hint, PlatformEvents};
use super::queue::WorkItem;
use super::schedule::back_off;
use super::{PublishedStatus, WorkQueue};
use crate::live::{BlackholeConnection, BlackholeError, BlackholeEvent, ReadClient};
use crate::model::{AccountId, AccountName, ObjectName, Revision};

/// A connection that lasted for so long was a good one: after it, the pauses begin anew.
const GOOD: Duration = Duration::from_mins(1);

/// The longest pause between two connections; meanwhile, changes are seen by the interval only.
const LONGEST: Duration = Duration::from_mins(2);

/// The connection and its subscriptions in one term of a leader; dropped, it ends.
#[derive(Debug)]
pub(super) struct Subscriptions {
    wanted: watch::Sender<WantedSubscriptions>,
    state: Arc<Mutex<SubscriptionState>>,
    task: AbortHandle,
}

/// What is to be listened to.
#[derive(Clone, Debug, Default)]
struct WantedSubscriptions {
    /// Absent while the platform cannot be read.
    client: Option<ReadClient>,
    accounts: Arc<BTreeMap<AccountId, AccountName>>,
}

/// What is known of the connection.
#[derive(Debug, Default)]
struct SubscriptionState {
    subscribed: BTreeSet<AccountId>,
    refused: BTreeMap<AccountId, String>,
    /// Why there is no connection.
    problem: Option<String>,
    /// How often it broke.
    broken: u64,
}

/// The task that listens.
struct SubscriptionListener {
    url: Url,
    queue: WorkQueue,
    published: PublishedStatus,
    told: PlatformEvents,
    state: Arc<Mutex<SubscriptionState>>,
    seed: u64,
}

impl Subscriptions {
    /// Starts to listen, once there are a client and accounts.
    pub(super) fn start(
        url: Url,
        told: PlatformEvents,
        (queue, published): (WorkQueue, PublishedStatus),
        seed: u64,
    ) -> Self {
        let (wanted, heard) = watch::channel(WantedSubscriptions::default());
        let state = Arc::new(Mutex::new(SubscriptionState::default()));
        let listener = SubscriptionListener {
            url,
            queue,
            published,
            told,
            state: Arc::clone(&state),
            seed,
        };
        let task = tokio::spawn(listener.listen(heard)).abort_handle();
        Self {
            wanted,
            state,
            task,
        }
    }

    /// Sets the client, and the accounts to be told of.
    pub(super) fn follow(
        &self,
        client: Option<ReadClient>,
        accounts: Arc<BTreeMap<AccountId, AccountName>>,
    ) {
        self.wanted.send_if_modified(|wanted| {
            let is_same = is_same(wanted.client.as_ref(), client.as_ref());
            let has_changed = !is_same || wanted.accounts != accounts;
            *wanted = WantedSubscriptions { client, accounts };
            has_changed
        });
    }

    /// Returns what is known of events, to be published.
    pub(super) fn status(&self, told: &PlatformEvents) -> EventStatus {
        lock(&self.state).status(told)
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SubscriptionState {
    fn status(&self, told: &PlatformEvents) -> EventStatus {
        let (heard, last) = told.heard();
        EventStatus {
            by: EventSource::Blackhole,
            subscriptions: self.subscribed.len(),
            problem: self.problem.clone().or_else(|| self.partly()),
            heard,
            last,
            restored: self.broken,
            ..EventStatus::default()
        }
    }

    /// Says which accounts are not told of, if any.
    fn partly(&self) -> Option<String> {
        let (account, reason) = self.refused.first_key_value()?;
        let others = match self.refused.len() - 1 {
            0 => String::new(),
            others => format!(", nor of {others} more"),
        };
        Some(format!(
            "Blackhole does not tell of account {account}{others}: {reason}; these are read by the interval only. It serves the login's own account and those below it"
        ))
    }
}

impl SubscriptionListener {
    /// Connects again and again, with growing pauses while that fails.
    async fn listen(self, mut heard: watch::Receiver<WantedSubscriptions>) {
        let mut failures = 0;
        loop {
            let wanted = heard.borrow_and_update().clone();
            let Some(client) = wanted.client.filter(|_| !wanted.accounts.is_empty()) else {
                if heard.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let begun = Instant::now();
            let ended = self.talk(&client, &mut heard).await;
            self.note_end(ended.as_ref().err());
            if ended.is_err() {
                failures = if begun.elapsed() > GOOD {
                    1
                } else {
                    failures + 1
                };
                let pause = back_off(failures, &ObjectName::Template, self.seed);
                tokio::time::sleep(pause.unsigned_abs().min(LONGEST)).await;
            }
        }
    }

    /// Notes that the connection has ended, and publishes why.
    fn note_end(&self, error: Option<&BlackholeError>) {
        let mut state = lock(&self.state);
        let has_worked = !state.subscribed.is_empty();
        state.subscribed.clear();
        state.refused.clear();
        let Some(error) = error else { return };
        state.broken += u64::from(has_worked);
        let problem = format!(
            "{}: {error}; changes are seen by the interval until it is back",
            self.url
        );
        if state.problem.as_ref() != Some(&problem) {
            tracing::warn!(problem, "the platform does not tell of changes");
        }
        state.problem = Some(problem);
        let events = state.status(&self.told);
        drop(state);
        // The loop may have nothing to do for a while.
        (self.published).change(|status| status.cluster.events = Some(events));
    }

    /// Talks on one connection until it breaks, or until the client is another one.
    async fn talk(
        &self,
        client: &ReadClient,
        heard: &mut watch::Receiver<WantedSubscriptions>,
    ) -> Result<(), BlackholeError> {
        let mut connection = BlackholeConnection::connect(client, &self.url).await?;
        let mut accounts = heard.borrow_and_update().accounts.clone();
        connection.want(accounts.keys().cloned().collect());
        loop {
            tokio::select! {
                event = connection.next() => match event {
                    Ok(event) => self.take(event, &accounts),
                    Err(error @ BlackholeError::Unauthorised) => {
                        connection.renew_token().await?;
                        return Err(error);
                    }
                    Err(error) => return Err(error),
                },
                changed = heard.changed() => {
                    let wanted = heard.borrow_and_update().clone();
                    if changed.is_err() || !is_same(Some(client), wanted.client.as_ref()) {
                        return Ok(());
                    }
                    accounts = wanted.accounts;
                    let is_wanted = |id: &AccountId| accounts.contains_key(id);
                    let mut state = lock(&self.state);
                    state.subscribed.retain(is_wanted);
                    state.refused.retain(|id, _| is_wanted(id));
                    connection.want(accounts.keys().cloned().collect());
                }
            }
        }
    }

    fn take(&self, event: BlackholeEvent, accounts: &BTreeMap<AccountId, AccountName>) {
        match event {
            BlackholeEvent::Subscribed(id) => {
                let mut state = lock(&self.state);
                state.problem = None;
                if let Some(name) = accounts.get(&id) {
                    self.hint(Some(name), None);
                    state.subscribed.insert(id);
                }
            }
            BlackholeEvent::Refused(id, reason) => {
                tracing::warn!(account = %id, reason, "Blackhole does not tell of an account");
                lock(&self.state).refused.insert(id, reason);
            }
            BlackholeEvent::Changed { account, revision } => {
                let name = accounts.get(&account);
                if name.is_some() {
                    self.told.count(Timestamp::now());
                }
                self.hint(name, revision);
            }
        }
    }

    /// Has an account of the tree read, unless its revision is known.
    fn hint(&self, account: Option<&AccountName>, revision: Option<Revision>) {
        if let Some(account) = account {
            self.queue.give(WorkItem::Hint {
                account: account.clone(),
                hint: Hint {
                    heard: Timestamp::now(),
                    revision,
                    author: None,
                },
            });
        }
    }
}

fn is_same(one: Option<&ReadClient>, other: Option<&ReadClient>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn lock(state: &Mutex<SubscriptionState>) -> MutexGuard<'_, SubscriptionState> {
    // Every change is made in one go, so a poisoned lock still guards a consistent value.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
