//! What a run removes, is asked for, and keeps.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::properties::for_all;
use super::tables::show;
use crate::diff::fixture::{
    account, live, live_template, path, sources, store, template, tree, with_asset,
};
use crate::diff::{Cause, Differences, Kept};
use crate::live::{Live, Reading};
use crate::model::{AssetKind, KeyPath};
use crate::plan::{Action, Options, Planned, RefusalKind, guard, plan};
use crate::tree::{AccountMode, Desired, DesiredAccount, Removable, RemovalPolicy, RemovalRule};

/// A tree that has dropped a key, a host, an asset and a whitelabel, and changes a value of each kind; the base has them,
/// and so has the platform.
fn dropped(remove: RemovalPolicy) -> (Desired, Desired, Live) {
    let mapping = |last: u8| json!({"mapping": [format!("192.0.2.{last}")]});
    let mut base = tree(vec![
        with_asset(
            account(
                "acme",
                json!({"company_name": "Acme", "nav": {"help": "h"}}),
            ),
            AssetKind::Icon,
            Some("icon"),
        ),
        account("beta", json!({"company_name": "Beta"})),
    ]);
    base.template = Some(template(
        json!({"A": {"a.{{domain}}": mapping(1), "b.{{domain}}": mapping(1)}}),
    ));
    let mut gone = account("beta", json!({}));
    gone.absent = Some(crate::diff::fixture::PLACE);
    let mut desired = tree(vec![
        account("acme", json!({"company_name": "Acme Ltd"})),
        gone,
    ]);
    desired.template = Some(template(json!({"A": {"a.{{domain}}": mapping(2)}})));
    desired.policy.remove = remove;
    let mut live = live([
        (
            "acme",
            Some(json!({"company_name": "Acme", "nav": {"help": "h"}})),
        ),
        ("beta", Some(json!({"company_name": "Beta"}))),
    ]);
    store(&mut live, "acme", AssetKind::Icon, Some(("icon", "icon-1")));
    live.template = Some(Reading::Known(live_template(
        json!({"A": {"a.{{domain}}": mapping(1), "B.{{domain}}": mapping(1)}}),
    )));
    (desired, base, live)
}

fn planned(remove: RemovalPolicy, options: &Options) -> Planned {
    let (desired, base, live) = dropped(remove);
    plan(&desired, Some(&base), &live, &sources(), options)
}

fn all(rule: RemovalRule) -> RemovalPolicy {
    RemovalPolicy(Removable::ALL.map(|(_, kind)| (kind, rule)).into())
}

fn kept(differences: &Differences) -> Vec<&Kept> {
    let accounts = differences
        .accounts
        .iter()
        .flat_map(|account| &account.kept);
    let template = differences
        .template
        .iter()
        .flat_map(|template| &template.kept);
    accounts.chain(template).collect()
}

/// Writes steps, refusals, and what is kept.
fn told(planned: &Planned) -> String {
    let mut text = show(&planned.plan);
    for kept in kept(&planned.differences) {
        let _ = writeln!(text, "{:?} {}", kept.change.key, kept.reason.told());
    }
    text
}

