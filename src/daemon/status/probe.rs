//! What customers see of a brand, as the last probes showed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::probe::BrandView;

/// What customers see of an account's brand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSummary {
    /// The host that customers type.
    pub host: String,
    /// What they see there.
    pub view: BrandView,
    /// Whether all that is broken is what the platform holds, which its own alerts tell of.
    pub is_only_stored: bool,
    /// One line for each part of the customer's path that is not right, with the remedy. May contain any character.
    pub lines: Vec<String>,
    /// When it was probed.
    pub asked: Timestamp,
    /// Since when customers do not see the declared brand.
    pub seen: Option<Timestamp>,
    /// When further probes confirmed it; it counts from then on.
    pub confirmed: Option<Timestamp>,
    /// The certificate on the customer's path that ends first.
    pub certificate: Option<CertificateEnd>,
    /// The probes since the daemon began to lead.
    pub count: ProbeCount,
}

/// The end of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateEnd {
    /// What is known of it, and what to do, in words. May contain any character.
    pub sentence: String,
    /// Its end.
    pub at: Timestamp,
    /// Whether it ends within the time that was configured.
    pub is_near: bool,
}

/// The number of probes of a brand, by what they showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCount {
    /// Customers saw the declared brand.
    pub declared: u64,
    /// They saw something else.
    pub other: u64,
    /// It could not be found out.
    pub unknown: u64,
}

impl ProbeSummary {
    /// Returns the word for machines.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.view.is_declared() {
            Some(true) => "visible",
            None => "unknown",
            Some(false) if self.confirmed.is_none() => "confirming",
            Some(false) => "not_visible",
        }
    }

    /// Returns what customers see, and the most pressing line.
    #[must_use]
    pub fn headline(&self) -> String {
        let sentence = self.view.sentence();
        match self.lines.first() {
            Some(line) if self.view.is_declared() != Some(true) => format!("{sentence}: {line}"),
            Some(_) | None => sentence.to_owned(),
        }
    }
}
