//! What the customers of an account should see, as the tree declares it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use url::Url;

use crate::diag::SourceMap;
use crate::dns::{declared_template, expect};
use crate::model::record::RecordData;
use crate::model::{AccountName, AssetFile, AssetKind, DomainName, DomainTemplate, KeyPath};
use crate::tree::{DeclaredUi, Desired, DesiredAccount, Origin};

/// A declared value, with the place in the tree that declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// The place.
    pub origin: Origin,
}

/// The brand that customers should see at a host.
#[derive(Clone, Debug, PartialEq)]
pub struct BrandTarget {
    /// The account's name in the tree.
    pub account: AccountName,
    /// The host that customers type: the whitelabel's `domain`, and the place that declares it.
    pub host: Located<DomainName>,
    /// Every declared key; `None` for one that must be absent.
    pub settings: BTreeMap<KeyPath, Located<Option<Value>>>,
    /// Every declared asset; `None` for one that must be absent.
    pub assets: BTreeMap<AssetKind, Located<Option<AssetFile>>>,
    /// The platform's API, as the tree declares it.
    pub api: Option<Located<Url>>,
    /// The user interface, when it is not Monster UI.
    pub ui: Option<OwnUi>,
    /// The servers that phones find for SIP over TLS, as the tree's template declares them: name and port.
    pub sips: BTreeSet<(String, u16)>,
}

/// A user interface that is not Monster UI, as the tree describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnUi {
    /// A text that its page contains.
    pub text: Located<String>,
    /// What it asks, up to and with `/v2/`; `None` if the tree names no API.
    pub root: Option<String>,
}

impl BrandTarget {
    /// Returns how many requests a probe of this brand sends to the API, at most.
    #[must_use]
    pub fn api_requests(&self) -> u32 {
        // The preflight, the document, the assets.
        2 + u32::try_from(self.assets.len()).unwrap_or(u32::MAX - 2)
    }
}

/// Lists the brands of the accounts that `is_wanted` accepts, and the accounts without one, with the reason.
#[must_use]
pub fn targets(
    desired: &Desired,
    sources: &SourceMap,
    is_wanted: impl Fn(&AccountName) -> bool,
) -> (Vec<BrandTarget>, Vec<(AccountName, String)>) {
    let api = desired.cluster.api.as_ref().and_then(|api| {
        Some(Located {
            value: Url::parse(&api.value).ok()?,
            origin: Origin::of(api.place, sources),
        })
    });
    let ui = desired
        .cluster
        .ui
        .as_ref()
        .map(|ui| own_ui(desired, ui, sources));
    let template = desired.template.as_ref().map(declared_template);
    let mut found = Vec::new();
    let mut skipped = Vec::new();
    for account in desired.accounts.iter().filter(|it| is_wanted(&it.name)) {
        match host(account, sources) {
            Ok(host) => found.push(BrandTarget {
                account: account.name.clone(),
                settings: settings(account, sources),
                assets: assets(account, sources),
                api: api.clone(),
                ui: ui.clone(),
                sips: template
                    .as_ref()
                    .map_or_else(BTreeSet::new, |template| sips(template, &host.value)),
                host,
            }),
            Err(reason) => skipped.push((account.name.clone(), reason.to_owned())),
        }
    }
    (found, skipped)
}

fn own_ui(desired: &Desired, ui: &DeclaredUi, sources: &SourceMap) -> OwnUi {
    let api = ui.api.as_ref().or(desired.cluster.api.as_ref());
    OwnUi {
        text: Located {
            value: ui.text.value.clone(),
            origin: Origin::of(ui.text.place, sources),
        },
        root: api.map(|api| format!("{}/v2/", api.value)),
    }
}

fn host(
    account: &DesiredAccount,
    sources: &SourceMap,
) -> Result<Located<DomainName>, &'static str> {
    if account.absent.is_some() {
        return Err("the tree wants no whitelabel");
    }
    let declared = account.settings.get(&KeyPath::parse("domain"));
    let declared = declared.ok_or("the tree declares no domain")?;
    let text = declared.value.as_ref().and_then(Value::as_str);
    let text = text.ok_or("the tree declares no domain")?;
    Ok(Located {
        value: DomainName::parse(text).map_err(|_| "its domain is no host name")?,
        origin: Origin::of(declared.place, sources),
    })
}

/// Returns where the records of a template lead phones that look for SIP over TLS (RFC 3263, section 4.1).
fn sips(template: &DomainTemplate, domain: &DomainName) -> BTreeSet<(String, u16)> {
    let service = format!("_sips._tcp.{domain}");
    let expected = expect(template, domain).expected.into_iter();
    let records = expected
        .filter(|expected| expected.question.name.as_str() == service)
        .flat_map(|expected| expected.records);
    let servers = records.filter_map(|record| match record {
        RecordData::Srv { port, target, .. } if !target.is_root() => {
            Some((target.as_str().to_owned(), port))
        }
        _ => None,
    });
    servers.collect()
}

fn settings(
    account: &DesiredAccount,
    sources: &SourceMap,
) -> BTreeMap<KeyPath, Located<Option<Value>>> {
    let settings = account.settings.iter().map(|(path, declared)| {
        let located = Located {
            value: declared.value.clone(),
            origin: Origin::of(declared.place, sources),
        };
        (path.clone(), located)
    });
    settings.collect()
}

fn assets(
    account: &DesiredAccount,
    sources: &SourceMap,
) -> BTreeMap<AssetKind, Located<Option<AssetFile>>> {
    let assets = account.assets.iter().map(|(kind, declared)| {
        let located = Located {
            value: declared.value.clone(),
            origin: Origin::of(declared.place, sources),
        };
        (*kind, located)
    });
    assets.collect()
}
