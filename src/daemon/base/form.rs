//! The serialised form of an account and of the template.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diag::{Place, Spanned};
use crate::model::{AccountName, AssetFile, AssetKind, HostEntry, Identity, KeyPath};
use crate::tree::{
    AccountMode, AccountPolicy, Declared, DesiredAccount, DesiredTemplate, DnsMode, Ownership,
    Target,
};

#[derive(Serialize, Deserialize)]
pub(super) struct AccountEntry {
    pub(super) name: AccountName,
    identity: Identity,
    settings: BTreeMap<KeyPath, Option<Value>>,
    assets: BTreeMap<AssetKind, Option<AssetFile>>,
    is_absent: bool,
    dns: DnsMode,
    ownership: Ownership,
    recreate: bool,
    protected: bool,
    #[serde(default)]
    mode: AccountMode,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    ignore: BTreeSet<KeyPath>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TemplateEntry {
    hosts: Vec<(Target, Option<HostEntry>)>,
    types: BTreeSet<String>,
    ownership: Ownership,
}

impl AccountEntry {
    pub(super) fn of(account: &DesiredAccount) -> Self {
        let AccountPolicy {
            ownership,
            recreate,
            protected,
            mode,
        } = account.policy;
        let settings = account.settings.iter();
        let assets = account.assets.iter();
        Self {
            name: account.name.clone(),
            identity: account.identity.value.clone(),
            settings: settings
                .map(|(path, declared)| (path.clone(), declared.value.clone()))
                .collect(),
            assets: assets
                .map(|(kind, declared)| (*kind, declared.value.clone()))
                .collect(),
            is_absent: account.absent.is_some(),
            dns: account.dns,
            ownership,
            recreate,
            protected,
            mode,
            ignore: account.ignore.clone(),
            labels: account.labels.clone(),
        }
    }

    pub(super) fn declared(self, place: Place) -> DesiredAccount {
        let settings = self.settings.into_iter();
        let assets = self.assets.into_iter();
        DesiredAccount {
            name: self.name,
            identity: Spanned {
                value: self.identity,
                place,
            },
            settings: settings
                .map(|(path, value)| (path, Declared { value, place }))
                .collect(),
            assets: assets
                .map(|(kind, value)| (kind, Declared { value, place }))
                .collect(),
            absent: self.is_absent.then_some(place),
            dns: self.dns,
            ignore: self.ignore,
            labels: self.labels,
            policy: AccountPolicy {
                ownership: self.ownership,
                recreate: self.recreate,
                protected: self.protected,
                mode: self.mode,
            },
        }
    }
}

impl TemplateEntry {
    pub(super) fn of(template: &DesiredTemplate) -> Self {
        let hosts = template.hosts.iter();
        Self {
            hosts: hosts
                .map(|(target, declared)| (target.clone(), declared.value.clone()))
                .collect(),
            types: template.types.clone(),
            ownership: template.ownership,
        }
    }

    pub(super) fn declared(self, place: Place) -> DesiredTemplate {
        let hosts = self.hosts.into_iter();
        DesiredTemplate {
            hosts: hosts
                .map(|(target, value)| (target, Declared { value, place }))
                .collect(),
            types: self.types,
            ownership: self.ownership,
        }
    }
}
