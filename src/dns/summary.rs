//! Summarizes many verdicts as one, per account and per run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DomainCheck, Registration, Verdict};

/// The overall DNS status: the worst of its parts. Later variants are worse.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everything is right.
    #[default]
    InSync,
    /// Everything is right at its source, but some resolvers still have old answers.
    Propagating,
    /// Not everything could be checked, but no difference was found.
    Unknown,
    /// There are differences that need fixing.
    Differs,
}

impl Standing {
    /// Returns the status of one verdict.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Ok => Self::InSync,
            Verdict::Propagating { .. } => Self::Propagating,
            Verdict::Unknown { .. } => Self::Unknown,
            Verdict::Missing
            | Verdict::Different
            | Verdict::Extra
            | Verdict::Inconsistent
            | Verdict::Bogus => Self::Differs,
        }
    }

    /// Returns the status of a SIP chain: one that fails is a difference, even if each host on it is as declared.
    #[must_use]
    pub fn of_phones(registration: Registration) -> Self {
        match registration {
            Registration::Works => Self::InSync,
            Registration::Unknown => Self::Unknown,
            Registration::Impaired | Registration::Broken => Self::Differs,
        }
    }
}

/// How many hosts got each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All authoritative servers agree with the template.
    pub ok: usize,
    /// Records are missing, wholly or in part.
    pub missing: usize,
    /// Other records are there instead.
    pub different: usize,
    /// Right, but there are further records.
    pub extra: usize,
    /// Right, but a resolver still has an old answer.
    pub propagating: usize,
    /// The authoritative servers disagree.
    pub inconsistent: usize,
    /// Resolvers that validate DNSSEC refuse the host.
    #[serde(default)]
    pub bogus: usize,
    /// Hosts that could not be checked.
    pub unknown: usize,
    /// Hosts of the template that could not be read as DNS records.
    pub not_understood: usize,
    /// Names at which phones do not find what the template says.
    #[serde(default)]
    pub sip_failing: usize,
}

impl Tally {
    /// Counts the verdicts of the given domains.
    #[must_use]
    pub fn of<'a>(checks: impl IntoIterator<Item = &'a DomainCheck>) -> Self {
        let mut tally = Self::default();
        for check in checks {
            tally.not_understood += check.not_understood.len();
            let failing = check
                .phones
                .iter()
                .filter(|phones| Standing::of_phones(phones.registration) == Standing::Differs);
            tally.sip_failing += failing.count();
            for host in &check.hosts {
                *tally.slot(&host.judgement.verdict) += 1;
            }
        }
        tally
    }

    fn slot(&mut self, verdict: &Verdict) -> &mut usize {
        match verdict {
            Verdict::Ok => &mut self.ok,
            Verdict::Missing => &mut self.missing,
            Verdict::Different => &mut self.different,
            Verdict::Extra => &mut self.extra,
            Verdict::Propagating { .. } => &mut self.propagating,
            Verdict::Inconsistent => &mut self.inconsistent,
            Verdict::Bogus => &mut self.bogus,
            Verdict::Unknown { .. } => &mut self.unknown,
        }
    }

    /// Returns how many hosts were checked.
    #[must_use]
    pub fn hosts(&self) -> usize {
        self.ok + self.differing() + self.propagating + self.unknown
    }

    /// Returns how many hosts need fixing.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.missing + self.different + self.extra + self.inconsistent + self.bogus
    }

    /// Returns the counts that are not zero, worst first, with the verdicts' words.
    #[must_use]
    pub fn words(&self) -> Vec<(usize, &'static str)> {
        [
            (self.sip_failing, "failing for phones"),
            (self.bogus, "bogus"),
            (self.different, "different"),
            (self.missing, "missing"),
            (self.extra, "extra"),
            (self.inconsistent, "inconsistent"),
            (self.unknown, "unknown"),
            (self.not_understood, "not understood"),
            (self.propagating, "propagating"),
            (self.ok, "ok"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .collect()
    }
}

impl DomainCheck {
    /// Returns the domain's status. Hosts that are not understood count as unknown.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standings().max().unwrap_or_default()
    }

    /// Returns whether any part of the domain could not be checked, whatever else was found.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.standings()
            .any(|standing| standing == Standing::Unknown)
    }

    fn standings(&self) -> impl Iterator<Item = Standing> {
        let hosts = self
            .hosts
            .iter()
            .map(|host| Standing::of(&host.judgement.verdict));
        let not_understood = (!self.not_understood.is_empty()).then_some(Standing::Unknown);
        let phones = (self.phones.iter()).map(|phones| Standing::of_phones(phones.registration));
        hosts.chain(not_understood).chain(phones)
    }

    /// Returns how many hosts got each verdict.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of([self])
    }
}
