//! Every guard, tripped and lifted.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tables::holder;
use crate::diff::fixture::{account, live, object, sources, store, tree, with_asset};
use crate::live::{Live, Reading};
use crate::model::{AccountName, AssetKind, KeyPath};
use crate::plan::guard::{GUARDS, check as check_plan};
use crate::plan::{Action, Options, Plan, RefusalKind, Risk, plan};
use crate::tree::{CodePolicy, Desired, DesiredAccount, Freeze, Policy};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn made(desired: &Desired, live: &Live, options: &Options) -> Plan {
    plan(desired, None, live, &sources(), options).plan
}

fn allowing(kinds: &[RefusalKind]) -> Options {
    Options {
        allow: kinds.iter().copied().collect(),
        ..Options::default()
    }
}

/// Plans with the guard and without: tripped, it refuses so many steps with this message; lifted, it
/// is silent, and every step is planned.
#[track_caller]
fn check(
    desired: &Desired,
    live: &Live,
    kind: RefusalKind,
    (held, all): (usize, usize),
    message: &str,
) {
    let tripped = made(desired, live, &Options::default());
    let lifted = made(desired, live, &allowing(&[kind]));
    let refusal = tripped.refusals.iter().find(|refusal| refusal.kind == kind);
    let refusal = refusal.unwrap_or_else(|| panic!("not tripped: {:?}", tripped.refusals));
    assert_eq!(refusal.message, message);
    assert_eq!(lifted.refusals, [], "not lifted");
    assert_eq!((tripped.steps.len(), lifted.steps.len()), (held, all));
    if held == all && all > 0 {
        assert_eq!(refusal.subject, None, "the run is refused as a whole");
        let digest = lifted.digest();
        assert_eq!(tripped.digest(), digest, "one digest, held or not");
        assert!(refusal.help.contains(digest.short()), "{}", refusal.help);
        let none = BTreeSet::new();
        assert!(!check_plan(&tripped, desired, &none, NOW).is_empty());
    }
    let (guard, prune) = (kind.guard().unwrap_or_default(), kind == RefusalKind::Prune);
    if kind != RefusalKind::EmptyTree {
        let way = if prune {
            "--prune".to_owned()
        } else {
            format!("--allow {guard}")
        };
        assert!(refusal.help.contains(&way), "{}", refusal.help);
    }
    assert_eq!(check_plan(&lifted, desired, &[kind].into(), NOW), []);
}

fn with_policy(mut desired: Desired, change: impl FnOnce(&mut Policy)) -> Desired {
    change(&mut desired.policy);
    desired
}

fn edited(mut account: DesiredAccount, change: impl FnOnce(&mut DesiredAccount)) -> DesiredAccount {
    change(&mut account);
    account
}

fn absent(name: &str) -> DesiredAccount {
    edited(account(name, json!({})), |account| {
        account.absent = Some(crate::diff::fixture::PLACE);
    })
}

/// A company name that is `old` on the platform and `new` in the tree.
fn renamed() -> (Desired, Live) {
    let desired = tree(vec![account("a", json!({"company_name": "new"}))]);
    (desired, live([("a", Some(json!({"company_name": "old"})))]))
}

/// Accounts `a`, `b` … of which the first `changing` have another name in the tree.
fn many(count: usize, changing: usize) -> (Desired, Live) {
    let names: Vec<String> = (0..count).map(|n| format!("account-{n:02}")).collect();
    let name = |n: usize| if n < changing { "new" } else { "old" };
    let accounts = (names.iter().enumerate())
        .map(|(n, account_name)| account(account_name, json!({"company_name": name(n)})));
    let mut state = Live::default();
    for name in &names {
        let one = live([(name.as_str(), Some(json!({"company_name": "old"})))]);
        state.accounts.extend(one.accounts);
    }
    (tree(accounts.collect()), state)
}

#[test]
fn prune() {
    let state = live([("a", Some(json!({"company_name": "A"})))]);
    let message = "the whitelabel of a would be deleted with all its assets";
    check(
        &tree(vec![absent("a")]),
        &state,
        RefusalKind::Prune,
        (0, 1),
        message,
    );
}

