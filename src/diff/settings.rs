//! Compares settings three ways: declared keys × base × live → edit and changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::base::Base;
use super::canonical::{is_server_key, setting, written};
use super::{Cause, Change, ChangeKey, Declaration, Side, Verdict, verdict};
use crate::diag::SourceMap;
use crate::model::{KeyPath, Settings};
use crate::tree::{Declared, DesiredAccount, Origin, Ownership};

/// An edit of a document: first keys are removed, then keys are set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The keys to set, with their new values.
    pub set: BTreeMap<KeyPath, Value>,
    /// The keys to remove.
    pub remove: Vec<KeyPath>,
}

impl Edit {
    /// Returns the document after the edit; keys that the edit does not mention stay as they are (invariant 7).
    ///
    /// Removal comes first, because removing the last key of a map removes the map, and the tree may declare an empty
    /// map.
    #[must_use]
    pub fn apply_to(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        for path in &self.remove {
            settings.remove(path);
        }
        for (path, value) in &self.set {
            settings.set(path, value.clone());
        }
        settings
    }
}

type Keys = BTreeMap<KeyPath, Declared<Value>>;

/// One key with its three sides.
struct Row<'a> {
    path: KeyPath,
    base: Option<Declaration<&'a Value>>,
    desired: Declaration<&'a Value>,
    live: Option<&'a Value>,
}

/// Compares the settings of one account.
pub(super) fn compare(
    desired: &DesiredAccount,
    base: Base<&DesiredAccount>,
    live: &Settings,
    sources: &SourceMap,
) -> (Edit, Vec<Change>) {
    let mut edit = Edit::default();
    let mut changes = BTreeMap::new();
    for row in rows(desired, base, live) {
        let Some(cause) = row.cause() else { continue };
        let origin = desired
            .settings
            .get(&row.path)
            .map(|declared| Origin::of(declared.place, sources));
        let after = row.desired.value().map(|value| written(&row.path, value));
        if let Some(value) = &after {
            if let Some((path, value)) = in_the_way(&row.path, live) {
                let change = Change {
                    before: side(&path, Some(value)),
                    after: Side::Absent,
                    key: ChangeKey::Setting(path),
                    cause,
                    origin: origin.clone(),
                };
                changes.insert(change.key.clone(), change);
            }
            edit.set.insert(row.path.clone(), value.clone());
        } else {
            edit.remove.push(row.path.clone());
        }
        let change = Change {
            before: side(&row.path, row.live),
            after: side(&row.path, after.as_ref()),
            key: ChangeKey::Setting(row.path),
            cause,
            origin,
        };
        changes.insert(change.key.clone(), change);
    }
    keep_declared_maps(&desired.settings, live, &mut edit);
    (edit, changes.into_values().collect())
}

impl Row<'_> {
    fn cause(&self) -> Option<Cause> {
        let canonical = |value: &Value| setting(&self.path, value);
        let declaration = |declaration: &Declaration<&Value>| match declaration {
            Declaration::Undeclared => Declaration::Undeclared,
            Declaration::Absent => Declaration::Absent,
            Declaration::Value(value) => Declaration::of(canonical(value)),
        };
        let desired = declaration(&self.desired);
        let base = self.base.as_ref().map(declaration);
        let live = match (self.desired.value(), self.live) {
            // An empty map requires a map, but not one without other keys.
            (Some(Value::Object(wanted)), Some(Value::Object(_))) if wanted.is_empty() => {
                desired.value().cloned()
            }
            (_, live) => live.and_then(canonical),
        };
        match verdict(base.as_ref(), &desired, live.as_ref()) {
            // A declared `false` is equivalent to absence, but not a removal.
            Verdict::Differs(Cause::Removal) if self.desired.value().is_some() => {
                Some(if base.is_some() {
                    Cause::Git
                } else {
                    Cause::Differs
                })
            }
            Verdict::Differs(cause) => Some(cause),
            Verdict::InSync | Verdict::Kept => None,
        }
    }
}

