//! Compares one account three ways: desired × base × live → difference.

use std::collections::BTreeSet;

use super::base::Base;
use super::{
    Cause, Change, ChangeKey, Declaration, Edit, Kept, KeptReason, Side, Verdict, assets,
    is_placeholder, settings, verdict, without,
};
use crate::diag::{Place, SourceMap};
use crate::live::{LiveAccount, LiveDocument, Reading};
use crate::model::{AccountId, AccountName, Identity, KeyPath, Settings, is_parked, parked_domain};
use crate::tree::{Desired, DesiredAccount, Origin};

/// The differences of one account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountDifference {
    /// The account's name in the tree.
    pub name: AccountName,
    /// The account's id, if the account could be found.
    pub id: Option<AccountId>,
    /// The differences, sorted by key.
    pub changes: Vec<Change>,
    /// The differences that stay, in no particular order.
    pub kept: Vec<Kept>,
    /// The edit of the document that resolves the changes.
    pub edit: Edit,
    /// What could not be read, with the reasons; never part of `changes` (invariant 6).
    pub unknown: Vec<String>,
    /// Notes about the account.
    pub notes: Vec<String>,
}

/// The sync state of an account or the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The live state matches the tree.
    InSync,
    /// There are differences; more may be unknown.
    Changes,
    /// No differences were found, but not everything could be read.
    Unknown,
    /// All differences are such that stay.
    Kept,
}

impl Status {
    pub(super) fn of(changes: &[Change], is_unknown: bool, kept: &[Kept]) -> Self {
        if !changes.is_empty() {
            Self::Changes
        } else if is_unknown {
            Self::Unknown
        } else if !kept.is_empty() {
            Self::Kept
        } else {
            Self::InSync
        }
    }
}

impl AccountDifference {
    /// Returns the sync state.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(&self.changes, !self.unknown.is_empty(), &self.kept)
    }

    /// Sets aside the differences that a rule names, and takes them out of the edit.
    pub(crate) fn keep(&mut self, rule: impl Fn(&Change) -> Option<KeptReason>) {
        let mut paths = BTreeSet::new();
        let changes = std::mem::take(&mut self.changes);
        let mut reasons: Vec<Option<KeptReason>> = changes.iter().map(rule).collect();
        self.edit.keep_what_is_in_the_way(&changes, &mut reasons);
        for (change, reason) in changes.into_iter().zip(reasons) {
            let Some(reason) = reason else {
                self.changes.push(change);
                continue;
            };
            if let ChangeKey::Setting(path) = &change.key {
                paths.insert(path.clone());
            }
            self.kept.push(Kept { change, reason });
        }
        if !paths.is_empty() {
            self.edit = without(&self.edit, &self.changes, &paths);
        }
    }

    /// Returns why a key, or the whole whitelabel, stays as it is.
    #[must_use]
    pub fn kept_for(&self, path: &KeyPath) -> Option<KeptReason> {
        let is_it = |key: &ChangeKey| match key {
            ChangeKey::Setting(key) => key == path,
            key => *key == ChangeKey::Whitelabel,
        };
        let kept = self.kept.iter().find(|kept| is_it(&kept.change.key));
        kept.map(|kept| kept.reason)
    }

    fn unknown(name: &AccountName, id: Option<&AccountId>, reason: &str) -> Self {
        Self {
            name: name.clone(),
            id: id.cloned(),
            changes: Vec::new(),
            kept: Vec::new(),
            edit: Edit::default(),
            unknown: vec![reason.to_owned()],
            notes: Vec::new(),
        }
    }
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
        kept: Vec::new(),
        edit: Edit::default(),
        unknown: Vec::new(),
        notes: Vec::new(),
    };
    difference
        .changes
        .extend(existence(desired, base, document, sources));
    if desired.absent.is_some() {
        let live = document.map(|document| &document.settings);
        difference.notes.extend(parked_note(id, live));
        return difference;
    }
    if document.is_none() && difference.changes.is_empty() {
        return difference;
    }
    let is_undeclared = matches!(whole(desired).0, Declaration::Undeclared);
    if document.is_some_and(|document| is_undeclared && is_placeholder(id, &document.settings)) {
        let (change, note) = leftover(id);
        difference.changes.push(change);
        difference.notes.push(note);
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

/// Compares an account that is in the base but no longer in the tree. Its whitelabel is to be deleted if the base
/// declared one, because only then was it managed.
///
/// `ids` are the ids of all accounts in the tree, or `None` when one of them is unknown.
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
        let reason = "it is no longer in the tree under this name; whether it was renamed cannot be determined while an account of the tree is unknown";
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
    let mut notes: Vec<String> = parked_note(id, Some(&document.settings))
        .into_iter()
        .collect();
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
        kept: Vec::new(),
        edit: Edit::default(),
        unknown: Vec::new(),
        notes,
    })
}

/// Returns the display name of a departed account: its folder name, followed by its identity if another account uses
/// that folder now.
#[must_use]
pub fn departed_name(desired: &Desired, account: &DesiredAccount) -> AccountName {
    if desired
        .accounts
        .iter()
        .all(|other| other.name != account.name)
    {
        return account.name.clone();
    }
    let identity = match &account.identity.value {
        Identity::Id(id) => id.as_str().get(..8).unwrap_or_default(),
        Identity::Realm(realm) => realm.as_str(),
    };
    AccountName::new(format!("{}@{identity}", account.name))
}

/// Compares the existence of the whitelabel.
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

/// Returns what a tree declares about the whitelabel as a whole. An account that declares nothing, or only absences,
/// does not require a document.
fn whole(account: &DesiredAccount) -> (Declaration<()>, Place) {
    let wants_something = account.settings.values().any(|key| key.value.is_some())
        || account.assets.values().any(|asset| asset.value.is_some());
    match account.absent {
        Some(place) => (Declaration::Absent, place),
        None if wants_something => (Declaration::Value(()), account.identity.place),
        None => (Declaration::Undeclared, account.identity.place),
    }
}

/// Returns the change that deletes a placeholder that a run did not delete, and a note about it.
fn leftover(id: &AccountId) -> (Change, String) {
    let change = Change {
        key: ChangeKey::Whitelabel,
        before: Side::Present,
        after: Side::Absent,
        cause: Cause::Removal,
        origin: None,
    };
    let note = format!(
        "a run made this whitelabel only to release a domain, and did not delete it again: it holds nothing but the parked name {}; `--prune` deletes it",
        parked_domain(id)
    );
    (change, note)
}

/// Returns the note that a run parked a domain to delete the whitelabel, and did not come to that.
fn parked_note(id: &AccountId, live: Option<&Settings>) -> Option<String> {
    is_parked(id, live?).then(|| {
        format!(
            "nobody reaches it: its domain is the parked name {}, because a run released the domain and did not delete the whitelabel; `--prune` deletes it, and a domain declared for it brings it back",
            parked_domain(id)
        )
    })
}

/// Removes a parked domain that an unfinished run left behind, unless the tree declares a domain.
fn unpark(difference: &mut AccountDifference, id: &AccountId, live: &Settings) {
    let path = KeyPath::from("domain");
    if !is_parked(id, live) {
        return;
    }
    if difference.edit.set.contains_key(&path) || difference.edit.remove.contains(&path) {
        // Only an unfinished run sets this name, so it is not drift, whatever the base says.
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
        .push("the domain is a parked name that an unfinished run left; it is removed, and nobody reaches the brand until a domain is declared for it; `emblazon restore RUN` of that run puts the old one back (`emblazon history` lists the runs)".to_owned());
}
