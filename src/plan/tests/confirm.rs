//! Saved plans: what a file vouches for, and what of it follows still.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::diff::fixture::{account, live, live_template, object, sources, template, tree};
use crate::live::{Live, LiveAccount, Reading};
use crate::model::{AccountName, KeyPath, Revision};
use crate::plan::{
    self, Action, Confirmed, Contradiction, Options, Plan, PlanFormatError, Precondition, Step,
    StepId, Subject, plan,
};
use crate::tree::Desired;

/// Confirms a plan when nothing was written besides between it and the other.
fn confirm(saved: &Plan, now: &Plan, live: &Live) -> Result<Confirmed, Contradiction> {
    plan::confirm(saved, now, live, saved.base == now.base)
}

fn made(desired: &Desired, live: &Live) -> Plan {
    plan(desired, None, live, &sources(), &Options::default()).plan
}

/// Two accounts that change, one that is unreadable, and a template.
fn world() -> (Desired, Live) {
    let mut desired = tree(vec![
        account(
            "a",
            json!({"company_name": "A", "nav": {"help": "https://a.example"}}),
        ),
        account("b", json!({"company_name": "B"})),
        account("c", json!({"company_name": "C"})),
    ]);
    desired.template = Some(template(
        json!({"A": {"x.{{domain}}": {"mapping": ["192.0.2.1"]}}}),
    ));
    let mut live = live([
        ("a", Some(json!({"company_name": "old"}))),
        ("b", Some(json!({"company_name": "old"}))),
        ("c", None),
    ]);
    let unread = "no answer within 30 s".to_owned();
    change(&mut live, "c", |account| {
        account.document = Reading::Unknown(unread);
    });
    live.template = Some(Reading::Known(live_template(
        json!({"A": {"x.{{domain}}": {"mapping": ["192.0.2.9"]}}}),
    )));
    (desired, live)
}

fn change(live: &mut Live, name: &str, edit: impl FnOnce(&mut LiveAccount)) {
    let account = live
        .accounts
        .get_mut(&AccountName::new(name))
        .expect("an account");
    edit(Arc::make_mut(account));
}

fn moved(live: &mut Live, name: &str) {
    change(live, name, |account| {
        let Reading::Known(Some(document)) = &mut account.document else {
            panic!("no document");
        };
        document.revision = Revision::new("9-moved");
        document.settings = object(json!({"brandColor": "red"})).into();
    });
}

fn is_account(subject: &Subject, wanted: &str) -> bool {
    matches!(subject, Subject::Account { name, .. } if name.as_str() == wanted)
}

/// Names the objects whose steps are withheld, with the reasons.
fn withheld(plan: &Plan, confirmed: &Confirmed) -> Vec<String> {
    let told = |(id, reason): (&StepId, &String)| {
        let step = plan
            .steps
            .iter()
            .find(|step| step.id == *id)
            .expect("a step");
        format!("{}: {reason}", step.subject.title())
    };
    confirmed.withheld.iter().map(told).collect()
}

#[test]
fn what_follows_still_is_carried_out() {
    let (desired, live) = world();
    let saved = made(&desired, &live);
    assert_eq!(confirm(&saved, &saved, &live), Ok(Confirmed::default()));
    // More could not be read then, or now.
    let mut now = saved.clone();
    now.scope.unreadable = 0;
    now.unknown = plan::Unknown::default();
    assert_eq!(confirm(&saved, &now, &live), Ok(Confirmed::default()));
}

