//! One account: desired × base × live → difference.

use std::collections::BTreeSet;

use super::base::Base;
use super::{
    Cause, Change, ChangeKey, Declaration, Edit, Side, Verdict, assets, settings, verdict,
};
use crate::diag::{Place, SourceMap};
use crate::live::{LiveAccount, LiveDocument, Reading};
use crate::model::{AccountId, AccountName, KeyPath, Settings};
use crate::tree::{DesiredAccount, Origin};

/// What differs in one account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountDifference {
    /// Its name in the tree.
    pub name: AccountName,
    /// Its id, when the account could be found.
    pub id: Option<AccountId>,
    /// What differs, sorted by key.
    pub changes: Vec<Change>,
    /// What to do to the document for it.
    pub edit: Edit,
    /// What could not be read, each with the reason; nothing of it is in the changes (invariant 6).
    pub unknown: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// How an account, or the template, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Live is as the tree wants it.
    InSync,
    /// It differs; more may be unknown.
    Changes,
    /// No difference was found, but not everything could be read.
    Unknown,
}

impl Status {
    pub(super) fn of(changes: &[Change], is_unknown: bool) -> Self {
        if !changes.is_empty() {
            Self::Changes
        } else if is_unknown {
            Self::Unknown
        } else {
            Self::InSync
        }
    }
}

impl AccountDifference {
    /// Tells how the account stands.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.changes, !self.unknown.is_empty())
    }

    fn unknown(name: &AccountName, id: Option<&AccountId>, reason: &str) -> Self {
        Self {
            name: name.clone(),
            id: id.cloned(),
            changes: Vec::new(),
            edit: Edit::default(),
            unknown: vec![reason.to_owned()],
            notes: Vec::new(),
        }
    }
}

/// Returns the name that an account's domain is moved to while it is released: nobody else's, and
/// never resolvable (RFC 2606).
#[must_use]
pub fn parked_domain(id: &AccountId) -> String {
    format!("parked-{id}.invalid")
}

/// Compares one account.
pub(super) fn compare(
    desired: &DesiredAccount,
    base: Base<&DesiredAccount>,
    live: Option<&LiveAccount>,
    sources: &SourceMap,
) -> AccountDifference {
    let name = &desired.name;
    let Some(live) = live else {
        return AccountDifference::unknown(name, None, "the account was not read");
    };
    let id = match &live.id {
        Reading::Known(id) => id,
        Reading::Unknown(reason) => return AccountDifference::unknown(name, None, reason),
    };
    let document = match &live.document {
        Reading::Known(document) => document.as_ref(),
        Reading::Unknown(reason) => return AccountDifference::unknown(name, Some(id), reason),
    };
    let mut difference = AccountDifference {
        name: name.clone(),
        id: Some(id.clone()),
        changes: Vec::new(),
        edit: Edit::default(),
        unknown: Vec::new(),
        notes: Vec::new(),
    };
    difference
        .changes
        .extend(existence(desired, base, document, sources));
    if desired.absent.is_some() || (document.is_none() && difference.changes.is_empty()) {
        return difference;
    }
    let nothing = Settings::default();
    let live_settings = document.map_or(&nothing, |document| &document.settings);
    let (edit, changes) = settings::compare(desired, base, live_settings, sources);
    difference.edit = edit;
    difference.changes.extend(changes);
    if document.is_some() {
        unpark(&mut difference, id, live_settings);
    }
    let found = assets::compare(desired, base, document, sources);
    difference.changes.extend(found.changes);
    difference.unknown = found.unknown;
    difference.notes.extend(found.notes);
    difference.changes.sort_by(|a, b| a.key.cmp(&b.key));
    difference
}

