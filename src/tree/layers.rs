//! Merges layers into effective values: precedence, locks, and where each value comes from.
//!
//! ```text
//! defaults   brand   brand   account   overrides.CLUSTER
//!    └────────►───────►────────►────────────►──── later wins, address by address
//! ```
//!
//! Maps merge by key because only leaves are addressed. Everything else is replaced: a leaf at an address removes
//! everything below that address, and any leaf above it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::layer::{Item, Layer};
use super::{Declared, Loaded};
use crate::diag::{Code, Diagnostic, Diagnostics, Place, Spanned};
use crate::model::{AccountName, KeyPath, Object};
use crate::tree::LayerName;

/// The effective declarations after merging all layers, by address.
pub(super) type Effective<'l> = BTreeMap<&'l str, Winner<'l>>;

/// A winning declaration, and the position of its layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Winner<'l> {
    /// Position of the layer, from 0 for the lowest.
    pub(super) layer: usize,
    /// The winning declaration.
    pub(super) declared: &'l Declared<Item>,
}

/// Merges layers, lowest first, and reports declarations that break a lock.
pub(super) fn merge(layers: &[Arc<Layer>]) -> (Effective<'_>, Diagnostics) {
    let mut effective = Effective::new();
    let mut diagnostics = Diagnostics::new();
    let mut locks: Vec<Lock<'_>> = Vec::new();
    for (position, layer) in layers.iter().enumerate() {
        for (address, declared) in &layer.entries {
            if let Some(lock) = broken(&locks, &effective, address, declared) {
                diagnostics.push(lock.diagnostic(address, declared.place, &layer.name));
                continue;
            }
            if let Some(Item::Ignore(ignored)) = &declared.value {
                let already = ignored_by(&effective);
                let new = (ignored.iter()).filter(|it| !already.contains(&&it.value));
                diagnostics.extend(new.filter_map(|it| {
                    let touches = |lock: &&Lock<'_>| lock.touches(&it.value);
                    let lock = locks.iter().find(touches)?;
                    Some(lock.ignored(&it.value, it.place, &layer.name))
                }));
            }
            let winner = Winner {
                layer: position,
                declared,
            };
            put(&mut effective, address.as_str(), winner);
        }
        locks.extend(layer.locks.iter().map(|lock| Lock {
            address: &lock.value,
            place: lock.place,
            layer: &layer.name,
        }));
    }
    (effective, diagnostics)
}

/// An address that later layers must not change.
#[derive(Clone, Copy)]
struct Lock<'l> {
    address: &'l KeyPath,
    place: Place,
    layer: &'l LayerName,
}

impl Lock<'_> {
    fn touches(&self, address: &KeyPath) -> bool {
        address.is_within(self.address) || self.address.is_within(address)
    }

    /// A later layer leaves a locked key to whoever changes it on the platform.
    fn ignored(&self, address: &KeyPath, place: Place, layer: &LayerName) -> Diagnostic {
        Diagnostic::new(
            Code::EB0303,
            format!("{layer} ignores {address}, which {} locks", self.layer),
            format!(
                "take {address} out of ignore here, or {} out of lock there",
                self.address
            ),
        )
        .at(place, "ignored here")
        .see(self.place, "locked here")
    }

    fn diagnostic(&self, address: &KeyPath, place: Place, layer: &LayerName) -> Diagnostic {
        Diagnostic::new(
            Code::EB0303,
            format!("{layer} changes {address}, which {} locks", self.layer),
            format!(
                "delete {address} here, or take {} out of lock there",
                self.address
            ),
        )
        .at(place, "changed here")
        .see(self.place, "locked here")
    }
}

/// Returns the labels of an account, from all of its layers; none for an account that the tree does not have.
#[must_use]
pub fn labels<'l>(loaded: &'l Loaded, account: &AccountName) -> BTreeMap<&'l str, &'l str> {
    let Some(layers) = loaded.layers.get(account) else {
        return BTreeMap::new();
    };
    let (effective, _) = merge(layers);
    let labels = effective.into_iter().filter_map(|(address, winner)| {
        let key = address.strip_prefix("labels.")?;
        match &winner.declared.value {
            Some(Item::Label(value)) => Some((key, value.as_str())),
            _ => None,
        }
    });
    labels.collect()
}

