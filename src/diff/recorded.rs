//! Uses the base in place of the live state.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dns::declared_template;
use crate::live::{Live, LiveAccount, LiveAsset, LiveDocument, Reading};
use crate::model::{AccountId, AssetKind, Digest, Identity, Revision, Settings};
use crate::tree::{BaseAccounts, Desired, DesiredAccount, departed};

/// Builds a live state from what the base declares. No platform is read, so manual changes and undeclared values are
/// not included.
#[must_use]
pub fn recorded(desired: &Desired, base: &Desired) -> Live {
    let before = BaseAccounts::new(base);
    let account = |identity: &Identity, before: Option<&DesiredAccount>| LiveAccount {
        id: id(identity).map_or_else(
            || Reading::Unknown("its realm is no account id".to_owned()),
            Reading::Known,
        ),
        document: Reading::Known(before.and_then(document)),
    };
    Live {
        accounts: (desired.accounts.iter())
            .map(|wanted| {
                let before = before.find(wanted).map(AsRef::as_ref);
                let live = account(&wanted.identity.value, before);
                (wanted.name.clone(), Arc::new(live))
            })
            .collect(),
        departed: (departed(desired, base).into_iter())
            .map(|gone| (gone.name.clone(), account(&gone.identity.value, Some(gone))))
            .collect(),
        template: (desired.template.as_ref()).map(|_| {
            let template = base.template.as_ref().map(declared_template);
            Reading::Known(template.unwrap_or_default())
        }),
        ..Live::default()
    }
}

/// Returns the account's id or, when only the platform knows it, a placeholder derived from the realm.
fn id(identity: &Identity) -> Option<AccountId> {
    match identity {
        Identity::Id(id) => Some(id.clone()),
        Identity::Realm(realm) => {
            let digest = Digest::of(realm.to_string().as_bytes()).to_string();
            AccountId::parse(digest.get(..32)?).ok()
        }
    }
}

/// Returns the whitelabel that the base declares.
fn document(before: &DesiredAccount) -> Option<LiveDocument> {
    if before.absent.is_some() || (before.settings.is_empty() && before.assets.is_empty()) {
        return None;
    }
    let mut settings = Settings::default();
    for (path, declared) in &before.settings {
        if let Some(value) = &declared.value {
            settings.set(path, value.clone());
        }
    }
    let asset = |kind: AssetKind| {
        let file = before.assets.get(&kind)?.value.as_ref()?;
        Some(LiveAsset {
            facts: file.facts.clone(),
            attachment: Some(kind.as_str().to_owned()),
        })
    };
    let assets: BTreeMap<_, _> = (AssetKind::ALL.into_iter())
        .map(|kind| (kind, Reading::Known(asset(kind))))
        .collect();
    Some(LiveDocument {
        revision: Revision::new("recorded"),
        settings,
        assets,
    })
}
