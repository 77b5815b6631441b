use super::*;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn alert(kind: AlertKind, second: i64) -> Alert {
    Alert {
        kind,
        account: Some(AccountName::new("acme")),
        brand: None,
        message: format!("round {second}"),
        since: at(second),
    }
}

/// A round a second; each letter is the trouble that one finds, and `_` is a tick without a round. Returns what is
/// told as `second:letter`, in capitals when it is over.
fn told(damping: Damping, rounds: &str) -> String {
    let mut damper = Damper::default();
    let mut told = Vec::new();
    let (mut round, mut alerts) = (at(0), Vec::new());
    for (second, letter) in (1..).zip(rounds.chars()) {
        if letter != '_' {
            round = at(second);
            alerts = match letter {
                'd' => vec![alert(AlertKind::Drift, second)],
                's' => vec![alert(AlertKind::Stalled, second)],
                _ => Vec::new(),
            };
        }
        for transition in damper.observe(at(second), round, damping, &alerts) {
            let word = match (transition.alert.kind, transition.over) {
                (AlertKind::Drift, false) => "d",
                (AlertKind::Drift, true) => "D",
                (_, false) => "s",
                (_, true) => "S",
            };
            told.push(format!("{second}:{word}"));
        }
        // What is known survives a restart at any time.
        let kept = serde_json::to_string(&damper).unwrap();
        assert_eq!(serde_json::from_str::<Damper>(&kept).unwrap(), damper);
    }
    told.join(" ")
}

fn damping(confirmations: u32, after: u64) -> Damping {
    Damping {
        confirmations: Some(confirmations),
        after: Some(Duration::from_secs(after)),
    }
}

/// A change by hand was read twice before it is an alert; that it is over was read once.
#[test]
fn drift_is_told_at_once_unless_configured_otherwise() {
    let usual = Damping::default();
    assert_eq!(told(usual, "d"), "1:d");
    assert_eq!(told(usual, "d.d."), "1:d");
    assert_eq!(told(usual, "ss"), "");
    let lasting = |letter: &str| letter.repeat(31);
    assert_eq!(told(usual, &lasting("s")), "31:s");
    assert_eq!(told(usual, &format!("d{}", lasting("."))), "1:d 32:D");
    let after = Damping {
        after: Some(Duration::from_secs(5)),
        ..usual
    };
    assert_eq!(told(after, "dddddd"), "6:d");
}

#[test]
fn a_change_is_told_once_and_when_it_is_sure() {
    #[track_caller]
    fn check(confirmations: u32, after: u64, rounds: &str, expected: &str) {
        assert_eq!(
            told(damping(confirmations, after), rounds),
            expected,
            "{rounds}"
        );
    }
    check(1, 0, "......", "");
    check(1, 0, "..dddd..", "3:d 7:D");
    check(2, 0, "..dddd..", "4:d 8:D");
    check(3, 0, ".dd.dd.dd.", "");
    check(2, 0, "dd.dd.dd..", "2:d 10:D");
    check(2, 0, "ddssdd", "2:d 4:s 4:D 6:S 6:d");
    check(2, 0, "dsdsdsds", "");
    check(0, 0, "d.", "1:d 2:D");
    // A tick lets time pass and confirms nothing.
    check(2, 0, "d____", "");
    check(2, 0, "d____d", "6:d");
    check(1, 3, "d____", "4:d");
    check(1, 3, "dd.ddd___", "7:d");
    check(2, 5, "dd_____.______.", "6:d 15:D");
}

#[test]
fn the_last_words_are_told() {
    let mut damper = Damper::default();
    let rounds = [1, 2].map(|second| {
        let alerts = [alert(AlertKind::Drift, second)];
        damper.observe(at(second), at(second), damping(2, 0), &alerts)
    });
    assert!(rounds[0].is_empty());
    assert_eq!(rounds[1][0].alert, alert(AlertKind::Drift, 2));
    assert_eq!(damper.open().count(), 1);
}

#[test]
fn what_is_over_and_told_is_forgotten() {
    let mut damper = Damper::default();
    for second in 0..1000 {
        let mut found = alert(AlertKind::Drift, second);
        found.account = Some(AccountName::new(format!("account-{second}")));
        damper.observe(at(second), at(second), damping(1, 0), &[found]);
    }
    assert_eq!(damper.known.len(), 1);
}

proptest! {
    #[test]
    fn each_trouble_begins_and_ends_in_turn(rounds in "[._ds]{0,40}", confirmations in 0..4u32, after in 0..6u64) {
        let story = told(damping(confirmations, after), &rounds);
        for (begin, end) in [('d', 'D'), ('s', 'S')] {
            let of_one = story.chars().filter(|letter| [begin, end].contains(letter));
            for (place, letter) in of_one.enumerate() {
                prop_assert_eq!(letter, if place % 2 == 0 { begin } else { end });
            }
        }
    }
}