/// Finds the lock that a declaration breaks; repeating the same value breaks none.
fn broken<'l>(
    locks: &[Lock<'l>],
    effective: &Effective<'_>,
    address: &KeyPath,
    declared: &Declared<Item>,
) -> Option<Lock<'l>> {
    let lock = locks.iter().find(|lock| lock.touches(address))?;
    let same = match effective.get(address.as_str()) {
        Some(winner) => is_same(winner.declared, declared),
        // An empty map over a map changes nothing.
        None => is_empty_map(declared) && below(effective, address.as_str()).next().is_some(),
    };
    (!same).then_some(*lock)
}

fn is_same(one: &Declared<Item>, other: &Declared<Item>) -> bool {
    match (&one.value, &other.value) {
        // They stand in other places.
        (Some(Item::Ignore(one)), Some(Item::Ignore(other))) => {
            let names = |list: &[Spanned<KeyPath>]| -> BTreeSet<KeyPath> {
                list.iter().map(|it| it.value.clone()).collect()
            };
            names(one) == names(other)
        }
        (one, other) => one == other,
    }
}

/// Returns what lower layers ignore.
fn ignored_by<'l>(effective: &Effective<'l>) -> Vec<&'l KeyPath> {
    match effective.get("ignore").map(|winner| &winner.declared.value) {
        Some(Some(Item::Ignore(ignored))) => ignored.iter().map(|it| &it.value).collect(),
        _ => Vec::new(),
    }
}

fn put<'l>(effective: &mut Effective<'l>, address: &'l str, winner: Winner<'l>) {
    let lower: Vec<&str> = below(effective, address).collect();
    if is_empty_map(winner.declared) && !lower.is_empty() {
        return;
    }
    for key in lower {
        effective.remove(key);
    }
    for (dot, _) in address.match_indices('.') {
        effective.remove(&address[..dot]);
    }
    effective.insert(address, winner);
}

fn is_empty_map(declared: &Declared<Item>) -> bool {
    matches!(&declared.value, Some(Item::Setting(serde_json::Value::Object(object))) if object == &Object::new())
}

/// Lists the addresses below one, which are adjacent in lexicographic order.
fn below<'l>(effective: &Effective<'l>, address: &str) -> impl Iterator<Item = &'l str> {
    let start = format!("{address}.");
    let end = format!("{address}/");
    effective
        .range::<str, _>((
            Bound::Excluded(start.as_str()),
            Bound::Excluded(end.as_str()),
        ))
        .map(|(key, _)| *key)
        .collect::<Vec<_>>()
        .into_iter()
}

/// What one layer declares at one address, for `emblazon explain`.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// The address, such as `whitelabel.nav.help`.
    pub address: KeyPath,
    /// Layer that declares it.
    pub layer: LayerName,
    /// Place of the declaration.
    pub place: Place,
    /// Declared value; absent for `null`.
    pub value: Option<Item>,
    /// Whether this declaration is the effective one.
    pub won: bool,
}

/// Lists what each layer declares at an address and below it, sorted by address, lowest layer first; lists everything
/// if no address is given.
///
/// Returns `None` if the tree has no such account. A declaration above the address (`whitelabel: null`) is listed too,
/// because it decides the outcome.
#[must_use]
pub fn explain(
    loaded: &Loaded,
    account: &AccountName,
    address: Option<&KeyPath>,
) -> Option<Vec<Provenance>> {
    let layers = loaded.layers.get(account)?;
    let (effective, _) = merge(layers);
    let asked = |entry: &KeyPath| {
        address.is_none_or(|address| entry.is_within(address) || address.is_within(entry))
    };
    let mut found = Vec::new();
    for (position, layer) in layers.iter().enumerate() {
        for (address, declared) in layer.entries.iter().filter(|(address, _)| asked(address)) {
            let winner = effective.get(address.as_str());
            found.push(Provenance {
                address: address.clone(),
                layer: layer.name.clone(),
                place: declared.place,
                value: declared.value.clone(),
                won: winner.is_some_and(|winner| winner.layer == position),
            });
        }
    }
    found.sort_by(|left, right| left.address.cmp(&right.address));
    Some(found)
}
