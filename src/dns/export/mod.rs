//! Exports expected records as files for the tools and people that enter them. Pure.
//!
//! One file per format: a fragment of a zone file (RFC 1035, section 5), YAML as octoDNS reads it, and JSON.

mod json;
mod octodns;
mod zone_file;

use super::{Expectations, Expected};
use crate::model::record::RecordName;
use crate::model::{AccountName, DomainName};

pub use json::{JSON_VERSION, json};
pub use octodns::{Octodns, octodns};
pub use zone_file::zone_file;

/// The records to export for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecords {
    /// The account's name in the tree.
    pub account: AccountName,
    /// The brand's domain.
    pub domain: DomainName,
    /// The zone that the domain lies in, if known; else the domain itself is taken as the zone.
    pub zone: Option<RecordName>,
    /// What the template expects of the domain.
    pub expectations: Expectations,
}

impl AccountRecords {
    /// Returns the zone that the records are entered in.
    #[must_use]
    pub fn origin(&self) -> RecordName {
        self.zone
            .clone()
            .unwrap_or_else(|| RecordName::observed(self.domain.as_str()))
    }
}

/// Makes a text safe for a one-line comment, so that a label cannot inject records.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Returns the hosts of an account, with labels that are safe in comments.
fn hosts(account: &AccountRecords) -> impl Iterator<Item = (&Expected, Option<String>)> {
    account
        .expectations
        .expected
        .iter()
        .map(|host| (host, host.label.as_deref().map(one_line)))
}

#[cfg(test)]
mod tests;
