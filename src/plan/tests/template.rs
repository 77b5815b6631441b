//! What becomes of a template that the server cannot serve.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tables::{made, show};
use crate::diff::fixture::{live_template, sources, template, tree};
use crate::live::{Live, Reading};
use crate::model::DomainTemplate;
use crate::plan::{Action, Options, Plan, Precondition, RefusalKind, Risk, guard};
use crate::tree::Desired;

/// Sees that one step leads to where nothing is left to do.
#[track_caller]
fn converge(made: impl Fn(&DomainTemplate) -> Plan, live: &DomainTemplate) {
    let plan = made(live);
    assert_eq!(plan.refusals, []);
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:?}")
    };
    let Action::ReplaceTemplate { template } = &step.action else {
        panic!("{step:?}")
    };
    assert_eq!(made(template).steps, []);
}

/// Trap 21: whoever does what a refusal says gets a plan that is not refused, and has nothing left to do afterwards.
#[test]
fn trap_21_what_a_refused_template_asks_for_helps() {
    let made_of = |desired: &Value, live: &DomainTemplate| {
        let desired = Desired {
            template: Some(template(desired.clone())),
            ..tree(vec![])
        };
        let live = Live {
            template: Some(Reading::Known(live.clone())),
            ..Live::default()
        };
        made(&desired, &live)
    };
    let host = json!({"name": "Portal", "mapping": ["ui.example.com"]});
    let other = json!({"x.{{domain}}": {"mapping": ["192.0.2.1"]}});
    let live = live_template(json!({"CNAM": {"p.{{domain}}": host, "q.{{domain}}": host}}));
    let desired = json!({"A": other, "CNAME": {"p.{{domain}}": host}});
    let refused = made_of(&desired, &live);
    insta::assert_snapshot!(show(&refused), @"UnservableTemplate: the template has the record type CNAM, which the server stores and cannot serve, with q.{{domain}}; declare each host below CNAME, which moves it there, or set it to null below CNAM to remove it");
    let mut moved = desired.clone();
    moved["CNAME"]["q.{{domain}}"] = host.clone();
    converge(|live| made_of(&moved, live), &live);
    let mut taken = desired.clone();
    taken["CNAM"] = json!({"q.{{domain}}": null});
    converge(|live| made_of(&taken, live), &live);

    // What stands below both cannot move.
    let live =
        live_template(json!({"CNAM": {"p.{{domain}}": host}, "CNAME": {"p.{{domain}}": host}}));
    let desired = json!({"A": other, "CNAME": {"p.{{domain}}": host}});
    insta::assert_snapshot!(show(&made_of(&desired, &live)), @"UnservableTemplate: the template has the record type CNAM, which the server stores and cannot serve, with p.{{domain}}; for each host, set it to null below CNAM to remove it");
    let mut taken = desired.clone();
    taken["CNAM"] = json!({"p.{{domain}}": null});
    converge(|live| made_of(&taken, live), &live);

    // The last host goes, and nothing would be left.
    let live = live_template(json!({"CNAM": {"p.{{domain}}": host}}));
    let desired = json!({"CNAM": {"p.{{domain}}": null}});
    insta::assert_snapshot!(show(&made_of(&desired, &live)), @"UnservableTemplate: the template would be empty, which erases it on the server; declare at least one record type");
    let bare = json!({"CNAM": {"p.{{domain}}": null}, "MX": {}});
    converge(|live| made_of(&bare, live), &live);

    let live = live_template(json!({"LOC": {"p.{{domain}}": {"mapping": ["x"]}}}));
    let refused = made_of(&json!({"A": other}), &live);
    insta::assert_snapshot!(show(&refused), @"UnservableTemplate: the template has the record type LOC, which the server stores and cannot serve, with p.{{domain}}; for each host, set it to null below LOC to remove it");
    let taken = json!({"A": other, "LOC": {"p.{{domain}}": null}});
    converge(|live| made_of(&taken, live), &live);
}

/// Observed 7: a template that nobody can read is replaced only when that is asked for, at planning and at carrying out.
#[test]
fn observed_07_a_repair_must_be_asked_for() {
    let desired = Desired {
        template: Some(template(
            json!({"A": {"a.{{domain}}": {"mapping": ["192.0.2.1"]}}}),
        )),
        ..tree(vec![])
    };
    let live = Live {
        template: Some(Reading::Unknown("init failed".to_owned())),
        template_is_unservable: true,
        ..Live::default()
    };
    assert_eq!(made(&desired, &live).steps, []);
    let options = Options {
        allow: [RefusalKind::RepairTemplate].into(),
        ..Options::default()
    };
    let planned = crate::plan::plan(&desired, None, &live, &sources(), &options);
    assert!(!planned.differences.is_incomplete());
    let plan = planned.plan;
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.steps[0].precondition, Precondition::UnservableTemplate);
    assert_eq!(plan.steps[0].risk, Risk::Destructive);
    assert_eq!(
        Plan::from_json(&plan.to_json()).expect("its own form"),
        plan
    );
    let held =
        |allow: &BTreeSet<RefusalKind>| guard::check(&plan, &desired, allow, Timestamp::UNIX_EPOCH);
    assert_eq!(held(&options.allow), []);
    let kinds: Vec<_> = (held(&BTreeSet::new()).iter())
        .map(|refusal| refusal.kind)
        .collect();
    assert_eq!(kinds, [RefusalKind::RepairTemplate]);
    // What cannot be declared cannot be put there.
    let desired = Desired {
        template: Some(template(
            json!({"CNAME": {"p.example.com": {"mapping": ["x.example"]}}}),
        )),
        ..desired
    };
    let planned = crate::plan::plan(&desired, None, &live, &sources(), &options);
    assert_eq!(planned.plan.steps, []);
    let kinds: Vec<_> = (planned.plan.refusals.iter())
        .map(|refusal| refusal.kind)
        .collect();
    assert_eq!(kinds, [RefusalKind::UnservableTemplate]);
}
