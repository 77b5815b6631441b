//! Compares the platform's own test of a domain with what is expected. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::HostCheck;
use crate::model::record::{RecordData, RecordName};

/// What the platform's test sees at one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "opinion")]
pub enum Opinion {
    /// It sees what the template says.
    Right,
    /// It sees something else.
    Otherwise {
        /// What it sees.
        sees: Vec<String>,
    },
    /// Its list is empty, which can also mean "could not ask" (D13, trap 24), or it did not test the host.
    Unknown,
}

/// The server's results: record type → host → what its queries returned (D12).
pub type Seen = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Returns what the platform sees at a host, compared as records (D14, D15).
#[must_use]
pub fn opinion(host: &HostCheck, seen: &Seen) -> Opinion {
    let expected = &host.judgement.expected;
    let question = &expected.question;
    let actual = seen
        .get(question.record_type.as_str())
        .into_iter()
        .flatten()
        .filter(|(name, _)| RecordName::observed(name) == question.name)
        .flat_map(|(_, actual)| actual);
    let texts: Vec<&String> = actual.collect();
    if texts.is_empty() {
        return Opinion::Unknown;
    }
    let records: Option<BTreeSet<RecordData>> = texts
        .iter()
        .map(|text| record(question.record_type, text))
        .collect();
    let right = records.is_some_and(|records| {
        records.len() == expected.records.len()
            && records
                .iter()
                .all(|record| expected.records.iter().any(|wanted| wanted.means(record)))
    });
    if right {
        Opinion::Right
    } else {
        Opinion::Otherwise {
            sees: texts.into_iter().cloned().collect(),
        }
    }
}

/// Reads one text; a TXT comes without quotes, whatever it contains (D14).
fn record(record_type: crate::model::record::RecordType, text: &str) -> Option<RecordData> {
    match record_type {
        crate::model::record::RecordType::Txt => Some(RecordData::Txt(text.as_bytes().to_vec())),
        other => RecordData::parse(other, text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Expected, Judgement, Question, Verdict};
    use crate::model::record::RecordType;

    #[track_caller]
    fn check(record_type: RecordType, wanted: &[&str], actual: &[&str], expected: &Opinion) {
        let name = RecordName::observed("host.acme.example");
        let records = wanted
            .iter()
            .map(|text| RecordData::parse(record_type, text).unwrap())
            .collect();
        let host = HostCheck {
            judgement: Judgement {
                expected: Expected {
                    question: Question { name, record_type },
                    label: None,
                    records,
                },
                verdict: Verdict::Ok,
                absent: None,
                records: Vec::new(),
                servers: Vec::new(),
                notes: Vec::new(),
            },
            hints: Vec::new(),
        };
        let actual = actual.iter().map(|text| (*text).to_owned()).collect();
        let seen = BTreeMap::from([(
            record_type.to_string(),
            BTreeMap::from([("Host.acme.example.".to_owned(), actual)]),
        )]);
        assert_eq!(&opinion(&host, &seen), expected);
    }

    /// Trap 24: an empty list says nothing; trap 22: records that differ only in spelling are equal.
    #[test]
    fn trap_24_empty_is_unknown() {
        let otherwise = |text: &str| Opinion::Otherwise {
            sees: vec![text.to_owned()],
        };
        check(RecordType::A, &["192.0.2.1"], &[], &Opinion::Unknown);
        check(
            RecordType::A,
            &["192.0.2.1"],
            &["192.0.2.1"],
            &Opinion::Right,
        );
        check(
            RecordType::A,
            &["192.0.2.1"],
            &["192.0.2.9"],
            &otherwise("192.0.2.9"),
        );
        check(
            RecordType::Mx,
            &["10 mail.example"],
            &["Mail.Example"],
            &Opinion::Right,
        );
        check(
            RecordType::Txt,
            &["\"v=spf1 -all\""],
            &["v=spf1 -all"],
            &Opinion::Right,
        );
        check(
            RecordType::Aaaa,
            &["2001:db8::1"],
            &["2001:db8:0:0:0:0:0:1"],
            &Opinion::Right,
        );
        check(
            RecordType::Naptr,
            &["10 100 s sip+d2u \"\" _sip._udp.acme.example."],
            &["10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.acme.example"],
            &Opinion::Right,
        );
        check(RecordType::A, &["192.0.2.1"], &["oops"], &otherwise("oops"));
    }
}
