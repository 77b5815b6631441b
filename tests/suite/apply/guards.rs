//! Guards where they cannot be left out: the run itself asks them, whoever starts it.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use emblazon::apply::{self, ApplyError, ApprovedPlan, Halt, StepResult, runs};
use emblazon::live::WriteClient;
use emblazon::model::{AccountName, AssetKind, KeyPath};
use emblazon::plan::guard::GUARDS;
use emblazon::plan::{Plan, Refusal, RefusalKind, Scope};
use emblazon::tree::{CodePolicy, Freeze, Policy, Removable, RemovalRule};
use jiff::Timestamp;
use serde_json::json;

use crate::stage::{Stage, Tree, html, object, png, unguarded};

const SEED: &str = "
accounts:
  - {name: master, id: '00000000000000000000000000000000'}
  - name: acme
    id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    whitelabel: {domain: acme.example.com, company_name: old}
    assets: {logo: logo.png, welcome: welcome.html}
  - name: beta
    id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    whitelabel: {domain: beta.example.com, company_name: old}
";

async fn stage() -> Stage {
    let files = [
        ("welcome.html", html("seeded")),
        ("logo.png", png("seeded")),
    ];
    Stage::start(SEED, &files).await
}

/// Makes a plan with every guard lifted that planning asks, as somebody would who leaves them out.
async fn plan(stage: &Stage, tree: &Tree) -> Plan {
    let mut free = tree.clone();
    free.desired.policy = Policy {
        code: CodePolicy::Allowed,
        ..Policy::default()
    };
    for account in &mut free.desired.accounts {
        let account = account.make_mut();
        account.policy.recreate = true;
        account.policy.protected = false;
    }
    let mut plan = stage.plan(&free).await;
    plan.tree = tree.desired.digest();
    plan
}

/// The run is refused by this guard and nothing is sent; with the guard lifted it is carried out.
async fn check((kind, tree, change, message): Case) {
    let stage = stage().await;
    let mut plan = plan(&stage, &tree).await;
    change(&mut plan);
    let writer = WriteClient::new(stage.client().await);
    let files = |path: &camino::Utf8Path| tree.files.get(path).cloned().ok_or("no such file");
    let options = stage.options();
    let everything: BTreeSet<RefusalKind> = GUARDS.iter().map(|(kind, _)| *kind).collect();
    let mut but_one = everything.clone();
    but_one.remove(&kind);
    let mandate = |allow| ApprovedPlan {
        plan: &plan,
        desired: &tree.desired,
        allow,
    };
    let tripped = apply::run(mandate(&but_one), &writer, None, &files, &options, &|_| {}).await;
    let Err(ApplyError::Held(held)) = &tripped else {
        panic!("{kind:?} let it through: {tripped:?}");
    };
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!((held[0].kind, held[0].message.as_str()), (kind, message));
    assert_eq!(stage.sandbox.counts().mutating, 0, "{kind:?}");
    assert_eq!(runs(&stage.state).unwrap(), [], "no run was begun");
    let lifted = apply::run(
        mandate(&everything),
        &writer,
        None,
        &files,
        &options,
        &|_| {},
    )
    .await;
    let applied = lifted.unwrap();
    assert!(applied.is_complete(), "{applied:?}");
    assert!(stage.sandbox.counts().mutating > 0, "{kind:?}");
}

fn renamed() -> Tree {
    Tree::new().account("acme", json!({"company_name": "new"}))
}

fn protected(mut tree: Tree) -> Tree {
    tree.desired.accounts[0].make_mut().policy.protected = true;
    tree
}

fn policy(mut tree: Tree, change: impl FnOnce(&mut Policy)) -> Tree {
    change(&mut tree.desired.policy);
    tree
}

fn always() -> Freeze {
    Freeze {
        from: Timestamp::UNIX_EPOCH,
        until: Timestamp::MAX,
        reason: Some("holidays".to_owned()),
    }
}

fn as_planned(_: &mut Plan) {}

