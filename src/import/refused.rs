//! What turned out to be impossible to declare, and is left out of the next draft.

use std::collections::BTreeMap;

use super::note::Reason;
use crate::model::{AccountId, KeyPath};
use crate::tree::Target;

/// What to leave out, with the reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    /// Keys and assets of accounts, by address.
    pub(super) keys: BTreeMap<(AccountId, KeyPath), Reason>,
    /// Whole accounts.
    pub(super) accounts: BTreeMap<AccountId, Reason>,
    /// Hosts of the template.
    pub(super) hosts: BTreeMap<Target, Reason>,
}

impl Refused {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.accounts.is_empty() && self.hosts.is_empty()
    }

    /// Adds more entries, and returns whether any of them is new.
    pub(super) fn extend(&mut self, more: Self) -> bool {
        let before = self.len();
        self.keys.extend(more.keys);
        self.accounts.extend(more.accounts);
        self.hosts.extend(more.hosts);
        self.len() > before
    }

    fn len(&self) -> usize {
        self.keys.len() + self.accounts.len() + self.hosts.len()
    }

    /// Returns why a key is left out, if so.
    pub(super) fn key(&self, account: &AccountId, address: &KeyPath) -> Option<&Reason> {
        self.keys.get(&(account.clone(), address.clone()))
    }
}
