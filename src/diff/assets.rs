//! Compares assets three ways: declared files × base × live → changes.

use std::collections::BTreeMap;

use super::base::Base;
use super::{Change, ChangeKey, Declaration, Side, Verdict, verdict};
use crate::diag::SourceMap;
use crate::live::{LiveAsset, LiveDocument, Reading};
use crate::model::{AssetFacts, AssetFile, AssetKind, Digest};
use crate::tree::{Declared, DesiredAccount, Origin};

/// The changes, and what could not be determined.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) changes: Vec<Change>,
    pub(super) unknown: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Compares the assets of one account by digest; `live` is `None` when there is no document.
pub(super) fn compare(
    desired: &DesiredAccount,
    base: Base<&DesiredAccount>,
    live: Option<&LiveDocument>,
    sources: &SourceMap,
) -> Found {
    let mut found = Found::default();
    for kind in AssetKind::ALL {
        let wanted = declaration(&desired.assets, kind);
        // What the base left alone was never brought to what it declares.
        let before = base.declares(|account| {
            if account.ignores_asset(kind) {
                return Declaration::Undeclared;
            }
            declaration(&account.assets, kind)
        });
        let is_declared = wanted != Declaration::Undeclared;
        let was_declared = matches!(before, Some(Declaration::Value(_)));
        if !is_declared && !was_declared {
            continue;
        }
        let facts = match live.map(|document| reading(document, kind)) {
            None => None,
            Some(Ok(asset)) => asset.map(|asset| &asset.facts),
            Some(Err(reason)) if is_declared => {
                found.unknown.push(format!("{kind}: {reason}"));
                continue;
            }
            Some(Err(_)) => {
                found.notes.push(format!(
                    "the {kind} is no longer declared and stays as it is; declare `{kind}: null` to remove it"
                ));
                continue;
            }
        };
        let digest = facts.map(|facts| &facts.digest);
        if let Verdict::Differs(cause) = verdict(before.as_ref(), &wanted, digest.as_ref()) {
            let declared = desired.assets.get(&kind);
            found.changes.push(Change {
                key: ChangeKey::Asset(kind),
                before: side(facts),
                after: side(
                    declared
                        .and_then(|declared| declared.value.as_ref())
                        .map(|file| &file.facts),
                ),
                cause,
                origin: declared.map(|declared| Origin::of(declared.place, sources)),
            });
        }
    }
    found
}

/// Returns the stored asset of a kind.
///
/// When no logo is stored, the server returns another asset instead, usually the welcome page (B11, observed 2); that
/// one does not count as a logo.
pub(crate) fn reading(
    document: &LiveDocument,
    kind: AssetKind,
) -> Result<Option<&LiveAsset>, &str> {
    match document.assets.get(&kind) {
        None => Err("it was not read"),
        Some(Reading::Unknown(reason)) => Err(reason),
        Some(Reading::Known(asset)) => Ok(asset
            .as_ref()
            .filter(|asset| kind != AssetKind::Logo || !is_welcome(document, asset))),
    }
}

/// Returns whether the asset that the server returns as the logo is in fact the welcome page.
pub(crate) fn is_welcome(document: &LiveDocument, asset: &LiveAsset) -> bool {
    match &asset.attachment {
        Some(name) => name.starts_with(AssetKind::Welcome.as_str()),
        None => document
            .assets
            .get(&AssetKind::Welcome)
            .and_then(Reading::known)
            .and_then(Option::as_ref)
            .is_some_and(|welcome| welcome.facts.digest == asset.facts.digest),
    }
}

fn declaration(
    assets: &BTreeMap<AssetKind, Declared<AssetFile>>,
    kind: AssetKind,
) -> Declaration<&Digest> {
    assets
        .get(&kind)
        .map_or(Declaration::Undeclared, |declared| {
            Declaration::of(declared.value.as_ref().map(|file| &file.facts.digest))
        })
}

fn side(facts: Option<&AssetFacts>) -> Side {
    facts.map_or(Side::Absent, |facts| Side::Asset(facts.clone()))
}
