//! The webhooks of all accounts.

use std::collections::VecDeque;

use serde_json::json;

use super::hook::{Delivery, Hook, ObjectAction, ObjectChange};
use super::{StoredRevision, World, derived_id};
use crate::model::Object;
use crate::sandbox::Profile;

/// How many failed deliveries disable a hook, and within how many milliseconds (V4).
const FAILURES: usize = 6;
const WINDOW: u64 = 60_000;

impl World {
    /// Notes that an object changed, and has this revision now.
    pub(super) fn changed(
        &mut self,
        account: &str,
        object: &'static str,
        action: ObjectAction,
        revision: String,
    ) {
        self.changes.push(ObjectChange {
            account: account.to_owned(),
            object,
            action,
            revision,
            author: None,
        });
    }

    /// Notes who made the last changes.
    pub(crate) fn sign_changes(&mut self, account: &str, user: Option<&str>) {
        for change in &mut self.changes {
            change.author = Some((account.to_owned(), user.map(str::to_owned)));
        }
    }

    /// Takes the changes since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<ObjectChange> {
        std::mem::take(&mut self.changes)
    }

    /// Returns what the hooks tell of changes.
    pub(crate) fn deliveries(&self, changes: &[ObjectChange], profile: Profile) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for change in changes {
            let tree = self
                .accounts
                .get(&change.account)
                .map_or(&[][..], |account| &account.tree);
            let hooks = self.hooks.values();
            let telling = hooks.filter(|hook| hook.tells_of(change, tree, profile));
            deliveries.extend(telling.map(|hook| hook.delivery(change, profile)));
        }
        deliveries
    }

    /// Iterates over the webhooks of an account.
    pub fn hooks_of<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a Hook> {
        self.hooks
            .values()
            .filter(move |hook| hook.account == account)
    }

    /// Returns a webhook of an account.
    #[must_use]
    pub fn hook(&self, account: &str, id: &str) -> Option<&Hook> {
        self.hooks.get(id).filter(|hook| hook.account == account)
    }

    /// Stores a new webhook, and returns its id.
    pub(crate) fn add_hook(&mut self, account: &str, fields: Object) -> String {
        let mut number = self.hooks.len();
        let id = loop {
            let id = derived_id(&format!("hook {account} {number}"));
            if !self.hooks.contains_key(&id) {
                break id;
            }
            number += 1;
        };
        let mut revision = StoredRevision::before_first(&id);
        revision.step();
        let hook = Hook {
            id: id.clone(),
            account: account.to_owned(),
            fields,
            revision,
            disabled_because: None,
            failures: VecDeque::new(),
        };
        self.hooks.insert(id.clone(), hook);
        id
    }

    /// Replaces the public fields of a webhook; one that is enabled has no reason to be disabled.
    pub(crate) fn change_hook(&mut self, id: &str, fields: Object) {
        if let Some(hook) = self.hooks.get_mut(id) {
            hook.fields = fields;
            hook.revision.step();
            if hook.is("enabled") {
                hook.disabled_because = None;
                hook.failures.clear();
            }
        }
    }

    /// Enables every webhook of an account.
    pub(crate) fn enable_hooks(&mut self, account: &str) {
        let hooks: Vec<(String, Object)> = self
            .hooks_of(account)
            .map(|hook| (hook.id.clone(), hook.fields.clone()))
            .collect();
        for (id, mut fields) in hooks {
            fields.insert("enabled".to_owned(), json!(true));
            self.change_hook(&id, fields);
        }
    }

    /// Removes a webhook.
    pub(crate) fn remove_hook(&mut self, id: &str) -> Option<Hook> {
        self.hooks.remove(id)
    }

    /// Notes that a delivery failed at `now`, in milliseconds; too many disable the hook (V4).
    pub(crate) fn delivery_failed(&mut self, id: &str, now: u64) {
        let Some(hook) = self.hooks.get_mut(id) else {
            return;
        };
        hook.failures.push_back(now);
        while hook.failures.front().is_some_and(|at| at + WINDOW < now) {
            hook.failures.pop_front();
        }
        if hook.failures.len() >= FAILURES {
            hook.fields.insert("enabled".to_owned(), json!(false));
            hook.disabled_because = Some("too many failed attempts".to_owned());
            hook.failures.clear();
            hook.revision.step();
        }
    }
}