#[test]
fn each_rule_removes_asks_or_keeps() {
    let prune = Options {
        allow: [RefusalKind::Prune].into(),
        ..Options::default()
    };
    insta::assert_snapshot!(told(&planned(all(RemovalRule::Allowed), &Options::default())), @r#"
    0 acme: recreate without [Icon] after []
    1 beta: delete after []
    2 acme: update company_name="Acme Ltd" -nav.help after [0]
    3 template: replace after []
    "#);
    insta::assert_snapshot!(told(&planned(all(RemovalRule::Never), &prune)), @r#"
    0 acme: update company_name="Acme Ltd" after []
    1 template: replace after []
    Setting("nav.help") kept: policy.remove says never
    Asset(Icon) kept: policy.remove says never
    Whitelabel kept: policy.remove says never
    Host(Target { record_type: "A", host: "B.{{domain}}" }) kept: policy.remove says never
    "#);
    insta::assert_snapshot!(told(&planned(all(RemovalRule::Ask), &Options::default())), @r#"
    0 acme: update company_name="Acme Ltd" after []
    1 template: replace after []
    Remove: nav.help would be removed, and policy.remove.keys says to ask; leave it as it is with `--forget acme:whitelabel.nav.help`, or look at it with `plan --allow remove`, and allow exactly that with `apply --allow remove --expect DIGEST`
    Recreate: the icon of acme can only be removed by deleting the whitelabel and creating it again; set `recreate: allowed` for acme, declare another icon, leave it as it is with `--forget acme:assets.icon`, or look at it with `plan --allow recreate`, and allow exactly that with `apply --allow recreate --expect DIGEST`
    Prune: the whitelabel of beta would be deleted with all its assets; run with `--prune` to allow deletions
    Remove: A B.{{domain}} would be removed, and policy.remove.hosts says to ask; look at it with `plan --allow remove`, and allow exactly that with `apply --allow remove --expect DIGEST`
    "#);
    let none = Options {
        no_remove: true,
        ..Options::default()
    };
    let option = planned(all(RemovalRule::Allowed), &none);
    let rule = planned(all(RemovalRule::Never), &Options::default());
    assert_eq!(option.plan.steps, rule.plan.steps);
    assert!(option.plan.scope.no_remove && !rule.plan.scope.no_remove);
}

/// Whoever does what the refusals say gets all of it, and a plan that was saved under a laxer policy is refused.
#[test]
fn what_is_asked_for_is_removed() {
    let asked = Options {
        allow: [
            RefusalKind::Remove,
            RefusalKind::Recreate,
            RefusalKind::Prune,
        ]
        .into(),
        ..Options::default()
    };
    let plan = planned(all(RemovalRule::Ask), &asked).plan;
    assert_eq!(plan.refusals, []);
    let lax = planned(all(RemovalRule::Allowed), &Options::default()).plan;
    assert_eq!(plan.steps, lax.steps);
    for rule in [RemovalRule::Ask, RemovalRule::Never] {
        let (desired, ..) = dropped(all(rule));
        let held = guard::check(&lax, &desired, &[].into(), asked.now);
        let kinds: Vec<RefusalKind> = held.iter().map(|refusal| refusal.kind).collect();
        let expected = [
            RefusalKind::Recreate,
            RefusalKind::Remove,
            RefusalKind::Remove,
            RefusalKind::Prune,
        ];
        for kind in expected {
            let count = |kinds: &[RefusalKind]| kinds.iter().filter(|it| **it == kind).count();
            assert_eq!(count(&kinds), count(&expected), "{kind:?} in {kinds:?}");
        }
    }
}

/// A whitelabel and a host of the template count alike.
#[test]
fn hosts_of_the_template_count_as_deletions() {
    let (mut desired, base, live) = dropped(all(RemovalRule::Allowed));
    let mut refused = |limit| {
        desired.policy.max_deletions = Some(limit);
        let made = plan(
            &desired,
            Some(&base),
            &live,
            &sources(),
            &Options::default(),
        );
        let messages = made.plan.refusals.into_iter().map(|it| it.message);
        messages.collect::<Vec<String>>().join("\n")
    };
    assert_eq!(refused(2), "");
    assert_eq!(
        refused(1),
        "1 whitelabel and 1 host of the domain template would be deleted, policy.max_deletions is 1"
    );
}

/// A domain that stays is not handed on, and the refusal says what helps.
#[test]
fn a_domain_that_is_kept_is_not_free() {
    let base = tree(vec![account("acme", json!({"domain": "a.example"}))]);
    let desired = tree(vec![
        account("acme", json!({"company_name": "Acme"})),
        account("beta", json!({"domain": "a.example"})),
    ]);
    let live = live([
        (
            "acme",
            Some(json!({"company_name": "Acme", "domain": "a.example"})),
        ),
        ("beta", Some(json!({"company_name": "Beta"}))),
    ]);
    let none = Options {
        no_remove: true,
        ..Options::default()
    };
    let made = plan(&desired, Some(&base), &live, &sources(), &none);
    insta::assert_snapshot!(told(&made), @r#"
    DomainHeld: a.example is held by acme, which keeps it; declare another domain for acme, or run without `--no-remove`
    Setting("domain") kept: --no-remove
    "#);
    let free = plan(
        &desired,
        Some(&base),
        &live,
        &sources(),
        &Options::default(),
    );
    assert_eq!(free.plan.refusals, []);
}

/// A map that loses its last key is declared empty; it is not emptied if the key stays.
#[test]
fn an_empty_map_does_not_take_a_kept_key_along() {
    let base = tree(vec![account("acme", json!({"nav": {"help": "h"}}))]);
    let mut emptied = account("acme", json!({"company_name": "Acme"}));
    let map = crate::diff::fixture::declared(Some(json!({})));
    emptied.settings.insert(path("nav"), map);
    let desired = tree(vec![emptied]);
    let live = live([("acme", Some(json!({"nav": {"help": "h"}})))]);
    let none = Options {
        no_remove: true,
        ..Options::default()
    };
    let made = plan(&desired, Some(&base), &live, &sources(), &none).plan;
    let [step] = made.steps.as_slice() else {
        panic!("{made:?}")
    };
    let expected = Action::Update {
        set: [(path("company_name"), json!("Acme"))].into(),
        remove: Vec::new(),
    };
    assert_eq!(step.action, expected);
}

/// Invariants 4 and 7: with `--no-remove` nothing that was there is gone, what else is to be done is done, and after
/// that there is nothing left to do.
#[test]
fn a_run_that_removes_nothing_loses_nothing() {
    for_all(|case| {
        let options = Options {
            no_remove: true,
            ..case.options.clone()
        };
        let base = case.base.as_ref();
        let of = |world: &super::world::World, options: &Options| {
            plan(
                &case.desired,
                base,
                &world.live(&case.desired),
                &sources(),
                options,
            )
        };
        let (usual, careful) = (of(&case.world, &case.options), of(&case.world, &options));
        // What is kept and what is not add up to all differences.
        let count = |made: &Planned| {
            let accounts = made.differences.accounts.iter();
            let template = made.differences.template.iter();
            let changes = accounts.map(|it| it.changes.len()).sum::<usize>();
            changes + template.map(|it| it.changes.len()).sum::<usize>()
        };
        assert_eq!(
            count(&usual),
            count(&careful) + kept(&careful.differences).len()
        );
        let mut after = case.world.clone();
        after.apply(&careful.plan).expect("the server takes it");
        for (id, before) in &case.world.accounts {
            let Some(before) = &before.document else {
                continue;
            };
            let now = after.accounts[id].document.as_ref().expect("it stays");
            for (path, _) in before.settings.leaves() {
                assert!(now.settings.get(&path).is_some(), "{path} is gone");
            }
            for kind in AssetKind::ALL {
                let has = |it: &super::world::Document| {
                    it.attachments
                        .keys()
                        .any(|name| name.starts_with(kind.as_str()))
                };
                assert!(!has(before) || has(now), "the {kind} is gone");
            }
        }
        for (record_type, hosts) in &case.world.template.0 {
            for host in hosts.keys() {
                let now = after.template.0.get(record_type).into_iter().flatten();
                let mut now = now.map(|(host, _)| host.to_ascii_lowercase());
                assert!(
                    now.any(|it| it == host.to_ascii_lowercase()),
                    "{host} is gone"
                );
            }
        }
        assert_eq!(of(&after, &options).plan.steps, []);
    });
}

/// An account whose help link and icon are left to whoever runs the platform.
fn ignoring(company: &str) -> DesiredAccount {
    let mut account = with_asset(
        account(
            "acme",
            json!({"company_name": company, "nav": {"help": "tree"}}),
        ),
        AssetKind::Icon,
        Some("tree"),
    );
    let addresses = ["whitelabel.nav", "assets.icon"];
    account.ignore = addresses.into_iter().map(KeyPath::from).collect();
    account
}

/// What is ignored is set with the whitelabel, and left alone after that, whatever becomes of it.
#[test]
fn ignored_keys_are_set_only_with_the_whitelabel() {
    let made = |live: &Live| {
        let desired = tree(vec![ignoring("Acme")]);
        let options = Options::default();
        let made = plan(&desired, Some(&desired), live, &sources(), &options);
        assert!(!made.differences.is_incomplete(), "{:?}", made.differences);
        told(&made)
    };
    insta::assert_snapshot!(made(&live([("acme", None)])), @r#"
    0 acme: create {"company_name":"Acme","nav":{"help":"tree"}} after []
    1 acme: upload icon after [0]
    "#);
    for (nav, icon) in [
        (json!({"help": "other"}), Some(("other", "icon-1"))),
        (json!("odd"), None),
        (Value::Null, None),
    ] {
        let mut state = live([("acme", Some(json!({"company_name": "Old", "nav": nav})))]);
        store(&mut state, "acme", AssetKind::Icon, icon);
        let text = made(&state);
        let steps = text.lines().next().unwrap_or_default();
        assert_eq!(
            steps, "0 acme: update company_name=\"Acme\" after []",
            "{text}"
        );
        assert!(
            text.contains("Asset(Icon) kept: the tree ignores it"),
            "{text}"
        );
    }
}

/// An observed account is compared and never written to, not even for the sake of another one.
#[test]
fn an_observed_account_is_only_compared() {
    let mut acme = account(
        "acme",
        json!({"company_name": "Acme", "domain": "b.example"}),
    );
    acme.policy.mode = AccountMode::Observe;
    let desired = tree(vec![
        acme,
        account(
            "beta",
            json!({"company_name": "Beta", "domain": "a.example"}),
        ),
    ]);
    let live = live([
        (
            "acme",
            Some(json!({"company_name": "Old", "domain": "a.example"})),
        ),
        (
            "beta",
            Some(json!({"company_name": "Beta", "domain": "b.example"})),
        ),
    ]);
    let options = Options::default();
    let made = plan(&desired, Some(&desired), &live, &sources(), &options);
    insta::assert_snapshot!(told(&made), @r#"
    DomainHeld: a.example is held by acme, which keeps it; take `mode: observe` away from acme, and declare another domain for it
    Setting("company_name") kept: the account is only observed
    Setting("domain") kept: the account is only observed
    "#);
    // What the base declares of it was never applied, so that nothing is taken for drift or for a removal.
    let kept = kept(&made.differences);
    assert!(kept.iter().all(|kept| kept.change.cause == Cause::Git));
}
