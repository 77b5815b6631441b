//! The table of verdicts.

use super::*;
use crate::dns::{Found, Question};
use crate::model::record::{RecordName, RecordType};

fn records(record_type: RecordType, texts: &[&str]) -> BTreeSet<RecordData> {
    texts
        .iter()
        .map(|text| RecordData::parse(record_type, text).unwrap())
        .collect()
}

fn found(texts: &[&str]) -> Answer {
    found_as(RecordType::A, texts)
}

fn found_as(record_type: RecordType, texts: &[&str]) -> Answer {
    Answer::Found(Found {
        aliases: Vec::new(),
        records: records(record_type, texts),
        ttl: 300,
    })
}

fn server(last: u8) -> Server {
    Server {
        name: Some(format!("ns{last}.example")),
        address: ([192, 0, 2, last], 53).into(),
    }
}

fn observed(answers: &[Answer]) -> Vec<Observed> {
    (1..)
        .zip(answers)
        .map(|(number, answer)| Observed {
            server: server(number),
            answer: answer.clone(),
        })
        .collect()
}

fn expected(record_type: RecordType, texts: &[&str]) -> Expected {
    Expected {
        question: Question {
            name: RecordName::observed("host.acme.example"),
            record_type,
        },
        label: None,
        records: records(record_type, texts),
    }
}

#[track_caller]
fn check(
    wanted: &[&str],
    authoritative: &[Answer],
    resolvers: &[Answer],
    verdict: &Verdict,
) -> Judgement {
    let observation = Observation {
        authoritative: observed(authoritative),
        resolvers: observed(resolvers),
        ..Observation::default()
    };
    let judgement = judge(&expected(RecordType::A, wanted), &observation);
    assert_eq!(&judgement.verdict, verdict, "{judgement:?}");
    judgement
}

const RIGHT: &[&str] = &["192.0.2.10", "192.0.2.11"];

#[test]
fn the_table() {
    let right = || found(RIGHT);
    let old = || found(&["192.0.2.99"]);
    let nxdomain = || Answer::NxDomain {
        negative_ttl: Some(60),
    };
    check(RIGHT, &[right(), right()], &[right()], &Verdict::Ok);
    check(
        RIGHT,
        &[found(&["192.0.2.11", "192.0.2.10"])],
        &[],
        &Verdict::Ok,
    );
    check(RIGHT, &[nxdomain(), nxdomain()], &[], &Verdict::Missing);
    check(
        RIGHT,
        &[Answer::NoData { negative_ttl: None }],
        &[],
        &Verdict::Missing,
    );
    check(RIGHT, &[found(&["192.0.2.10"])], &[], &Verdict::Missing);
    check(RIGHT, &[old()], &[], &Verdict::Different);
    check(
        RIGHT,
        &[found(&["192.0.2.10", "192.0.2.99"])],
        &[],
        &Verdict::Different,
    );
    check(
        RIGHT,
        &[found(&["192.0.2.10", "192.0.2.11", "192.0.2.99"])],
        &[],
        &Verdict::Extra,
    );
    check(
        RIGHT,
        &[right()],
        &[old()],
        &Verdict::Propagating { old_for: Some(300) },
    );
    check(
        RIGHT,
        &[right()],
        &[nxdomain(), old()],
        &Verdict::Propagating { old_for: Some(300) },
    );
    check(
        RIGHT,
        &[right()],
        &[Answer::NxDomain { negative_ttl: None }],
        &Verdict::Propagating { old_for: None },
    );
    check(RIGHT, &[right(), old()], &[], &Verdict::Inconsistent);
    check(RIGHT, &[right(), nxdomain()], &[], &Verdict::Inconsistent);
}

/// Invariant 6, trap 24: a failure is unknown, never drift; and what is known to be wrong stays wrong.
#[test]
fn trap_24_failures_are_unknown_and_told_apart() {
    for failure in [
        Failure::TimedOut,
        Failure::ServFail,
        Failure::Refused,
        Failure::Lame,
        Failure::AliasLoop,
        Failure::Unreachable("refused".to_owned()),
        Failure::Code("NOTIMP".to_owned()),
        Failure::Malformed("short".to_owned()),
        Failure::NotAsked("its address is not public".to_owned()),
    ] {
        let failed = || Answer::Failed(failure.clone());
        check(
            RIGHT,
            &[failed(), failed()],
            &[found(&["192.0.2.99"])],
            &Verdict::Unknown {
                reason: format!("no authoritative server gave an answer ({failure})"),
            },
        );
        let partly = check(
            RIGHT,
            &[found(RIGHT), failed()],
            &[],
            &Verdict::Unknown {
                reason: "1 of 2 authoritative servers is right, the others gave no answer"
                    .to_owned(),
            },
        );
        assert_eq!(partly.servers, [(server(2), failure.to_string())]);
        check(
            RIGHT,
            &[found(&["192.0.2.99"]), failed()],
            &[],
            &Verdict::Different,
        );
        let resolver_failed = check(RIGHT, &[found(RIGHT)], &[failed()], &Verdict::Ok);
        assert_eq!(resolver_failed.notes.len(), 1);
    }
}

#[test]
fn a_flattened_alias_is_right_with_a_note() {
    let addresses = records(RecordType::A, &["198.51.100.7"]);
    let mut observation = Observation {
        authoritative: observed(&[Answer::NoData { negative_ttl: None }]),
        flattened: Some(Flattened {
            target: addresses.clone(),
            host: addresses,
        }),
        ..Observation::default()
    };
    let wanted = expected(RecordType::Cname, &["ui.example.net"]);
    let judgement = judge(&wanted, &observation);
    assert_eq!(judgement.verdict, Verdict::Ok);
    assert_eq!(judgement.notes.len(), 1);
    observation.flattened = Some(Flattened {
        target: records(RecordType::A, &["198.51.100.7"]),
        host: records(RecordType::A, &["203.0.113.1"]),
    });
    assert_eq!(judge(&wanted, &observation).verdict, Verdict::Missing);
}

/// Trap 22: case, dots, quotes, order and the missing MX preference make no difference.
#[test]
fn trap_22_records_not_text() {
    let wanted = expected(RecordType::Mx, &["mail.example.net."]);
    let observation = Observation {
        authoritative: observed(&[found_as(RecordType::Mx, &["10 MAIL.example.net"])]),
        ..Observation::default()
    };
    assert_eq!(judge(&wanted, &observation).verdict, Verdict::Ok);
}
