//! What customers see of a brand over several probes: that they do not see it counts once several probes in a row showed
//! it. Pure.

use jiff::{SignedDuration, Timestamp};

use super::status::{CertificateEnd, ProbeCount, ProbeSummary};
use crate::model::visible;
use crate::probe::BrandProbe;
use crate::report::probe_lines;

/// What customers see of a brand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BrandState {
    /// How many probes in a row showed that customers do not see the brand, leaving out those that showed nothing.
    failures: u32,
    /// When the first of them did.
    seen: Option<Timestamp>,
    confirmed: Option<Timestamp>,
    /// When a probe last showed that customers see it.
    pub(super) seen_well: Option<Timestamp>,
    /// How many probes in a row showed nothing.
    pub(super) silences: u32,
    certificate: Option<CertificateEnd>,
    count: ProbeCount,
}

/// When something counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProbeLimits {
    /// After how many probes in a row it counts that customers do not see the brand.
    pub(super) confirmations: u32,
    /// How long before its end a certificate counts as ending.
    pub(super) certificates: SignedDuration,
}

impl BrandState {
    /// Forgets what was seen, because the tree declares something else; the count of probes goes on.
    pub(super) fn redeclare(&mut self) {
        *self = Self {
            count: self.count,
            ..Self::default()
        };
    }

    /// Returns whether there was a probe since.
    pub(super) fn is_known(&self) -> bool {
        self.seen.is_some() || self.seen_well.is_some() || self.silences > 0
    }

    /// Returns whether it waits for another probe to confirm what one showed.
    pub(super) fn is_confirming(&self) -> bool {
        self.seen.is_some() && self.confirmed.is_none()
    }

    /// Adds the result of a probe, and returns a summary.
    pub(super) fn take_in(
        &mut self,
        probe: &BrandProbe,
        limits: ProbeLimits,
        now: Timestamp,
    ) -> ProbeSummary {
        self.silences = 0;
        match probe.view.is_declared() {
            Some(true) => {
                self.count.declared += 1;
                (self.failures, self.seen, self.confirmed) = (0, None, None);
                self.seen_well = Some(now);
            }
            Some(false) => {
                self.count.other += 1;
                self.failures += 1;
                self.seen = self.seen.or(Some(now));
                if self.failures >= limits.confirmations {
                    self.confirmed = self.confirmed.or(Some(now));
                }
            }
            // What could not be looked at neither confirms nor refutes.
            None => {
                self.count.unknown += 1;
                self.silences += 1;
            }
        }
        let ends = probe.first_to_end().map(|(check, at)| CertificateEnd {
            sentence: match &check.remedy {
                Some(remedy) => visible(&format!("{}; {remedy}", check.sentence)).into_owned(),
                None => visible(&check.sentence).into_owned(),
            },
            at,
            is_near: at.duration_since(now) < limits.certificates,
        });
        // A server that was not reached shows no other certificate.
        self.certificate = ends.or(self.certificate.take());
        ProbeSummary {
            host: probe.host.to_string(),
            view: probe.view,
            is_only_stored: probe.is_only_stored(),
            lines: probe_lines(probe),
            asked: now,
            seen: self.seen,
            confirmed: self.confirmed,
            certificate: self.certificate.clone(),
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountName, DomainName};
    use crate::probe::{BrandView, CheckKind, ProbeCheck, Visibility};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn probe(view: BrandView, ends: Option<i64>) -> BrandProbe {
        let certificate = ends.map(|ends| ProbeCheck {
            kind: CheckKind::Certificate,
            verdict: Visibility::Visible,
            sentence: "it ends".to_owned(),
            remedy: None,
            origin: None,
            took: None,
            ends: Some(at(ends)),
        });
        BrandProbe {
            account: AccountName::new("acme"),
            host: DomainName::parse("acme.example").unwrap(),
            view,
            checks: certificate.into_iter().collect(),
        }
    }

    const LIMITS: ProbeLimits = ProbeLimits {
        confirmations: 2,
        certificates: SignedDuration::from_secs(100),
    };

    /// Lists for each probe: time, word, first seen, confirmed, and the count.
    fn said(views: &str) -> String {
        let mut state = BrandState::default();
        let lines = views.chars().zip(1..).map(|(view, second)| {
            let view = match view {
                'd' => BrandView::Declared,
                'v' => BrandView::Vendor,
                _ => BrandView::Unknown,
            };
            let told = state.take_in(&probe(view, None), LIMITS, at(second));
            let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_second);
            let ProbeCount {
                declared,
                other,
                unknown,
            } = told.count;
            format!(
                "{second} {} {:?} {:?} {declared}/{other}/{unknown}",
                told.word(),
                seconds(told.seen),
                seconds(told.confirmed),
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_customers_do_not_see_counts_when_it_was_seen_twice() {
        insta::assert_snapshot!(said("dvdvuvudvv"), @r"
        1 visible None None 1/0/0
        2 confirming Some(2) None 1/1/0
        3 visible None None 2/1/0
        4 confirming Some(4) None 2/2/0
        5 unknown Some(4) None 2/2/1
        6 not_visible Some(4) Some(6) 2/3/1
        7 unknown Some(4) Some(6) 2/3/2
        8 visible None None 3/3/2
        9 confirming Some(9) None 3/4/2
        10 not_visible Some(9) Some(10) 3/5/2
        ");
    }

    #[test]
    fn a_certificate_that_ends_soon_stays_known_until_another_is_seen() {
        let mut state = BrandState::default();
        let mut check = |ends: Option<i64>, now: i64, expected: Option<(i64, bool)>| {
            let view = match ends {
                Some(_) => BrandView::Declared,
                None => BrandView::Unknown,
            };
            let told = state.take_in(&probe(view, ends), LIMITS, at(now));
            let found = told.certificate.map(|it| (it.at.as_second(), it.is_near));
            assert_eq!(found, expected, "{now}");
        };
        check(None, 0, None);
        check(Some(1000), 1, Some((1000, false)));
        check(Some(1000), 901, Some((1000, true)));
        check(None, 902, Some((1000, true)));
        check(Some(9000), 903, Some((9000, false)));
    }
}
