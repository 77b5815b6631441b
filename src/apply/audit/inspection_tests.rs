use super::super::line::{AUDIT_VERSION, AuditEvent, AuditObject, AuditState};
use super::*;
use crate::apply::{RunId, StepStanding};
use crate::model::ClusterName;
use crate::plan::StepId;
use jiff::Timestamp;

/// Writes a log of some lines, and returns their bytes and digests.
fn log(lines: u64) -> (Vec<Vec<u8>>, Vec<Digest>) {
    let mut previous = AuditHead::nothing();
    let (mut texts, mut digests) = (Vec::new(), Vec::new());
    for number in 1..=lines {
        let line = AuditLine {
            version: AUDIT_VERSION,
            number,
            previous: previous.clone(),
            at: Timestamp::UNIX_EPOCH,
            event: AuditEvent::Ended,
            run: RunId::new(Timestamp::UNIX_EPOCH, &Digest::of(b"plan")),
            step: StepId(0),
            cluster: ClusterName::new("production"),
            object: AuditObject::Template,
            action: "replace template".to_owned(),
            commit: None,
            author: Some("Ada \"<\u{1b}[31m>".to_owned()),
            approver: None,
            host: "ada@host, process 1".to_owned(),
            key: "environment variable KEY".to_owned(),
            before: AuditState::Unknown,
            after: Some(AuditState::Known(Digest::of(b"after"))),
            result: Some(StepStanding::Done),
            mended: None,
            digest: AuditHead::nothing(),
        };
        let (bytes, digest) = line.sealed().unwrap();
        previous = digest.clone();
        texts.push(bytes);
        digests.push(digest);
    }
    (texts, digests)
}

fn kept(log: &Digest, line: u64, digest: &Digest) -> KeptHead {
    KeptHead {
        head: AuditHead {
            log: log.clone(),
            line,
            digest: digest.clone(),
        },
        commit: "c".repeat(40),
        reference: "refs/emblazon/production/audit".to_owned(),
    }
}

fn faults(text: &[u8], kept: &[KeptHead]) -> String {
    let found = inspect(text, kept, |_| {}).unwrap();
    let mut told: Vec<String> = found.faults.iter().map(ToString::to_string).collect();
    told.extend(found.torn.map(|torn| format!("torn: {torn}")));
    told.join("\n")
}

#[test]
fn what_was_changed_is_told_at_the_line() {
    let (lines, digests) = log(6);
    let head = [kept(&digests[0], 6, &digests[5])];
    let check = |change: &dyn Fn(&mut Vec<Vec<u8>>), kept: &[KeptHead]| {
        let mut lines = lines.clone();
        change(&mut lines);
        faults(&lines.concat(), kept)
    };
    let edit = |line: &mut Vec<u8>| {
        let text = String::from_utf8(line.clone()).unwrap();
        *line = text
            .replace("environment variable KEY", "environment variable MINE")
            .into();
    };
    assert_eq!(check(&|_| {}, &head), "");
    insta::assert_snapshot!(check(&|lines| edit(&mut lines[2]), &head), @"line 3 was edited: its bytes have another digest than it says");
    insta::assert_snapshot!(check(&|lines| edit(&mut lines[5]), &[]), @"line 6 was edited: its bytes have another digest than it says");
    insta::assert_snapshot!(check(&|lines| lines[1] = b"nothing\n".to_vec(), &head), @"line 2 was edited: it is no line of an audit log: expected ident at line 1 column 2");
    insta::assert_snapshot!(check(&|lines| drop(lines.remove(2)), &head), @"line 3: the line with the number 3 is missing before it: cut, or moved");
    insta::assert_snapshot!(check(&|lines| drop(lines.drain(1..4)), &head), @"line 2: 3 lines with the numbers 2 to 4 are missing before it: cut, or moved");
    insta::assert_snapshot!(check(&|lines| drop(lines.remove(0)), &[]), @"line 1: the line with the number 1 is missing before it: cut, or moved");
    insta::assert_snapshot!(check(&|lines| lines.swap(2, 3), &head), @r"
    line 3: the line with the number 3 is missing before it: cut, or moved
    line 4 has the number 3, and comes after higher ones: moved, or put in twice
    line 5: the line with the number 4 is missing before it: cut, or moved
    ");
    insta::assert_snapshot!(check(&|lines| lines.insert(3, lines[2].clone()), &head), @"line 4 has the number 3, and comes after higher ones: moved, or put in twice");
    insta::assert_snapshot!(check(&|lines| lines.truncate(4), &head), @"line 5: the log was cut at its end: commit cccccccccc keeps the head of line 6");
    // Without Git, a cut end cannot be told.
    assert_eq!(check(&|lines| lines.truncate(4), &[]), "");
    let half = |lines: &mut Vec<Vec<u8>>| lines[5].truncate(20);
    insta::assert_snapshot!(check(&half, &[]), @"torn: 20");
    insta::assert_snapshot!(check(&|lines| lines[3] = vec![b'x'; 100_000], &[]), @r"
    line 4 was edited: it is no line of an audit log: it is longer than 65536 bytes
    ");
}

/// Whoever computes new digests contradicts the next line, or Git.
#[test]
fn what_was_written_anew_is_told() {
    let (mut lines, digests) = log(4);
    let mut line = AuditLine::opened(lines[1].strip_suffix(b"\n").unwrap()).unwrap();
    line.key = "another".to_owned();
    lines[1] = line.sealed().unwrap().0;
    insta::assert_snapshot!(faults(&lines.concat(), &[]), @"line 3 does not follow from the line before: one of the two was replaced");
    let (mut lines, _) = log(4);
    let mut previous = digests[0].clone();
    for line in &mut lines[1..] {
        let mut anew = AuditLine::opened(line.strip_suffix(b"\n").unwrap()).unwrap();
        anew.key = "another".to_owned();
        anew.previous = previous;
        (*line, previous) = anew.sealed().unwrap();
    }
    assert_eq!(faults(&lines.concat(), &[]), "");
    let heads = [
        kept(&digests[0], 3, &digests[2]),
        kept(&digests[0], 4, &digests[3]),
    ];
    insta::assert_snapshot!(faults(&lines.concat(), &heads), @"line 3 is not the line whose head commit cccccccccc keeps: the log was written anew from this line or one before");
    // Another log is not compared with this one.
    let other = [kept(&Digest::of(b"other"), 4, &digests[3])];
    let found = inspect(&*lines.concat(), &other, |_| {}).unwrap();
    assert_eq!((found.is_sound(), found.kept, found.others), (true, 0, 1));
}

proptest::proptest! {
    /// No bytes make it panic, and each single flipped bit is told.
    #[test]
    fn each_flipped_bit_is_told(at in 0_usize..10_000, bit in 0_u32..8, junk: Vec<u8>) {
        let _ = inspect(&*junk, &[], |_| {}).unwrap();
        let (lines, digests) = log(3);
        let mut text = lines.concat();
        let at = at % text.len();
        text[at] ^= 1 << bit;
        let head = [kept(&digests[0], 3, &digests[2])];
        let found = inspect(&*text, &head, |_| {}).unwrap();
        // The first line names the log; one that is another's is compared with no head, and its bytes tell it.
        proptest::prop_assert!(!found.is_sound() || found.torn.is_some());
    }
}
