//! The verdicts on one brand.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, DomainName};
use crate::tree::Origin;

/// Whether a part of the customer's path works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// It works, and gives what the tree declares.
    Visible,
    /// It does not.
    Broken,
    /// It could not be looked at.
    Unknown,
}

impl Visibility {
    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
        }
    }
}

/// What a customer sees who opens the brand's host.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BrandView {
    /// The declared brand.
    Declared,
    /// The account's brand, but not as declared.
    Different,
    /// The brand of the user interface's vendor, or of whoever installed it.
    Vendor,
    /// A page that is not the user interface.
    OtherPage,
    /// An error of the browser.
    Nothing,
    /// It could not be found out.
    Unknown,
}

impl BrandView {
    /// Returns whether customers see the declared brand; `None` if that could not be found out.
    #[must_use]
    pub fn is_declared(self) -> Option<bool> {
        match self {
            Self::Declared => Some(true),
            Self::Different | Self::Vendor | Self::OtherPage | Self::Nothing => Some(false),
            Self::Unknown => None,
        }
    }

    /// Returns what customers see, as the end of a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Declared => "customers see the declared brand",
            Self::Different => "customers see the brand, but not as declared",
            Self::Vendor => "customers see the vendor's brand",
            Self::OtherPage => "customers see another page",
            Self::Nothing => "customers get a browser error",
            Self::Unknown => "what customers see could not be found out",
        }
    }
}

/// One part of the customer's path, in the order of the path.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// The host has an address.
    Names,
    /// Something listens at port 443.
    Port,
    /// The host's certificate.
    Certificate,
    /// `http://` leads to `https://`.
    Redirect,
    /// The page is the user interface.
    Page,
    /// The page's configuration names the API.
    Config,
    /// The page may ask the API: no clear text from a page over TLS.
    MixedContent,
    /// The page may ask the API: its Content-Security-Policy.
    ContentPolicy,
    /// The API's host has an address.
    ApiNames,
    /// Something listens at the API's port.
    ApiPort,
    /// The certificate of the API's host.
    ApiCertificate,
    /// The API lets the page read its answers.
    Cors,
    /// The API answered the page, rather than that there were too many requests.
    RateLimit,
    /// The API's document for the host is the declared one.
    Document,
    /// The document's `domain` is the host, without which the page ignores it.
    Domain,
    /// The API is that of the declared platform.
    Platform,
    /// The logo.
    Logo,
    /// The icon.
    Icon,
    /// The welcome page.
    Welcome,
    /// The certificate of a server that phones find for SIP over TLS.
    SipCertificate,
}

impl CheckKind {
    /// Returns whether it is about what the platform holds of the brand, rather than the way to it.
    fn is_stored(self) -> bool {
        matches!(
            self,
            Self::Document | Self::Domain | Self::Logo | Self::Icon | Self::Welcome
        )
    }

    /// Returns its name, which never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Port => "port",
            Self::Certificate => "certificate",
            Self::Redirect => "redirect",
            Self::Page => "page",
            Self::Config => "config",
            Self::MixedContent => "mixed-content",
            Self::ContentPolicy => "content-policy",
            Self::ApiNames => "api-names",
            Self::ApiPort => "api-port",
            Self::ApiCertificate => "api-certificate",
            Self::Cors => "cors",
            Self::RateLimit => "rate-limit",
            Self::Document => "document",
            Self::Domain => "domain",
            Self::Platform => "platform",
            Self::Logo => "logo",
            Self::Icon => "icon",
            Self::Welcome => "welcome",
            Self::SipCertificate => "sip-certificate",
        }
    }
}

/// The verdict on one part of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeCheck {
    /// The part.
    pub kind: CheckKind,
    /// The verdict.
    pub verdict: Visibility,
    /// What was seen, as a sentence for a support desk.
    pub sentence: String,
    /// What to do; absent where there is nothing to do.
    pub remedy: Option<String>,
    /// The place in the tree that declares what was expected.
    pub origin: Option<Origin>,
    /// How long this part took, where that can be told.
    pub took: Option<Duration>,
    /// When the certificate that this part is about ends, or ended.
    pub ends: Option<Timestamp>,
}

/// The verdicts on one brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandProbe {
    /// The account's name in the tree.
    pub account: AccountName,
    /// The host that customers type.
    pub host: DomainName,
    /// What they see there.
    pub view: BrandView,
    /// The parts of the path, in its order; what lies behind a broken part was not looked at and is not listed.
    pub checks: Vec<ProbeCheck>,
}

impl BrandProbe {
    /// Returns the check of the certificate that ends first, and when.
    #[must_use]
    pub fn first_to_end(&self) -> Option<(&ProbeCheck, Timestamp)> {
        let checks = self.checks.iter();
        let ends = checks.filter_map(|check| Some((check, check.ends?)));
        ends.min_by_key(|(_, ends)| *ends)
    }

    /// Returns whether all that is broken is what the platform holds: an apply mends it.
    #[must_use]
    pub fn is_only_stored(&self) -> bool {
        let mut checks = self.checks.iter();
        checks.all(|check| check.verdict == Visibility::Visible || check.kind.is_stored())
    }

    /// Returns the verdict on the whole brand: broken if any part is, else unknown if any part is.
    #[must_use]
    pub fn verdict(&self) -> Visibility {
        let has = |wanted| self.checks.iter().any(|check| check.verdict == wanted);
        if has(Visibility::Broken) {
            Visibility::Broken
        } else if has(Visibility::Unknown) {
            Visibility::Unknown
        } else {
            Visibility::Visible
        }
    }
}
