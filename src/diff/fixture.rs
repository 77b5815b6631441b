//! Sample trees and live states for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::diag::{FileId, Place, SourceMap, Span, Spanned};
use crate::live::{Live, LiveAccount, LiveAsset, LiveDocument, Reading};
use crate::model::{
    AccountId, AccountName, AssetFacts, AssetFile, AssetKind, AssetType, ClusterName, Digest,
    DomainTemplate, Identity, KeyPath, Object, Revision, Settings,
};
use crate::tree::{
    AccountPolicy, AuthConfig, ClusterConfig, Declared, Desired, DesiredAccount, DesiredTemplate,
    DnsMode, Ownership, Policy, Target,
};

pub(crate) const PLACE: Place = Place {
    file: FileId(0),
    span: Span { start: 0, end: 0 },
};

pub(crate) fn sources() -> SourceMap {
    let mut sources = SourceMap::default();
    sources.add("accounts/x/account.yaml".into(), "text");
    sources
}

pub(crate) fn id(name: &str) -> AccountId {
    AccountId::parse(&Digest::of(name.as_bytes()).as_str()[..32]).expect("hexadecimal")
}

pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

pub(crate) fn tree(accounts: Vec<DesiredAccount>) -> Desired {
    Desired {
        cluster: ClusterConfig {
            name: ClusterName::new("test"),
            api: None,
            root: None,
            allow_plain_http: false,
            ca_file: None,
            ui: None,
            auth: AuthConfig::Environment,
            keys: Vec::new(),
        },
        accounts: accounts.into_iter().map(Into::into).collect(),
        template: None,
        policy: Policy::default(),
    }
}

/// Returns an account that declares the leaves of an object; `null` declares absence.
pub(crate) fn account(name: &str, whitelabel: Value) -> DesiredAccount {
    let settings = Settings::from(object(whitelabel));
    DesiredAccount {
        name: AccountName::new(name),
        identity: Spanned {
            value: Identity::Id(id(name)),
            place: PLACE,
        },
        settings: settings
            .leaves()
            .into_iter()
            .map(|(path, value)| (path, declared(Some(value.clone()).filter(|v| !v.is_null()))))
            .collect(),
        assets: BTreeMap::new(),
        absent: None,
        dns: DnsMode::default(),
        ignore: BTreeSet::new(),
        labels: BTreeMap::new(),
        policy: AccountPolicy::default(),
    }
}

pub(crate) fn declared<T>(value: Option<T>) -> Declared<T> {
    Declared {
        value,
        place: PLACE,
    }
}

pub(crate) fn facts(text: &str) -> AssetFacts {
    AssetFacts {
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        asset_type: Some(AssetType::Png),
        dimensions: None,
    }
}

pub(crate) fn with_asset(
    mut account: DesiredAccount,
    kind: AssetKind,
    text: Option<&str>,
) -> DesiredAccount {
    let file = text.map(|text| AssetFile {
        path: format!("accounts/{}/{kind}", account.name).into(),
        facts: facts(text),
    });
    account.assets.insert(kind, declared(file));
    account
}

pub(crate) fn exclusive(mut account: DesiredAccount) -> DesiredAccount {
    account.policy.ownership = Ownership::Exclusive;
    account
}

pub(crate) fn live_account(name: &str, document: Option<Value>) -> LiveAccount {
    LiveAccount {
        id: Reading::Known(id(name)),
        document: Reading::Known(document.map(|document| LiveDocument {
            revision: Revision::new("1-a"),
            settings: Settings::from(object(document)),
            assets: BTreeMap::new(),
        })),
    }
}

pub(crate) fn live<const N: usize>(accounts: [(&str, Option<Value>); N]) -> Live {
    Live {
        accounts: accounts
            .into_iter()
            .map(|(name, document)| {
                (
                    AccountName::new(name),
                    Arc::new(live_account(name, document)),
                )
            })
            .collect(),
        ..Live::default()
    }
}

/// Stores a live asset in an account; `attachment` is its name on the server.
pub(crate) fn store(live: &mut Live, name: &str, kind: AssetKind, asset: Option<(&str, &str)>) {
    let account = live.accounts.get_mut(&AccountName::new(name));
    let Some(Reading::Known(Some(document))) =
        account.map(|account| &mut Arc::make_mut(account).document)
    else {
        panic!("{name} has no document");
    };
    let asset = asset.map(|(text, attachment)| LiveAsset {
        facts: facts(text),
        attachment: Some(attachment.to_owned()),
    });
    document.assets.insert(kind, Reading::Known(asset));
}

/// Returns a template that declares the hosts of an object; a `null` host declares absence.
pub(crate) fn template(value: Value) -> DesiredTemplate {
    let mut template = DesiredTemplate {
        hosts: BTreeMap::new(),
        types: BTreeSet::new(),
        ownership: Ownership::Shared,
    };
    for (record_type, hosts) in object(value) {
        template.types.insert(record_type.clone());
        for (host, entry) in object(hosts) {
            let entry =
                (!entry.is_null()).then(|| serde_json::from_value(entry).expect("a host entry"));
            let target = Target {
                record_type: record_type.clone(),
                host,
            };
            template.hosts.insert(target, declared(entry));
        }
    }
    template
}

pub(crate) fn live_template(value: Value) -> DomainTemplate {
    DomainTemplate::from_answer(object(value)).expect("a template")
}

pub(crate) fn path(text: &str) -> KeyPath {
    KeyPath::from(text)
}
