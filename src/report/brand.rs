//! One brand as its customers see it, and where each part of it is declared.

use serde_json::Value;

use crate::dns::expect;
use crate::model::{
    AccountName, AssetFacts, AssetKind, DomainName, DomainTemplate, FIELDS, KeyPath,
};
use crate::report::picture;
use crate::tree::{DesiredAccount, Loaded, Origin, explain};

/// One brand, merged from all layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// The account's name in the tree.
    pub name: AccountName,
    /// The account's id or realm.
    pub identity: String,
    /// The settings, sorted by key; `None` as a value means that the key must be absent.
    pub settings: Vec<Part<Value>>,
    /// The assets; `None` as a value means that the asset must be absent.
    pub assets: Vec<Part<Asset>>,
    /// What emblazon does about the account's DNS.
    pub dns: &'static str,
    /// The names and records that DNS should have, as far as they are declared in the tree.
    pub records: Vec<(String, String)>,
    /// What no layer declares and therefore stays as it is.
    pub undeclared: Vec<String>,
    /// The number of accounts below it; absent unless requested.
    pub below: Option<Result<usize, String>>,
}

/// A setting or asset of a brand, with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<T> {
    /// The key.
    pub key: String,
    /// The declared value; absent when it must not exist.
    pub value: Option<T>,
    /// Where it is declared.
    pub origin: Origin,
    /// The layer that declares it.
    pub layer: String,
}

/// An asset and a description of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Facts about its bytes.
    pub facts: AssetFacts,
    /// A description of what it shows.
    pub shown: Option<String>,
}

impl Brand {
    /// Builds a brand; `read` returns the bytes of an asset. Returns `None` when the cluster has no such account.
    #[must_use]
    pub fn of(
        loaded: &Loaded,
        name: &AccountName,
        template: Option<&DomainTemplate>,
        read: impl Fn(AssetKind, &AssetFacts) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let account = loaded.desired.account(name)?;
        let layer = |address: &str| {
            let address = KeyPath::from(address);
            let said = explain(loaded, name, Some(&address)).unwrap_or_default();
            let won = said.iter().rfind(|said| said.won);
            won.map_or_else(String::new, |won| won.layer.to_string())
        };
        let settings = account.settings.iter().map(|(key, declared)| Part {
            key: key.to_string(),
            value: declared.value.clone(),
            origin: Origin::of(declared.place, &loaded.sources),
            layer: layer(&format!("whitelabel.{key}")),
        });
        let assets = account.assets.iter().map(|(kind, declared)| Part {
            key: kind.to_string(),
            value: declared.value.as_ref().map(|file| Asset {
                facts: file.facts.clone(),
                shown: read(*kind, &file.facts)
                    .and_then(|bytes| picture::described(*kind, file.facts.asset_type?, &bytes)),
            }),
            origin: Origin::of(declared.place, &loaded.sources),
            layer: layer(&format!("assets.{kind}")),
        });
        Some(Self {
            name: name.clone(),
            identity: account.identity.value.to_string(),
            settings: settings.collect(),
            assets: assets.collect(),
            dns: account.dns.as_str(),
            records: records(account, template),
            undeclared: undeclared(account),
            below: None,
        })
    }

    /// Returns a setting that is a string.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        let part = self.settings.iter().find(|part| part.key == key)?;
        part.value.as_ref()?.as_str()
    }
}

/// Returns the names and records that DNS should have for the declared domain.
fn records(account: &DesiredAccount, template: Option<&DomainTemplate>) -> Vec<(String, String)> {
    let domain = account.declared_domain();
    let domain = domain.and_then(|domain| DomainName::parse(domain).ok());
    let (Some(template), Some(domain)) = (template, domain) else {
        return Vec::new();
    };
    let expected = expect(template, &domain).expected;
    let lines = expected.iter().flat_map(|expected| {
        let question = &expected.question;
        let name = format!("{} {}", question.record_type, question.name);
        let records = expected.records.iter();
        records.map(move |record| (name.clone(), record.to_string()))
    });
    lines.collect()
}

fn undeclared(account: &DesiredAccount) -> Vec<String> {
    let is_declared = |path: &KeyPath| {
        let mut keys = account.settings.keys();
        keys.any(|key| key.is_within(path) || path.is_within(key))
    };
    let settings = FIELDS.iter().map(|field| field.path);
    let settings = settings.filter(|path| !is_declared(&KeyPath::from(*path)));
    let assets = AssetKind::ALL.into_iter();
    let assets = assets.filter(|kind| !account.assets.contains_key(kind));
    assets
        .map(AssetKind::as_str)
        .chain(settings)
        .map(str::to_owned)
        .collect()
}
