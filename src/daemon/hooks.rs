//! Keeps the daemon's own webhooks on the platform: creates, verifies, enables, renews and removes them.
//!
//! The secret is in memory only, and new in each term of a leader and each day: whoever read an old one, in a backup or
//! on the platform, proves nothing with it. New hooks are there before the old ones go, so that no event is missed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};

use super::platform_events::{EventSource, EventStatus, PlatformEvents, SECRET_KEY};
use super::schedule::later;
use super::setup::{EventChannel, Events, HookOwner};
use crate::apply::lease::LeaseGuard;
use crate::live::{HookClient, ReadClient, StoredHook};
use crate::model::{Digest, Object, Secret};

/// How often the hooks are looked after.
const ROUND: SignedDuration = SignedDuration::from_mins(5);
/// How soon after a failure.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How long a secret is used.
const SECRET_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How long the removal may take when the daemon ends.
const LAST: Duration = Duration::from_secs(3);
/// The name that the platform's people see.
const NAME: &str = "emblazon: tell of changed brands";

/// The key of a hook's `custom_data` that says which daemon made it.
const MAKER_KEY: &str = "emblazon_daemon";

/// Returns the hooks that tell a URL of every change of a whitelabel: one where the platform knows all actions, else one
/// for each (V2).
#[must_use]
pub fn hooks(url: &str, secret: &str, knows_all: bool) -> Vec<Object> {
    let actions: &[&str] = if knows_all {
        &["all"]
    } else {
        &["doc_created", "doc_edited", "doc_deleted"]
    };
    let hook = |action: &&str| {
        let mut hook = Object::new();
        let custom = json!({"type": "whitelabel", "action": action, SECRET_KEY: secret});
        for (name, value) in [
            ("name", json!(NAME)),
            ("hook", json!("object")),
            ("uri", json!(url)),
            ("http_verb", json!("post")),
            ("format", json!("json")),
            ("include_subaccounts", json!(true)),
            ("enabled", json!(true)),
            ("custom_data", custom),
        ] {
            hook.insert(name.to_owned(), value);
        }
        hook
    };
    actions.iter().map(hook).collect()
}

/// What the hooks are for.
#[derive(Clone, Copy)]
struct Target<'t> {
    /// Where they send.
    url: &'t str,
    told: &'t PlatformEvents,
    /// The daemon's mark, by which it knows its own hooks that send elsewhere.
    maker: &'t str,
}

/// The hooks that the daemon made.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptHooks {
    ids: Vec<String>,
    made: Option<Timestamp>,
    /// When they are looked after next.
    next: Option<Timestamp>,
    problem: Option<String>,
    restored: u64,
}

impl KeptHooks {
    /// Returns when the hooks are looked after next; `None` before the first round.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// Has them looked after in the next round of the loop.
    pub(super) fn look_now(&mut self) {
        self.next = None;
    }

    /// Looks after the hooks, if that is due and the daemon keeps its own; `client` is absent while the platform cannot
    /// be read, and `maker` is the daemon's mark. Returns whether events were lost, so that everything is to be read
    /// once.
    pub(super) async fn keep(
        &mut self,
        client: Option<ReadClient>,
        (setup, maker): (&Events, &str),
        guard: &LeaseGuard,
        now: Timestamp,
    ) -> bool {
        let EventChannel::Webhooks {
            owner: HookOwner::Daemon,
            url,
        } = &setup.channel
        else {
            return false;
        };
        if self.next.is_some_and(|next| next > now) {
            return false;
        }
        let Some(client) = client.filter(|_| guard.holds()) else {
            // The loop must not come round for what cannot be done now; before the first round nothing is planned.
            self.next = self.next.map(|_| later(now, AGAIN));
            return false;
        };
        let before = self.restored;
        let client = HookClient::new(client);
        let told = &setup.told;
        let target = Target { url, told, maker };
        match self.look_after(&client, target, guard, now).await {
            Ok(()) => {
                self.problem = None;
                self.next = Some(later(now, ROUND));
            }
            Err(problem) => {
                if self.problem.as_ref() != Some(&problem) {
                    tracing::warn!(problem, "the platform does not tell of changes");
                }
                self.problem = Some(problem);
                self.next = Some(later(now, AGAIN));
            }
        }
        self.restored > before
    }

    async fn look_after(
        &mut self,
        client: &HookClient,
        target: Target<'_>,
        guard: &LeaseGuard,
        now: Timestamp,
    ) -> Result<(), String> {
        let stored = client.list().await;
        let stored = stored.map_err(|error| format!("webhooks: {}", error.explained()))?;
        let own = own(&stored, target.url);
        let is_there = |id: &String| own.iter().any(|hook| hook.id == *id);
        let is_old = (self.made).is_none_or(|made| now.duration_since(made) > SECRET_AGE);
        let is_gone = !self.ids.iter().all(is_there);
        if is_old || is_gone {
            self.make(client, target, &stored, guard, now).await?;
            if is_gone {
                self.note_restored();
            }
            return Ok(());
        }
        for hook in own.iter().filter(|hook| !hook.is_enabled) {
            if !guard.holds() {
                return Ok(());
            }
            let enabled = client.enable(&hook.id).await;
            enabled.map_err(|error| format!("a webhook that the platform disabled: {error}"))?;
            self.note_restored();
        }
        Ok(())
    }

    /// Counts that events were lost.
    fn note_restored(&mut self) {
        self.restored += 1;
        tracing::warn!(
            "a webhook was disabled or gone on the platform, which may be unable to reach this daemon; it is put right, and every account is read once"
        );
    }

