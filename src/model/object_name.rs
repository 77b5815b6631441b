//! What a plan is about: accounts, the domain template, DNS zones.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AccountName, RecordName};

/// The name of an object that is compared and written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectName {
    /// The system's domain template.
    Template,
    /// The whitelabel of an account, by the account's name in the tree.
    Account(AccountName),
    /// A DNS zone, at its primary server.
    Zone(RecordName),
}

impl ObjectName {
    /// Returns the account, if it is one.
    #[must_use]
    pub fn account(&self) -> Option<&AccountName> {
        match self {
            Self::Account(name) => Some(name),
            Self::Template | Self::Zone(_) => None,
        }
    }

    /// Returns the display name.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::Template => "domain template",
            Self::Account(name) => name.as_str(),
            Self::Zone(zone) => zone.as_str(),
        }
    }
}

impl From<AccountName> for ObjectName {
    fn from(name: AccountName) -> Self {
        Self::Account(name)
    }
}

impl From<&AccountName> for ObjectName {
    fn from(name: &AccountName) -> Self {
        Self::Account(name.clone())
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}
