use proptest::prelude::*;

use super::*;

fn zone() -> RecordName {
    RecordName::observed("acme.example")
}

fn question(name: &str, record_type: RecordType) -> Question {
    Question {
        name: RecordName::observed(name),
        record_type,
    }
}

/// Reads `name TYPE data`, one a line.
fn records(text: &str) -> BTreeMap<Question, BTreeSet<RecordData>> {
    let mut sets: BTreeMap<Question, BTreeSet<RecordData>> = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.splitn(3, ' ');
        let name = words.next().unwrap();
        let record_type = RecordType::parse(words.next().unwrap()).unwrap();
        let set = sets.entry(question(name, record_type)).or_default();
        if let Some(data) = words.next() {
            set.insert(RecordData::parse(record_type, data).unwrap());
        }
    }
    sets
}

fn expected(text: &str) -> Vec<Expected> {
    records(text)
        .into_iter()
        .map(|(question, records)| Expected {
            question,
            label: None,
            records,
        })
        .collect()
}

/// Makes what a primary shows for each question.
fn standing(text: &str, questions: &[&[Expected]]) -> BTreeMap<Question, Standing> {
    let there = records(text);
    let mut standing = BTreeMap::new();
    for host in questions.iter().copied().flatten() {
        let beside = there
            .keys()
            .filter(|other| other.name == host.question.name && **other != host.question)
            .map(|other| other.record_type.to_string())
            .collect();
        let records = there.get(&host.question).cloned().unwrap_or_default();
        standing.insert(
            host.question.clone(),
            Standing {
                ttl: (!records.is_empty()).then_some(60),
                records,
                beside,
            },
        );
    }
    standing
}

fn show(changes: &Changes) -> Vec<String> {
    let mut lines = Vec::new();
    for set in &changes.sets {
        let added = set.added().map(|data| format!("+ {} {data}", set.question));
        let removed = set
            .removed()
            .map(|data| format!("- {} {data}", set.question));
        lines.extend(removed.chain(added));
    }
    for (question, data) in &changes.kept {
        lines.push(format!("= {question} {data}"));
    }
    for refused in &changes.refused {
        lines.push(format!(
            "! {} {}: {}",
            refused.name, refused.record_type, refused.reason
        ));
    }
    lines
}

#[track_caller]
fn check(now: &str, before: &str, there: &str, exclusive: bool, lines: &[&str]) {
    let (now, before) = (expected(now), expected(before));
    let standing = standing(there, &[&now, &before]);
    let policy = PushPolicy {
        exclusive,
        ..PushPolicy::default()
    };
    let got = show(&changes(&zone(), &now, &before, &standing, policy));
    assert_eq!(got.len(), lines.len(), "{got:#?}");
    for (got, wanted) in got.iter().zip(lines) {
        assert!(got.starts_with(wanted), "{got} instead of {wanted}");
    }
}

#[test]
fn what_is_missing_is_added() {
    check(
        "a.acme.example A 192.0.2.1\na.acme.example A 192.0.2.2",
        "",
        "a.acme.example A 192.0.2.1",
        false,
        &["+ a.acme.example A 192.0.2.2"],
    );
    check(
        "a.acme.example A 192.0.2.1",
        "",
        "a.acme.example A 192.0.2.1",
        false,
        &[],
    );
}

#[test]
fn a_foreign_record_is_shown_and_kept_unless_the_set_is_exclusive() {
    let now = "a.acme.example A 192.0.2.1";
    let there = "a.acme.example A 192.0.2.1\na.acme.example A 198.51.100.1";
    check(now, "", there, false, &["= a.acme.example A 198.51.100.1"]);
    check(now, "", there, true, &["- a.acme.example A 198.51.100.1"]);
}

#[test]
fn what_was_ours_goes() {
    check(
        "a.acme.example A 192.0.2.2",
        "a.acme.example A 192.0.2.1\nb.acme.example TXT old",
        "a.acme.example A 192.0.2.1\nb.acme.example TXT old\nb.acme.example TXT theirs",
        false,
        &[
            "- a.acme.example A 192.0.2.1",
            "+ a.acme.example A 192.0.2.2",
            "- b.acme.example TXT \"old\"",
            "= b.acme.example TXT \"theirs\"",
        ],
    );
}

/// Exclusive holds for sets that the tree declares, not for those that it no longer does.
#[test]
fn a_set_that_is_no_longer_declared_keeps_what_was_never_ours() {
    check(
        "",
        "b.acme.example TXT old",
        "b.acme.example TXT theirs",
        true,
        &["= b.acme.example TXT \"theirs\""],
    );
}

#[test]
fn an_alias_is_replaced_since_there_is_only_one() {
    check(
        "ui.acme.example CNAME new.example.net",
        "",
        "ui.acme.example CNAME old.example.net",
        false,
        &[
            "- ui.acme.example CNAME old.example.net",
            "+ ui.acme.example CNAME new.example.net",
        ],
    );
}

