//! Updates accounts that are already in the tree: live values go into the layer that declares them.
//!
//! A layer that other accounts share is only changed if all accounts that inherit the value from it have the new one;
//! otherwise the value goes into the account's own file.

mod layers;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use serde_json::Value;

use self::layers::{Layers, Spot};
use super::asset::{Shared, own_folder, place_in, place_shared, relative};
use super::draft::{Draft, asset_address, setting_address, unread, worth_declaring};
use super::judge;
use super::note::{Note, Reason};
use super::refused::Refused;
use super::request::{ImportError, Request, Scope, live};
use crate::diff::{self, Cause, Change, ChangeKey, Side, canonical};
use crate::live::{BrandAsset, BrandDocument, LiveBrand, Reading};
use crate::model::{AccountId, AccountName, AssetKind, AssetType, FieldType, KeyPath, field};
use crate::tree::edit::{self, Edit, To};
use crate::tree::{Item, LayerName, Loaded};

/// The desired value of an address.
#[derive(Clone, Debug, PartialEq)]
enum Want {
    Setting(KeyPath, Option<Value>),
    Asset(AssetKind, Option<BrandAsset>),
}

/// Edits of files, each with the accounts that request it.
#[derive(Debug, Default)]
struct Edits {
    files: BTreeMap<Utf8PathBuf, BTreeMap<KeyPath, Wanted>>,
}

/// The new value at an address of a file, and the accounts and keys that request it.
#[derive(Debug)]
struct Wanted {
    to: To,
    by: Vec<(AccountId, KeyPath)>,
}

/// Updates the accounts of the tree to the live state.
pub(super) fn update(
    request: &Request<'_>,
    loaded: &Loaded,
    shared: &Shared,
    refused: &Refused,
    draft: &mut Draft<'_>,
) -> Result<(), ImportError> {
    let names = draft.names.clone();
    let live = live(request, &names);
    let differences = diff::compare(&loaded.desired, None, &live, &loaded.sources);
    let several = request
        .existing
        .is_some_and(|existing| existing.several_clusters);
    let mut update = Update {
        request,
        loaded,
        layers: Layers::new(loaded, &draft.tree, several)?,
        brands: request
            .brands
            .iter()
            .filter_map(|brand| Some((names.get(&brand.account.id)?.clone(), brand)))
            .collect(),
        others: request
            .brands
            .iter()
            .chain(request.others)
            .filter_map(|brand| Some((names.get(&brand.account.id)?.clone(), brand)))
            .collect(),
        edits: Edits::default(),
    };
    for account in &differences.accounts {
        let Some(brand) = update.brands.get(&account.name).copied() else {
            continue;
        };
        let Some(scope) = update.asked(&account.name) else {
            continue;
        };
        let document = match &brand.document {
            Reading::Known(Some(document)) => document,
            Reading::Known(None) => {
                draft.notes.push(no_whitelabel(&account.name));
                continue;
            }
            Reading::Unknown(_) => continue,
        };
        if let Some(reason) = refused.accounts.get(&brand.account.id) {
            draft.notes.push(Note {
                account: Some(account.name.clone()),
                about: None,
                reason: reason.clone(),
                left: true,
            });
            continue;
        }
        update.leave_unread(&account.name, (brand, document), &scope, draft);
        for want in update.wants(account, document, &scope) {
            update.take(
                &account.name,
                &brand.account.id,
                &want,
                shared,
                refused,
                draft,
            )?;
            let key = (brand.account.id.clone(), want.address());
            if matches!(request.scope, Scope::Accept(_)) && draft.written.contains(&key) {
                let accepted = draft.accepted.entry(account.name.clone()).or_default();
                accepted.push(want.accepted(&account.changes));
            }
        }
    }
    update.write(draft)
}

fn no_whitelabel(name: &AccountName) -> Note {
    Note {
        account: Some(name.clone()),
        about: None,
        reason: Reason::new(
            "the account has no whitelabel on the platform; the tree's stays as it is",
            "apply it, or declare whitelabel: null",
        ),
        left: false,
    }
}

