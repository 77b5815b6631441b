//! The pictures of a report: the bytes of changed assets, and the look of each changed brand before and after.
//!
//! The gallery is separate from the [`Report`](super::Report) because most formats show no pictures: asset bytes are
//! read only when a requested format needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::live::{LiveDocument, Reading};
use crate::model::{AccountName, AssetFacts, AssetKind, Digest, KeyPath, Settings};
use crate::tree::DesiredAccount;

/// The maximum total size of a gallery's assets, in bytes.
const MOST_BYTES: usize = 96 << 20;

/// The bytes of assets by their digest, and the looks of accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    assets: BTreeMap<Digest, Arc<[u8]>>,
    missing: BTreeMap<Digest, String>,
    looks: BTreeMap<AccountName, Looks>,
    bytes: usize,
}

/// The look of a brand before and after; a side is absent when there is no whitelabel or it is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// On the platform, as it was read.
    pub before: Option<Look>,
    /// As the tree declares it.
    pub after: Option<Look>,
}

/// What customers see of a brand on its login page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The company's name.
    pub company: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// The target of the help link, if any.
    pub help: Option<String>,
    /// The target of the "learn more" link, if any.
    pub learn_more: Option<String>,
    /// Whether the platform's own name is hidden.
    pub hide_powered: bool,
    /// Whether the registration link is hidden.
    pub hide_registration: bool,
    /// The logo; absent when there is none, or when it is undeclared and was not read.
    pub logo: Option<AssetFacts>,
    /// The icon; absent in the same cases as the logo.
    pub icon: Option<AssetFacts>,
}

impl Gallery {
    /// Adds the bytes of an asset, unless the gallery would become too large.
    pub fn add(&mut self, bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        if self.assets.contains_key(&digest) {
            return;
        }
        if self.bytes + bytes.len() > MOST_BYTES {
            self.lack(
                digest,
                "left out, there are too many large files in this report",
            );
            return;
        }
        self.bytes += bytes.len();
        self.missing.remove(&digest);
        self.assets.insert(digest, bytes.into());
    }

    /// Records why the bytes of an asset are missing.
    pub fn lack(&mut self, digest: Digest, reason: impl Into<String>) {
        if !self.assets.contains_key(&digest) {
            self.missing.insert(digest, reason.into());
        }
    }

    /// Returns whether the gallery already holds an asset's bytes.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.assets.contains_key(digest)
    }

    /// Returns an asset's bytes, or why they are missing.
    pub fn asset(&self, digest: &Digest) -> Result<&[u8], &str> {
        match self.assets.get(digest) {
            Some(bytes) => Ok(bytes),
            None => Err(self.missing.get(digest).map_or("not read", String::as_str)),
        }
    }

    /// Adds the looks of a brand.
    pub fn show(&mut self, account: AccountName, looks: Looks) {
        self.looks.insert(account, looks);
    }

    /// Returns the looks of a brand, if known.
    #[must_use]
    pub fn looks(&self, account: &AccountName) -> Option<&Looks> {
        self.looks.get(account)
    }
}

impl Looks {
    /// Combines the live state with what the tree declares; undeclared keys keep their live values.
    #[must_use]
    pub fn of(desired: &DesiredAccount, live: Option<&Reading<Option<LiveDocument>>>) -> Self {
        let document = match live {
            Some(Reading::Known(document)) => document.as_ref(),
            Some(Reading::Unknown(_)) | None => None,
        };
        let before = document.map(|document| {
            let asset = |kind| {
                let reading = document.assets.get(&kind)?.known()?.as_ref()?;
                Some(reading.facts.clone())
            };
            Look::of(
                &document.settings,
                asset(AssetKind::Logo),
                asset(AssetKind::Icon),
            )
        });
        if desired.absent.is_some() {
            return Self {
                before,
                after: None,
            };
        }
        let mut settings =
            document.map_or_else(Settings::default, |document| document.settings.clone());
        for (key, declared) in &desired.settings {
            match &declared.value {
                Some(value) => settings.set(key, value.clone()),
                None => settings.remove(key),
            }
        }
        let asset = |kind, live: Option<&AssetFacts>| match desired.assets.get(&kind) {
            Some(declared) => Some(declared.value.as_ref()?.facts.clone()),
            None => live.cloned(),
        };
        let live = before.as_ref();
        let logo = asset(AssetKind::Logo, live.and_then(|look| look.logo.as_ref()));
        let icon = asset(AssetKind::Icon, live.and_then(|look| look.icon.as_ref()));
        let after = Some(Look::of(&settings, logo, icon));
        Self { before, after }
    }
}

impl Look {
    fn of(settings: &Settings, logo: Option<AssetFacts>, icon: Option<AssetFacts>) -> Self {
        let text = |key: &str| {
            let value = settings.get(&KeyPath::from(key))?;
            value.as_str().map(str::to_owned)
        };
        let is =
            |key: &str| settings.get(&KeyPath::from(key)).and_then(Value::as_bool) == Some(true);
        Self {
            company: text("company_name"),
            domain: text("domain"),
            help: text("nav.help"),
            learn_more: text("nav.learn_more"),
            hide_powered: is("hide_powered"),
            hide_registration: is("hide_registration"),
            logo,
            icon,
        }
    }
}