#[test]
fn protected() {
    let state = live([("a", Some(json!({"company_name": "A"})))]);
    let account = edited(absent("a"), |account| account.policy.protected = true);
    let desired = tree(vec![account]);
    let tripped = made(&desired, &state, &allowing(&[RefusalKind::Prune]));
    assert_eq!(tripped.refusals[0].kind, RefusalKind::Protected);
    let both = [RefusalKind::Prune, RefusalKind::Protected];
    let lifted = made(&desired, &state, &allowing(&both));
    assert_eq!((lifted.steps.len(), lifted.refusals.len()), (1, 0));
    // Carried out, it has to be allowed again.
    let none = BTreeSet::new();
    let kinds: Vec<_> = check_plan(&lifted, &desired, &none, NOW)
        .into_iter()
        .map(|refusal| refusal.kind)
        .collect();
    assert_eq!(kinds, [RefusalKind::Prune, RefusalKind::Protected]);
}

#[test]
fn recreate() {
    let mut state = live([("a", Some(json!({"company_name": "A"})))]);
    store(
        &mut state,
        "a",
        AssetKind::Logo,
        Some(("logo", "logo-a.png")),
    );
    let without_logo = with_asset(account("a", json!({})), AssetKind::Logo, None);
    let desired = tree(vec![without_logo]);
    let message =
        "the logo of a can only be removed by deleting the whitelabel and creating it again";
    check(&desired, &state, RefusalKind::Recreate, (0, 1), message);
    let lifted = made(&desired, &state, &allowing(&[RefusalKind::Recreate]));
    let refused = check_plan(&lifted, &desired, &BTreeSet::new(), NOW);
    assert_eq!(refused[0].kind, RefusalKind::Recreate);
}

#[test]
fn protected_account() {
    let (desired, state) = renamed();
    let desired = with_policy(desired, |policy| {
        policy.protected_accounts.insert(AccountName::new("a"));
    });
    let message = "a would change, and policy.protected_accounts lists it";
    check(
        &desired,
        &state,
        RefusalKind::ProtectedAccount,
        (0, 1),
        message,
    );
}

#[test]
fn protected_key() {
    #[track_caller]
    fn trips(key: &str, desired: Value, before: Value, message: &str) {
        let desired = with_policy(tree(vec![account("a", desired)]), |policy| {
            policy.protected_keys.insert(KeyPath::parse(key));
        });
        let state = live([("a", Some(before))]);
        check(&desired, &state, RefusalKind::ProtectedKey, (0, 1), message);
    }
    trips(
        "domain",
        json!({"domain": "new.example"}),
        json!({"domain": "old.example"}),
        "domain of a would change, and policy.protected_keys lists it",
    );
    trips(
        "nav",
        json!({"nav": {"help": "https://new.example"}}),
        json!({"company_name": "A"}),
        "nav of a would change, and policy.protected_keys lists it",
    );
    // A new brand has to begin with some domain, and other keys are free.
    let protect = |policy: &mut Policy| {
        policy.protected_keys.insert(KeyPath::parse("domain"));
    };
    let desired = tree(vec![account("a", json!({"domain": "a.example"}))]);
    let desired = with_policy(desired, protect);
    let plan = made(&desired, &live([("a", None)]), &Options::default());
    assert_eq!((plan.steps.len(), plan.refusals.len()), (1, 0));
    assert_eq!(check_plan(&plan, &desired, &BTreeSet::new(), NOW), []);
    let (desired, state) = renamed();
    let plan = made(&with_policy(desired, protect), &state, &Options::default());
    assert_eq!((plan.steps.len(), plan.refusals.len()), (1, 0));
    // A deletion takes the key along.
    let desired = with_policy(tree(vec![absent("a")]), protect);
    let state = live([("a", Some(json!({"domain": "a.example"})))]);
    let plan = made(&desired, &state, &allowing(&[RefusalKind::Prune]));
    assert_eq!(plan.steps, []);
    assert_eq!(plan.refusals[0].kind, RefusalKind::ProtectedKey);
}

