//! What the platform tells of its changes: how it proves itself, and how much was heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Revision, Secret};

/// The key of a hook's `custom_data` that holds the secret: the platform signs nothing (V3).
pub const SECRET_KEY: &str = "emblazon_secret";

/// How many secrets count at a time: while hooks are made anew, events of the old ones arrive too.
const SECRETS: usize = 2;

/// Shared by the loop, which makes the hooks, and the HTTP server, which hears them; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PlatformEvents {
    shared: Arc<Mutex<EventState>>,
}

#[derive(Debug, Default)]
struct EventState {
    /// The newest last.
    secrets: Vec<Secret>,
    heard: u64,
    last: Option<Timestamp>,
}

/// A hint that an account may have changed. Whoever sends it, and however often, it only brings the conditional read of
/// that account forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// When it was heard.
    pub heard: Timestamp,
    /// The revision that the change led to, where the platform tells it.
    pub revision: Option<Revision>,
    /// Who made the change, where the platform tells it.
    pub author: Option<ChangeAuthor>,
}

/// Who changed something on the platform, as the platform says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAuthor {
    /// The id of the account whose token was used.
    pub account: String,
    /// The id of the user who had logged in; absent for an API key.
    pub user: Option<String>,
}

/// What the published status says about events of the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventStatus {
    /// What tells.
    #[serde(default)]
    pub by: EventSource,
    /// The number of hooks that the daemon keeps there; zero where somebody else made them.
    pub hooks: usize,
    /// The number of accounts that Blackhole tells of.
    #[serde(default)]
    pub subscriptions: usize,
    /// Why there are none, or not all, in words; the accounts are read by the interval all the same.
    pub problem: Option<String>,
    /// The number of events since the daemon started that were about an account of the tree.
    pub heard: u64,
    /// When the last one came.
    pub last: Option<Timestamp>,
    /// How often a hook was found disabled, or gone, or the connection to Blackhole broke, and was put right.
    pub restored: u64,
}

/// What tells of the platform's changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventSource {
    /// Webhooks.
    #[default]
    Webhooks,
    /// Blackhole.
    Blackhole,
}

impl Hint {
    /// Merges a later hint for the same account. Hints may arrive in another order than the changes, so the newest
    /// revision counts; one of an unknown revision is not answered by any.
    pub fn merge(&mut self, later: Self) {
        self.heard = self.heard.max(later.heard);
        self.revision = match (self.revision.take(), later.revision) {
            (Some(known), Some(later)) if known.is_as_new_as(&later) => Some(known),
            (Some(_), Some(later)) => Some(later),
            (None, _) | (_, None) => None,
        };
        self.author = later.author.or(self.author.take());
    }
}

impl std::fmt::Display for ChangeAuthor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.user {
            Some(user) => write!(f, "user {user} of account {}", self.account),
            None => write!(f, "account {}, with an API key", self.account),
        }
    }
}

impl PlatformEvents {
    /// Counts a secret as proof, beside the one before it.
    pub fn expect(&self, secret: Secret) {
        let mut shared = self.lock();
        shared.secrets.push(secret);
        if shared.secrets.len() > SECRETS {
            shared.secrets.remove(0);
        }
    }

    /// Takes the newest secret back: no hook has it.
    pub fn forget_newest(&self) {
        self.lock().secrets.pop();
    }

    /// Lets only the newest secret count.
    pub fn forget_older(&self) {
        let mut shared = self.lock();
        if let Some(newest) = shared.secrets.pop() {
            shared.secrets = vec![newest];
        }
    }

    /// Returns whether `is_same` holds for one of the secrets; all are compared, so that the time says nothing.
    pub fn prove(&self, is_same: impl Fn(&Secret) -> bool) -> bool {
        let shared = self.lock();
        let proofs = shared.secrets.iter().filter(|secret| is_same(secret));
        proofs.count() > 0
    }

    /// Counts an event that was about an account of the tree.
    pub fn count(&self, now: Timestamp) {
        let mut shared = self.lock();
        shared.heard += 1;
        shared.last = Some(now);
    }

    /// Returns how many there were, and when the last came.
    #[must_use]
    pub fn heard(&self) -> (u64, Option<Timestamp>) {
        let shared = self.lock();
        (shared.heard, shared.last)
    }

    fn lock(&self) -> MutexGuard<'_, EventState> {
        // Every change is made in one go, so a poisoned lock still guards a consistent value.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_merge_to_what_must_be_read() {
        let check = |revisions: [Option<&str>; 2], expected: Option<&str>| {
            let [mut first, second] = revisions.map(|revision| Hint {
                heard: Timestamp::UNIX_EPOCH,
                revision: revision.map(Revision::new),
                author: None,
            });
            first.merge(second);
            let merged = first.revision.as_ref().map(Revision::as_str);
            assert_eq!(merged, expected, "{revisions:?}");
        };
        check([Some("2-a"), Some("3-b")], Some("3-b"));
        check([Some("3-b"), Some("2-a")], Some("3-b"));
        check([Some("3-b"), Some("3-c")], Some("3-c"));
        check([None, Some("3-b")], None);
        check([Some("3-b"), None], None);
    }

    #[test]
    fn two_secrets_count_while_hooks_are_made_anew() {
        let events = PlatformEvents::default();
        let counts = |text: &str| events.prove(|secret| secret.expose() == text);
        assert!(!counts("a"), "without a secret nobody proves anything");
        for secret in ["a", "b", "c"] {
            events.expect(Secret::new(secret));
        }
        assert_eq!(["a", "b", "c"].map(counts), [false, true, true]);
        events.forget_newest();
        assert_eq!(["a", "b", "c"].map(counts), [false, true, false]);
        events.expect(Secret::new("c"));
        events.forget_older();
        assert_eq!(["a", "b", "c"].map(counts), [false, false, true]);
    }
}
