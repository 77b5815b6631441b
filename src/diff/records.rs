//! The DNS records that accounts with `dns: manage` need, according to the tree and the base. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{RestoredValue, departed_name};
use crate::diag::SourceMap;
use crate::dns::{Expectations, Question, declared_template, expect, question_of};
use crate::model::{AccountName, DomainName, DomainTemplate, RecordData, RecordName};
use crate::tree::{
    AccountMode, BaseAccounts, Desired, DesiredAccount, DesiredTemplate, DnsMode, Origin, Target,
    departed,
};

/// The required content of one RRset.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim {
    pub(super) records: BTreeSet<RecordData>,
    pub(super) accounts: BTreeSet<AccountName>,
    /// The domains that need it.
    pub(super) domains: BTreeSet<RecordName>,
    pub(super) origin: Option<Origin>,
}

/// The RRsets that accounts with `dns: manage` need, according to the tree and the base.
#[derive(Clone, Debug, Default)]
pub struct ManagedRecords {
    pub(super) now: BTreeMap<Question, Claim>,
    /// The RRsets needed according to the base; absent when no base is known.
    pub(super) earlier: Option<BTreeMap<Question, Claim>>,
    /// The RRsets that restores wrote.
    pub(super) restored: BTreeSet<RestoredValue>,
}

impl ManagedRecords {
    /// Determines the needed RRsets from the tree and the base.
    ///
    /// Without a template in the tree, nothing is needed and nothing is removed. Records are not removed either if
    /// their domain now belongs to an account whose DNS is not managed.
    #[must_use]
    pub fn new(desired: &Desired, base: Option<&Desired>, sources: &SourceMap) -> Self {
        let mut managed = Self {
            earlier: base.map(|_| BTreeMap::new()),
            ..Self::default()
        };
        let Some(template) = &desired.template else {
            return managed;
        };
        let declared = declared_template(template);
        let origins = origins(template, sources);
        for (name, domain) in claimants(desired) {
            let origins = at_domain(&origins, &domain);
            claim(&mut managed.now, name, &declared, &domain, &origins);
        }
        if let (Some(base), Some(earlier)) = (base, &mut managed.earlier) {
            *earlier = needed_before(desired, base);
        }
        managed
    }

    /// Returns whether anything is needed now, or was according to the base, without listing it.
    #[must_use]
    pub fn are_needed(desired: &Desired, base: Option<&Desired>) -> bool {
        let Some(template) = &desired.template else {
            return false;
        };
        let needs = |template: &DesiredTemplate, domain: &DomainName| {
            !expect(&declared_template(template), domain)
                .expected
                .is_empty()
        };
        let now = || claimants(desired).any(|(_, domain)| needs(template, &domain));
        let before = || {
            let base = base?;
            let template = base.template.as_ref()?;
            let mut before = claimants_before(desired, base);
            before.find(|(_, domain)| needs(template, domain))
        };
        now() || before().is_some()
    }

    /// Returns whether nothing is needed now, and nothing was according to the base.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.now.is_empty() && self.earlier.as_ref().is_none_or(BTreeMap::is_empty)
    }

    /// Returns the names and types to check.
    #[must_use]
    pub fn questions(&self) -> BTreeSet<Question> {
        let earlier = self.earlier.iter().flat_map(BTreeMap::keys);
        self.now.keys().chain(earlier).cloned().collect()
    }

    /// Iterates over the names and types, each with the accounts that need or needed it.
    pub fn claims(&self) -> impl Iterator<Item = (&Question, &BTreeSet<AccountName>)> {
        let claims = self.now.iter().chain(self.earlier.iter().flatten());
        claims.map(|(question, claim)| (question, &claim.accounts))
    }

    /// Returns the names and types to check for the accounts selected by `is_wanted`.
    #[must_use]
    pub fn questions_of(&self, is_wanted: impl Fn(&AccountName) -> bool) -> BTreeSet<Question> {
        let wanted = self
            .claims()
            .filter(|(_, accounts)| accounts.iter().any(&is_wanted));
        wanted.map(|(question, _)| question.clone()).collect()
    }
}

fn is_managed(account: &DesiredAccount) -> bool {
    account.dns == DnsMode::Manage
}

fn domain(account: &DesiredAccount) -> Option<DomainName> {
    DomainName::parse(account.declared_domain()?).ok()
}

/// Returns the accounts that need records, each with its domain.
fn claimants(desired: &Desired) -> impl Iterator<Item = (&AccountName, DomainName)> {
    let managed = desired
        .accounts
        .iter()
        .filter(|account| is_managed(account));
    managed.filter_map(|account| Some((&account.name, domain(account)?)))
}

/// Returns the accounts that needed records according to the base, each with its domain of then.
fn claimants_before<'a>(
    desired: &'a Desired,
    base: &'a Desired,
) -> impl Iterator<Item = (AccountName, DomainName)> + 'a {
    let foreign: BTreeSet<DomainName> = (desired.accounts.iter())
        .filter(|account| !is_managed(account))
        .filter_map(|account| domain(account))
        .collect();
    let known = BaseAccounts::new(base);
    let managed = (desired.accounts.iter()).filter(|account| is_managed(account));
    let staying =
        managed.filter_map(move |account| Some((account.name.clone(), known.find(account)?)));
    let gone = (departed(desired, base).into_iter())
        .map(|account| (departed_name(desired, account), account));
    let managed = staying
        .chain(gone)
        .filter(|(_, account)| is_managed(account) && account.policy.mode == AccountMode::Manage);
    let domains = managed.filter_map(|(name, account)| Some((name, domain(account)?)));
    domains.filter(move |(_, domain)| !foreign.contains(domain))
}

fn needed_before(desired: &Desired, base: &Desired) -> BTreeMap<Question, Claim> {
    let mut earlier = BTreeMap::new();
    let Some(template) = &base.template else {
        return earlier;
    };
    let declared = declared_template(template);
    for (name, domain) in claimants_before(desired, base) {
        claim(&mut earlier, &name, &declared, &domain, &BTreeMap::new());
    }
    earlier
}

fn claim(
    claims: &mut BTreeMap<Question, Claim>,
    account: &AccountName,
    template: &DomainTemplate,
    domain: &DomainName,
    origins: &BTreeMap<Question, Origin>,
) {
    let Expectations { expected, .. } = expect(template, domain);
    for host in expected {
        let origin = origins.get(&host.question).cloned();
        let claim = claims.entry(host.question).or_default();
        claim.records.extend(host.records);
        claim.accounts.insert(account.clone());
        claim.domains.insert(RecordName::observed(domain.as_str()));
        claim.origin = claim.origin.take().or(origin);
    }
}

/// Returns where the tree declares each RRset of the template.
fn origins<'a>(template: &'a DesiredTemplate, sources: &SourceMap) -> Vec<(&'a Target, Origin)> {
    let declared = (template.hosts.iter()).filter(|(_, host)| host.value.is_some());
    let placed = declared.map(|(target, host)| (target, Origin::of(host.place, sources)));
    placed.collect()
}

/// Returns where the tree declares each RRset of a domain.
fn at_domain(origins: &[(&Target, Origin)], domain: &DomainName) -> BTreeMap<Question, Origin> {
    let of_domain = origins.iter().filter_map(|(target, origin)| {
        let question = question_of(&target.record_type, &target.host, domain)?;
        Some((question, origin.clone()))
    });
    of_domain.collect()
}