/// Compares an account that the tree applied last had and this one does not have any more. Its whole
/// whitelabel is to go when that tree declared one: only then it was ours.
///
/// `ids` are those of the tree's accounts, absent when one of them is not known.
pub(super) fn compare_departed(
    name: AccountName,
    base: &DesiredAccount,
    live: &LiveAccount,
    ids: Option<&BTreeSet<&AccountId>>,
    sources: &SourceMap,
) -> Option<AccountDifference> {
    if !matches!(whole(base).0, Declaration::Value(())) {
        return None;
    }
    let id = match &live.id {
        Reading::Known(id) => id,
        Reading::Unknown(reason) => return Some(AccountDifference::unknown(&name, None, reason)),
    };
    let Some(ids) = ids else {
        let reason = "it left the tree under this name; whether it is there under another cannot be told while an account of the tree is unknown";
        return Some(AccountDifference::unknown(&name, Some(id), reason));
    };
    let document = match &live.document {
        Reading::Known(document) => document.as_ref(),
        Reading::Unknown(reason) => {
            return Some(AccountDifference::unknown(&name, Some(id), reason));
        }
    };
    let document = document.filter(|_| !ids.contains(id))?;
    let (_, moved) = settings::compare(base, Base::Known(base), &document.settings, sources);
    let theirs: Vec<String> = settings::undeclared(base, &document.settings)
        .map(|path| path.to_string())
        .collect();
    let mut notes = Vec::new();
    if !theirs.is_empty() {
        notes.push(format!(
            "the whitelabel also holds what the tree never declared: {}",
            theirs.join(", ")
        ));
    }
    Some(AccountDifference {
        name,
        id: Some(id.clone()),
        changes: vec![Change {
            key: ChangeKey::Whitelabel,
            before: Side::Present,
            after: Side::Absent,
            cause: if moved.is_empty() {
                Cause::Removal
            } else {
                Cause::Conflict
            },
            origin: None,
        }],
        edit: Edit::default(),
        unknown: Vec::new(),
        notes,
    })
}

/// Compares whether there is a whitelabel at all.
fn existence(
    desired: &DesiredAccount,
    base: Base<&DesiredAccount>,
    live: Option<&LiveDocument>,
    sources: &SourceMap,
) -> Option<Change> {
    let (wanted, place) = whole(desired);
    let base = base.declares(|account| whole(account).0);
    let live = live.map(|_| ());
    let Verdict::Differs(cause) = (match wanted {
        Declaration::Undeclared => Verdict::Kept,
        _ => verdict(base.as_ref(), &wanted, live.as_ref()),
    }) else {
        return None;
    };
    let side = |there: bool| if there { Side::Present } else { Side::Absent };
    Some(Change {
        key: ChangeKey::Whitelabel,
        before: side(live.is_some()),
        after: side(wanted.value().is_some()),
        cause,
        origin: Some(Origin::of(place, sources)),
    })
}

/// Tells what a tree says about the whitelabel as a whole. One that declares nothing, or only what
/// must not be there, asks for no document.
fn whole(account: &DesiredAccount) -> (Declaration<()>, Place) {
    let wants_something = account.settings.values().any(|key| key.value.is_some())
        || account.assets.values().any(|asset| asset.value.is_some());
    match account.absent {
        Some(place) => (Declaration::Absent, place),
        None if wants_something => (Declaration::Value(()), account.identity.place),
        None => (Declaration::Undeclared, account.identity.place),
    }
}

/// Takes a parked name away that a killed run left behind and that the tree does not speak of.
fn unpark(difference: &mut AccountDifference, id: &AccountId, live: &Settings) {
    let path = KeyPath::from("domain");
    let is_parked = live.get(&path).and_then(|value| value.as_str()) == Some(&*parked_domain(id));
    if !is_parked {
        return;
    }
    if difference.edit.set.contains_key(&path) || difference.edit.remove.contains(&path) {
        // Nobody but an unfinished run puts that name there, whatever the base says.
        let key = ChangeKey::Setting(path);
        let own = difference.changes.iter_mut().filter(|change| {
            change.key == key && matches!(change.cause, Cause::Drift | Cause::Conflict)
        });
        for change in own {
            change.cause = Cause::Git;
        }
        return;
    }
    difference.edit.remove.push(path.clone());
    difference.changes.push(Change {
        before: settings::side(&path, live.get(&path)),
        after: Side::Absent,
        key: ChangeKey::Setting(path),
        cause: Cause::Removal,
        origin: None,
    });
    difference
        .notes
        .push("the domain is a parked name that an unfinished run left; it is removed".to_owned());
}
