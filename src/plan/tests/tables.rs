//! Tables over whole plans.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::diff::fixture::{
    account, id, live, live_template, object, sources, store, template, tree, with_asset,
};
use crate::diff::{ChangeKey, Side};
use crate::live::{Live, Reading, Unmanaged};
use crate::model::{AccountName, AssetKind, DomainName, KeyPath, parked_domain};
use crate::plan::{
    Action, Options, Plan, PlanFormatError, Precondition, RefusalKind, Risk, Subject, plan,
};
use crate::tree::{Desired, DesiredAccount};

pub(super) fn made(desired: &Desired, live: &Live) -> Plan {
    plan(desired, None, live, &sources(), &Options::default()).plan
}

fn pruned(desired: &Desired, live: &Live) -> Plan {
    let options = Options {
        allow: [RefusalKind::Prune].into(),
        ..Options::default()
    };
    plan(desired, None, live, &sources(), &options).plan
}

/// Writes a plan in a few words; parked names as `parked`.
pub(super) fn show(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let subject = match &step.subject {
            Subject::Account { name, .. } => name.as_str(),
            Subject::Template => "template",
            Subject::Zone(zone) => zone.as_str(),
        };
        let action = match &step.action {
            Action::Create { settings } => format!("create {}", Value::Object(settings.clone())),
            Action::Update { set, remove } => {
                let set: Vec<String> = set
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                let removed: Vec<String> = remove.iter().map(|key| format!("-{key}")).collect();
                format!("update {}", [set, removed].concat().join(" "))
            }
            Action::Release { .. } => "release".to_owned(),
            Action::Upload { asset, .. } => format!("upload {asset}"),
            Action::Recreate { without } => format!("recreate without {without:?}"),
            Action::Delete => "delete".to_owned(),
            Action::ReplaceTemplate { .. } => "replace".to_owned(),
            Action::Records { .. } => "records".to_owned(),
        };
        let after: Vec<u32> = step.after.iter().map(|id| id.0).collect();
        let _ = writeln!(text, "{} {subject}: {action} after {after:?}", step.id.0);
    }
    for refusal in &plan.refusals {
        let _ = writeln!(
            text,
            "{:?}: {}; {}",
            refusal.kind, refusal.message, refusal.help
        );
    }
    for name in ["a", "b", "c"] {
        text = text
            .replace(&parked_domain(&id(name)), "parked")
            .replace(id(name).as_str(), name);
    }
    text
}

fn domains(wanted: &[(&str, Option<&str>)]) -> Desired {
    let accounts = wanted
        .iter()
        .map(|(name, domain)| account(name, json!({"domain": domain})));
    tree(accounts.collect())
}

pub(super) fn holder(live: &mut Live, domain: &str, name: &str) {
    let holder = Unmanaged {
        id: id(name),
        name: name.to_owned(),
        realm: format!("{name}.sip"),
    };
    let domain = DomainName::parse(domain).expect("a domain");
    live.holders.insert(domain, Reading::Known(vec![holder]));
}

