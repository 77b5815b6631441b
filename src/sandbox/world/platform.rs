//! The whole platform: the account tree, the reserved domains, the template.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Account, Document, Hook, ObjectAction, ObjectChange, ServerSettings, default_template,
    derived_id,
};
use crate::model::Object;

/// The state of a Kazoo, as far as the sandbox emulates it.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) master: String,
    pub(super) template: Object,
    pub(super) by_domain: BTreeMap<String, BTreeSet<String>>,
    pub(super) next_account: u64,
    pub(super) hooks: BTreeMap<String, Hook>,
    /// What changed since the hooks told of it last.
    pub(super) changes: Vec<ObjectChange>,
    pub(crate) settings: ServerSettings,
}

impl World {
    /// Creates a world with its master account.
    #[must_use]
    pub fn new(master: Account) -> Self {
        let id = master.id.clone();
        let mut world = Self {
            accounts: BTreeMap::new(),
            master: id,
            template: default_template(),
            by_domain: BTreeMap::new(),
            next_account: 1,
            hooks: BTreeMap::new(),
            changes: Vec::new(),
            settings: ServerSettings::default(),
        };
        world.insert_account(master);
        world
    }

    /// Adds an account, or replaces the one with the same id.
    pub fn insert_account(&mut self, account: Account) {
        let id = account.id.clone();
        self.release_domain(&id);
        if let Some(domain) = &account.reserved_domain {
            self.claim_domain(&id, domain);
        }
        self.accounts.insert(id, account);
    }

    /// Removes an account and everything that belongs to it.
    pub fn remove_account(&mut self, id: &str) -> Option<Account> {
        self.release_domain(id);
        self.accounts.remove(id)
    }

    /// Returns the id of the master account.
    #[must_use]
    pub fn master(&self) -> &str {
        &self.master
    }

    /// Returns an account by id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    pub(crate) fn account_mut(&mut self, id: &str) -> Option<&mut Account> {
        self.accounts.get_mut(id)
    }

    /// Iterates over all accounts, sorted by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Returns the account with this name.
    #[must_use]
    pub fn account_named(&self, name: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.name == name)
    }

    /// Returns an account's whitelabel document.
    #[must_use]
    pub fn document(&self, account: &str) -> Option<&Document> {
        self.accounts.get(account)?.whitelabel.as_ref()
    }

    /// Generates a new account id: 32 hexadecimal digits, the same in every run.
    pub(crate) fn new_account_id(&mut self) -> String {
        loop {
            let id = derived_id(&format!("account {}", self.next_account));
            self.next_account += 1;
            if !self.accounts.contains_key(&id) {
                return id;
            }
        }
    }

    /// Returns the ids of the accounts that hold a domain, given in lower case (W10, W19).
    pub(crate) fn holders(&self, domain: &str) -> impl Iterator<Item = &str> {
        self.by_domain
            .get(&domain.to_lowercase())
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Makes the current documents the previous ones too, so that a stale read before the first change returns them; the
    /// hooks tell nothing of how the world came to be.
    pub(crate) fn settle(&mut self) {
        self.changes.clear();
        for account in self.accounts.values_mut() {
            account.previous.clone_from(&account.whitelabel);
        }
    }

    /// Sets `pvt_whitelabel_domain` of an account; `None` removes it (W21, W7).
    pub fn reserve_domain(&mut self, id: &str, domain: Option<&str>) {
        self.release_domain(id);
        if let Some(domain) = domain {
            self.claim_domain(id, domain);
        }
        if let Some(account) = self.accounts.get_mut(id) {
            account.reserved_domain = domain.map(str::to_owned);
            account.revision.step();
            let revision = account.revision.to_string();
            self.changed(id, "account", ObjectAction::Edited, revision);
        }
    }

    /// Increments the revision of an account without changing it (W24).
    pub(crate) fn touch_account(&mut self, id: &str) {
        if let Some(account) = self.accounts.get_mut(id) {
            account.revision.step();
            let revision = account.revision.to_string();
            self.changed(id, "account", ObjectAction::Edited, revision);
        }
    }

    pub(super) fn release_domain(&mut self, id: &str) {
        let Some(key) = self
            .accounts
            .get(id)
            .and_then(|account| account.reserved_domain.as_deref())
            .map(str::to_lowercase)
        else {
            return;
        };
        if let Some(holders) = self.by_domain.get_mut(&key) {
            holders.remove(id);
            if holders.is_empty() {
                self.by_domain.remove(&key);
            }
        }
    }

    pub(super) fn claim_domain(&mut self, id: &str, domain: &str) {
        self.by_domain
            .entry(domain.to_lowercase())
            .or_default()
            .insert(id.to_owned());
    }

    /// Returns the stored template, raw.
    #[must_use]
    pub fn template(&self) -> &Object {
        &self.template
    }

    /// Replaces the stored template without any check (D7).
    pub fn set_template(&mut self, template: Object) {
        self.template = template;
    }

    /// Returns whether a token of one account has access to another one (A9).
    pub(crate) fn may_act(&self, actor: &str, on: &str) -> bool {
        actor == on
            || actor == self.master
            || self
                .accounts
                .get(on)
                .is_some_and(|account| account.tree.iter().any(|ancestor| ancestor == actor))
    }

    /// Returns the nearest reseller above an account, or the master.
    pub(crate) fn reseller_of(&self, account: &Account) -> &str {
        account
            .tree
            .iter()
            .rev()
            .filter_map(|id| self.accounts.get(id))
            .find(|ancestor| ancestor.reseller)
            .map_or(self.master.as_str(), |ancestor| ancestor.id.as_str())
    }
}
