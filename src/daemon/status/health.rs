//! The health of a brand: whether its customers get it. Whether it is as declared is another question, which
//! [`super::State`] answers.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DnsSummary, ObjectStatus, ProbeSummary};
use crate::dns::Standing;
use crate::probe::BrandView;

/// The health of a brand in one word, the worst last.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// Nothing checks it.
    #[default]
    NotChecked,
    /// Customers get what is declared.
    Healthy,
    /// It changes, or a second look is to confirm what the first one showed.
    Progressing,
    /// It could not be checked.
    Unknown,
    /// Something is wrong that customers may notice.
    Degraded,
    /// Customers cannot use it.
    Outage,
}

/// One thing that makes up the health of a brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The health as far as this goes.
    pub state: HealthState,
    /// What is the matter, in a sentence. May contain any character.
    pub what: String,
    /// What to do about it. May contain any character.
    pub remedies: Vec<String>,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
}

/// The health of a brand, with its causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The causes, the worst first; empty for a healthy brand.
    causes: Vec<Cause>,
    state: HealthState,
}

impl HealthState {
    /// All states, the worst first.
    pub const ALL: [Self; 6] = [
        Self::Outage,
        Self::Degraded,
        Self::Unknown,
        Self::Progressing,
        Self::Healthy,
        Self::NotChecked,
    ];

    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotChecked => "not_checked",
            Self::Healthy => "healthy",
            Self::Progressing => "progressing",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Outage => "outage",
        }
    }
}

impl Health {
    /// Returns the worst of all states.
    #[must_use]
    pub fn state(&self) -> HealthState {
        self.state
    }

    /// Returns what is not healthy, the worst first.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// Adds what one check found.
    fn add(&mut self, cause: Cause) {
        self.state = self.state.max(cause.state);
        if cause.state > HealthState::Healthy {
            self.causes.push(cause);
            self.causes
                .sort_by_key(|cause| std::cmp::Reverse(cause.state));
        }
    }
}

impl ObjectStatus {
    /// Returns its health. Each check of what customers get adds a cause here.
    #[must_use]
    pub fn health(&self) -> Health {
        let mut health = Health::default();
        if let Some(dns) = &self.dns {
            health.add(dns.cause(self.title()));
        }
        if let Some(probe) = &self.probe {
            probe
                .causes()
                .into_iter()
                .for_each(|cause| health.add(cause));
        }
        health
    }
}

impl DnsSummary {
    /// Returns what it means for customers.
    fn cause(&self, account: &str) -> Cause {
        let is_confirmed = self.confirmed.is_some();
        let state = match self.standing {
            Standing::Differs | Standing::Unknown if is_confirmed && !self.outages.is_empty() => {
                HealthState::Outage
            }
            Standing::Differs | Standing::Unknown if is_confirmed => HealthState::Degraded,
            Standing::Differs | Standing::Propagating => HealthState::Progressing,
            Standing::Unknown => HealthState::Unknown,
            Standing::InSync => HealthState::Healthy,
        };
        let what = match (state, self.outages.first()) {
            (HealthState::Outage, Some(outage)) => outage.clone(),
            _ => self.headline().to_owned(),
        };
        let mut remedies = self.remedies.clone();
        if is_confirmed {
            remedies.push(format!(
                "`emblazon dns letter {account}` writes what to set, for whoever keeps the zone"
            ));
        }
        Cause {
            state,
            what,
            remedies,
            since: self.seen,
        }
    }
}

impl ProbeSummary {
    /// Returns what customers see, and what the certificates on their way mean.
    fn causes(&self) -> Vec<Cause> {
        let state = match self.view {
            BrandView::Declared => HealthState::Healthy,
            BrandView::Unknown => HealthState::Unknown,
            _ if self.confirmed.is_none() => HealthState::Progressing,
            BrandView::Nothing => HealthState::Outage,
            BrandView::Different | BrandView::Vendor | BrandView::OtherPage => {
                HealthState::Degraded
            }
        };
        let view = Cause {
            state,
            what: self.view.sentence().to_owned(),
            remedies: self.lines.clone(),
            since: self.seen,
        };
        let certificate = self.certificate.as_ref().filter(|it| it.is_near);
        let certificate = certificate.map(|certificate| Cause {
            state: HealthState::Degraded,
            what: certificate.sentence.clone(),
            remedies: Vec::new(),
            since: None,
        });
        std::iter::once(view).chain(certificate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Tally;
    use crate::model::AccountName;

    #[test]
    fn what_customers_notice_leads() {
        #[track_caller]
        fn check(standing: Standing, confirmed: bool, outage: bool, expected: &str) {
            let at = Timestamp::UNIX_EPOCH;
            let mut object = ObjectStatus::unread(AccountName::new("acme").into(), at);
            let outages = ["phones find no server at proxy.acme.example".to_owned()];
            object.dns = Some(DnsSummary {
                standing,
                tally: Tally::default(),
                lines: vec!["SRV _sip._udp.proxy.acme.example: missing".to_owned()],
                outages: outages.into_iter().filter(|_| outage).collect(),
                remedies: vec!["ask for the SRV records".to_owned()],
                asked: at,
                seen: Some(at),
                confirmed: confirmed.then_some(at),
            });
            let health = object.health();
            let causes: Vec<String> = (health.causes().iter())
                .map(|cause| format!("{}; {}", cause.what, cause.remedies.join("; ")))
                .collect();
            let said = format!("{}: {}", health.state().as_str(), causes.join(" | "));
            assert_eq!(said, expected);
        }
        let line = "SRV _sip._udp.proxy.acme.example: missing; ask for the SRV records";
        let letter = "`emblazon dns letter acme` writes what to set, for whoever keeps the zone";
        check(Standing::InSync, false, false, "healthy: ");
        check(
            Standing::Propagating,
            false,
            false,
            &format!("progressing: {line}"),
        );
        check(
            Standing::Differs,
            false,
            true,
            &format!("progressing: {line}"),
        );
        check(Standing::Unknown, false, false, &format!("unknown: {line}"));
        check(
            Standing::Differs,
            true,
            false,
            &format!("degraded: {line}; {letter}"),
        );
        check(
            Standing::Differs,
            true,
            true,
            &format!(
                "outage: phones find no server at proxy.acme.example; ask for the SRV records; {letter}"
            ),
        );
        let unread = ObjectStatus::unread(AccountName::new("acme").into(), Timestamp::UNIX_EPOCH);
        assert_eq!(unread.health().state(), HealthState::NotChecked);
    }
}