/// What runs in the browsers of customers changes only when somebody approved it.
#[test]
fn executes() {
    #[track_caller]
    fn trips(desired: Value, before: Option<Value>, message: &str) {
        let desired = tree(vec![account("a", desired)]);
        let state = live([("a", before)]);
        check(&desired, &state, RefusalKind::Executes, (0, 1), message);
        let allowed = with_policy(desired, |policy| policy.code = CodePolicy::Allowed);
        let plan = made(&allowed, &state, &Options::default());
        assert_eq!((plan.steps.len(), plan.refusals.len()), (1, 0));
        assert_eq!(check_plan(&plan, &allowed, &BTreeSet::new(), NOW), []);
    }
    trips(
        json!({"company_name": "A", "includes": ["a.js"]}),
        Some(json!({})),
        "includes of a would change, and it runs code in the browsers of customers before they sign in",
    );
    trips(
        json!({"sso": {"login": "https://b.example"}}),
        Some(json!({"sso": {"login": "https://a.example"}})),
        "sso.login of a would change, and it decides where customers sign in",
    );
    trips(
        json!({"custom_welcome_message": "Hello"}),
        None,
        "custom_welcome_message of a would change, and it is shown as HTML, which can hold code",
    );
}

/// Whoever takes a script away needs nobody's approval.
#[test]
fn code_is_removed_without_approval() {
    let desired = tree(vec![account("a", json!({"authentication": null}))]);
    let state = live([("a", Some(json!({"authentication": {"name": "own"}})))]);
    let plan = made(&desired, &state, &Options::default());
    assert_eq!((plan.steps.len(), plan.refusals.len()), (1, 0));
    assert_eq!(plan.steps[0].risk, Risk::CustomerVisible);
    assert_eq!(check_plan(&plan, &desired, &BTreeSet::new(), NOW), []);
}

/// What somebody put in by hand goes at once: what was applied last was approved.
#[test]
fn code_that_was_put_in_by_hand_goes_without_approval() {
    let ours = |file: &str| tree(vec![account("a", json!({"includes": [file]}))]);
    let state = live([("a", Some(json!({"includes": ["evil.js"]})))]);
    let kinds = |base: &Desired| {
        let desired = ours("ours.js");
        let planned = plan(
            &desired,
            Some(base),
            &state,
            &sources(),
            &Options::default(),
        );
        let kinds: Vec<_> = planned.plan.refusals.iter().map(|it| it.kind).collect();
        assert_eq!(
            check_plan(&planned.plan, &desired, &BTreeSet::new(), NOW),
            []
        );
        (planned.plan.steps.len(), kinds)
    };
    assert_eq!(kinds(&ours("ours.js")), (1, vec![]));
    // Both moved: nobody approved what the tree says now.
    assert_eq!(kinds(&ours("old.js")), (0, vec![RefusalKind::Executes]));
}

/// Who is held lets no domain go, so whoever claims it is held too.
#[test]
fn a_held_account_keeps_its_domain() {
    let desired = tree(vec![
        account("a", json!({"domain": "y.example"})),
        account("b", json!({"domain": "x.example"})),
    ]);
    let desired = with_policy(desired, |policy| {
        policy.protected_accounts.insert(AccountName::new("a"));
    });
    let state = live([
        ("a", Some(json!({"domain": "x.example"}))),
        ("b", Some(json!({"domain": "y.example"}))),
    ]);
    let plan = made(&desired, &state, &Options::default());
    assert_eq!(plan.steps, []);
    let kinds: Vec<_> = plan.refusals.iter().map(|refusal| refusal.kind).collect();
    assert_eq!(
        kinds,
        [RefusalKind::ProtectedAccount, RefusalKind::DomainHeld]
    );
    let lifted = made(
        &desired,
        &state,
        &allowing(&[RefusalKind::ProtectedAccount]),
    );
    assert_eq!((lifted.steps.len(), lifted.refusals.len()), (3, 0));
}

#[test]
fn too_many_deletions() {
    let names = ["a", "b", "c"];
    let desired = tree(names.map(absent).to_vec());
    let document = || Some(json!({"company_name": "A"}));
    let state = live(names.map(|name| (name, document())));
    let limited = |limit| with_policy(desired.clone(), |policy| policy.max_deletions = Some(limit));
    let prune = |allow: &[RefusalKind]| allowing(&[&[RefusalKind::Prune], allow].concat());
    let plan = made(&limited(2), &state, &prune(&[]));
    assert_eq!(plan.steps.len(), 3);
    let [refusal] = plan.refusals.as_slice() else {
        panic!("{:?}", plan.refusals);
    };
    let message = "3 whitelabels would be deleted, policy.max_deletions is 2";
    assert_eq!(refusal.message, message);
    assert!(refusal.help.contains("--allow too-many-deletions --expect"));
    assert_eq!(made(&limited(3), &state, &prune(&[])).refusals, []);
    let lifted = prune(&[RefusalKind::TooManyDeletions]);
    assert_eq!(made(&limited(0), &state, &lifted).refusals, []);
}