/// Trap 8 and W23: a cycle is broken at one account, whatever its length.
#[test]
fn trap_08_a_swap_is_a_release_and_two_claims() {
    let state = live([
        ("a", Some(json!({"domain": "x.example"}))),
        ("b", Some(json!({"domain": "y.example"}))),
    ]);
    let desired = domains(&[("a", Some("y.example")), ("b", Some("x.example"))]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"
    0 a: release after []
    1 b: update domain="x.example" after [0]
    2 a: update domain="y.example" after [0, 1]
    "#);
    let state = live([
        ("a", Some(json!({"domain": "x.example"}))),
        ("b", Some(json!({"domain": "y.example"}))),
        ("c", Some(json!({"domain": "z.example"}))),
    ]);
    let desired = domains(&[
        ("a", Some("y.example")),
        ("b", Some("z.example")),
        ("c", Some("x.example")),
    ]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"
    0 a: release after []
    1 c: update domain="x.example" after [0]
    2 b: update domain="z.example" after [1]
    3 a: update domain="y.example" after [0, 2]
    "#);
}

/// A hand-over needs no parking: the last of the chain moves first.
#[test]
fn trap_08_a_chain_is_ordered() {
    let state = live([
        ("a", Some(json!({"domain": "x.example"}))),
        ("b", Some(json!({"domain": "y.example"}))),
        ("c", None),
    ]);
    let desired = domains(&[
        ("a", Some("z.example")),
        ("b", Some("X.example")),
        ("c", Some("y.example")),
    ]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"
    0 a: update domain="z.example" after []
    1 b: update domain="X.example" after [0]
    2 c: create {"domain":"y.example"} after [1]
    "#);
}

/// Trap 8 and W22: a write without a domain does not free it.
#[test]
fn trap_08_dropping_a_domain_parks_it_first() {
    let state = live([
        (
            "a",
            Some(json!({"domain": "x.example", "company_name": "A"})),
        ),
        ("b", None),
    ]);
    let desired = domains(&[("a", None), ("b", Some("x.example"))]);
    let plan = made(&desired, &state);
    insta::assert_snapshot!(show(&plan), @r#"
    0 a: release after []
    1 a: update -domain after [0]
    2 b: create {"domain":"x.example"} after [0]
    "#);
    let shown = |step: usize| {
        let change = &plan.steps[step].changes[0];
        assert_eq!(change.key, ChangeKey::Setting(KeyPath::from("domain")));
        (change.before.clone(), change.after.clone())
    };
    let parked = Side::Value(json!(parked_domain(&id("a"))));
    assert_eq!(shown(0), (Side::Value(json!("x.example")), parked.clone()));
    assert_eq!(shown(1), (parked, Side::Absent));
}

/// W21, W22: reservations that no document shows.
#[test]
fn stale_reservations_are_freed() {
    let desired = tree(vec![
        account("a", json!({})),
        account("b", json!({"domain": "x.example"})),
    ]);
    let mut state = live([
        ("a", Some(json!({"company_name": "A"}))),
        ("b", Some(json!({}))),
    ]);
    holder(&mut state, "x.example", "a");
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"
    0 a: release after []
    1 a: update -domain after [0]
    2 b: update domain="x.example" after [0]
    "#);
    // The document has a domain of its own: writing it again is enough, and loses nothing.
    let mut state = live([
        ("a", Some(json!({"domain": "w.example"}))),
        ("b", Some(json!({}))),
    ]);
    holder(&mut state, "x.example", "a");
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"
    0 a: update domain="w.example" after []
    1 b: update domain="x.example" after [0]
    "#);
    // The whitelabel is gone, the reservation is not (B12).
    let mut state = live([("a", None), ("b", Some(json!({})))]);
    holder(&mut state, "x.example", "a");
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"
    0 a: create {"domain":"parked"} after []
    1 a: delete after [0]
    2 b: update domain="x.example" after [0]
    "#);
    // It is made again, without a domain.
    let desired = tree(vec![
        account("a", json!({"company_name": "A"})),
        account("b", json!({"domain": "x.example"})),
    ]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"
    0 a: create {"company_name":"A","domain":"parked"} after []
    1 a: update -domain after [0]
    2 b: update domain="x.example" after [0]
    "#);
    // It is its own.
    let mut state = live([
        ("a", Some(json!({"company_name": "A"}))),
        ("b", Some(json!({}))),
    ]);
    holder(&mut state, "x.example", "b");
    insta::assert_snapshot!(show(&made(&desired, &state)), @r#"0 b: update domain="x.example" after []"#);
}

/// On Kazoo 4.3 a deletion does not release the domain (kazoo-4.3, statement 5).
#[test]
fn a_deleted_whitelabel_releases_its_domain_first() {
    let desired = tree(vec![
        absent("a", false),
        account("b", json!({"domain": "x.example"})),
    ]);
    let state = live([("a", Some(json!({"domain": "x.example"}))), ("b", None)]);
    let show = |state: &Live| show(&pruned(&desired, state));
    insta::assert_snapshot!(show(&state), @r#"
    0 a: release after []
    1 a: delete after [0]
    2 b: create {"domain":"x.example"} after [0]
    "#);
    // It was parked before: nothing is to be released.
    let parked = json!({"domain": parked_domain(&id("a"))});
    insta::assert_snapshot!(show(&live([("a", Some(parked)), ("b", None)])), @r#"
    0 a: delete after []
    1 b: create {"domain":"x.example"} after []
    "#);
    // Its document has no domain, and yet it holds one.
    let mut state = live([("a", Some(json!({"company_name": "A"}))), ("b", None)]);
    holder(&mut state, "x.example", "a");
    insta::assert_snapshot!(show(&state), @r#"
    0 a: release after []
    1 a: delete after [0]
    2 b: create {"domain":"x.example"} after [0]
    "#);
}

#[test]
fn held_domains_are_refused() {
    let desired = domains(&[("b", Some("x.example"))]);
    let mut state = live([("b", Some(json!({"domain": "y.example"})))]);
    holder(&mut state, "x.example", "zoe");
    let refused = show(&made(&desired, &state)).replace(id("zoe").as_str(), "ID");
    insta::assert_snapshot!(refused, @r#"DomainHeld: x.example is held by "zoe" (ID), which is not in the tree; bring that account into the tree with another domain or `domain: null`; if it has no whitelabel any more, an account.yaml that holds only `account: ID` is enough"#);
    // What is refused for one account holds for those that wait for it.
    let desired = domains(&[("a", Some("y.example")), ("b", Some("x.example"))]);
    let mut state = live([("a", None), ("b", Some(json!({"domain": "y.example"})))]);
    holder(&mut state, "x.example", "zoe");
    let refused = show(&made(&desired, &state)).replace(id("zoe").as_str(), "ID");
    insta::assert_snapshot!(refused, @r#"
    DomainHeld: y.example is held by b, whose own steps are refused; resolve the refusal of b first
    DomainHeld: x.example is held by "zoe" (ID), which is not in the tree; bring that account into the tree with another domain or `domain: null`; if it has no whitelabel any more, an account.yaml that holds only `account: ID` is enough
    "#);
    // It has no whitelabel any more.
    let desired = domains(&[("b", Some("x.example"))]);
    let mut state = live([("b", None)]);
    holder(&mut state, "x.example", "zoe");
    let Some(Reading::Known(holders)) = state.holders.values().next() else {
        panic!("a holder");
    };
    state.outside.reserved = holders.clone();
    let refused = show(&made(&desired, &state)).replace(id("zoe").as_str(), "ID");
    insta::assert_snapshot!(refused, @r#"DomainHeld: x.example is held by "zoe" (ID), which is not in the tree, and has no whitelabel: it still reserves the domain of one that was deleted; add a folder to `accounts/` whose account.yaml holds only `account: ID`: then a plan releases the domain"#);
    // It is to be deleted, and that is refused.
    let desired = tree(vec![
        absent("a", false),
        account("b", json!({"domain": "x.example"})),
    ]);
    let state = live([("a", Some(json!({"domain": "x.example"}))), ("b", None)]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @r"
    Prune: the whitelabel of a would be deleted with all its assets; run with `--prune` to allow deletions
    DomainHeld: x.example is held by a, whose deletion is refused; run with `--prune`, which deletes the whitelabel of a
    ");
    // An account of the tree keeps it, because the tree does not speak of its domain.
    let desired = tree(vec![
        account("a", json!({})),
        account("b", json!({"domain": "x.example"})),
    ]);
    let state = live([("a", Some(json!({"domain": "x.example"}))), ("b", None)]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @"DomainHeld: x.example is held by a, which keeps it; declare another domain for a, or `domain: null`");
    // Nobody knows what the other has.
    let mut state = live([("a", None), ("b", None)]);
    let name = AccountName::new("a");
    Arc::make_mut(state.accounts.get_mut(&name).expect("there")).document =
        Reading::Unknown("timed out".to_owned());
    holder(&mut state, "x.example", "a");
    insta::assert_snapshot!(show(&made(&desired, &state)), @"DomainHeld: x.example may be held by a, which could not be read; run again when a can be read");
    // Nobody knows who holds it: the server decides, and the step says so.
    let mut state = live([("a", Some(json!({}))), ("b", None)]);
    let domain = DomainName::parse("x.example").expect("a domain");
    state
        .holders
        .insert(domain, Reading::Unknown("timed out".to_owned()));
    let plan = made(&desired, &state);
    assert_eq!(plan.refusals, []);
    insta::assert_snapshot!(plan.steps[0].notes.join("\n"), @"who holds x.example could not be read (timed out); the server refuses the write if somebody does");
}

fn absent(name: &str, protected: bool) -> DesiredAccount {
    let mut account = account(name, json!({}));
    account.absent = Some(crate::diff::fixture::PLACE);
    account.policy.protected = protected;
    account
}

/// Trap 18: a whitelabel is deleted only where the tree says so, it is asked for, and nothing protects it.
#[test]
fn trap_18_deletions_are_guarded() {
    let state = live([
        ("a", Some(json!({"domain": "x.example"}))),
        ("b", Some(json!({}))),
    ]);
    let desired = tree(vec![absent("a", false), absent("b", true)]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @r"
    Prune: the whitelabel of a would be deleted with all its assets; run with `--prune` to allow deletions
    Protected: the whitelabel of b would be deleted, and b is protected; take `protected` away in its own commit, or look at it with `plan --allow protected`, and allow exactly that with `apply --allow protected --expect DIGEST`
    ");
    let plan = pruned(&desired, &state);
    insta::assert_snapshot!(show(&plan), @"
    0 a: release after []
    1 a: delete after [0]
    Protected: the whitelabel of b would be deleted, and b is protected; take `protected` away in its own commit, or look at it with `plan --allow protected`, and allow exactly that with `apply --allow protected --expect DIGEST`
    ");
    assert_eq!(plan.steps[1].risk, Risk::Destructive);
    // No other difference ever leads to one.
    let desired = tree(vec![account("a", json!({"domain": "y.example"}))]);
    let plan = pruned(&desired, &state);
    assert!(plan.steps.iter().all(|step| step.risk != Risk::Destructive));
}

/// Trap 19: the API cannot remove an asset; the plan says so instead of trying again and again.
#[test]
fn trap_19_asset_removal() {
    let mut desired = tree(vec![with_asset(
        account("a", json!({})),
        AssetKind::Logo,
        None,
    )]);
    let mut state = live([("a", Some(json!({"domain": "x.example"})))]);
    store(
        &mut state,
        "a",
        AssetKind::Logo,
        Some(("old", "logo-1.png")),
    );
    insta::assert_snapshot!(show(&made(&desired, &state)), @"Recreate: the logo of a can only be removed by deleting the whitelabel and creating it again; set `recreate: allowed` for a, declare another logo, or look at it with `plan --allow recreate`, and allow exactly that with `apply --allow recreate --expect DIGEST`");
    desired.accounts[0].make_mut().policy.recreate = true;
    let plan = made(&desired, &state);
    insta::assert_snapshot!(show(&plan), @"0 a: recreate without [Logo] after []");
    assert_eq!(plan.steps[0].risk, Risk::Destructive);
    // While another asset is unknown, nothing that could not be put back is deleted.
    let icon = with_asset(account("a", json!({})), AssetKind::Icon, Some("new"));
    desired.accounts[0].make_mut().assets.extend(icon.assets);
    insta::assert_snapshot!(show(&made(&desired, &state)), @"Recreate: the logo of a cannot be removed while another asset could not be read; run again when all assets of a can be read");
}

/// Observed 2 and trap 16: icon, logo, welcome; and who reads the plan knows what becomes of the welcome page.
#[test]
fn trap_16_observed_02_uploads() {
    let mut a = account("a", json!({}));
    for kind in AssetKind::ALL {
        a = with_asset(a, kind, Some("new"));
    }
    let desired = tree(vec![a]);
    let mut state = live([("a", Some(json!({})))]);
    store(&mut state, "a", AssetKind::Icon, None);
    store(
        &mut state,
        "a",
        AssetKind::Logo,
        Some(("page", "welcome-1.html")),
    );
    store(
        &mut state,
        "a",
        AssetKind::Welcome,
        Some(("page", "welcome-1.html")),
    );
    let plan = made(&desired, &state);
    insta::assert_snapshot!(show(&plan), @r"
    0 a: upload icon after []
    1 a: upload logo after [0]
    2 a: upload welcome after [1]
    ");
    assert!(plan.steps[1].notes[0].contains("put back"));
    store(
        &mut state,
        "a",
        AssetKind::Logo,
        Some(("old", "logo-1.png")),
    );
    assert!(made(&desired, &state).steps[1].notes.is_empty());
}

/// Trap 4: an empty document, and an empty template, are never sent.
#[test]
fn trap_04_nothing_empty_is_sent() {
    let desired = tree(vec![with_asset(
        account("a", json!({})),
        AssetKind::Icon,
        Some("new"),
    )]);
    insta::assert_snapshot!(show(&made(&desired, &live([("a", None)]))), @r#"
    0 a: create {"hide_credits":false,"hide_powered":false,"hide_registration":false} after []
    1 a: upload icon after [0]
    "#);
    let desired = tree(vec![account("a", json!({"company_name": null}))]);
    let state = live([("a", Some(json!({"company_name": "A"})))]);
    insta::assert_snapshot!(show(&made(&desired, &state)), @"0 a: update hide_credits=false hide_powered=false hide_registration=false -company_name after []");
    let mut desired = tree(vec![]);
    desired.template = Some(crate::tree::DesiredTemplate {
        ownership: crate::tree::Ownership::Exclusive,
        ..template(json!({}))
    });
    let state = Live {
        template: Some(Reading::Known(live_template(json!({"CNAM": {}})))),
        ..Live::default()
    };
    insta::assert_snapshot!(show(&made(&desired, &state)), @"UnservableTemplate: the template would be empty, which erases it on the server; declare at least one record type");
}

/// Trap 1: an update names what it sets and removes; all else is left to the live document.
#[test]
fn trap_01_an_update_names_only_what_is_declared() {
    let desired = tree(vec![account(
        "a",
        json!({"company_name": "A", "fake_api_url": null}),
    )]);
    let state = live([(
        "a",
        Some(json!({"fake_api_url": "f", "brandColor": "#canary"})),
    )]);
    let plan = made(&desired, &state);
    insta::assert_snapshot!(show(&plan), @r#"0 a: update company_name="A" -fake_api_url after []"#);
    assert!(!plan.to_json().contains("canary"));
}

/// Trap 21, observed 7: what the server could not serve afterwards is not written.
#[test]
fn trap_21_observed_07_unservable_templates() {
    #[track_caller]
    fn check(desired: Value, before: Value, expected: &[RefusalKind]) -> Plan {
        let desired = Desired {
            template: Some(template(desired)),
            ..tree(vec![])
        };
        let live = Live {
            template: Some(Reading::Known(live_template(before))),
            ..Live::default()
        };
        let plan = made(&desired, &live);
        let kinds: Vec<RefusalKind> = plan.refusals.iter().map(|refusal| refusal.kind).collect();
        assert_eq!(kinds, expected);
        assert_eq!(plan.steps.is_empty(), !expected.is_empty());
        plan
    }
    use RefusalKind::UnservableTemplate as Unservable;
    let portal = json!({"name": "Portal", "mapping": ["ui.example.com"]});
    check(
        json!({"CNAM": {"p.{{domain}}": portal}}),
        json!({}),
        &[Unservable],
    );
    check(
        json!({"LOC": {"p.{{domain}}": {}}}),
        json!({}),
        &[Unservable],
    );
    check(
        json!({"CNAME": {"p.{{domain}}": {"mapping": ["x"]}}}),
        json!({}),
        &[Unservable],
    );
    check(
        json!({"CNAME": {"p.{{domain}}": {"name": "x"}}}),
        json!({}),
        &[Unservable],
    );
    check(
        json!({"CNAME": {"p.example.com": portal}}),
        json!({}),
        &[Unservable],
    );
    // A migration: the type that nobody could serve goes with its last host.
    let plan = check(
        json!({"CNAM": {"p.{{domain}}": null}, "CNAME": {"p.{{domain}}": portal}}),
        json!({"CNAM": {"p.{{domain}}": portal}}),
        &[],
    );
    let expected = live_template(json!({"CNAME": {"p.{{domain}}": portal}}));
    assert_eq!(
        plan.steps[0].action,
        Action::ReplaceTemplate { template: expected }
    );
    let before = live_template(json!({"CNAM": {"p.{{domain}}": portal}}));
    assert_eq!(
        plan.steps[0].precondition,
        Precondition::Template(before.digest())
    );
}

#[test]
fn an_empty_tree_plans_nothing() {
    let plan = pruned(&tree(vec![]), &live([("a", Some(json!({})))]));
    insta::assert_snapshot!(show(&plan), @"EmptyTree: the tree has no accounts and no domain template; check that this is the right folder and the right cluster");
}

#[test]
fn risks() {
    #[track_caller]
    fn check(desired: Value, expected: Risk) {
        let desired = tree(vec![account("a", desired)]);
        assert_eq!(
            made(&desired, &live([("a", Some(json!({})))])).steps[0].risk,
            expected
        );
    }
    check(json!({"port": {"authority": "x"}}), Risk::Reversible);
    check(
        json!({"port": {"authority": "x"}, "company_name": "A"}),
        Risk::CustomerVisible,
    );
}

/// What runs in the browsers of customers has a risk of its own, whatever changes beside it.
#[test]
fn code_is_a_risk_of_its_own() {
    let allowed = Options {
        allow: [RefusalKind::Executes].into(),
        ..Options::default()
    };
    let risk = |settings: Value, document: Option<Value>| {
        let desired = tree(vec![account("a", settings)]);
        let live = live([("a", document)]);
        let planned = plan(&desired, None, &live, &sources(), &allowed);
        planned.plan.steps[0].risk
    };
    for code in [
        json!({"includes": ["https://cdn.example/a.js"]}),
        json!({"authentication": {"source_url": "https://cdn.example/"}, "company_name": "A"}),
        json!({"jiraFeedback": {"enabled": true, "url": "https://cdn.example/b.js"}}),
        json!({"sso": {"login": "https://login.example/"}}),
        json!({"custom_welcome_message": "Welcome"}),
    ] {
        assert_eq!(
            risk(code.clone(), Some(json!({}))),
            Risk::Executes,
            "{code}"
        );
        assert_eq!(risk(code.clone(), None), Risk::Executes, "{code}");
    }
    let harmless = json!({"includes": ["a.js"], "company_name": "new"});
    let before = json!({"includes": ["a.js"], "company_name": "old"});
    assert_eq!(risk(harmless, Some(before)), Risk::CustomerVisible);
    assert!(Risk::Executes > Risk::Destructive);
}

#[test]
fn saved_plans() {
    let desired = tree(vec![account("a", json!({"company_name": "A"}))]);
    let plan = made(&desired, &live([("a", Some(json!({"x": 1})))]));
    let text = plan.to_json();
    assert_eq!(Plan::from_json(&text).expect("its own form"), plan);
    let other = text.replace("\"version\":2", "\"version\":99");
    assert!(matches!(
        Plan::from_json(&other),
        Err(PlanFormatError::Version { found: 99 })
    ));
    assert!(matches!(
        Plan::from_json("{}"),
        Err(PlanFormatError::Shape(_))
    ));
    assert!(matches!(
        Plan::from_json("x"),
        Err(PlanFormatError::Shape(_))
    ));
    assert_ne!(made(&desired, &live([("a", None)])).digest(), plan.digest());
    assert!(object(serde_json::from_str(&text).expect("JSON")).contains_key("steps"));
}
