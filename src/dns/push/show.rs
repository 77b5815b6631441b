//! What a push would do, for people and for the way back.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Pending, ZoneChange};

/// Writes what a push would do, one line a record: `+` comes, `-` goes, `=` is not ours and stays, `!` is refused.
///
/// Empty when there is nothing to say.
#[must_use]
pub fn show(pending: &Pending) -> String {
    let mut text = String::new();
    for change in &pending.zones {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "zone {}", change.zone);
        for set in &change.sets {
            for data in set.removed() {
                let _ = writeln!(text, "  - {} {data}", set.question);
            }
            for data in set.added() {
                let _ = writeln!(text, "  + {} {data}", set.question);
            }
        }
    }
    if !pending.kept.is_empty() {
        text.push_str("not declared, and kept\n");
    }
    for (question, data) in &pending.kept {
        let _ = writeln!(text, "  = {question} {data}");
    }
    if !pending.refused.is_empty() {
        text.push_str("refused\n");
    }
    for refused in &pending.refused {
        let (name, record_type) = (&refused.name, refused.record_type);
        let _ = writeln!(text, "  ! {name} {record_type}: {}", refused.reason);
    }
    text
}

impl ZoneChange {
    /// Returns the sets before and after, as a snapshot from which the way back can be found.
    #[must_use]
    pub fn snapshot(&self) -> Value {
        let texts = |records: &std::collections::BTreeSet<crate::model::RecordData>| {
            records.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let sets: Vec<Value> = self
            .sets
            .iter()
            .map(|set| {
                json!({
                    "name": set.question.name,
                    "type": set.question.record_type,
                    "ttl": set.ttl,
                    "before": texts(&set.before),
                    "after": texts(&set.after),
                })
            })
            .collect();
        json!({ "version": 1, "zone": self.zone, "sets": sets })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::dns::Question;
    use crate::dns::push::{RefusedSet, SetChange};
    use crate::model::{RecordData, RecordName, RecordType};

    fn pending() -> Pending {
        let question = Question {
            name: RecordName::observed("a.acme.example"),
            record_type: RecordType::A,
        };
        let data = |text| RecordData::parse(RecordType::A, text).unwrap();
        Pending {
            zones: vec![ZoneChange {
                zone: RecordName::observed("acme.example"),
                sets: vec![SetChange {
                    question: question.clone(),
                    before: BTreeSet::from([data("192.0.2.1"), data("192.0.2.9")]),
                    after: BTreeSet::from([data("192.0.2.2"), data("192.0.2.9")]),
                    ttl: 60,
                }],
            }],
            kept: vec![(question, data("192.0.2.9"))],
            refused: vec![RefusedSet {
                name: RecordName::observed("b.acme.example"),
                record_type: RecordType::Cname,
                reason: "why; what to do".to_owned(),
            }],
        }
    }

    #[test]
    fn a_push_is_shown_record_by_record() {
        insta::assert_snapshot!(show(&pending()), @r"
        zone acme.example
          - a.acme.example A 192.0.2.1
          + a.acme.example A 192.0.2.2
        not declared, and kept
          = a.acme.example A 192.0.2.9
        refused
          ! b.acme.example CNAME: why; what to do
        ");
        assert_eq!(show(&Pending::default()), "");
    }

    #[test]
    fn a_snapshot_has_both_sides() {
        insta::assert_snapshot!(pending().zones[0].snapshot(), @r#"{"sets":[{"after":["192.0.2.2","192.0.2.9"],"before":["192.0.2.1","192.0.2.9"],"name":"a.acme.example","ttl":60,"type":"A"}],"version":1,"zone":"acme.example"}"#);
    }
}
