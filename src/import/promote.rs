//! Brings what one cluster declares to another one of the same tree, by the smallest edit of the accounts' files.
//!
//! Clusters of one tree differ only in what accounts say below `overrides`, so only those parts are edited: an override
//! of the second cluster goes where the layers below it say the same, and is written otherwise. The domain stays, because
//! a domain belongs to one platform.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use serde_json::Value;

use super::asset::relative;
use super::overlay::{FileChange, Overlay};
use super::request::ImportError;
use crate::diag::Place;
use crate::model::{AccountName, KeyPath};
use crate::tree::edit::{self, Edit, To};
use crate::tree::{
    self, Item, LayerName, Loaded, Origin, Provenance, Selection, TreeSource, explain,
};

/// The address of the key that every cluster has for itself.
const DOMAIN: &str = "whitelabel.domain";

/// What would make one cluster declare what another one does.
#[derive(Debug)]
pub struct Promotion {
    /// The files to change.
    pub changes: Vec<FileChange>,
    /// What cannot be brought over, with the reason.
    pub refused: Vec<Held>,
    /// The accounts whose domains differ, and stay.
    pub domains: Vec<AccountName>,
}

/// What of an account stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The account.
    pub account: AccountName,
    /// The address; absent for the account as a whole.
    pub address: Option<KeyPath>,
    /// The place in the tree.
    pub origin: Origin,
    /// The reason, and what to do.
    pub reason: String,
}

/// Finds the smallest edit; every other cluster, and every account that is not selected, stays as it is.
///
/// # Errors
/// If a file cannot be read, or the result would not be what was asked for.
pub fn promote(
    source: &dyn TreeSource,
    (from, to): (&Loaded, &Loaded),
    only: Option<&Selection>,
) -> Result<Promotion, ImportError> {
    let mut promotion = Promotion {
        changes: Vec::new(),
        refused: Vec::new(),
        domains: Vec::new(),
    };
    let mut overlay = Overlay::new(Some(source));
    let wanted = from.desired.accounts.iter();
    for account in wanted.filter(|it| only.is_none_or(|only| only.contains(&it.name))) {
        let name = &account.name;
        let cluster = &to.desired.cluster.name;
        let held = |address, place: Place, reason| Held {
            account: name.clone(),
            address,
            origin: Origin::of(place, &from.sources),
            reason,
        };
        if to.desired.account(name).is_none() {
            let reason =
                format!("it is not on {cluster}; write its id or realm for {cluster} here");
            let place = account.identity.place;
            promotion.refused.push(held(None, place, reason));
            continue;
        }
        let sides = Sides::of(name, from, to);
        if sides.differ(&KeyPath::parse(DOMAIN)) {
            promotion.domains.push(name.clone());
        }
        let file = LayerName::Account.file(name);
        let mut text = overlay.text(&file)?;
        let before = text.clone();
        for (address, to) in sides.edits() {
            let within = KeyPath::from_segments(["overrides", cluster.as_str()]);
            let path = KeyPath::parse(&format!("{within}.{address}"));
            match edit::edit(&text, &[Edit { path, to }]) {
                Ok(edited) => text = edited,
                Err(error) => {
                    let place = sides.place(&address).unwrap_or(account.identity.place);
                    promotion
                        .refused
                        .push(held(Some(address), place, error.to_string()));
                }
            }
        }
        if text != before {
            overlay.write(file, text);
        }
    }
    verify(source, &overlay, (from, to), &promotion, only)?;
    promotion.changes = overlay.changes()?;
    Ok(promotion)
}