#[test]
fn what_moved_is_withheld_and_the_rest_goes_on() {
    let (desired, mut live) = world();
    let saved = made(&desired, &live);
    moved(&mut live, "a");
    let confirmed = confirm(&saved, &made(&desired, &live), &live).expect("a plan");
    insta::assert_snapshot!(withheld(&saved, &confirmed).join("\n"), @"a: the plan saw 1-a, and now it is 9-moved; plan again");
    assert_eq!(confirmed.beside, []);

    let unread = Reading::Unknown("timed out".to_owned());
    change(&mut live, "b", |account| account.document = unread);
    live.template = Some(Reading::Known(live_template(json!({}))));
    let confirmed = confirm(&saved, &made(&desired, &live), &live).expect("a plan");
    insta::assert_snapshot!(withheld(&saved, &confirmed).join("\n"), @r"
    a: the plan saw 1-a, and now it is 9-moved; plan again
    b: it could not be read: timed out; plan again
    domain template: it changed since the plan; plan again
    ");
}

/// What is to be done besides is told, and nobody asked for it.
#[test]
fn what_the_plan_does_not_have_is_not_carried_out() {
    let (desired, mut live) = world();
    let saved = made(&desired, &live);
    change(&mut live, "c", |account| {
        account.document = Reading::Known(None);
    });
    let confirmed = confirm(&saved, &made(&desired, &live), &live).expect("a plan");
    assert!(confirmed.withheld.is_empty());
    let titles: Vec<&str> = confirmed.beside.iter().map(Subject::title).collect();
    assert_eq!(titles, ["c"]);
}

/// Nothing moved, so whoever wrote the file is not who made the plan.
#[test]
fn a_plan_that_does_not_follow_is_not_believed() {
    let (desired, live) = world();
    let honest = made(&desired, &live);
    let check = |what: &str, forge: &dyn Fn(&mut Plan)| {
        let mut forged = honest.clone();
        forge(&mut forged);
        assert_ne!(forged, honest, "{what}");
        let found = confirm(&forged, &honest, &live);
        assert!(found.is_err(), "{what}: {found:?}");
    };
    let first = |plan: &Plan, name: &str| {
        let mut steps = plan.steps.iter();
        let place = steps.position(|step| is_account(&step.subject, name));
        place.expect("a step")
    };
    check("a URL", &|plan| {
        let place = first(plan, "a");
        let Action::Update { set, .. } = &mut plan.steps[place].action else {
            panic!("no update");
        };
        set.insert(KeyPath::from("nav.help"), json!("https://evil.example"));
    });
    check("another key", &|plan| {
        let place = first(plan, "b");
        let Action::Update { remove, .. } = &mut plan.steps[place].action else {
            panic!("no update");
        };
        remove.push(KeyPath::from("domain"));
    });
    check("what is shown", &|plan| {
        let place = first(plan, "a");
        plan.steps[place].changes.truncate(1);
    });
    check("why", &|plan| {
        let place = first(plan, "a");
        plan.steps[place].changes[0].cause = crate::diff::Cause::Removal;
    });
    check("the risk", &|plan| {
        let place = first(plan, "a");
        plan.steps[place].risk = plan::Risk::Reversible;
    });
    check("a deletion", &|plan| {
        let place = first(plan, "b");
        plan.steps[place].action = Action::Delete;
    });
    check("a step more", &|plan| {
        let place = first(plan, "b");
        let mut step = plan.steps[place].clone();
        step.id = StepId(u32::try_from(plan.steps.len()).expect("few"));
        step.action = Action::Delete;
        plan.steps.push(step);
    });
    check("whom it is about", &|plan| plan.scope.accounts = 1);
    check("since when", &|plan| {
        plan.scope.since = Some("0123456".to_owned());
    });
    check("the template", &|plan| {
        for step in &mut plan.steps {
            if let Action::ReplaceTemplate { template } = &mut step.action {
                template.0.clear();
            }
        }
    });
}

/// Lists where the leaves of a value are.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(entries) => {
            for (place, value) in entries.iter().enumerate() {
                leaves(value, &format!("{at}/{place}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

/// Whatever one value of the file is made to say: what is carried out is what follows.
#[test]
fn no_forged_value_is_carried_out() {
    let (desired, live) = world();
    let honest = made(&desired, &live);
    let value = serde_json::to_value(&honest).expect("JSON");
    let mut places = Vec::new();
    leaves(&value, "", &mut places);
    let write = |step: &Step| {
        let mut step = step.clone();
        for change in &mut step.changes {
            change.origin = None;
        }
        (step.subject, step.action, step.changes, step.risk)
    };
    let (mut read, mut believed) = (0, 0);
    for place in &places {
        let was = value.pointer(place).expect("a leaf");
        let text = was.as_str().map(|text| json!(format!("{text}x")));
        let turned = was.as_str().map(|text| {
            let turned = text.replace(['1', 'a'], "2");
            json!(turned)
        });
        let number = was.as_u64().map(|number| json!(number + 1));
        let others = [json!("b"), json!(0), json!(true), json!([]), Value::Null];
        let forgeries = others.into_iter().chain(text).chain(turned).chain(number);
        for forgery in forgeries.filter(|forgery| forgery != was) {
            let mut forged = value.clone();
            *forged.pointer_mut(place).expect("a leaf") = forgery.clone();
            let Ok(forged) = serde_json::from_value::<Plan>(forged) else {
                continue;
            };
            read += 1;
            let is_numbered = (0..).zip(&forged.steps).all(|(n, step)| step.id.0 == n);
            let Ok(confirmed) = confirm(&forged, &honest, &live) else {
                continue;
            };
            for step in forged.steps.iter().filter(|_| is_numbered) {
                if !confirmed.withheld.contains_key(&step.id) {
                    believed += 1;
                    let is_honest = honest.steps.iter().any(|it| write(it) == write(step));
                    assert!(is_honest, "{place} = {forgery}: {step:?}");
                }
            }
        }
    }
    assert!(
        read > 100 && believed > 100,
        "{read} plans, {believed} steps"
    );
}

/// An object that nothing is to be done with gets nothing done, whatever the file says of what was seen of it.
#[test]
fn a_forged_precondition_helps_nobody() {
    let (desired, live) = world();
    let honest = made(&desired, &live);
    let mut forged = honest.clone();
    for step in &mut forged.steps {
        if is_account(&step.subject, "a") {
            step.action = Action::Delete;
            step.precondition = Precondition::NoWhitelabel;
        }
    }
    let confirmed = confirm(&forged, &honest, &live).expect("movement would explain it");
    let told = withheld(&forged, &confirmed);
    assert_eq!(
        told,
        ["a: the plan saw no whitelabel, and now it is 1-a; plan again"]
    );
}

/// Notes tell of what was seen besides, which may be another thing now; what they say is not taken from a file.
#[test]
fn another_note_is_no_reason_to_write() {
    let (desired, live) = world();
    let honest = made(&desired, &live);
    let mut forged = honest.clone();
    for step in &mut forged.steps {
        if is_account(&step.subject, "b") {
            step.notes.push("approved by the boss".to_owned());
        }
    }
    let confirmed = confirm(&forged, &honest, &live).expect("a note may come and go");
    let told = withheld(&forged, &confirmed);
    assert_eq!(
        told,
        ["b: its notes differ from those in the plan; plan again"]
    );
}

/// Of two accounts that swap domains, one has to let go first, also when the file does not say so.
#[test]
fn an_order_that_is_missing_is_not_made_up_for() {
    let desired = tree(vec![
        account("a", json!({"domain": "b.example"})),
        account("b", json!({"domain": "a.example"})),
    ]);
    let live = live([
        ("a", Some(json!({"domain": "a.example"}))),
        ("b", Some(json!({"domain": "b.example"}))),
    ]);
    let honest = made(&desired, &live);
    let mut forged = honest.clone();
    for step in &mut forged.steps {
        step.after.clear();
    }
    assert_ne!(forged, honest);
    let confirmed = confirm(&forged, &honest, &live).expect("the steps are the same");
    assert!(!confirmed.withheld.is_empty());
    for reason in confirmed.withheld.values() {
        assert!(reason.starts_with("it now depends on"), "{reason}");
    }
}

/// Every bit of a file counts: that of a number, of a name, of a reason, of the digest and of the last line's end.
#[test]
fn no_bit_of_a_saved_plan_can_be_flipped() {
    let (desired, live) = world();
    let mut plan = made(&desired, &live);
    plan.commit = Some("64879f7d6b960a01909762d911a32d4582c20010".to_owned());
    plan.base = Some("0a01909762d911a32d4582c20010c5641ee90278".to_owned());
    plan.forgotten = vec!["acme:whitelabel.nav.help".to_owned()];
    plan.refusals = made(&tree(Vec::new()), &Live::default()).refusals;
    assert!(!plan.refusals.is_empty() && !plan.unknown.is_empty());
    let mut file = plan.sealed().into_bytes();
    assert_eq!(Plan::unsealed(&file).expect("its own form"), plan);
    for place in 0..file.len() {
        for bit in 0..8 {
            file[place] ^= 1 << bit;
            let found = Plan::unsealed(&file);
            assert!(found.is_err(), "bit {bit} of byte {place}");
            file[place] ^= 1 << bit;
        }
    }
    for more in ["\n", " ", "{}"] {
        let longer = plan.sealed() + more;
        assert!(Plan::unsealed(longer.as_bytes()).is_err(), "{more:?}");
    }
    let shorter = &file[..file.len() - 1];
    assert!(Plan::unsealed(shorter).is_err());
}

#[test]
fn a_file_of_another_version_is_told_from_one_that_was_changed() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = Plan::unsealed(text.as_bytes()).expect_err("no plan");
        let told = error.to_string();
        assert!(
            told.contains(expected) && told.contains("emblazon plan --out FILE"),
            "{told}"
        );
    }
    let (desired, live) = world();
    let plan = made(&desired, &live);
    let old = plan.to_json().replace("\"version\":2", "\"version\":1");
    check(&old, "the plan has format 1, this version reads 2");
    let newer = plan.sealed().replace("\"version\":2", "\"version\":3");
    check(&newer, "the plan has format 3, this version reads 2");
    check(&plan.to_json(), "its digest does not match");
    check(
        &plan.sealed().replace("https", "http"),
        "its digest does not match",
    );
    check("{}", "not a plan");
    check("not a plan", "not a plan");
    check("[]", "not a plan");
    assert!(matches!(
        Plan::unsealed(b"\xff"),
        Err(PlanFormatError::Shape(_))
    ));
    // A history keeps what older versions wrote.
    let mut kept = Plan::from_json(&old).expect("an old plan");
    kept.version = plan.version;
    assert_eq!(kept, plan);
}

#[test]
fn a_contradiction_says_what() {
    let (desired, live) = world();
    let honest = made(&desired, &live);
    let mut forged = honest.clone();
    forged.scope.accounts = 1;
    let scope = confirm(&forged, &honest, &live).expect_err("forged");
    insta::assert_snapshot!(scope, @"the plan claims to cover 1 of 1 accounts, but what it names covers 3 of 3 accounts");
    let steps = Contradiction::Steps("acme".to_owned());
    insta::assert_snapshot!(steps, @"what the plan does to acme does not follow from the tree and from what is live");
}