#[test]
fn too_many_changes() {
    let (desired, state) = many(10, 4);
    let limited = |percent| {
        with_policy(desired.clone(), |policy| {
            policy.max_changed_percent = Some(percent);
        })
    };
    let message = "4 of 10 accounts would change, policy.max_changed_percent is 39";
    check(
        &limited(39),
        &state,
        RefusalKind::TooManyChanges,
        (4, 4),
        message,
    );
    assert_eq!(made(&limited(40), &state, &Options::default()).refusals, []);
    // Below the floor, shares say nothing.
    let raised = with_policy(limited(0), |policy| policy.share_floor = 11);
    assert_eq!(made(&raised, &state, &Options::default()).refusals, []);
}

#[test]
fn unreadable() {
    let (desired, mut state) = many(10, 1);
    for account in state.accounts.values_mut().skip(4) {
        Arc::make_mut(account).document = Reading::Unknown("timed out".to_owned());
    }
    let message = "6 of 10 accounts could not be read, policy.max_unreadable_percent is 50";
    check(&desired, &state, RefusalKind::Unreadable, (1, 1), message);
    let more = with_policy(desired, |policy| policy.max_unreadable_percent = Some(60));
    assert_eq!(made(&more, &state, &Options::default()).refusals, []);
    // Nothing is planned, so nothing is held.
    let (desired, _) = many(10, 0);
    assert_eq!(made(&desired, &state, &Options::default()).refusals, []);
}

#[test]
fn freeze() {
    let window = |from: i64, until: i64| {
        let (desired, _) = renamed();
        with_policy(desired, |policy| {
            policy.freezes.push(Freeze {
                from: Timestamp::from_second(from).unwrap(),
                until: Timestamp::from_second(until).unwrap(),
                reason: Some("year's end".to_owned()),
            });
        })
    };
    let (_, state) = renamed();
    let message =
        "nothing is written from 1969-12-31T23:59:59Z until 1970-01-01T00:00:01Z: year's end";
    check(&window(-1, 1), &state, RefusalKind::Freeze, (1, 1), message);
    for (from, until) in [(-2, 0), (1, 2)] {
        let plan = made(&window(from, until), &state, &Options::default());
        assert_eq!(plan.refusals, [], "{from} {until}");
    }
    let later = Options {
        now: Timestamp::from_second(-1).unwrap(),
        ..Options::default()
    };
    let plan = made(&window(-2, 0), &state, &later);
    assert_eq!(plan.refusals[0].kind, RefusalKind::Freeze);
    // Planned before, carried out within.
    let before = made(&window(1, 2), &state, &Options::default());
    let within = Timestamp::from_second(1).unwrap();
    let refused = check_plan(&before, &window(1, 2), &BTreeSet::new(), within);
    assert_eq!(refused[0].kind, RefusalKind::Freeze);
}

#[test]
fn empty_tree() {
    let message = "the tree has no accounts and no domain template";
    let (desired, state) = (tree(vec![]), Live::default());
    check(&desired, &state, RefusalKind::EmptyTree, (0, 0), message);
}

/// A saved plan that was changed by hand, or made under an earlier policy, meets the same guards.
#[test]
fn a_finished_plan_is_checked_again() {
    let (desired, state) = renamed();
    let plan = made(&desired, &state, &Options::default());
    let none = BTreeSet::new();
    let kinds = |desired: &Desired| -> Vec<RefusalKind> {
        let refused = check_plan(&plan, desired, &none, NOW).into_iter();
        refused.map(|refusal| refusal.kind).collect()
    };
    assert_eq!(kinds(&desired), []);
    let account = with_policy(desired.clone(), |policy| {
        policy.protected_accounts.insert(AccountName::new("a"));
    });
    assert_eq!(kinds(&account), [RefusalKind::ProtectedAccount]);
    let key = with_policy(desired, |policy| {
        policy.protected_keys.insert(KeyPath::parse("company_name"));
    });
    assert_eq!(kinds(&key), [RefusalKind::ProtectedKey]);
}

