//! Moves values that accounts share into layers, by a simple rule.
//!
//! Values that all accounts share go to `defaults`. Two or more values that are shared by exactly the same three or
//! more accounts go to one brand. Everything else stays in the accounts.
//!
//! So no layer ever gives an account a value that it did not have, and no two layers of an account declare the same
//! key. The result does not depend on the order of the accounts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::account::{Declarations, NewAccount};
use super::names::slug;
use crate::model::{AssetKind, Digest, KeyPath, canonical_json};

/// The minimum numbers of accounts and of values for a layer.
const FEWEST_ACCOUNTS: usize = 3;
const FEWEST_VALUES: usize = 2;

/// A new layer with shared values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Brand {
    /// The name of its file in `brands/`, without the extension.
    pub(super) name: String,
    /// What it declares.
    pub(super) declares: Declarations,
    /// The number of accounts that extend it.
    pub(super) accounts: usize,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Setting(KeyPath, String),
    Asset(AssetKind, Digest),
}

/// Moves the values that accounts share into layers, and returns the defaults and the brands.
///
/// `taken` are the names of existing brands. Without `with_defaults`, values that all accounts share become a brand
/// too.
pub(super) fn factor(
    accounts: &mut [NewAccount<'_>],
    with_defaults: bool,
    taken: &BTreeSet<String>,
) -> (Declarations, Vec<Brand>) {
    let mut holders: BTreeMap<Piece, BTreeSet<usize>> = BTreeMap::new();
    for (index, account) in accounts.iter().enumerate() {
        for value in values(&account.declares) {
            holders.entry(value).or_default().insert(index);
        }
    }
    let mut groups: BTreeMap<BTreeSet<usize>, Vec<Piece>> = BTreeMap::new();
    for (value, held_by) in holders {
        if held_by.len() >= FEWEST_ACCOUNTS {
            groups.entry(held_by).or_default().push(value);
        }
    }
    let mut groups: Vec<(BTreeSet<usize>, Vec<Piece>)> = groups.into_iter().collect();
    // The most widely shared group comes first, as the lowest layer.
    groups.sort_by(|left, right| (right.0.len(), &left.0).cmp(&(left.0.len(), &right.0)));
    let mut defaults = Declarations::default();
    let mut brands = Vec::new();
    let mut used = taken.clone();
    for (held_by, values) in groups {
        let everybody = with_defaults && held_by.len() == accounts.len();
        if !everybody && values.len() < FEWEST_VALUES {
            continue;
        }
        let mut moved = Declarations::default();
        for index in &held_by {
            let Some(account) = accounts.get_mut(*index) else {
                continue;
            };
            for value in &values {
                take(value, &mut account.declares, &mut moved);
            }
        }
        if everybody {
            defaults.settings.append(&mut moved.settings);
            defaults.assets.append(&mut moved.assets);
            continue;
        }
        let name = brand_name(&moved, &used);
        used.insert(name.clone());
        for index in &held_by {
            if let Some(account) = accounts.get_mut(*index) {
                account.extends.push(name.clone());
            }
        }
        brands.push(Brand {
            name,
            declares: moved,
            accounts: held_by.len(),
        });
    }
    (defaults, brands)
}

fn values(declares: &Declarations) -> Vec<Piece> {
    let settings = declares
        .settings
        .iter()
        // A domain cannot be shared.
        .filter(|(path, _)| path.as_str() != "domain")
        .map(|(path, value)| Piece::Setting(path.clone(), canonical_json(value)));
    let assets = declares
        .assets
        .iter()
        .map(|(kind, (asset, _))| Piece::Asset(*kind, asset.facts.digest.clone()));
    settings.chain(assets).collect()
}

fn take(value: &Piece, from: &mut Declarations, into: &mut Declarations) {
    match value {
        Piece::Setting(path, _) => {
            if let Some(value) = from.settings.remove(path) {
                into.settings.insert(path.clone(), value);
            }
        }
        Piece::Asset(kind, _) => {
            if let Some(asset) = from.assets.remove(kind) {
                into.assets.insert(*kind, asset);
            }
        }
    }
}

/// Names a brand after the first host name in its values: help.northwind.example gives `northwind`.
fn brand_name(declares: &Declarations, used: &BTreeSet<String>) -> String {
    let texts = declares.settings.values().filter_map(Value::as_str);
    let name = texts
        .filter_map(host_label)
        .map(|label| slug(&label))
        .find(|label| !label.is_empty())
        .unwrap_or_else(|| "common".to_owned());
    let mut free = name.clone();
    let mut number = 2;
    while used.contains(&free) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

/// Returns the label before the top-level domain of a web or mail address.
fn host_label(text: &str) -> Option<String> {
    let host = match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((_, rest)), _) => rest.split(['/', ':', '?', '#']).next()?,
        (None, Some((_, host))) => host,
        (None, None) => return None,
    };
    let labels: Vec<&str> = host.split('.').collect();
    let before_last = labels.len().checked_sub(2)?;
    labels.get(before_last).map(|label| (*label).to_owned())
}
