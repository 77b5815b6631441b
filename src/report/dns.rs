//! The results of the DNS check, as values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dns::{DomainCheck, DomainFinding, HostCheck, Opinion, Standing, Tally, Urgency};
use crate::model::AccountName;

/// What a `bogus` verdict says beyond its word.
pub(super) const BOGUS: &str = "resolvers that validate DNSSEC refuse it";

/// The results for all domains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsReport {
    /// The accounts that were checked, sorted by name.
    pub accounts: Vec<AccountDns>,
    /// The accounts that were not checked, each with the reason.
    pub skipped: Vec<(AccountName, String)>,
    /// The number of DNS queries sent.
    pub questions: u64,
    /// How many rounds of checks were made; more than one only with `--wait`.
    pub rounds: u32,
}

/// The results for one account's domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDns {
    /// The account.
    pub name: AccountName,
    /// The check of the account's domain.
    pub check: DomainCheck,
    /// What the platform itself sees at each host, if it was asked.
    pub platform: Option<SecondOpinion>,
}

/// The result of the platform's own domain test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondOpinion {
    /// One result for each host of the check, in the same order.
    Hosts(Vec<Opinion>),
    /// The platform could not be asked, for this reason.
    Unknown(String),
}

impl DnsReport {
    /// Returns the standing of all domains together.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.accounts
            .iter()
            .map(|account| account.check.standing())
            .max()
            .unwrap_or_default()
    }

    /// Counts the domains that could not be checked completely.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.accounts
            .iter()
            .filter(|account| account.check.has_unknown())
            .count()
    }

    /// Returns what stands behind the domains or threatens them, most urgent first, each with the accounts that it concerns.
    #[must_use]
    pub fn findings(&self) -> Vec<(&DomainFinding, Vec<&AccountName>)> {
        let mut found: BTreeMap<(Urgency, &DomainFinding), Vec<&AccountName>> = BTreeMap::new();
        for account in &self.accounts {
            for finding in &account.check.findings {
                let key = (finding.kind.urgency(), finding);
                found.entry(key).or_default().push(&account.name);
            }
        }
        let found = found.into_iter();
        found
            .map(|((_, finding), names)| (finding, names))
            .collect()
    }

    /// Counts the verdicts.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(self.accounts.iter().map(|account| &account.check))
    }
}

impl AccountDns {
    /// Iterates over the hosts, each with what the platform sees there.
    pub fn hosts(&self) -> impl Iterator<Item = (&HostCheck, Option<&Opinion>)> {
        let opinions = match &self.platform {
            Some(SecondOpinion::Hosts(opinions)) => opinions.as_slice(),
            Some(SecondOpinion::Unknown(_)) | None => &[],
        };
        let opinions = opinions.iter().map(Some).chain(std::iter::repeat(None));
        self.check.hosts.iter().zip(opinions)
    }
}