/// Loads the result: the second cluster declares what the first one does, and nothing else has moved.
fn verify(
    source: &dyn TreeSource,
    overlay: &Overlay<'_>,
    (from, to): (&Loaded, &Loaded),
    promotion: &Promotion,
    only: Option<&Selection>,
) -> Result<(), ImportError> {
    let target = &to.desired.cluster.name;
    for cluster in tree::clusters(source)? {
        let after = tree::load(overlay, Some(cluster.as_str()))?;
        if after.has_errors() {
            return Err(ImportError::Mistakes {
                diagnostics: after.diagnostics,
                sources: after.sources,
            });
        }
        let is_right = if cluster == *target {
            after.desired.accounts.iter().all(|account| {
                let name = &account.name;
                let is_asked = only.is_none_or(|only| only.contains(name))
                    && from.desired.account(name).is_some();
                let is_held = promotion.refused.iter().any(|held| held.account == *name);
                let before = if is_asked { from } else { to };
                let differing = Sides::of(name, before, &after).differing();
                is_held || differing.iter().all(|it| it.as_str() == DOMAIN)
            })
        } else {
            tree::load(source, Some(cluster.as_str()))?.desired.digest() == after.desired.digest()
        };
        if !is_right {
            return Err(ImportError::Unsettled);
        }
    }
    Ok(())
}

/// What two clusters declare about an account.
struct Sides<'l> {
    account: &'l AccountName,
    from: Vec<Provenance>,
    to: Vec<Provenance>,
}

impl<'l> Sides<'l> {
    fn of(account: &'l AccountName, from: &Loaded, to: &Loaded) -> Self {
        let said = |loaded| explain(loaded, account, None).unwrap_or_default();
        Self {
            account,
            from: said(from),
            to: said(to),
        }
    }

    fn differ(&self, address: &KeyPath) -> bool {
        self.differing().contains(address)
    }

    /// Returns the addresses at which the effective declarations differ.
    fn differing(&self) -> Vec<KeyPath> {
        let (from, to) = (effective(&self.from), effective(&self.to));
        let addresses: BTreeSet<&KeyPath> = from.keys().chain(to.keys()).copied().collect();
        let is_same = |it: &KeyPath| is_same(from.get(it).copied(), to.get(it).copied());
        let differing = addresses.into_iter().filter(|it| !is_same(it));
        differing.cloned().collect()
    }

    /// Returns the edits of the second cluster's override.
    fn edits(&self) -> Vec<(KeyPath, To)> {
        let from = effective(&self.from);
        let file = LayerName::Account.file(self.account);
        let folder = file.parent().unwrap_or(Utf8Path::new(""));
        let differing = self.differing().into_iter();
        let edits = differing.filter(|address| address.as_str() != DOMAIN);
        let edits = edits.map(|address| {
            // The highest layer below the override.
            let below = self.to.iter().rev().find(|said| {
                said.address == address && !matches!(said.layer, LayerName::Override(_))
            });
            let wanted = from.get(&address).copied();
            let to = match wanted {
                Some(said) if !is_same(wanted, below) => To::Value(written(said, folder)),
                _ => To::Gone,
            };
            (address, to)
        });
        // What goes makes room for what comes.
        let (gone, written): (Vec<_>, Vec<_>) = edits.partition(|(_, to)| *to == To::Gone);
        gone.into_iter().chain(written).collect()
    }

    fn place(&self, address: &KeyPath) -> Option<Place> {
        let said = self.from.iter().rev().find(|said| said.address == *address);
        said.map(|said| said.place)
    }
}

/// Writes a declaration as the account's file does, which lies in a folder.
fn written(said: &Provenance, folder: &Utf8Path) -> Value {
    match &said.value {
        None => Value::Null,
        Some(Item::Asset { path, .. }) => relative(folder, path).into(),
        Some(Item::Setting(value)) => value.clone(),
        Some(Item::Protected(is_protected)) => (*is_protected).into(),
        Some(Item::Ignore(addresses)) => {
            let addresses = addresses.iter();
            addresses.map(|it| it.value.as_str()).collect()
        }
        Some(other) => other.to_string().into(),
    }
}

fn effective(said: &[Provenance]) -> BTreeMap<&KeyPath, &Provenance> {
    let won = said.iter().filter(|said| said.won);
    won.map(|said| (&said.address, said)).collect()
}

/// Returns whether two declarations say the same, wherever they stand.
fn is_same(one: Option<&Provenance>, other: Option<&Provenance>) -> bool {
    match (one.map(|it| &it.value), other.map(|it| &it.value)) {
        (Some(Some(Item::Ignore(one))), Some(Some(Item::Ignore(other)))) => {
            let (one, other) = (one.iter(), other.iter());
            one.map(|it| &it.value).eq(other.map(|it| &it.value))
        }
        (one, other) => one == other,
    }
}
