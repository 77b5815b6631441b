//! The whole difference.

use super::account::BaseAccounts;
use super::base::Base;
use super::{AccountDifference, Status, TemplateDifference, account, template};
use crate::diag::SourceMap;
use crate::live::Live;
use crate::tree::Desired;

/// What differs between a tree and the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    /// One an account of the tree, in the tree's order.
    pub accounts: Vec<AccountDifference>,
    /// The domain template; absent when the tree declares none.
    pub template: Option<TemplateDifference>,
    /// What a reader should know of the whole.
    pub notes: Vec<String>,
}

impl Differences {
    /// Counts the accounts that stand so.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.accounts
            .iter()
            .filter(|account| account.status() == status)
            .count()
    }

    /// Tells whether anything differs, as far as it could be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts
            .iter()
            .all(|account| account.changes.is_empty())
            && self
                .template
                .as_ref()
                .is_none_or(|template| template.changes.is_empty())
    }

    /// Tells whether something could not be read.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| !account.unknown.is_empty())
            || self
                .template
                .as_ref()
                .is_some_and(|template| template.unknown.is_some())
    }
}

/// Compares a tree with the platform, and with the tree that was applied last where it is known.
///
/// What could not be read gives no change; it is listed as unknown (invariant 6).
#[must_use]
pub fn compare(
    desired: &Desired,
    base: Option<&Desired>,
    live: &Live,
    sources: &SourceMap,
) -> Differences {
    let base_accounts = base.map(|base| BaseAccounts::new(&base.accounts));
    let accounts = desired
        .accounts
        .iter()
        .map(|wanted| {
            let base = Base::find(base_accounts.as_ref(), |base| base.find(wanted));
            account::compare(wanted, base, live.accounts.get(&wanted.name), sources)
        })
        .collect();
    let template = desired.template.as_ref().map(|wanted| {
        let base = Base::find(base, |base| base.template.as_ref());
        template::compare(wanted, base, live.template.as_ref(), sources)
    });
    let mut notes = Vec::new();
    if base.is_none() {
        notes.push(
            "no applied commit is known: what the tree stopped declaring cannot be told, and is kept"
                .to_owned(),
        );
    }
    Differences {
        accounts,
        template,
        notes,
    }
}