    /// Creates hooks with a new secret, checks that they are stored as sent, and removes the older ones.
    async fn make(
        &mut self,
        client: &HookClient,
        target: Target<'_>,
        stored: &[StoredHook],
        guard: &LeaseGuard,
        now: Timestamp,
    ) -> Result<(), String> {
        let Target { url, told, maker } = target;
        let secret = random().ok_or("the system gives no random numbers")?;
        let knows_all = client.knows_all_actions().await;
        let knows_all = knows_all.map_err(|error| format!("webhooks: {}", error.explained()))?;
        told.expect(Secret::new(secret.as_str()));
        let mut ids = Vec::new();
        let mut failure = None;
        for mut hook in hooks(url, &secret, knows_all) {
            if let Some(Value::Object(custom)) = hook.get_mut("custom_data") {
                custom.insert(MAKER_KEY.to_owned(), json!(maker));
            }
            if !guard.holds() {
                return Ok(());
            }
            match created(client, &hook).await {
                Ok(id) => ids.push(id),
                Err(problem) => {
                    // A server may quote what it refuses.
                    failure = Some(problem.replace(&secret, "…"));
                    break;
                }
            }
        }
        // Of what was begun, nothing stays; the older hooks go once the new ones are there.
        let own = own(stored, url);
        let (left, superfluous): (Vec<String>, Vec<String>) = if failure.is_some() {
            let begun = begun(client, url, &own).await;
            (Vec::new(), begun.unwrap_or(ids))
        } else {
            let mut older: Vec<String> = own.iter().map(|hook| hook.id.clone()).collect();
            older.extend(left_elsewhere(client, stored, target).await);
            (ids, older)
        };
        for id in &superfluous {
            if !guard.holds() {
                break;
            }
            if let Err(error) = client.remove(id).await {
                tracing::warn!(%error, id, "a superfluous webhook stays on the platform");
            }
        }
        if let Some(problem) = failure {
            told.forget_newest();
            return Err(problem);
        }
        told.forget_older();
        self.ids = left;
        self.made = Some(now);
        tracing::info!(hooks = self.ids.len(), "the platform tells of changes");
        Ok(())
    }

    /// Removes the hooks when the daemon ends: nobody hears them any more.
    pub(super) async fn remove(&mut self, client: Option<ReadClient>, guard: &LeaseGuard) {
        let hooks = std::mem::take(self);
        let Some(client) = client else {
            return;
        };
        let client = HookClient::new(client);
        let removing = async {
            for id in &hooks.ids {
                // Whoever leads now has removed them already.
                if !guard.holds() {
                    return;
                }
                if let Err(error) = client.remove(id).await {
                    tracing::warn!(%error, id, "a webhook stays on the platform");
                }
            }
        };
        if tokio::time::timeout(LAST, removing).await.is_err() {
            tracing::warn!("the webhooks stay on the platform, which does not answer");
        }
    }

    /// Returns what is known of events, to be published.
    pub(super) fn status(&self, told: &PlatformEvents) -> EventStatus {
        let (heard, last) = told.heard();
        EventStatus {
            by: EventSource::Webhooks,
            hooks: self.ids.len(),
            subscriptions: 0,
            problem: self.problem.clone(),
            heard,
            last,
            restored: self.restored,
        }
    }
}

/// Returns the hooks that send to a URL.
fn own<'s>(stored: &'s [StoredHook], url: &str) -> Vec<&'s StoredHook> {
    stored.iter().filter(|hook| hook.uri == url).collect()
}

/// Returns the hooks that this daemon made for another URL, before it was killed. What another daemon made, or a
/// person, has the same name at the most.
async fn left_elsewhere(
    client: &HookClient,
    stored: &[StoredHook],
    target: Target<'_>,
) -> Vec<String> {
    let mut left = Vec::new();
    let others = stored.iter().filter(|hook| hook.uri != target.url);
    for hook in others.filter(|hook| hook.name == NAME) {
        let fields = client.show(&hook.id).await.ok().flatten();
        let custom = fields.as_ref().and_then(|fields| fields.get("custom_data"));
        let maker = custom.and_then(|custom| custom.get(MAKER_KEY)?.as_str());
        if maker == Some(target.maker) {
            left.push(hook.id.clone());
        }
    }
    left
}

/// Returns the hooks for a URL that were not there before, also those whose creation was not answered; `None` if the
/// platform does not list them.
async fn begun(client: &HookClient, url: &str, before: &[&StoredHook]) -> Option<Vec<String>> {
    let stored = client.list().await.ok()?;
    let is_new =
        |hook: &&StoredHook| hook.uri == url && !before.iter().any(|known| known.id == hook.id);
    let new = stored.iter().filter(is_new);
    Some(new.map(|hook| hook.id.clone()).collect())
}

/// Creates a hook, and checks that the platform stored it as it was sent.
async fn created(client: &HookClient, hook: &Object) -> Result<String, String> {
    let id = client.create(hook).await.map_err(|error| {
        format!(
            "the platform refuses the webhook: {error}; by default it calls no address of its own machine and none on its lists, so http.public_url must be a name that it reaches from outside; or its administrator lets it call this one"
        )
    })?;
    let stored = client.show(&id).await;
    let stored = stored.map_err(|error| format!("webhooks: {}", error.explained()))?;
    let is_same = |name: &str, wanted: &Value| {
        let found = stored.as_ref().and_then(|stored| stored.get(name));
        found == Some(wanted)
    };
    let other = hook.iter().find(|(name, value)| !is_same(name, value));
    match other {
        None => Ok(id),
        Some((name, _)) => {
            let _ = client.remove(&id).await;
            Err(format!(
                "the platform stored the webhook with another {name} than was sent, so it would not tell of every change; let its administrator look at its webhooks"
            ))
        }
    }
}

fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(Digest::of(&bytes).as_str().to_owned())
}
