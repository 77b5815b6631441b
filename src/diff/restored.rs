//! What a restore wrote: values that the tree does not have, and that nobody changed by hand. Pure.
//!
//! A restore brings back what was live before a run, so the tree still declares something else. The record beside the base
//! names each key with the digest of its value. While the live value is that one, emblazon wrote it, and the difference
//! comes from Git (invariant 10).

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::setting;
use super::{ChangeKey, Side, assets};
use crate::diag::Place;
use crate::live::{Live, LiveDocument, Reading};
use crate::model::{AccountName, AssetFile, AssetKind, Digest, KeyPath, ObjectName};
use crate::tree::{Declared, Desired, DesiredAccount, Target};

/// One value that a restore wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoredValue {
    /// The account; absent for a host of the template and for an RRset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    /// The key.
    pub key: ChangeKey,
    /// The digest of the value in canonical form; absent where the key was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Digest>,
    /// Whether the run that was restored had removed it, since the tree no longer declares it: it is to go again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_removed: bool,
}

impl RestoredValue {
    /// Describes what a restore to this state writes to an account; `None` for what has no value of its own.
    #[must_use]
    pub fn of_account(there: &DesiredAccount, key: &ChangeKey) -> Option<Self> {
        let value = match key {
            ChangeKey::Setting(path) => {
                let declared = there.settings.get(path);
                setting_digest(path, declared.and_then(|declared| declared.value.as_ref()))
            }
            ChangeKey::Asset(kind) => {
                let declared = there.assets.get(kind);
                let file = declared.and_then(|declared| declared.value.as_ref());
                file.map(|file| file.facts.digest.clone())
            }
            ChangeKey::Whitelabel if there.absent.is_some() => None,
            ChangeKey::Whitelabel
            | ChangeKey::Host(_)
            | ChangeKey::RecordType(_)
            | ChangeKey::Records(_) => return None,
        };
        Some(Self {
            account: Some(there.name.clone()),
            key: key.clone(),
            value,
            was_removed: false,
        })
    }

    /// Describes what a restore writes to the template or to a zone, from the side that it leads to.
    #[must_use]
    pub fn of_side(key: &ChangeKey, after: &Side) -> Self {
        Self {
            account: None,
            key: key.clone(),
            value: side_digest(after),
            was_removed: false,
        }
    }

    /// Returns the object that it belongs to; `None` for an RRset, whose zone only its primary knows.
    #[must_use]
    pub fn object(&self) -> Option<ObjectName> {
        match (&self.account, &self.key) {
            (Some(name), _) => Some(name.into()),
            (None, ChangeKey::Records(_)) => None,
            (None, _) => Some(ObjectName::Template),
        }
    }

    /// Returns whether it is still live, as one side of a difference shows it.
    pub(super) fn is_side(&self, live: &Side) -> bool {
        self.value == side_digest(live)
    }

    /// Has the base say what is live, where that is what the restore wrote.
    pub(super) fn lay_over(&self, base: &mut Desired, live: &Live) {
        let Some(name) = &self.account else {
            self.lay_over_template(base, live);
            return;
        };
        let found = live.accounts.get(name).map(|found| &found.document);
        match (found, &self.key) {
            (Some(Reading::Known(None)), ChangeKey::Whitelabel) => {
                base.accounts.retain(|account| account.name != *name);
            }
            (Some(Reading::Known(Some(document))), key) => {
                if let Some(known) = base.account_mut(name) {
                    self.lay_over_document(known.make_mut(), document, key);
                }
            }
            (Some(Reading::Known(None) | Reading::Unknown(_)) | None, _) => {}
        }
    }

    fn lay_over_document(
        &self,
        known: &mut DesiredAccount,
        document: &LiveDocument,
        key: &ChangeKey,
    ) {
        match key {
            ChangeKey::Setting(path) => {
                let live = document.settings.get(path);
                if setting_digest(path, live) == self.value {
                    self.replace(&mut known.settings, path, live.cloned());
                }
            }
            ChangeKey::Asset(kind) => self.lay_over_asset(known, document, *kind),
            ChangeKey::Whitelabel
            | ChangeKey::Host(_)
            | ChangeKey::RecordType(_)
            | ChangeKey::Records(_) => {}
        }
    }

    fn lay_over_asset(&self, known: &mut DesiredAccount, document: &LiveDocument, kind: AssetKind) {
        let Ok(live) = assets::reading(document, kind) else {
            return;
        };
        let facts = live.map(|asset| &asset.facts);
        if facts.map(|facts| &facts.digest) != self.value.as_ref() {
            return;
        }
        let before = known.assets.get(&kind).and_then(|it| it.value.as_ref());
        let path = before.map_or_else(Utf8PathBuf::default, |before| before.path.clone());
        let file = facts.map(|facts| AssetFile {
            path,
            facts: facts.clone(),
        });
        self.replace(&mut known.assets, &kind, file);
    }

    fn lay_over_template(&self, base: &mut Desired, live: &Live) {
        let Some(Reading::Known(found)) = &live.template else {
            return;
        };
        let (Some(known), ChangeKey::Host(target)) = (&mut base.template, &self.key) else {
            return;
        };
        let Target { record_type, host } = target;
        let entry = (found.0.get(record_type)).and_then(|hosts| hosts.get(host));
        let side = entry.map_or(Side::Absent, |entry| Side::Host(entry.clone()));
        if self.is_side(&side) {
            self.replace(&mut known.hosts, target, entry.cloned());
        }
    }
}

impl RestoredValue {
    /// Replaces the value of a key that the base declares. What it does not declare stays undeclared, unless the tree had
    /// declared it until the run that was restored.
    fn replace<Key: Ord + Clone, Content>(
        &self,
        declared: &mut BTreeMap<Key, Declared<Content>>,
        key: &Key,
        value: Option<Content>,
    ) {
        match (value, declared.get_mut(key)) {
            (Some(value), Some(known)) => known.value = Some(value),
            (None, Some(_)) => {
                declared.remove(key);
            }
            (Some(value), None) if self.was_removed => {
                let place = Place::nowhere();
                let value = Some(value);
                declared.insert(key.clone(), Declared { value, place });
            }
            (_, None) => {}
        }
    }
}

fn setting_digest(path: &KeyPath, value: Option<&Value>) -> Option<Digest> {
    let value = setting(path, value?)?;
    Some(Digest::of(value.to_string().as_bytes()))
}

fn side_digest(side: &Side) -> Option<Digest> {
    let value = match side {
        Side::Value(value) => value.clone(),
        Side::Host(entry) | Side::Elsewhere { entry, .. } => serde_json::to_value(entry).ok()?,
        Side::Asset(facts) => return Some(facts.digest.clone()),
        Side::Absent | Side::Unread | Side::Present => return None,
    };
    Some(Digest::of(value.to_string().as_bytes()))
}
