//! Turns effective declarations into one account's desired state.

use super::layer::Item;
use super::layers::Effective;
use super::{Declared, DesiredAccount};
use crate::diag::{Code, Diagnostic, Diagnostics, Place};
use crate::model::{AssetFile, AssetKind, KeyPath};

/// Fills an account from the effective declarations.
pub(super) fn fill(
    account: &mut DesiredAccount,
    effective: &Effective<'_>,
    diagnostics: &mut Diagnostics,
) {
    let none = effective.get("whitelabel");
    account.absent = none.map(|winner| winner.declared.place);
    for (address, winner) in effective {
        let place = winner.declared.place;
        let value = winner.declared.value.as_ref();
        if let Some(path) = address.strip_prefix("whitelabel.") {
            let value = match value {
                Some(Item::Setting(value)) => Some(value.clone()),
                _ => None,
            };
            account
                .settings
                .insert(KeyPath::parse(path), Declared { value, place });
        } else if let Some(kind) = asset_kind(address) {
            match (none, value) {
                // `whitelabel: null` removes the assets of lower layers too.
                (Some(none), _) if winner.layer < none.layer => {}
                (Some(none), Some(_)) => {
                    diagnostics.push(contradiction(kind, place, none.declared.place));
                }
                (_, None) => {
                    account.assets.insert(kind, Declared { value: None, place });
                }
                (_, Some(item)) => {
                    if let Some(file) = asset_file(item) {
                        let value = Some(file);
                        account.assets.insert(kind, Declared { value, place });
                    }
                }
            }
        } else if let (Some(key), Some(Item::Label(label))) =
            (address.strip_prefix("labels."), value)
        {
            account.labels.insert(key.to_owned(), label.clone());
        } else {
            match value {
                Some(Item::Dns(mode)) => account.dns = *mode,
                Some(Item::Ownership(ownership)) => account.policy.ownership = *ownership,
                Some(Item::Recreate(recreate)) => account.policy.recreate = *recreate,
                Some(Item::Protected(protected)) => account.policy.protected = *protected,
                Some(Item::Mode(mode)) => account.policy.mode = *mode,
                Some(Item::Ignore(addresses)) => {
                    let addresses = addresses.iter().map(|it| it.value.clone());
                    account.ignore = addresses.collect();
                }
                Some(Item::Setting(_) | Item::Asset { .. } | Item::Label(_)) | None => {}
            }
        }
    }
}

fn asset_kind(address: &str) -> Option<AssetKind> {
    let name = address.strip_prefix("assets.")?;
    AssetKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == name)
}

fn asset_file(item: &Item) -> Option<AssetFile> {
    match item {
        Item::Asset {
            path,
            facts: Some(facts),
            ..
        } => Some(AssetFile {
            path: path.clone(),
            facts: facts.clone(),
        }),
        _ => None,
    }
}

fn contradiction(kind: AssetKind, place: Place, null: Place) -> Diagnostic {
    Diagnostic::new(
        Code::EB0306,
        format!("{kind} is declared for an account that must have no whitelabel"),
        "delete the asset, or whitelabel: null; assets live in the whitelabel",
    )
    .at(place, "an asset")
    .see(null, "no whitelabel")
}
