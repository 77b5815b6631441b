//! Accounts, and those who work on them at the same time: who moved, who is not there, who is deleted.

use emblazon::diff::Status;
use emblazon::model::AssetKind;
use serde_json::json;

use super::bench::tell;
use super::tree::logo;
use super::{Bench, scenario};

#[tokio::test]
async fn an_edit_between_plan_and_apply_is_left_alone() {
    scenario(async |bench: &Bench| {
        let acme = bench.branded("acme", json!({"company_name": "Old"})).await;
        let beta = bench.branded("beta", json!({"company_name": "Old"})).await;
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: {company_name: New}")
            .account(&beta, "whitelabel: {company_name: New}")
            .load();
        let plan = bench.plan(&tree).await.plan;
        bench
            .hands
            .replace(&acme, &json!({"company_name": "By hand"}))
            .await;
        let applied = bench.apply(&tree, &plan).await;
        let told = bench.told(&plan, &applied);
        let (moved, done) = told.split_once('\n').unwrap();
        assert!(
            moved.starts_with("acme update company_name (differs); moved: "),
            "{told}"
        );
        assert!(moved.contains("company_name is now \"By hand\""), "{told}");
        assert_eq!(done, "beta update company_name (differs); done");
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live["company_name"], "By hand");
        bench.converge(&tree).await;
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live["company_name"], "New");
    })
    .await;
}

#[tokio::test]
async fn trap_02_a_whitelabel_made_since_the_plan_is_left_alone() {
    scenario(async |bench: &Bench| {
        let acme = bench.account("acme").await;
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: {company_name: Acme}")
            .load();
        let plan = bench.plan(&tree).await.plan;
        bench
            .hands
            .create(&acme, &json!({"company_name": "By hand"}))
            .await;
        let applied = bench.apply(&tree, &plan).await;
        let told = bench.told(&plan, &applied);
        assert!(
            told.contains("; moved: somebody created the whitelabel"),
            "{told}"
        );
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live["company_name"], "By hand");
    })
    .await;
}

/// Nothing is known of an account that is not there; the others go on.
#[tokio::test]
async fn an_unknown_account_is_unknown() {
    scenario(async |bench: &Bench| {
        let acme = bench.account("acme").await;
        let nobody = format!("account: {}\nwhitelabel: {{company_name: Nobody}}\n", bench.nobody());
        let tree = bench
            .tree()
            .account(&acme, "whitelabel: {company_name: Acme}")
            .named("nobody", &nobody)
            .load();
        let planned = bench.plan(&tree).await;
        let account = &planned.differences.accounts[1];
        assert_eq!(account.status(), Status::Unknown);
        assert!(account.unknown[0].contains("no such account"), "{:?}", account.unknown);
        let applied = bench.apply(&tree, &planned.plan).await;
        assert_snapshot!(bench.told(&planned.plan, &applied), @"acme create company_name (differs) whitelabel (differs); done");
        assert_eq!(bench.settled(&tree).await.plan.steps, []);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_found_by_its_realm() {
    scenario(async |bench: &Bench| {
        let acme = bench.account("acme").await;
        let text = format!("realm: {}\nwhitelabel: {{company_name: Acme}}\n", acme.realm);
        let tree = bench.tree().named("acme", &text).load();
        assert_snapshot!(bench.converge(&tree).await, @"acme create company_name (differs) whitelabel (differs); done");
        let live = bench.hands.settings(&acme).await.unwrap();
        assert_eq!(live["company_name"], "Acme");
    })
    .await;
}

/// Without leave nothing is deleted; with it the whitelabel goes, and its domain is free.
#[tokio::test]
async fn trap_18_a_whitelabel_is_deleted_with_leave_only() {
    scenario(async |bench: &Bench| {
        let domain = bench.domain("acme");
        let acme = bench.branded("acme", json!({"company_name": "Acme", "domain": domain})).await;
        bench.hands.upload(&acme, AssetKind::Logo, &logo([0, 0, 0])).await;
        let tree = bench.tree().account(&acme, "whitelabel: null").load();
        let plan = bench.plan_with(&tree, None, false).await.plan;
        assert_eq!(plan.steps, []);
        assert_snapshot!(bench.refusals(&plan), @"Prune: the whitelabel of acme would be deleted with all its assets");
        assert_snapshot!(bench.converge(&tree).await, @"
        acme release domain (removal); done
        acme delete whitelabel (removal); done
        ");
        assert_eq!(bench.hands.settings(&acme).await, None);
        assert_eq!(bench.hands.public(&domain).await, None);
    })
    .await;
}

#[tokio::test]
async fn what_is_protected_is_not_deleted() {
    scenario(async |bench: &Bench| {
        let acme = bench.branded("acme", json!({"company_name": "Acme"})).await;
        let text = "protected: true\nwhitelabel: null";
        let tree = bench.tree().account(&acme, text).load();
        let plan = bench.plan(&tree).await.plan;
        assert_eq!(plan.steps, []);
        assert_snapshot!(bench.refusals(&plan), @"Protected: the whitelabel of acme would be deleted, and acme is protected");
    })
    .await;
}

/// An account costs one request, a declared asset one more.
#[tokio::test]
async fn a_plan_costs_few_requests() {
    scenario(async |bench: &Bench| {
        let Some(sandbox) = &bench.platform.sandbox else {
            tell("left out: only a sandbox of ours counts its requests");
            return;
        };
        let mut files = bench.tree();
        for name in ["acme", "beta", "city"] {
            let account = bench.account(name).await;
            let text = "whitelabel: {company_name: A}\nassets: {logo: logo.png}";
            files = files
                .account(&account, text)
                .beside(&account, "logo.png", &logo([9, 9, 9]));
        }
        let tree = files.load();
        bench.converge(&tree).await;
        let before = sandbox.counts();
        assert_eq!(bench.plan(&tree).await.plan.steps, []);
        let after = sandbox.counts();
        assert_eq!(after.total - before.total, 6);
        assert_eq!(after.mutating, before.mutating);
    })
    .await;
}
