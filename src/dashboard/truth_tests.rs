//! What pages and API say is what is: of approvals before and after they are given, and of the two sides of a brand.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Method;

use super::tests::{Stage, answer};
use crate::daemon::{Author, Declined, ObjectStatus, Pause, PlannedStep, Role, Status, Taker};
use crate::diff::{Cause, Change, ChangeKey, Side};
use crate::model::{AccountName, Digest};
use crate::plan::Risk;
use crate::report::Verb;

fn step(key: &str, taker: Taker) -> PlannedStep {
    PlannedStep {
        taker,
        verb: Verb::Update,
        asset: None,
        changes: vec![Change {
            key: ChangeKey::Setting(key.into()),
            before: Side::Value("mine".into()),
            after: Side::Value("new".into()),
            cause: Cause::Drift,
            origin: None,
        }],
        risk: Risk::Reversible,
        notes: Vec::new(),
    }
}

fn put_steps(status: &mut Status, steps: &[PlannedStep]) {
    let object = status.object_mut(&AccountName::new("acme").into()).unwrap();
    Arc::make_mut(object).steps = steps.to_vec();
}

/// What waits for an approval is not said to be written, and what is approved is not said to be left.
#[tokio::test]
async fn a_page_says_what_an_approval_does_before_and_after_it() {
    let stage = Stage::start(None).await;
    let steps = [
        step("company_name", Taker::Approval),
        step("nav.help", Taker::Nobody),
    ];
    stage.published.change(|status| put_steps(status, &steps));
    let (_, page) = stage.get("/plan").await;
    for part in [
        "Nothing is applied automatically. 1 step waits for approval. 1 step is excluded by the policy.",
        "Waiting for approval",
        "Not applied: rejected, put off, or excluded by the policy",
        "Approve all",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let plan = Digest::of(b"plan");
    let order = format!(r#"{{"plan":"{plan}","by":"ada","reason":"as agreed"}}"#);
    let post = stage.ask(Method::POST, "/api/v1/approve");
    let post = post.header("content-type", "application/json").body(order);
    let (status, told) = answer(post).await;
    assert_eq!(status, 202);
    assert!(told.contains("1 step will be carried out"), "{told}");
    let (_, page) = stage.get("/plan").await;
    for part in [
        "1 step is approved and being carried out.",
        "approved plan",
        "ada",
        "as agreed",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for part in ["Nothing is written", "Approve all"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    let author = &stage.ordered().interventions[0].author;
    assert_eq!(author.by.as_deref(), Some("ada"));
    assert_eq!(author.reason.as_deref(), Some("as agreed"));
    assert_eq!(
        author.via.as_deref(),
        Some("on this machine, from 127.0.0.1")
    );
    // For programs as well.
    let (_, plan) = stage.get("/api/v1/plan").await;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["approval"]["by"], "ada");
    assert_eq!(
        plan["steps"],
        serde_json::json!({"next_run": 0, "approval": 1, "nobody": 1})
    );
}

/// Whatever keeps an approval from being carried out is the answer to it, and stands on the page instead of the form.
#[tokio::test]
async fn an_approval_that_cannot_be_carried_out_is_refused_with_the_reason() {
    async fn check(change: impl FnOnce(&mut Status), part: &str) {
        let stage = Stage::start(None).await;
        let steps = [step("company_name", Taker::Approval)];
        stage.published.change(|status| {
            put_steps(status, &steps);
            change(status);
        });
        let plan = format!(r#"{{"plan":"{}"}}"#, Digest::of(b"plan"));
        let post = stage.ask(Method::POST, "/api/v1/approve");
        let post = post.header("content-type", "application/json").body(plan);
        let (status, told) = answer(post).await;
        assert_eq!(status, 409, "{told}");
        assert!(told.contains(part), "{told}");
        assert!(stage.ordered().is_empty());
        let (_, page) = stage.get("/plan").await;
        assert!(!page.contains("Approve all"), "{page}");
    }
    let now = Timestamp::now();
    check(
        |status| {
            status.cluster.paused = Some(Pause {
                reason: "migration".to_owned(),
                by: Some("ada".to_owned()),
                via: None,
                since: now,
                until: None,
            });
        },
        "paused by ada (migration), and nothing is written; resume it",
    )
    .await;
    check(
        |status| status.cluster.down_since = Some(now),
        "the platform cannot be read since",
    )
    .await;
    check(
        |status| {
            status.cluster.role = Role::Standby {
                holder: "host-b".to_owned(),
                since: now,
            };
        },
        "ask the one that leads: host-b",
    )
    .await;
    check(
        |status| {
            status.cluster.plan = None;
            put_steps(status, &[step("company_name", Taker::Nobody)]);
        },
        "heal: off or apply: off leaves 1 step; set heal: report or apply: manual",
    )
    .await;
    check(
        |status| {
            status.cluster.plan = None;
            put_steps(status, &[step("company_name", Taker::Nobody)]);
            let object = status.object_mut(&AccountName::new("acme").into()).unwrap();
            Arc::make_mut(object).declined = Some(Declined {
                plan: Digest::of(b"part"),
                author: Author {
                    at: Timestamp::UNIX_EPOCH,
                    by: None,
                    reason: None,
                    via: None,
                },
                until: None,
            });
        },
        "1 step is rejected or put off; approve by account what is wanted after all",
    )
    .await;
}

/// The name, the domain and the picture of the tree are never shown for those that are live.
#[tokio::test]
async fn what_is_live_and_what_is_declared_are_told_apart() {
    let stage = Stage::start(None).await;
    let change = |change: fn(&mut ObjectStatus)| {
        stage.published.change(|status| {
            let object = status.object_mut(&AccountName::new("acme").into()).unwrap();
            change(Arc::make_mut(object));
        });
    };
    change(|object| {
        object.domain = Some("declared.example.com".to_owned());
        let live = object.live.get_or_insert_default();
        live.company = Some("Mallory".to_owned());
    });
    for path in ["/", "/accounts/acme"] {
        let (_, page) = stage.get(path).await;
        for part in [
            "<bdi>Mallory</bdi>",
            "live.example.com",
            "declared name: <bdi>As declared</bdi>",
            "declared domain: <bdi>declared.example.com</bdi>",
        ] {
            assert!(page.contains(part), "{path} {part}: {page}");
        }
    }
    let (_, page) = stage.get("/accounts/acme").await;
    assert!(page.contains("<h1><bdi>Mallory</bdi></h1>"), "{page}");
    for path in ["accounts/acme", "accounts?q=mallory"] {
        let (_, told) = stage.get(&format!("/api/v1/{path}")).await;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let account = told["accounts"].get(0).unwrap_or(&told);
        assert_eq!(account["company"], "As declared", "{path}");
        assert_eq!(account["live"]["company"], "Mallory", "{path}");
        assert_eq!(account["live"]["domain"], "live.example.com", "{path}");
    }
    // Nobody guesses when it could not be read.
    change(|object| object.live = None);
    let (_, page) = stage.get("/accounts/acme").await;
    assert!(page.contains("<h1><bdi>acme</bdi></h1>"), "{page}");
    assert!(page.contains("what is live is not known"), "{page}");
    assert!(
        page.contains("declared name: <bdi>As declared</bdi>"),
        "{page}"
    );
}