fn unreadable(plan: &mut Plan) {
    plan.scope = Scope {
        accounts: 3,
        unreadable: 2,
        ..Scope::default()
    };
}

fn emptied(plan: &mut Plan) {
    plan.refusals.push(Refusal {
        kind: RefusalKind::EmptyTree,
        subject: None,
        message: "the tree has no accounts".to_owned(),
        help: String::new(),
    });
}

/// A guard, a tree that trips it, what the plan says beside that, and how it is refused.
type Case = (RefusalKind, Tree, fn(&mut Plan), &'static str);

/// Guards that hold an account.
fn of_accounts() -> [Case; 7] {
    let mut without_logo =
        Tree::new()
            .account("acme", json!({}))
            .asset("acme", AssetKind::Logo, None);
    without_logo.desired.accounts[0].make_mut().policy.recreate = false;
    [
        (
            RefusalKind::Prune,
            Tree::new().without("acme"),
            as_planned,
            "the whitelabel of acme would be deleted with all its assets",
        ),
        (
            RefusalKind::Remove,
            policy(
                Tree::new().account("acme", json!({"company_name": null})),
                |policy| {
                    policy.remove.0.insert(Removable::Keys, RemovalRule::Ask);
                },
            ),
            as_planned,
            "company_name would be removed, and policy.remove.keys says to ask",
        ),
        (
            RefusalKind::Protected,
            protected(Tree::new().without("acme")),
            as_planned,
            "the whitelabel of acme would be deleted, and acme is protected",
        ),
        (
            RefusalKind::Recreate,
            without_logo,
            as_planned,
            "the whitelabel of acme would be deleted and created again, and recreate is not allowed for acme",
        ),
        (
            RefusalKind::ProtectedAccount,
            policy(renamed(), |policy| {
                policy.protected_accounts.insert(AccountName::new("acme"));
            }),
            as_planned,
            "acme would change, and policy.protected_accounts lists it",
        ),
        (
            RefusalKind::ProtectedKey,
            policy(renamed(), |policy| {
                policy.protected_keys.insert(KeyPath::parse("company_name"));
            }),
            as_planned,
            "company_name of acme would change, and policy.protected_keys lists it",
        ),
        (
            RefusalKind::Executes,
            Tree::new().account("acme", json!({"includes": ["extra.js"]})),
            as_planned,
            "includes of acme would change, and it runs code in the browsers of customers before they sign in",
        ),
    ]
}

/// Guards that hold the whole run.
fn of_runs() -> [Case; 5] {
    [
        (
            RefusalKind::TooManyDeletions,
            policy(Tree::new().without("acme").without("beta"), |policy| {
                policy.max_deletions = Some(1);
            }),
            as_planned,
            "2 whitelabels would be deleted, policy.max_deletions is 1",
        ),
        (
            RefusalKind::TooManyChanges,
            policy(renamed(), |policy| {
                policy.max_changed_percent = Some(30);
                policy.share_floor = 1;
            }),
            as_planned,
            "1 of 1 account would change, policy.max_changed_percent is 30",
        ),
        (
            RefusalKind::Unreadable,
            policy(renamed(), |policy| policy.share_floor = 2),
            unreadable,
            "2 of 3 accounts could not be read, policy.max_unreadable_percent is 50",
        ),
        (
            RefusalKind::Freeze,
            policy(renamed(), |policy| policy.freezes.push(always())),
            as_planned,
            "nothing is written from 1970-01-01T00:00:00Z until 9999-12-30T22:00:00.999999999Z: holidays",
        ),
        (
            RefusalKind::EmptyTree,
            renamed(),
            emptied,
            "the tree has no accounts",
        ),
    ]
}

#[tokio::test]
async fn every_guard_holds_and_lets_go_in_the_run_itself() {
    // What a creation costs the server tells only when it is asked; `charges_are_allowed_once` has it. A template that
    // nobody can read needs a platform that cannot serve it; `observed_07_a_repair_is_approved_by_digest` has it. A rule
    // of the house is held to where the change is planned; `a_change_against_a_rule_is_left_out_and_others_go_on` has it.
    let mut asked = BTreeSet::from([
        RefusalKind::Billing,
        RefusalKind::RepairTemplate,
        RefusalKind::Rule,
    ]);
    for case in of_accounts().into_iter().chain(of_runs()) {
        asked.insert(case.0);
        check(case).await;
    }
    let all: BTreeSet<RefusalKind> = GUARDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(asked, all);
}

/// A guard that was lifted does not hide another one behind it.
#[tokio::test]
async fn each_guard_is_asked_although_another_was_lifted() {
    let stage = stage().await;
    let tree = policy(renamed(), |policy| {
        policy.protected_accounts.insert(AccountName::new("acme"));
        policy.protected_keys.insert(KeyPath::parse("company_name"));
    });
    let plan = plan(&stage, &tree).await;
    let mandate = ApprovedPlan {
        plan: &plan,
        desired: &tree.desired,
        allow: &[RefusalKind::ProtectedAccount].into(),
    };
    let held = mandate.held(Timestamp::UNIX_EPOCH);
    let kinds: Vec<RefusalKind> = held.iter().map(|refusal| refusal.kind).collect();
    assert_eq!(kinds, [RefusalKind::ProtectedKey]);
}

/// The policy of another tree lets nothing through.
#[tokio::test]
async fn a_plan_of_another_tree_is_refused() {
    let stage = stage().await;
    let plan = stage.plan(&renamed()).await;
    let writer = WriteClient::new(stage.client().await);
    let files = |_: &camino::Utf8Path| Err::<Vec<u8>, _>("no files");
    let mut other_cluster = renamed();
    other_cluster.desired.cluster.name = emblazon::model::ClusterName::new("other");
    for tree in [renamed().account("beta", json!({})), other_cluster] {
        let mandate = unguarded(&tree, &plan);
        let refused = apply::run(mandate, &writer, None, &files, &stage.options(), &|_| {}).await;
        assert!(
            matches!(refused, Err(ApplyError::OtherTree { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(stage.sandbox.counts().mutating, 0);
}

/// A freeze that begins during a run ends it after what is in hand.
#[tokio::test]
async fn a_freeze_that_begins_meanwhile_stops_the_rest() {
    let stage = stage().await;
    let from = Timestamp::from_second(1000).unwrap();
    let tree = renamed().account("beta", json!({"company_name": "new"}));
    let tree = policy(tree, |policy| {
        policy.freezes.push(Freeze { from, ..always() });
    });
    let plan = plan(&stage, &tree).await;
    let time = Arc::new(Mutex::new(Timestamp::UNIX_EPOCH));
    let clock = Arc::clone(&time);
    let mut options = stage.options();
    options.concurrency = NonZeroUsize::MIN;
    options.now = Arc::new(move || *clock.lock().unwrap());
    let writer = WriteClient::new(stage.client().await);
    let files = |_: &camino::Utf8Path| Err::<Vec<u8>, _>("no files");
    let freeze = |event: apply::Event<'_>| {
        if matches!(event, apply::Event::Begun(_)) {
            *time.lock().unwrap() = from + Duration::from_secs(1);
        }
    };
    let mandate = unguarded(&tree, &plan);
    let applied = apply::run(mandate, &writer, None, &files, &options, &freeze)
        .await
        .unwrap();
    let [first, second] = applied.outcomes.as_slice() else {
        panic!("{applied:?}");
    };
    assert!(matches!(first.result, StepResult::Done { .. }));
    let StepResult::NotBegun {
        halt: Halt::Freeze,
        reason,
    } = &second.result
    else {
        panic!("{second:?}");
    };
    assert!(
        reason.starts_with("nothing is written from 1970-01-01T00:16:40Z"),
        "{reason}"
    );
    assert_eq!(stage.sandbox.counts().mutating, 1);
    let beta = stage.shown("beta").unwrap();
    assert_eq!(
        beta.settings,
        object(json!({"domain": "beta.example.com", "company_name": "old"}))
    );
}
