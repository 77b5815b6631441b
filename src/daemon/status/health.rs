//! The health of a brand: whether its customers get it. Whether it is as declared is another question, which
//! [`super::State`] answers.

use std::cmp::Reverse;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DnsSummary, ObjectStatus, ProbeSummary};
use crate::dns::Standing;
use crate::model::in_a_shell;
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
}

impl ObjectStatus {
    /// Returns its health in one word: the worst of what each check found.
    #[must_use]
    pub fn health_state(&self) -> HealthState {
        let dns = self.dns.as_ref().map(DnsSummary::health_state);
        let probe = self.probe.as_ref().map(ProbeSummary::health_state);
        dns.max(probe).unwrap_or_default()
    }

    /// Returns its health. Each check of what customers get adds its causes here.
    #[must_use]
    pub fn health(&self) -> Health {
        let dns = self.dns.iter().map(|dns| dns.cause(self.title()));
        let probe = self.probe.iter().flat_map(ProbeSummary::causes);
        let mut causes: Vec<Cause> = (dns.chain(probe))
            .filter(|cause| cause.state > HealthState::Healthy)
            .collect();
        causes.sort_by_key(|cause| Reverse(cause.state));
        Health {
            causes,
            state: self.health_state(),
        }
    }
}

impl DnsSummary {
    fn health_state(&self) -> HealthState {
        let is_confirmed = self.confirmed.is_some();
        match self.standing {
            Standing::Differs | Standing::Unknown if is_confirmed && !self.outages.is_empty() => {
                HealthState::Outage
            }
            Standing::Differs | Standing::Unknown if is_confirmed => HealthState::Degraded,
            Standing::Differs | Standing::Propagating => HealthState::Progressing,
            Standing::Unknown => HealthState::Unknown,
            Standing::InSync => HealthState::Healthy,
        }
    }

    /// Returns what it means for customers.
    fn cause(&self, account: &str) -> Cause {
        let state = self.health_state();
        let what = match (state, self.outages.first()) {
            (HealthState::Outage, Some(outage)) => outage.clone(),
            _ => self.headline().to_owned(),
        };
        let mut remedies = self.remedies.clone();
        if self.confirmed.is_some() {
            remedies.push(format!(
                "`emblazon dns letter {}` writes what to set, for whoever keeps the zone",
                in_a_shell(account)
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
    fn health_state(&self) -> HealthState {
        if self.certificate.as_ref().is_some_and(|it| it.is_near) {
            self.view_state().max(HealthState::Degraded)
        } else {
            self.view_state()
        }
    }

    fn view_state(&self) -> HealthState {
        match self.view {
            BrandView::Declared => HealthState::Healthy,
            BrandView::Unknown => HealthState::Unknown,
            _ if self.confirmed.is_none() => HealthState::Progressing,
            BrandView::Nothing => HealthState::Outage,
            BrandView::Different | BrandView::Vendor | BrandView::OtherPage => {
                HealthState::Degraded
            }
        }
    }

    /// Returns what customers see, and what the certificates on their way mean.
    fn causes(&self) -> Vec<Cause> {
        let view = Cause {
            state: self.view_state(),
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
            let mut object = ObjectStatus::unread(AccountName::new("o'neill").into(), at);
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
        let letter =
            r"`emblazon dns letter 'o'\''neill'` writes what to set, for whoever keeps the zone";
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
