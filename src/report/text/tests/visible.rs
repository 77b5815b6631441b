//! What must hold for any report.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::diff::{Cause, Change};
use crate::plan::Risk;
use crate::report::fixture::{account, empty, setting, step};
use crate::report::text::{Options, render};
use crate::report::{Command, Report, Verb};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        // Any character at all, control characters and line ends included.
        any::<String>().prop_map(Value::from),
        "[a-z\n\u{1b}\u{202e} ]{0,200}".prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..4).prop_map(|texts| json!(texts)),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let cause = prop_oneof![Just(Cause::Git), Just(Cause::Drift), Just(Cause::Removal)];
    ("[a-z]{1,9}(\\.[a-z]{1,9})?", value(), value(), cause)
        .prop_map(|(key, before, after, cause)| setting(&key, before, after, cause, 3))
}

fn report() -> impl Strategy<Value = Report> {
    let changes = prop::collection::vec(change(), 1..4);
    prop::collection::vec(changes, 1..6).prop_map(|accounts| {
        let mut report = empty(Command::Plan);
        for (id, changes) in (0..).zip(accounts) {
            let update = step(id, Verb::Update, Risk::Reversible, changes);
            report
                .accounts
                .push(account(&format!("account-{id}"), vec![update]));
        }
        report
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Invariant 8: each change of each step names its key, at any width and in any wording.
    #[test]
    fn every_update_shows_a_field(mut report in report(), width in 0_usize..200, drift: bool) {
        if drift {
            report.command = Command::Drift;
        }
        let text = render(&report, Options { width, ..Options::default() }).to_string();
        for object in report.objects() {
            for change in object.steps.iter().flat_map(|step| &step.changes) {
                let key = crate::report::value::key(&change.key);
                prop_assert!(text.contains(&key), "{key} is not in\n{text}");
            }
        }
    }

    /// Whatever is live, the terminal gets text and line ends only.
    #[test]
    fn nothing_hidden_reaches_the_terminal(report in report(), width in 0_usize..200) {
        let text = render(&report, Options { width, ..Options::default() }).to_string();
        let hidden = text.lines().find(|line| *super::super::visible(line) != **line);
        prop_assert_eq!(hidden, None);
    }
}
