//! What stays as it is, whatever differs.
//!
//! It is set aside before anything is planned, so that domains, records and assets follow from what stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diff::{Change, ChangeKey, Differences, Kept, KeptReason, Side, removed, removed_sets};
use crate::live::{Live, Reading};
use crate::model::AccountName;
use crate::tree::{AccountMode, Desired, DesiredAccount, Removable, RemovalRule, SharedAccount};

/// Sets aside the differences that stay: of accounts that are only observed, of keys that the tree ignores, and removals
/// that policy or option rule out. Doing it again changes nothing.
pub(crate) fn keep(differences: &mut Differences, live: &Live, desired: &Desired, no_remove: bool) {
    let policy = &desired.policy;
    let reason = |kind: Removable| match policy.remove.rule(kind) {
        _ if no_remove => Some(KeptReason::NoRemove),
        RemovalRule::Never => Some(KeptReason::NeverRemoved),
        RemovalRule::Ask | RemovalRule::Allowed => None,
    };
    for account in differences
        .accounts
        .iter_mut()
        .chain(&mut differences.departed)
    {
        if account.changes.is_empty() {
            continue;
        }
        let declared = desired.account(&account.name);
        let exists = !account.changes.iter().any(creates);
        let (id, edit) = (account.id.clone(), account.edit.clone());
        let rule = |change: &Change| {
            let declared = declared.filter(|_| exists || is_observed(declared));
            let stays = declared.and_then(|declared| left_alone(declared, change));
            stays.or_else(|| reason(removed(change, &edit, id.as_ref())?))
        };
        if account.changes.iter().any(|change| rule(change).is_some()) {
            Arc::make_mut(account).keep(rule);
        }
    }
    let of_live = live.template.as_ref().and_then(Reading::known);
    if let (Some(template), Some(live), Some(reason)) =
        (&mut differences.template, of_live, reason(Removable::Hosts))
    {
        template.keep_hosts(live, reason);
    }
    let observed = |name: &AccountName| is_observed(desired.account(name));
    for zone in &mut differences.zones {
        let gone = match reason(Removable::Records) {
            Some(_) => removed_sets(&zone.changed()),
            None => BTreeSet::new(),
        };
        for set in std::mem::take(&mut zone.sets) {
            let reason = if !set.accounts.is_empty() && set.accounts.iter().all(observed) {
                Some(KeptReason::Observed)
            } else {
                reason(Removable::Records).filter(|_| gone.contains(&set.set.question))
            };
            match reason {
                Some(reason) => zone.kept.push(Kept {
                    change: set.change,
                    reason,
                }),
                None => zone.sets.push(set),
            }
        }
    }
}

fn is_observed(account: Option<&SharedAccount>) -> bool {
    account.is_some_and(|account| account.policy.mode == AccountMode::Observe)
}

fn creates(change: &Change) -> bool {
    change.key == ChangeKey::Whitelabel && change.after == Side::Present
}

/// Returns why the tree leaves a difference of an account alone.
fn left_alone(account: &DesiredAccount, change: &Change) -> Option<KeptReason> {
    if account.policy.mode == AccountMode::Observe {
        return Some(KeptReason::Observed);
    }
    let is_ignored = match &change.key {
        ChangeKey::Setting(path) => account.ignores_setting(path),
        ChangeKey::Asset(kind) => account.ignores_asset(*kind),
        _ => false,
    };
    is_ignored.then_some(KeptReason::Ignored)
}
