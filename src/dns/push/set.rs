//! The change of one record set, in a form that can be saved.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::dns::Question;
use crate::model::Digest;
use crate::model::record::{RecordData, RecordError, RecordName, RecordType};

/// The change of one record set: its records before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct SetChange {
    /// Name and type of the set.
    pub question: Question,
    /// The live records; the precondition of the change.
    pub before: BTreeSet<RecordData>,
    /// The records after the change; empty when the set is removed.
    pub after: BTreeSet<RecordData>,
    /// Their time to live in seconds; that of the live records, where there are some.
    pub ttl: u32,
}

impl SetChange {
    /// Returns the records to add.
    pub fn added(&self) -> impl Iterator<Item = &RecordData> {
        self.after.difference(&self.before)
    }

    /// Returns for how many seconds resolvers may give the live records after the change; `None` where none go.
    #[must_use]
    pub fn outlived(&self) -> Option<u32> {
        self.removed().next().map(|_| self.ttl)
    }

    /// Returns the records to remove.
    pub fn removed(&self) -> impl Iterator<Item = &RecordData> {
        self.before.difference(&self.after)
    }
}

/// Returns the digest of the live records of the given sets: the precondition of changing them.
#[must_use]
pub fn digest<'a>(sets: impl IntoIterator<Item = &'a SetChange>) -> Digest {
    let mut text = String::new();
    for set in sets {
        for data in &set.before {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {data}", set.question);
        }
    }
    Digest::of(text.as_bytes())
}

/// The saved form: records as text, as in a zone file.
#[derive(Serialize, Deserialize)]
struct Saved {
    name: RecordName,
    #[serde(rename = "type")]
    record_type: RecordType,
    ttl: u32,
    before: Vec<String>,
    after: Vec<String>,
}

impl From<SetChange> for Saved {
    fn from(set: SetChange) -> Self {
        let texts =
            |records: &BTreeSet<RecordData>| records.iter().map(ToString::to_string).collect();
        Self {
            before: texts(&set.before),
            after: texts(&set.after),
            name: set.question.name,
            record_type: set.question.record_type,
            ttl: set.ttl,
        }
    }
}

impl TryFrom<Saved> for SetChange {
    type Error = RecordError;

    fn try_from(saved: Saved) -> Result<Self, RecordError> {
        let record_type = saved.record_type;
        let records = |texts: Vec<String>| -> Result<BTreeSet<RecordData>, RecordError> {
            let mut texts = texts.iter();
            texts.try_fold(BTreeSet::new(), |mut records, text| {
                records.insert(RecordData::parse(record_type, text)?);
                Ok(records)
            })
        };
        Ok(Self {
            before: records(saved.before)?,
            after: records(saved.after)?,
            question: Question {
                name: saved.name,
                record_type,
            },
            ttl: saved.ttl,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record_type: RecordType, texts: &[&str]) {
        let parse = |text: &&str| RecordData::parse(record_type, text).unwrap();
        let set = SetChange {
            question: Question {
                name: RecordName::observed("a.acme.example"),
                record_type,
            },
            before: BTreeSet::new(),
            after: texts.iter().map(parse).collect(),
            ttl: 60,
        };
        let saved = serde_json::to_string(&set).unwrap();
        assert_eq!(
            serde_json::from_str::<SetChange>(&saved).unwrap(),
            set,
            "{saved}"
        );
    }

    #[test]
    fn sets_of_every_type_are_saved_and_read_again() {
        check(RecordType::A, &["192.0.2.1", "192.0.2.2"]);
        check(RecordType::Aaaa, &["2001:db8::1"]);
        check(RecordType::Cname, &["ui.example.net"]);
        check(RecordType::Mx, &["10 mx.example.net", "0 ."]);
        check(
            RecordType::Naptr,
            &[
                "10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.acme.example",
                "10 100 \"U\" \"E2U+sip\" \"!^.*$!sip:a@b.example!\" .",
            ],
        );
        check(RecordType::Srv, &["10 50 5060 a.acme.example", "0 0 0 ."]);
        check(
            RecordType::Txt,
            &[
                "v=spf1 -all",
                "\"a \\\"b\\\" \\\\ \\195\\188\"",
                "\"\"",
                "\"a; b\"",
            ],
        );
        check(
            RecordType::Caa,
            &["0 issue \"ca.example\"", "128 iodef \"mailto:a@b.example\""],
        );
    }

    #[test]
    fn the_digest_is_about_what_stands_there() {
        let set = |before: &[&str], after: &[&str]| {
            let parse = |text: &&str| RecordData::parse(RecordType::A, text).unwrap();
            SetChange {
                question: Question {
                    name: RecordName::observed("a.acme.example"),
                    record_type: RecordType::A,
                },
                before: before.iter().map(parse).collect(),
                after: after.iter().map(parse).collect(),
                ttl: 60,
            }
        };
        let one = digest(&[set(&["192.0.2.1"], &[])]);
        assert_eq!(one, digest(&[set(&["192.0.2.1"], &["192.0.2.9"])]));
        assert_ne!(one, digest(&[set(&["192.0.2.2"], &[])]));
        assert_ne!(one, digest(&[set(&[], &[])]));
    }
}
