//! A draft: all files of an import, without what cannot be declared.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use super::account::{Declarations, Heading, NewAccount};
use super::asset::Shared;
use super::config;
use super::factor::factor;
use super::judge;
use super::names::names;
use super::note::{Note, Reason};
use super::overlay::Overlay;
use super::refused::Refused;
use super::request::{ImportError, Request};
use super::template;
use crate::diff::{Change, canonical};
use crate::live::{BrandAsset, BrandDocument, LiveBrand, Reading, Unmanaged};
use crate::model::{AccountId, AccountName, AssetKind, Identity, KeyPath, Settings};
use crate::tree::{DesiredAccount, Loaded, Target, edit};

/// The files of an import, and what to report about them.
pub(super) struct Draft<'a> {
    pub(super) tree: Overlay<'a>,
    /// The accounts that the tree has afterwards, as far as they exist on the platform.
    pub(super) names: BTreeMap<AccountId, AccountName>,
    /// The accounts that are new in the tree.
    pub(super) added: BTreeSet<AccountName>,
    /// The keys and assets of accounts that the draft wrote, by address.
    pub(super) written: BTreeSet<(AccountId, KeyPath)>,
    /// What is live and was requested, but is not declared.
    pub(super) left: BTreeMap<(AccountId, KeyPath), Reason>,
    /// The assets among them that could not be read.
    pub(super) unread: BTreeSet<(AccountId, KeyPath)>,
    /// Whether the template could not be read.
    pub(super) is_template_unread: bool,
    /// Hosts of the template that are live, but not declared.
    pub(super) left_hosts: BTreeMap<Target, Reason>,
    /// What was accepted, as changes from the live side to what the tree declared.
    pub(super) accepted: BTreeMap<AccountName, Vec<Change>>,
    /// Further notes.
    pub(super) notes: Vec<Note>,
    /// Accounts that must be read before a layer that they share can be changed.
    pub(super) wanted: BTreeSet<AccountId>,
    /// What turned out to be impossible to declare while drafting.
    pub(super) refused: Refused,
}

/// Matches the platform's accounts with those of the tree, by id or by realm.
#[must_use]
pub fn known(loaded: &Loaded, everybody: &[Unmanaged]) -> BTreeMap<AccountId, AccountName> {
    let id = |account: &DesiredAccount| match &account.identity.value {
        Identity::Id(id) => Some(id.clone()),
        Identity::Realm(realm) => {
            let mut found = everybody
                .iter()
                .filter(|live| live.realm.eq_ignore_ascii_case(realm.as_str()));
            match (found.next(), found.next()) {
                (Some(only), None) => Some(only.id.clone()),
                _ => None,
            }
        }
    };
    loaded
        .desired
        .accounts
        .iter()
        .filter_map(|account| Some((id(account)?, account.name.clone())))
        .collect()
}

