//! The state of a domain's DNS over several checks: a difference counts once two checks showed it. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::status::DnsSummary;
use crate::dns::{DomainCheck, DomainFinding, Question, Registration, Standing, Urgency, Verdict};
use crate::model::AccountName;
use crate::model::record::RecordType;
use crate::report::{AccountDns, dns_lines};

/// The state of a domain's DNS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DomainState {
    /// The hosts that differ, with the time of the first check that showed it. A host that does not answer stays in the
    /// list.
    differing: BTreeMap<Question, Timestamp>,
    /// When a second check showed a difference again; it counts from then on.
    confirmed: Option<Timestamp>,
    /// Consecutive checks in which no host got an answer.
    pub(super) silences: u32,
    /// Seconds until the last old answer expires in a cache.
    pub(super) old_for: Option<u32>,
    /// When it was last found in sync.
    pub(super) asked_well: Option<Timestamp>,
}

impl DomainState {
    /// Returns whether a difference was seen once and waits for confirmation.
    pub(super) fn is_confirming(&self) -> bool {
        !self.differing.is_empty() && self.confirmed.is_none()
    }

    /// Adds the result of a check, and returns a summary.
    pub(super) fn take_in(
        &mut self,
        name: &AccountName,
        check: DomainCheck,
        now: Timestamp,
    ) -> DnsSummary {
        let before = std::mem::take(&mut self.differing);
        let mut is_seen_again = false;
        self.old_for = None;
        for host in &check.hosts {
            if let Verdict::Propagating { old_for } = host.judgement.verdict {
                self.old_for = self.old_for.max(old_for);
            }
        }
        for (question, standing) in parts(&check) {
            let earlier = before.get(&question).copied();
            match standing {
                Standing::Differs => {
                    is_seen_again |= earlier.is_some_and(|earlier| earlier < now);
                    self.differing.insert(question, earlier.unwrap_or(now));
                }
                // No answer neither confirms nor refutes a difference.
                Standing::Unknown => {
                    (self.differing).extend(earlier.map(|earlier| (question, earlier)));
                }
                Standing::InSync | Standing::Propagating => {}
            }
        }
        if self.differing.is_empty() {
            self.confirmed = None;
        } else if is_seen_again {
            self.confirmed = self.confirmed.or(Some(now));
        }
        let (standing, tally) = (check.standing(), check.tally());
        let is_silent = tally.unknown > 0 && tally.unknown == tally.hosts();
        self.silences = if is_silent { self.silences + 1 } else { 0 };
        if matches!(standing, Standing::InSync | Standing::Propagating) {
            self.asked_well = Some(now);
        }
        let phones = (check.phones.iter())
            .filter(|phones| phones.registration == Registration::Broken)
            .map(|phones| phones.sentence.clone());
        let outages: Vec<String> = phones.collect();
        let hints = check.hosts.iter().flat_map(|host| &host.hints);
        let hints = hints.map(|hint| hint.text.clone());
        let warnings = (check.findings.iter())
            .filter(|finding| finding.kind.urgency() == Urgency::Warning)
            .map(DomainFinding::text);
        let mut remedies: Vec<String> = Vec::new();
        for text in hints.chain(warnings) {
            if !remedies.contains(&text) {
                remedies.push(text);
            }
        }
        let account = AccountDns {
            name: name.clone(),
            check,
            platform: None,
        };
        DnsSummary {
            standing,
            tally,
            lines: dns_lines(&account),
            outages,
            remedies,
            asked: now,
            seen: self.differing.values().min().copied(),
            confirmed: self.confirmed,
        }
    }
}

/// Returns the standing of each host, and of each SIP chain as that of the SRV records that phones look for themselves.
fn parts(check: &DomainCheck) -> impl Iterator<Item = (Question, Standing)> {
    let phones = check.phones.iter().map(|phones| {
        let question = Question {
            name: phones.proxy.clone(),
            record_type: RecordType::Srv,
        };
        (question, Standing::of_phones(phones.registration))
    });
    let hosts = check.hosts.iter().map(|host| {
        let judgement = &host.judgement;
        let question = judgement.expected.question.clone();
        (question, Standing::of(&judgement.verdict))
    });
    hosts.chain(phones)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Expected, HostCheck, Judgement};
    use crate::model::DomainName;
    use crate::model::record::{RecordName, RecordType};

    fn check(verdict: Verdict) -> DomainCheck {
        let judgement = Judgement {
            expected: Expected {
                question: Question {
                    name: RecordName::observed("us.acme.example"),
                    record_type: RecordType::A,
                },
                label: None,
                records: [].into(),
            },
            verdict,
            absent: None,
            records: Vec::new(),
            servers: Vec::new(),
            notes: Vec::new(),
        };
        DomainCheck {
            domain: DomainName::parse("acme.example").unwrap(),
            hosts: vec![HostCheck {
                judgement,
                hints: Vec::new(),
            }],
            phones: Vec::new(),
            findings: Vec::new(),
            not_understood: Vec::new(),
        }
    }

    /// Lists for each check: time, word, first seen, confirmed, and consecutive silences.
    fn said(answers: &[(i64, char)]) -> String {
        let name = AccountName::new("acme");
        let mut domain_state = DomainState::default();
        let mut lines = Vec::new();
        for (second, verdict) in answers {
            let verdict = match verdict {
                'o' => Verdict::Ok,
                'd' => Verdict::Different,
                'p' => Verdict::Propagating { old_for: Some(60) },
                _ => Verdict::Unknown {
                    reason: "timed out".to_owned(),
                },
            };
            let at = Timestamp::from_second(*second).unwrap();
            let summary = domain_state.take_in(&name, check(verdict), at);
            let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_second);
            lines.push(format!(
                "{second} {} {:?} {:?} {}",
                summary.word(),
                seconds(summary.seen),
                seconds(summary.confirmed),
                domain_state.silences
            ));
        }
        lines.join("\n")
    }

    #[test]
    fn a_difference_counts_when_it_was_seen_twice() {
        insta::assert_snapshot!(
            said(&[(1, 'o'), (2, 'd'), (3, 'o'), (4, 'd'), (5, 'd'), (6, 'd'), (7, 'p'), (8, 'd')]),
            @r"
        1 in_sync None None 0
        2 confirming Some(2) None 0
        3 in_sync None None 0
        4 confirming Some(4) None 0
        5 differs Some(4) Some(5) 0
        6 differs Some(4) Some(5) 0
        7 propagating None None 0
        8 confirming Some(8) None 0
        "
        );
    }

    #[test]
    fn silence_neither_confirms_nor_refutes() {
        insta::assert_snapshot!(
            said(&[(1, 'u'), (2, 'u'), (3, 'd'), (4, 'u'), (5, 'u'), (6, 'd'), (7, 'u'), (8, 'o')]),
            @r"
        1 unknown None None 1
        2 unknown None None 2
        3 confirming Some(3) None 0
        4 unknown Some(3) None 1
        5 unknown Some(3) None 2
        6 differs Some(3) Some(6) 0
        7 unknown Some(3) Some(6) 1
        8 in_sync None None 0
        "
        );
    }
}
