//! The records to export for one account.

use crate::dns::{Expectations, Expected};
use crate::model::record::RecordName;
use crate::model::{AccountName, DomainName};

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
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Returns the hosts of an account, with labels that are safe in comments.
pub(super) fn hosts(account: &AccountRecords) -> impl Iterator<Item = (&Expected, Option<String>)> {
    account
        .expectations
        .expected
        .iter()
        .map(|host| (host, host.label.as_deref().map(one_line)))
}
