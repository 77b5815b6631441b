//! What DNS has to say, as values.

use serde::{Deserialize, Serialize};

use crate::dns::{DomainCheck, HostCheck, Opinion, Standing, Tally};
use crate::model::AccountName;

/// What was found of all domains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsReport {
    /// The accounts that were checked, sorted by name.
    pub accounts: Vec<AccountDns>,
    /// Accounts that were not checked, and why.
    pub skipped: Vec<(AccountName, String)>,
    /// How many questions were asked.
    pub questions: u64,
    /// How often it was checked, with `--wait`.
    pub rounds: u32,
}

/// What was found of one account's domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDns {
    /// The account.
    pub name: AccountName,
    /// What was found.
    pub check: DomainCheck,
    /// What the platform sees, per host, when it was asked.
    pub platform: Option<SecondOpinion>,
}

/// What the platform's own test said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondOpinion {
    /// One opinion for each host of the check.
    Hosts(Vec<Opinion>),
    /// It could not be asked.
    Unknown(String),
}

impl DnsReport {
    /// Returns how the whole stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.accounts
            .iter()
            .map(|account| account.check.standing())
            .max()
            .unwrap_or_default()
    }

    /// Counts the domains of which something could not be checked.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.accounts
            .iter()
            .filter(|account| account.check.has_unknown())
            .count()
    }

    /// Counts the verdicts.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(self.accounts.iter().map(|account| &account.check))
    }
}

impl AccountDns {
    /// Iterates over the hosts with what the platform sees there.
    pub fn hosts(&self) -> impl Iterator<Item = (&HostCheck, Option<&Opinion>)> {
        let opinions = match &self.platform {
            Some(SecondOpinion::Hosts(opinions)) => opinions.as_slice(),
            Some(SecondOpinion::Unknown(_)) | None => &[],
        };
        let opinions = opinions.iter().map(Some).chain(std::iter::repeat(None));
        self.check.hosts.iter().zip(opinions)
    }
}