/// Returns a row for every key that any side knows. Keys that the tree does not declare get a row too: undeclared or,
/// under exclusive ownership, absent. Nothing is filtered out later.
fn rows<'a>(
    desired: &'a DesiredAccount,
    base: Base<&'a DesiredAccount>,
    live: &'a Settings,
) -> Vec<Row<'a>> {
    let mut paths: BTreeSet<KeyPath> = desired.settings.keys().cloned().collect();
    paths.extend(
        base.known()
            .into_iter()
            .flat_map(|account| account.settings.keys().cloned()),
    );
    paths.extend(
        live.leaves()
            .into_keys()
            .filter(|path| !is_server_key(path)),
    );
    paths
        .into_iter()
        .filter(|path| !is_covered(path, &desired.settings))
        .map(|path| Row {
            base: base.declares(|account| applied(account, &path)),
            desired: declaration(desired, &path),
            live: live.get(&path),
            path,
        })
        .collect()
}

/// Iterates over the keys of a live document that an account does not declare, except the server's own keys and
/// defaults.
pub fn undeclared<'a>(
    account: &'a DesiredAccount,
    live: &'a Settings,
) -> impl Iterator<Item = KeyPath> + 'a {
    live.leaves().into_iter().filter_map(|(path, value)| {
        let is_theirs = !is_server_key(&path)
            && !account.settings.contains_key(&path)
            && !is_covered(&path, &account.settings)
            && setting(&path, value).is_some();
        is_theirs.then_some(path)
    })
}

/// Returns what the base proves of a key: one that it left alone was never brought to what it declares.
fn applied<'a>(base: &'a DesiredAccount, path: &KeyPath) -> Declaration<&'a Value> {
    if base.ignores_setting(path) {
        return Declaration::Undeclared;
    }
    declaration(base, path)
}

fn declaration<'a>(account: &'a DesiredAccount, path: &KeyPath) -> Declaration<&'a Value> {
    match (account.settings.get(path), account.policy.ownership) {
        (Some(declared), _) => Declaration::of(declared.value.as_ref()),
        (None, Ownership::Exclusive) => Declaration::Absent,
        (None, Ownership::Shared) => Declaration::Undeclared,
    }
}

/// Returns whether a declared key other than `path` determines its value: a key above declares the whole subtree, or a
/// key below requires a map here.
fn is_covered(path: &KeyPath, declared: &Keys) -> bool {
    if declared.contains_key(path) {
        return false;
    }
    declared.iter().any(|(other, declaration)| {
        let is_empty_map = matches!(&declaration.value, Some(Value::Object(map)) if map.is_empty());
        (path.is_within(other) && !is_empty_map)
            || (other.is_within(path) && declaration.value.is_some())
    })
}

/// Returns the live value in the place of a required map: `nav: "x"` when `nav.help` is to be set.
fn in_the_way<'a>(path: &KeyPath, live: &'a Settings) -> Option<(KeyPath, &'a Value)> {
    let segments: Vec<String> = path.segments().collect();
    (1..segments.len())
        .map(|length| KeyPath::from_segments(&segments[..length]))
        .find_map(|above| {
            let value = live.get(&above).filter(|value| !value.is_object())?;
            Some((above, value))
        })
}

/// Adds declared maps that would vanish because the edit removes their last key.
fn keep_declared_maps(declared: &Keys, live: &Settings, edit: &mut Edit) {
    let after = edit.apply_to(live);
    for (path, declaration) in declared {
        if let Some(value @ Value::Object(_)) = &declaration.value
            && after.get(path).is_none()
        {
            edit.set.insert(path.clone(), value.clone());
        }
    }
}

/// Returns one side of a setting, without the value if its key looks like that of a secret (invariant 9).
pub(super) fn side(path: &KeyPath, value: Option<&Value>) -> Side {
    match value {
        None => Side::Absent,
        Some(value) if path.segments().any(|segment| is_secret(&segment)) || has_secret(value) => {
            Side::Present
        }
        Some(value) => Side::Value(value.clone()),
    }
}

fn has_secret(value: &Value) -> bool {
    match value {
        Value::Object(object) => object
            .iter()
            .any(|(key, value)| is_secret(key) || has_secret(value)),
        Value::Array(items) => items.iter().any(has_secret),
        _ => false,
    }
}

fn is_secret(key: &str) -> bool {
    const SIGNS: [&str; 8] = [
        "secret",
        "password",
        "passwd",
        "token",
        "apikey",
        "privatekey",
        "credential",
        "passphrase",
    ];
    let key: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();
    SIGNS.iter().any(|sign| key.contains(sign))
}
