//! What Monster UI draws of a brand before anybody signs in, on the platform and as declared.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::{Change, ChangeKey, Side};
use crate::live::{LiveDocument, Reading};
use crate::model::{AssetFacts, AssetKind, Dimensions, KeyPath, Settings};
use crate::tree::DesiredAccount;

/// The space for the logo on the login page; Monster UI shows a logo in its own size, and cuts off what is larger.
pub(super) const LOGO_SPACE: Dimensions = Dimensions {
    width: 210,
    height: 62,
};

/// The look of a brand before and after; a side is absent when there is no whitelabel or it is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    /// On the platform, as it was read.
    pub before: Option<Look>,
    /// As the tree declares it.
    pub after: Option<Look>,
}

/// What customers see of a brand on its login page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// The company's name; the login page does not show it.
    pub company: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// The title of the browser tab (`applicationTitle`).
    pub title: Option<String>,
    /// The background of the page (`brandColor`).
    pub color: Option<String>,
    /// The text beside the login form (`custom_welcome_message`), as HTML.
    pub welcome: Option<String>,
    /// Whether the platform's own name is hidden.
    pub hide_powered: bool,
    /// The logo; absent when there is none, or when it is undeclared and was not read.
    pub logo: Option<AssetFacts>,
    /// The icon; absent in the same cases as the logo.
    pub icon: Option<AssetFacts>,
}

impl Looks {
    /// Combines the live state with what the tree declares; undeclared keys keep their live values.
    #[must_use]
    pub fn of(desired: &DesiredAccount, live: Option<&Reading<Option<LiveDocument>>>) -> Self {
        let document = live.and_then(Reading::known).and_then(Option::as_ref);
        let before = document.map(Look::live);
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
    /// Returns the look of a live document; an asset that could not be read is left out.
    #[must_use]
    pub fn live(document: &LiveDocument) -> Self {
        let asset = |kind| {
            let reading = document.assets.get(&kind)?.known()?.as_ref()?;
            Some(reading.facts.clone())
        };
        Self::of(
            &document.settings,
            asset(AssetKind::Logo),
            asset(AssetKind::Icon),
        )
    }

    fn of(settings: &Settings, logo: Option<AssetFacts>, icon: Option<AssetFacts>) -> Self {
        let text = |key: &str| {
            let value = settings.get(&KeyPath::from(key))?;
            value.as_str().map(str::to_owned)
        };
        Self {
            company: text("company_name"),
            domain: text("domain"),
            title: text("applicationTitle"),
            color: text("brandColor"),
            welcome: text("custom_welcome_message"),
            hide_powered: settings
                .get(&KeyPath::from("hide_powered"))
                .and_then(Value::as_bool)
                == Some(true),
            logo,
            icon,
        }
    }

    /// Returns the look after some changes.
    #[must_use]
    pub fn with<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) -> Self {
        let mut look = self.clone();
        for change in changes {
            match (&change.key, &change.after) {
                (ChangeKey::Asset(kind), after) => {
                    let facts = match after {
                        Side::Asset(facts) => Some(facts.clone()),
                        _ => None,
                    };
                    match kind {
                        AssetKind::Logo => look.logo = facts,
                        AssetKind::Icon => look.icon = facts,
                        AssetKind::Welcome => {}
                    }
                }
                (ChangeKey::Setting(key), after) => look.set(key.as_str(), after),
                _ => {}
            }
        }
        look
    }

    fn set(&mut self, key: &str, side: &Side) {
        let value = match side {
            Side::Value(value) => Some(value),
            _ => None,
        };
        let text = || value.and_then(Value::as_str).map(str::to_owned);
        match key {
            "company_name" => self.company = text(),
            "domain" => self.domain = text(),
            "applicationTitle" => self.title = text(),
            "brandColor" => self.color = text(),
            "custom_welcome_message" => self.welcome = text(),
            "hide_powered" => self.hide_powered = value.and_then(Value::as_bool) == Some(true),
            _ => {}
        }
    }
}

/// Returns whether a change can be seen on the login page or in the browser tab.
#[must_use]
pub fn is_drawn(change: &Change) -> bool {
    const DRAWN: [&str; 5] = [
        "domain",
        "applicationTitle",
        "brandColor",
        "custom_welcome_message",
        "hide_powered",
    ];
    match &change.key {
        ChangeKey::Setting(key) => DRAWN.contains(&key.as_str()),
        ChangeKey::Asset(kind) => *kind != AssetKind::Welcome,
        ChangeKey::Whitelabel => true,
        ChangeKey::Host(_) | ChangeKey::RecordType(_) | ChangeKey::Records(_) => false,
    }
}
