//! Determines the layer in which an address of an account is changed.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::import::overlay::Overlay;
use crate::import::request::ImportError;
use crate::model::{AccountName, ClusterName, KeyPath};
use crate::tree::edit::{self, To};
use crate::tree::{self, Item, LayerName, Loaded, Provenance};

/// A place for declarations: a layer of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) account: AccountName,
    pub(super) layer: LayerName,
}

impl Spot {
    /// Returns the file of the layer.
    pub(super) fn file(&self) -> Utf8PathBuf {
        match &self.layer {
            LayerName::Defaults => "emblazon.yaml".into(),
            LayerName::Brand(name) => format!("brands/{name}.yaml").into(),
            LayerName::Account | LayerName::Override(_) => {
                format!("accounts/{}/account.yaml", self.account).into()
            }
        }
    }

    /// Returns the folder that asset paths are relative to.
    pub(super) fn folder(&self) -> Utf8PathBuf {
        self.file()
            .parent()
            .map_or_else(Utf8PathBuf::new, Utf8Path::to_owned)
    }

    /// Returns the path of an address in the file.
    pub(super) fn address(&self, address: &KeyPath) -> KeyPath {
        match &self.layer {
            LayerName::Defaults => KeyPath::parse(&format!("defaults.{address}")),
            LayerName::Brand(_) | LayerName::Account => address.clone(),
            LayerName::Override(cluster) => {
                let prefix = KeyPath::from_segments(["overrides", cluster.as_str()]);
                KeyPath::parse(&format!("{prefix}.{address}"))
            }
        }
    }
}

/// What each layer declares, and which accounts inherit it.
pub(super) struct Layers<'a> {
    said: BTreeMap<&'a AccountName, Vec<Provenance>>,
    /// The accounts that inherit an address from a shared layer.
    takers: BTreeMap<(LayerName, KeyPath), BTreeSet<&'a AccountName>>,
    /// The places that refer to each asset file.
    named: BTreeMap<Utf8PathBuf, BTreeSet<(Utf8PathBuf, KeyPath)>>,
    /// The accounts whose file also declares other clusters.
    elsewhere: BTreeSet<&'a AccountName>,
    cluster: &'a ClusterName,
    several_clusters: bool,
}

impl<'a> Layers<'a> {
    pub(super) fn new(
        loaded: &'a Loaded,
        tree: &Overlay<'_>,
        several_clusters: bool,
    ) -> Result<Self, ImportError> {
        let mut layers = Self {
            said: BTreeMap::new(),
            takers: BTreeMap::new(),
            named: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
            cluster: &loaded.desired.cluster.name,
            several_clusters,
        };
        for account in loaded.layers.keys() {
            let said = tree::explain(loaded, account, None).unwrap_or_default();
            for entry in &said {
                if entry.won && is_shared(&entry.layer) {
                    let key = (entry.layer.clone(), entry.address.clone());
                    layers.takers.entry(key).or_default().insert(account);
                }
                if let Some(Item::Asset { path, .. }) = &entry.value {
                    let spot = Spot {
                        account: account.clone(),
                        layer: entry.layer.clone(),
                    };
                    let whence = (spot.file(), spot.address(&entry.address));
                    layers.named.entry(path.clone()).or_default().insert(whence);
                }
            }
            layers.said.insert(account, said);
            if several_clusters {
                let file = format!("accounts/{account}/account.yaml");
                let text = tree.text(file.as_str().into())?;
                let is_map = |key: &str| edit::is_map(&text, &KeyPath::from(key));
                if is_map("account") || is_map("realm") {
                    layers.elsewhere.insert(account);
                }
            }
        }
        Ok(layers)
    }

    /// Returns where to change an address, and the shared layer that is not changed, if any, with the number of
    /// accounts that disagree.
    ///
    /// `is_named` is whether the value was requested explicitly; only then is a layer changed that also applies to
    /// other clusters.
    pub(super) fn spot(
        &self,
        account: &AccountName,
        address: &KeyPath,
        is_named: bool,
        agrees: &dyn Fn(&AccountName) -> bool,
    ) -> (Spot, Option<(LayerName, usize)>) {
        let winner = self.winner(account, address).map(|entry| &entry.layer);
        let own = Spot {
            account: account.clone(),
            layer: self.own(account),
        };
        match winner {
            Some(layer @ (LayerName::Defaults | LayerName::Brand(_))) => {
                let key = (layer.clone(), address.clone());
                let others = self.takers.get(&key);
                let against = others.map_or(0, |others| {
                    others
                        .iter()
                        .filter(|other| **other != account && !agrees(other))
                        .count()
                });
                if against > 0 {
                    (own, Some((layer.clone(), against)))
                } else if self.several_clusters && !is_named {
                    (own, None)
                } else {
                    let layer = layer.clone();
                    (Spot { layer, ..own }, None)
                }
            }
            Some(LayerName::Override(cluster)) => {
                let layer = LayerName::Override(cluster.clone());
                (Spot { layer, ..own }, None)
            }
            Some(LayerName::Account) if is_named => {
                let layer = LayerName::Account;
                (Spot { layer, ..own }, None)
            }
            Some(LayerName::Account) | None => (own, None),
        }
    }

    /// Returns whether declarations at a spot also apply to other clusters.
    pub(super) fn is_every_clusters(&self, spot: &Spot) -> bool {
        match spot.layer {
            LayerName::Defaults | LayerName::Brand(_) => self.several_clusters,
            LayerName::Account => self.elsewhere.contains(&spot.account),
            LayerName::Override(_) => false,
        }
    }

    /// Returns how to make an address absent at a spot: by removing it, unless another layer declares it too.
    pub(super) fn absence(
        &self,
        account: &AccountName,
        address: &KeyPath,
        spot: &Spot,
        is_switch: bool,
    ) -> To {
        let spoken = self.said.get(account).into_iter().flatten().any(|entry| {
            entry.layer != spot.layer
                && (entry.address.is_within(address) || address.is_within(&entry.address))
        });
        let here = self.declared(account, &spot.layer, address).is_some();
        match (spoken || !here, is_switch) {
            (false, _) => To::Gone,
            (true, true) => To::Value(Value::Bool(false)),
            (true, false) => To::Value(Value::Null),
        }
    }

    /// Returns what a layer of an account declares at an address.
    pub(super) fn declared(
        &self,
        account: &AccountName,
        layer: &LayerName,
        address: &KeyPath,
    ) -> Option<&Item> {
        self.said
            .get(account)?
            .iter()
            .find(|entry| entry.layer == *layer && entry.address == *address)?
            .value
            .as_ref()
    }

    /// Counts the places that refer to an asset file.
    pub(super) fn references(&self, path: &Utf8Path) -> usize {
        self.named.get(path).map_or(0, BTreeSet::len)
    }

    fn winner(&self, account: &AccountName, address: &KeyPath) -> Option<&Provenance> {
        self.said
            .get(account)?
            .iter()
            .find(|entry| entry.won && entry.address == *address)
    }

    fn own(&self, account: &AccountName) -> LayerName {
        if self.elsewhere.contains(account) {
            LayerName::Override(self.cluster.clone())
        } else {
            LayerName::Account
        }
    }
}

fn is_shared(layer: &LayerName) -> bool {
    matches!(layer, LayerName::Defaults | LayerName::Brand(_))
}