impl Draft<'_> {
    /// Returns whether the draft wrote anything for an account.
    pub(super) fn has_written_for(&self, account: &AccountId) -> bool {
        let from = (account.clone(), KeyPath::from(""));
        let first = self.written.range(from..).next();
        first.is_some_and(|(first, _)| first == account)
    }

    /// Writes the accounts that are not yet in the tree.
    pub(super) fn add_accounts(
        &mut self,
        request: &Request<'_>,
        refused: &Refused,
        known: &BTreeMap<AccountId, AccountName>,
    ) -> Result<Shared, ImportError> {
        let mut taken: BTreeMap<AccountName, Option<AccountId>> = request
            .existing
            .into_iter()
            .flat_map(|existing| existing.loaded.layers.keys())
            .map(|name| (name.clone(), None))
            .collect();
        taken.extend(
            known
                .iter()
                .map(|(id, name)| (name.clone(), Some(id.clone()))),
        );
        let names = names(request.everybody, &taken);
        let fresh: Vec<(&LiveBrand, &BrandDocument)> = request
            .brands
            .iter()
            .filter(|brand| !known.contains_key(&brand.account.id))
            .filter_map(|brand| match &brand.document {
                Reading::Known(Some(document)) => Some((brand, document)),
                Reading::Known(None) | Reading::Unknown(_) => None,
            })
            .collect();
        let shared = Shared::of(
            fresh.iter().flat_map(|(_, document)| assets(document)),
            &self.tree,
        )?;
        let mut accounts = Vec::new();
        for (brand, document) in fresh {
            let id = &brand.account.id;
            let Some(name) = names.get(id) else { continue };
            if let Some(reason) = refused.accounts.get(id) {
                self.notes.push(Note {
                    account: None,
                    about: Some(edit::comment(&brand.account.name)),
                    reason: reason.clone(),
                    left: true,
                });
                continue;
            }
            accounts.push(self.declare(request, brand, document, name, &shared, refused)?);
        }
        accounts.sort_by(|left, right| left.name.cmp(&right.name));
        self.write_layers(request, &mut accounts);
        let heading = Heading {
            schemas: self.tree.has("schemas/account.schema.json".into())?,
            cluster: request
                .existing
                .filter(|existing| existing.several_clusters)
                .map(|existing| &existing.loaded.desired.cluster.name),
        };
        for account in &accounts {
            let path = format!("accounts/{}/account.yaml", account.name);
            self.tree.write(path, account.text(heading));
            self.names
                .insert(account.account.id.clone(), account.name.clone());
            self.added.insert(account.name.clone());
        }
        Ok(shared)
    }

    /// Determines what a new account declares.
    fn declare<'b>(
        &mut self,
        request: &Request<'_>,
        brand: &'b LiveBrand,
        document: &BrandDocument,
        name: &AccountName,
        shared: &Shared,
        refused: &Refused,
    ) -> Result<NewAccount<'b>, ImportError> {
        let id = &brand.account.id;
        let mut declares = Declarations::default();
        let mut left = BTreeMap::new();
        let all_left = &mut self.left;
        let mut leave = |address: KeyPath, reason: Reason| {
            left.insert(address.to_string(), reason.clone());
            all_left.insert((id.clone(), address), reason);
        };
        let no_keys = Vec::new();
        let extra_keys = request
            .existing
            .map_or(&no_keys, |existing| &existing.loaded.extra_keys);
        for (path, value) in worth_declaring(&document.settings) {
            let value = canonical::written(&path, value);
            let address = setting_address(&path);
            let reason = refused
                .key(id, &address)
                .cloned()
                .or_else(|| judge::setting(&path, &value, extra_keys));
            if let Some(reason) = reason {
                leave(address, reason);
            } else {
                self.written.insert((id.clone(), address));
                declares.settings.insert(path, value);
            }
        }
        for (kind, asset) in &document.assets {
            let address = asset_address(*kind);
            match asset {
                Reading::Known(None) => {}
                Reading::Unknown(reason) => {
                    self.unread.insert((id.clone(), address.clone()));
                    leave(address, unread(reason));
                }
                Reading::Known(Some(asset)) => {
                    let extension = asset.facts.asset_type.map_or("", |found| found.extension());
                    let called = Utf8PathBuf::from(format!("{kind}.{extension}"));
                    let reason = refused
                        .key(id, &address)
                        .cloned()
                        .or_else(|| judge::asset(*kind, &called, asset));
                    if let Some(reason) = reason {
                        leave(address, reason);
                    } else {
                        self.written.insert((id.clone(), address));
                        let path = shared.place(&mut self.tree, name, *kind, asset)?;
                        declares.assets.insert(*kind, (asset.clone(), path));
                    }
                }
            }
        }
        Ok(NewAccount {
            account: &brand.account,
            name: name.clone(),
            extends: Vec::new(),
            declares,
            left,
        })
    }

    /// Writes the brands and, for a new tree, `emblazon.yaml`.
    fn write_layers(&mut self, request: &Request<'_>, accounts: &mut [NewAccount<'_>]) {
        let mut defaults = Declarations::default();
        if request.factor {
            let brands: BTreeSet<String> = self.brand_names();
            let (found, layers) = factor(accounts, request.existing.is_none(), &brands);
            defaults = found;
            for brand in layers {
                let mut text = format!(
                    "# yaml-language-server: $schema=../schemas/brand.schema.json\n\n\
                     # Values that the {} accounts with this brand in extends share.\n",
                    brand.accounts
                );
                brand.declares.write("brands".into(), &mut text);
                self.tree.write(format!("brands/{}.yaml", brand.name), text);
            }
        }
        if request.existing.is_none() {
            config::write(&mut self.tree, request.cluster, &defaults);
        }
    }

    fn brand_names(&self) -> BTreeSet<String> {
        use crate::tree::TreeSource as _;
        let listed = self.tree.list().unwrap_or_default();
        listed
            .iter()
            .filter(|entry| entry.path.parent().is_some_and(|folder| folder == "brands"))
            .filter_map(|entry| entry.path.file_stem().map(str::to_lowercase))
            .collect()
    }

    /// Writes the template of a new tree, or updates an existing one.
    pub(super) fn write_template(
        &mut self,
        request: &Request<'_>,
        refused: &Refused,
    ) -> Result<(), ImportError> {
        let live = match request.template {
            None => return Ok(()),
            Some(Reading::Unknown(reason)) => {
                // A tree without a template does not manage it.
                let mut tree = request.existing.iter();
                if tree.any(|existing| existing.loaded.desired.template.is_none()) {
                    return Ok(());
                }
                self.is_template_unread = true;
                self.notes.push(Note {
                    account: None,
                    about: Some("domains.yaml".to_owned()),
                    reason: unread(reason),
                    left: true,
                });
                return Ok(());
            }
            Some(Reading::Known(live)) => live,
        };
        let (declarable, left) = template::judge(live, &refused.hosts);
        let path = Utf8PathBuf::from("domains.yaml");
        match request.existing {
            None => {
                if let Some(text) = template::text(&declarable) {
                    self.tree.write(path, text);
                }
            }
            Some(existing) => {
                // A tree without a template does not manage it.
                let Some(desired) = &existing.loaded.desired.template else {
                    return Ok(());
                };
                let mut text = self.tree.text(&path)?;
                for change in template::edits(desired, live, &declarable) {
                    match edit::edit(&text, std::slice::from_ref(&change)) {
                        Ok(edited) => text = edited,
                        Err(error) => self.notes.push(Note {
                            account: None,
                            about: Some(format!("domains.yaml {}", change.path)),
                            reason: Reason::new(error.to_string(), "change it by hand"),
                            left: true,
                        }),
                    }
                }
                self.tree.write(path, text);
            }
        }
        self.left_hosts = left;
        Ok(())
    }
}

/// Iterates over the settings worth declaring: all except the server's own keys, defaults and empty maps.
pub(super) fn worth_declaring(
    settings: &Settings,
) -> impl Iterator<Item = (KeyPath, &serde_json::Value)> {
    settings.leaves().into_iter().filter(|(path, value)| {
        let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
        !is_empty && !canonical::is_server_key(path) && canonical::setting(path, value).is_some()
    })
}

pub(super) fn setting_address(path: &KeyPath) -> KeyPath {
    KeyPath::parse(&format!("whitelabel.{path}"))
}

pub(super) fn asset_address(kind: AssetKind) -> KeyPath {
    KeyPath::from_segments(["assets", kind.as_str()])
}

pub(super) fn unread(reason: &str) -> Reason {
    Reason::new(
        format!("it could not be read: {reason}"),
        "import again once it can be read",
    )
}

fn assets(document: &BrandDocument) -> impl Iterator<Item = &BrandAsset> {
    document
        .assets
        .values()
        .filter_map(Reading::known)
        .filter_map(Option::as_ref)
}