#[test]
fn an_alias_stands_alone() {
    check(
        "ui.acme.example CNAME new.example.net",
        "",
        "ui.acme.example TXT theirs",
        false,
        &["! ui.acme.example CNAME: the name has TXT already"],
    );
    check(
        "ui.acme.example A 192.0.2.1",
        "",
        "ui.acme.example CNAME old.example.net",
        false,
        &["! ui.acme.example A: the name has CNAME already"],
    );
    check(
        "ui.acme.example CNAME new.example.net",
        "ui.acme.example A 192.0.2.1",
        "ui.acme.example A 192.0.2.1",
        false,
        &[
            "- ui.acme.example A 192.0.2.1",
            "+ ui.acme.example CNAME new.example.net",
        ],
    );
    check(
        "ui.acme.example CNAME new.example.net",
        "ui.acme.example A 192.0.2.1",
        "ui.acme.example A 192.0.2.1\nui.acme.example A 192.0.2.9",
        false,
        &[
            "- ui.acme.example A 192.0.2.1",
            "= ui.acme.example A 192.0.2.9",
            "! ui.acme.example CNAME: the name has A already",
        ],
    );
}

#[test]
fn what_is_protected_is_never_touched() {
    check(
        "acme.example CNAME ui.example.net",
        "",
        "",
        false,
        &["! acme.example CNAME: it is the top of its zone"],
    );
    check(
        "_acme-challenge.ui.acme.example TXT x\n_acme-challenge.acme.example CNAME a.net",
        "",
        "",
        false,
        &[
            "! _acme-challenge.acme.example CNAME: _acme-challenge belongs",
            "! _acme-challenge.ui.acme.example TXT: _acme-challenge belongs",
        ],
    );
    check(
        "ui.other.example A 192.0.2.1",
        "",
        "",
        false,
        &["! ui.other.example A: it lies outside the zone acme.example"],
    );
}

/// A server that leaves the preference out, and one that has it, mean the same (D14).
#[test]
fn an_mx_without_preference_is_satisfied_by_any() {
    let now = "acme.example MX mx.example.net";
    check(now, "", "acme.example MX 7 mx.example.net", false, &[]);
    check(now, "", "", false, &["+ acme.example MX 10 mx.example.net"]);
}

/// What could not be read is no reason to write (invariant 6).
#[test]
fn a_set_that_could_not_be_read_is_left_alone() {
    let now = expected("a.acme.example A 192.0.2.1");
    let changes = changes(&zone(), &now, &[], &BTreeMap::new(), PushPolicy::default());
    assert_eq!(show(&changes), [] as [&str; 0]);
    let unread: Vec<String> = changes.unread.iter().map(ToString::to_string).collect();
    assert_eq!(unread, ["a.acme.example A"]);
}

#[test]
fn a_set_that_stands_keeps_its_time_to_live() {
    let now = expected(
        "a.acme.example A 192.0.2.1\na.acme.example A 192.0.2.2\nb.acme.example A 192.0.2.1",
    );
    let standing = standing("a.acme.example A 192.0.2.1", &[&now]);
    let changes = changes(&zone(), &now, &[], &standing, PushPolicy::default());
    let ttls: Vec<u32> = changes.sets.iter().map(|set| set.ttl).collect();
    assert_eq!(ttls, [60, 3600]);
}

fn lines() -> impl Strategy<Value = String> {
    let line = (
        prop::sample::select(vec![
            "acme.example",
            "a.acme.example",
            "b.acme.example",
            "_acme-challenge.acme.example",
            "a.other.example",
        ]),
        prop::sample::select(vec![
            "A 192.0.2.1",
            "A 192.0.2.2",
            "TXT x",
            "TXT y",
            "CNAME ui.example.net",
            "CNAME other.example.net",
            "MX mx.example.net",
            "MX 20 mx.example.net",
        ]),
    );
    prop::collection::vec(line, 0..6).prop_map(|lines| {
        lines
            .iter()
            .map(|(name, record)| format!("{name} {record}"))
            .collect::<Vec<_>>()
            .join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Applied once, nothing is left to do; only declared and unprotected sets are touched; in shared sets nothing
    /// foreign goes but an alias that cannot stay.
    #[test]
    fn a_second_push_is_empty(now in lines(), before in lines(), there in lines(), exclusive: bool) {
        let (now, before) = (expected(&now), expected(&before));
        let policy = PushPolicy { exclusive, ..PushPolicy::default() };
        let mut world = standing(&there, &[&now, &before]);
        let first = changes(&zone(), &now, &before, &world, policy);
        for set in &first.sets {
            prop_assert!(now.iter().chain(&before).any(|host| host.question == set.question));
            prop_assert!(set.question.name.as_str().ends_with("acme.example"));
            prop_assert!(!set.question.name.as_str().contains("_acme-challenge"));
            prop_assert!(set.before != set.after);
            if !exclusive && set.question.record_type != RecordType::Cname {
                for data in set.removed() {
                    prop_assert!(before.iter().any(|host| host.question == set.question
                        && host.records.iter().any(|ours| ours.means(data))));
                }
            }
            let entry = world.get_mut(&set.question).unwrap();
            entry.records = set.after.clone();
            let (name, own) = (&set.question.name, set.question.record_type.to_string());
            for (other, standing) in &mut world {
                if other.name == *name && *other != set.question {
                    if set.after.is_empty() {
                        standing.beside.remove(&own);
                    } else {
                        standing.beside.insert(own.clone());
                    }
                }
            }
        }
        let second = changes(&zone(), &now, &before, &world, policy);
        prop_assert_eq!(second.sets, vec![]);
    }
}