/// The keys of an account that were requested.
enum Asked {
    /// Everything that is live.
    Everything,
    /// Drift at these addresses; `None` stands for everything that the tree declares.
    Drift(Vec<Option<KeyPath>>),
}

impl Asked {
    fn drift(&self, address: &KeyPath) -> bool {
        match self {
            Self::Everything => true,
            Self::Drift(asked) => asked
                .iter()
                .any(|asked| asked.as_ref().is_none_or(|asked| address.is_within(asked))),
        }
    }

    fn undeclared(&self, address: &KeyPath) -> bool {
        match self {
            Self::Everything => true,
            Self::Drift(asked) => asked.iter().flatten().any(|asked| address.is_within(asked)),
        }
    }
}

struct Update<'a> {
    request: &'a Request<'a>,
    loaded: &'a Loaded,
    layers: Layers<'a>,
    brands: BTreeMap<AccountName, &'a LiveBrand>,
    /// The brands, and those that were read only to decide about shared layers.
    others: BTreeMap<AccountName, &'a LiveBrand>,
    edits: Edits,
}

impl Update<'_> {
    fn asked(&self, account: &AccountName) -> Option<Asked> {
        match self.request.scope {
            Scope::Everything => Some(Asked::Everything),
            Scope::Accept(accepted) => {
                let asked: Vec<Option<KeyPath>> = accepted
                    .iter()
                    .filter(|accepted| accepted.account == *account)
                    .map(|accepted| accepted.address.clone())
                    .collect();
                (!asked.is_empty()).then_some(Asked::Drift(asked))
            }
        }
    }

    /// Leaves out the requested assets that could not be read.
    fn leave_unread(
        &self,
        name: &AccountName,
        (brand, document): (&LiveBrand, &BrandDocument),
        asked: &Asked,
        draft: &mut Draft<'_>,
    ) {
        let desired = self.loaded.desired.account(name);
        let is_declared = |kind| desired.is_some_and(|account| account.assets.contains_key(kind));
        for (kind, asset) in &document.assets {
            let address = asset_address(*kind);
            let is_asked = if is_declared(kind) {
                asked.drift(&address)
            } else {
                asked.undeclared(&address)
            };
            if let Reading::Unknown(reason) = asset
                && is_asked
            {
                let key = (brand.account.id.clone(), address);
                draft.unread.insert(key.clone());
                draft.left.insert(key, unread(reason));
            }
        }
    }

    /// Returns the requested values that differ, or that are live but undeclared.
    fn wants(
        &self,
        difference: &diff::AccountDifference,
        document: &BrandDocument,
        asked: &Asked,
    ) -> Vec<Want> {
        let setting = |path: &KeyPath| {
            let value = document.settings.get(path);
            Want::Setting(
                path.clone(),
                value.map(|value| canonical::written(path, value)),
            )
        };
        let asset = |kind: AssetKind| match document.assets.get(&kind) {
            Some(Reading::Known(asset)) => Some(Want::Asset(kind, asset.clone())),
            Some(Reading::Unknown(_)) | None => None,
        };
        let mut wants = Vec::new();
        for change in &difference.changes {
            match &change.key {
                ChangeKey::Setting(path) if asked.drift(&setting_address(path)) => {
                    wants.push(setting(path));
                }
                ChangeKey::Asset(kind) if asked.drift(&asset_address(*kind)) => {
                    wants.extend(asset(*kind));
                }
                _ => {}
            }
        }
        let Some(desired) = self
            .loaded
            .desired
            .accounts
            .iter()
            .find(|account| account.name == difference.name)
        else {
            return wants;
        };
        let undeclared: BTreeSet<KeyPath> = diff::undeclared(desired, &document.settings).collect();
        for (path, _) in worth_declaring(&document.settings) {
            let is_undeclared = desired.absent.is_some() || undeclared.contains(&path);
            let want = setting(&path);
            if is_undeclared && asked.undeclared(&setting_address(&path)) && !wants.contains(&want)
            {
                wants.push(want);
            }
        }
        for kind in AssetKind::ALL {
            if !desired.assets.contains_key(&kind)
                && asked.undeclared(&asset_address(kind))
                && let Some(want @ Want::Asset(_, Some(_))) = asset(kind)
            {
                wants.push(want);
            }
        }
        wants
    }

    /// Takes one live value into the tree, or leaves it undeclared with a reason.
    fn take(
        &mut self,
        name: &AccountName,
        id: &AccountId,
        want: &Want,
        shared: &Shared,
        refused: &Refused,
        draft: &mut Draft<'_>,
    ) -> Result<(), ImportError> {
        let address = want.address();
        let reason = refused
            .key(id, &address)
            .cloned()
            .or_else(|| want.judge(&self.loaded.extra_keys));
        if let Some(reason) = reason {
            draft.left.insert((id.clone(), address), reason);
            return Ok(());
        }
        let unread = RefCell::new(Vec::new());
        let agrees = |other: &AccountName| {
            if let Some(brand) = self.others.get(other) {
                return want.is_live_in(brand);
            }
            unread.borrow_mut().push(other.clone());
            false
        };
        let is_named = matches!(self.request.scope, Scope::Accept(_));
        let (spot, shared_by) = self.layers.spot(name, &address, is_named, &agrees);
        for other in unread.into_inner() {
            let id = draft.names.iter().find(|(_, name)| **name == other);
            draft.wanted.extend(id.map(|(id, _)| id.clone()));
        }
        // Expected for a full import, but whoever accepts a single value may have meant all accounts.
        if let (Some((layer, others)), Scope::Accept(_)) = (shared_by, self.request.scope) {
            draft.notes.push(Note {
                account: Some(name.clone()),
                about: Some(address.to_string()),
                reason: Reason::new(
                    format!(
                        "{layer} declares it, and others who take it from there have another value ({others})"
                    ),
                    "it went into the account's own file; change the layer by hand if all are to have it",
                ),
                left: false,
            });
        }
        if is_named && self.layers.is_every_clusters(&spot) {
            draft.notes.push(Note {
                account: Some(name.clone()),
                about: Some(address.to_string()),
                reason: Reason::new(
                    format!(
                        "{} declares it for every cluster, so the new value holds for the others too",
                        spot.file()
                    ),
                    "where a cluster is to keep the old one, declare it below overrides.CLUSTER of the account",
                ),
                left: false,
            });
        }
        draft.written.insert((id.clone(), address.clone()));
        let to = match want {
            Want::Setting(_, Some(value)) => To::Value(value.clone()),
            Want::Setting(path, None) => {
                self.layers.absence(name, &address, &spot, is_switch(path))
            }
            Want::Asset(_, None) => self.layers.absence(name, &address, &spot, false),
            Want::Asset(kind, Some(asset)) => {
                match self.place(name, *kind, asset, &spot, shared, draft)? {
                    Some(to) => to,
                    None => return Ok(()),
                }
            }
        };
        let wanted = self
            .edits
            .files
            .entry(spot.file())
            .or_default()
            .entry(spot.address(&address))
            .or_insert_with(|| Wanted { to, by: Vec::new() });
        wanted.by.push((id.clone(), address));
        Ok(())
    }

    /// Stores an asset in the tree; `None` if the declared file was overwritten with the new bytes.
    fn place(
        &self,
        name: &AccountName,
        kind: AssetKind,
        asset: &BrandAsset,
        spot: &Spot,
        shared: &Shared,
        draft: &mut Draft<'_>,
    ) -> Result<Option<To>, ImportError> {
        let address = asset_address(kind);
        let declared = self.layers.declared(name, &spot.layer, &address);
        let old = match declared {
            Some(Item::Asset { path, .. }) => Some(path.clone()),
            _ => None,
        };
        let extension = asset.facts.asset_type.map(AssetType::extension);
        if let Some(path) = &old {
            let fits = match (path.extension(), extension) {
                (Some("jpeg"), Some("jpg")) | (Some("htm"), Some("html")) => true,
                (there, wanted) => there == wanted,
            };
            if fits && self.layers.references(path) <= 1 {
                draft.tree.write(path.clone(), asset.bytes.to_vec());
                return Ok(None);
            }
        }
        let path = match &spot.layer {
            LayerName::Defaults | LayerName::Brand(_) => {
                place_shared(&mut draft.tree, kind, asset)?
            }
            LayerName::Account if old.is_none() => {
                shared.place(&mut draft.tree, name, kind, asset)?
            }
            LayerName::Account | LayerName::Override(_) => {
                place_in(&mut draft.tree, &own_folder(name), kind.as_str(), asset)?
            }
        };
        if let Some(old) = old.filter(|old| *old != path && self.layers.references(old) <= 1) {
            draft.notes.push(Note {
                account: Some(name.clone()),
                about: Some(old.to_string()),
                reason: Reason::new("nothing names this file any more", "delete it"),
                left: false,
            });
        }
        Ok(Some(To::Value(relative(&spot.folder(), &path).into())))
    }

    /// Edits the files one address at a time, so that an address that cannot be edited does not affect others.
    fn write(self, draft: &mut Draft<'_>) -> Result<(), ImportError> {
        for (file, edits) in self.edits.files {
            let mut text = draft.tree.text(&file)?;
            for (path, Wanted { to, by }) in edits {
                match edit::edit(&text, &[Edit { path, to }]) {
                    Ok(edited) => text = edited,
                    Err(error) => {
                        for (id, address) in by {
                            let reason =
                                Reason::new(error.to_string(), format!("change {file} by hand"));
                            draft.refused.keys.insert((id, address), reason);
                        }
                    }
                }
            }
            draft.tree.write(file, text);
        }
        Ok(())
    }
}