/// The refusals, and the commit, are no part of what is approved; everything else is.
#[test]
fn what_a_digest_covers() {
    let (desired, state) = renamed();
    let plan = made(&desired, &state, &Options::default());
    let digest = plan.digest();
    let with = |change: fn(&mut Plan)| {
        let mut other = plan.clone();
        change(&mut other);
        other.digest()
    };
    assert_eq!(with(|plan| plan.commit = Some("abc".to_owned())), digest);
    assert_eq!(
        with(|plan| plan.unknown.template = Some("timed out".to_owned())),
        digest
    );
    assert_ne!(with(|plan| plan.scope.unreadable = 1), digest);
    assert_ne!(with(|plan| plan.version += 1), digest);
    assert_ne!(with(|plan| plan.steps[0].changes.clear()), digest);
    let create = |plan: &mut Plan| {
        plan.steps[0].action = Action::Create {
            settings: object(json!({})),
        };
    };
    assert_ne!(with(create), digest);
}

#[test]
fn guards_have_names() {
    for (kind, name) in GUARDS {
        assert_eq!(RefusalKind::named(name), Some(kind));
        assert_eq!(kind.guard(), Some(name));
    }
    assert_eq!(RefusalKind::named("domain-held"), None);
    assert_eq!(RefusalKind::DomainHeld.guard(), None);
}

/// A protected account need not change itself: it is only to let go of a domain. Then just who wants it waits.
#[test]
fn a_protected_account_is_not_changed_for_another_one() {
    #[track_caller]
    fn check(document: Option<Value>, kind: RefusalKind, expected: &str) {
        let desired = tree(vec![
            account("a", json!({})),
            account("b", json!({"domain": "x.example"})),
            account("c", json!({"company_name": "new"})),
        ]);
        let desired = with_policy(desired, |policy| match kind {
            RefusalKind::ProtectedAccount => {
                policy.protected_accounts.insert(AccountName::new("a"));
            }
            _ => {
                policy.protected_keys.insert(KeyPath::from("domain"));
            }
        });
        let mut state = live([
            ("a", document),
            ("b", None),
            ("c", Some(json!({"company_name": "old"}))),
        ]);
        holder(&mut state, "x.example", "a");
        let made = |allow: &[RefusalKind]| made(&desired, &state, &allowing(allow));
        let tripped = made(&[]);
        let subjects: Vec<&str> = tripped.steps.iter().map(|it| it.subject.title()).collect();
        assert_eq!(subjects, ["c"]);
        let told: Vec<String> = (tripped.refusals.iter())
            .map(|refusal| format!("{:?}: {}; {}", refusal.kind, refusal.message, refusal.help))
            .collect();
        assert_eq!(told, [expected]);
        assert_eq!(check_plan(&tripped, &desired, &BTreeSet::new(), NOW), []);
        // What it says to do.
        let lifted = made(&[kind]);
        assert_eq!(lifted.refusals, []);
        let subjects: BTreeSet<&str> = lifted.steps.iter().map(|it| it.subject.title()).collect();
        assert_eq!(subjects, BTreeSet::from(["a", "b", "c"]));
    }
    let account = "DomainHeld: x.example is held by a, and a would have to be changed to release it, which policy.protected_accounts forbids; take a out of policy.protected_accounts in its own commit, or look at it with `plan --allow protected-account`, and allow exactly that with `apply --allow protected-account --expect DIGEST`";
    // Its whitelabel is gone, or has no domain, or another one.
    for document in [
        None,
        Some(json!({"company_name": "A"})),
        Some(json!({"domain": "w.example"})),
    ] {
        check(document, RefusalKind::ProtectedAccount, account);
    }
    let key = "DomainHeld: x.example is held by a, and a would have to be changed to release it, which policy.protected_keys forbids; take domain out of policy.protected_keys in its own commit, or look at it with `plan --allow protected-key`, and allow exactly that with `apply --allow protected-key --expect DIGEST`";
    check(
        Some(json!({"company_name": "A"})),
        RefusalKind::ProtectedKey,
        key,
    );
}