impl Want {
    fn address(&self) -> KeyPath {
        match self {
            Self::Setting(path, _) => setting_address(path),
            Self::Asset(kind, _) => asset_address(*kind),
        }
    }

    /// Returns what is accepted with it: the difference, or a live value that the tree does not declare.
    fn accepted(&self, differences: &[Change]) -> Change {
        let (key, before) = match self {
            Self::Setting(path, value) => (
                ChangeKey::Setting(path.clone()),
                value.clone().map_or(Side::Absent, Side::Value),
            ),
            Self::Asset(kind, asset) => (
                ChangeKey::Asset(*kind),
                (asset.as_ref()).map_or(Side::Absent, |asset| Side::Asset(asset.facts.clone())),
            ),
        };
        let known = differences.iter().find(|change| change.key == key);
        known.cloned().unwrap_or(Change {
            key,
            before,
            after: Side::Absent,
            cause: Cause::Differs,
            origin: None,
        })
    }

    fn judge(&self, extra_keys: &[String]) -> Option<Reason> {
        match self {
            Self::Setting(path, Some(value)) => judge::setting(path, value, extra_keys),
            Self::Asset(kind, Some(asset)) => {
                let extension = asset.facts.asset_type.map_or("", |found| found.extension());
                judge::asset(*kind, format!("{kind}.{extension}").as_str().into(), asset)
            }
            Self::Setting(_, None) | Self::Asset(_, None) => None,
        }
    }

    /// Returns whether another account has the same live value.
    fn is_live_in(&self, brand: &LiveBrand) -> bool {
        let Reading::Known(Some(document)) = &brand.document else {
            return false;
        };
        match self {
            Self::Setting(path, value) => {
                let canonical = |value: &Value| canonical::setting(path, value);
                let live = document.settings.get(path).and_then(canonical);
                live == value.as_ref().and_then(canonical)
            }
            Self::Asset(kind, asset) => match document.assets.get(kind) {
                Some(Reading::Known(live)) => {
                    live.as_ref().map(|live| &live.facts.digest)
                        == asset.as_ref().map(|asset| &asset.facts.digest)
                }
                Some(Reading::Unknown(_)) | None => false,
            },
        }
    }
}

/// Returns whether absence and `false` are equivalent for a key.
fn is_switch(path: &KeyPath) -> bool {
    field(path.as_str())
        .is_some_and(|field| field.field_type == FieldType::Boolean { defaulted: true })
}
