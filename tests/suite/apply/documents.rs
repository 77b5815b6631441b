//! Steps on documents: create, update, release, delete.

use emblazon::apply::StepResult;
use emblazon::live::{CollectOptions, Known, ReadClient, RequestId, WriteClient, collect};
use emblazon::model::{Revision, Settings};
use emblazon::plan::Action;
use emblazon::sandbox::{Fault, FaultKind};
use emblazon::tree::BillingPolicy;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{Stage, Tree, id, object, only};

const SEED: &str = "
accounts:
  - {name: master, id: '00000000000000000000000000000000'}
  - name: acme
    id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    whitelabel:
      domain: acme.example.com
      company_name: Acme
      brandColor: teal
      nav: {help: https://help.example.com, logout: https://bye.example.com}
  - name: beta
    id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    whitelabel: {domain: beta.example.com, company_name: Beta}
  - {name: city, id: cccccccccccccccccccccccccccccccc}
";

async fn stage() -> Stage {
    Stage::start(SEED, &[]).await
}

fn renamed() -> Tree {
    Tree::new().account("acme", json!({"company_name": "Acme Voice"}))
}

/// Writes as somebody else does, whatever the revision is.
async fn by_hand(stage: &Stage, name: &str, settings: serde_json::Value) {
    let client = WriteClient::new(stage.client().await);
    let request = RequestId::new("by-hand");
    let settings = Settings::from(object(settings));
    let account = id(name);
    match client.read().whitelabel(&account).await.unwrap() {
        Some(now) => client
            .update(&account, &settings, &now.revision, &request)
            .await
            .unwrap(),
        None => client
            .create(&account, &settings, BillingPolicy::Refuse, &request)
            .await
            .unwrap(),
    };
}

async fn delete_by_hand(stage: &Stage, name: &str) {
    let reader: ReadClient = stage.client().await;
    let now = reader.whitelabel(&id(name)).await.unwrap().unwrap();
    WriteClient::new(reader)
        .delete(&id(name), &now.revision, &RequestId::new("by-hand"))
        .await
        .unwrap();
}

/// A POST drops what it leaves out, so the whole document is sent.
#[tokio::test]
async fn trap_01_undeclared_keys_survive_an_update() {
    let stage = stage().await;
    let tree = Tree::new().account(
        "acme",
        json!({"company_name": "Acme Voice", "nav": {"help": "https://new.example.com"}}),
    );
    stage.converge(&tree).await;
    let settings = stage.shown("acme").unwrap().settings;
    insta::assert_snapshot!(serde_json::Value::Object(settings), @r#"{"brandColor":"teal","company_name":"Acme Voice","domain":"acme.example.com","hide_credits":false,"hide_powered":false,"hide_registration":false,"nav":{"help":"https://new.example.com","logout":"https://bye.example.com"}}"#);
}

#[tokio::test]
async fn an_account_without_a_whitelabel_gets_one() {
    let stage = stage().await;
    let tree = Tree::new().account("city", json!({"domain": "city.example.com"}));
    let applied = stage.converge(&tree).await;
    let shown = stage.shown("city").unwrap();
    assert_eq!(shown.reserved.as_deref(), Some("city.example.com"));
    assert_eq!(
        only(&applied).result,
        StepResult::Done {
            revision: Some(Revision::new(shown.revision))
        }
    );
}

/// PUT never overwrites and POST never creates: what moved is refused, not fought over.
#[tokio::test]
async fn trap_02_what_moved_since_the_plan_is_left_alone() {
    let stage = stage().await;
    let tree = Tree::new().account("city", json!({"company_name": "City"}));
    let plan = stage.plan(&tree).await;
    by_hand(&stage, "city", json!({"company_name": "Mine"})).await;
    let before = stage.shown("city");
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @"moved: somebody created the whitelabel since the plan (revision 1-6347cb85ab23899351facd203f6cd837); plan again");
    assert_eq!(stage.shown("city"), before);

    let tree = renamed();
    let plan = stage.plan(&tree).await;
    delete_by_hand(&stage, "acme").await;
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @"moved: somebody deleted the whitelabel since the plan; plan again");
    assert_eq!(stage.shown("acme"), None);
}

#[tokio::test]
async fn a_changed_document_is_named_by_what_changed() {
    let stage = stage().await;
    let tree = renamed();
    let plan = stage.plan(&tree).await;
    by_hand(
        &stage,
        "acme",
        json!({"company_name": "Hand", "domain": "acme.example.com"}),
    )
    .await;
    let before = stage.shown("acme");
    let mutating = stage.sandbox.counts().mutating;
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @r#"moved: the whitelabel has revision 2-d614f64369413c9685c8bf5cbcc381c8 instead of 1-2427b6d99a4d06fb0ae65d1aefefe4ee: company_name is now "Hand"; plan again"#);
    assert_eq!(stage.shown("acme"), before);
    assert_eq!(stage.sandbox.counts().mutating, mutating);
}

/// Somebody writes between the read and the write: only If-Match can tell.
#[tokio::test]
async fn a_document_that_moves_right_before_the_write_is_left_alone() {
    let stage = stage().await;
    let tree = renamed();
    let plan = stage.plan(&tree).await;
    let path = "/v2/accounts/*/whitelabel";
    by_hand(
        &stage,
        "acme",
        json!({"company_name": "Hand", "domain": "acme.example.com"}),
    )
    .await;
    let before = stage.shown("acme");
    // The first reads show the document that was planned for.
    stage.faults(vec![Fault::new("GET", path, FaultKind::StaleRead)]);
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @r#"moved: the whitelabel has revision 2-d614f64369413c9685c8bf5cbcc381c8 instead of 1-2427b6d99a4d06fb0ae65d1aefefe4ee: company_name is now "Hand"; plan again"#);
    assert_eq!(stage.shown("acme"), before);
}

/// What was read for the plan is not read again before the write, which names its revision: whoever wrote meanwhile is
/// not overwritten. Nor is he when something on the way drops the revision, because then the account is read again.
#[tokio::test]
async fn what_was_read_for_the_plan_is_not_overwritten_when_it_moved() {
    for drops_revisions in [false, true] {
        let stage = stage().await;
        let tree = renamed();
        let plan = stage.plan(&tree).await;
        let url = if drops_revisions {
            without_revisions(&stage.sandbox.url()).await
        } else {
            stage.sandbox.url()
        };
        let client = stage.connect_to(&url).await;
        let mut options = stage.options();
        let collected = collect(&client, &tree.desired, &CollectOptions::default()).await;
        options.known = Known::new(&collected.unwrap(), None);
        let hand = json!({"company_name": "Hand", "domain": "acme.example.com"});
        by_hand(&stage, "acme", hand).await;
        let before = stage.shown("acme");
        let applied = stage.apply_as(client, &tree, &plan, options).await;
        let moved = reason(&applied);
        assert!(moved.contains("company_name is now \"Hand\""), "{moved}");
        assert_eq!(stage.shown("acme"), before);
    }
}

/// Starts a proxy that takes the revision from each request, and returns its URL.
async fn without_revisions(url: &str) -> String {
    let server = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            let (mut asks, mut answers) = client.into_split();
            let (mut answered, mut asked) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut answered, &mut answers).await });
            tokio::spawn(async move {
                let mut request = vec![0; 1 << 16];
                while let Ok(length @ 1..) = asks.read(&mut request).await {
                    let text = String::from_utf8_lossy(&request[..length]);
                    let text = text.replace("if-match:", "no-match:");
                    asked.write_all(text.as_bytes()).await.unwrap();
                }
            });
        }
    });
    format!("http://{address}")
}

/// An update that leaves no key would wipe the brand; it is never sent.
#[tokio::test]
async fn trap_04_an_empty_document_is_never_sent() {
    let stage = stage().await;
    let tree = renamed();
    let mut plan = stage.plan(&tree).await;
    let keys = ["domain", "company_name", "brandColor", "nav"];
    let all = ["hide_credits", "hide_powered", "hide_registration"]
        .iter()
        .chain(&keys);
    plan.steps[0].action = Action::Update {
        set: [].into(),
        remove: all.map(|key| (*key).into()).collect(),
    };
    let mutating = stage.sandbox.counts().mutating;
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @"failed: no key would be left, and an empty document wipes the brand (W6); keep a key, or declare `whitelabel: null` to delete it");
    assert_eq!(stage.sandbox.counts().mutating, mutating);
}

/// The account's side of a write fails silently: the public lookup tells, the same write repairs.
#[tokio::test]
async fn trap_11_the_public_lookup_is_verified_and_repaired() {
    let stage = stage().await;
    let tree = Tree::new().account("acme", json!({"domain": "new.example.com"}));
    let plan = stage.plan(&tree).await;
    stage.faults(vec![Fault::new(
        "POST",
        "*/whitelabel",
        FaultKind::SkipAccountWrite,
    )]);
    let applied = stage.apply(&tree, &plan).await;
    let outcome = only(&applied);
    assert!(
        matches!(outcome.result, StepResult::Done { .. }),
        "{outcome:?}"
    );
    insta::assert_snapshot!(outcome.notes.join("\n"), @"the public lookup of new.example.com did not show the document, so it was written once more");
    let reserved = stage.shown("acme").unwrap().reserved;
    assert_eq!(reserved.as_deref(), Some("new.example.com"));
}

#[tokio::test]
async fn trap_11_a_public_lookup_that_stays_wrong_is_a_failure() {
    let stage = stage().await;
    let tree = Tree::new().account("acme", json!({"domain": "new.example.com"}));
    let plan = stage.plan(&tree).await;
    let skipped = Fault::new("POST", "*/whitelabel", FaultKind::SkipAccountWrite).times(9);
    stage.faults(vec![skipped]);
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @"failed: the document is stored, but the public lookup of new.example.com finds nothing; find out which other account holds that domain, or ask the platform to repair the account document");
}

/// Deleting takes assets and domain along, so it is guarded like every other write.
#[tokio::test]
async fn trap_18_a_deletion_is_guarded() {
    let stage = stage().await;
    let tree = Tree::new().without("acme");
    let plan = stage.plan(&tree).await;
    by_hand(&stage, "acme", json!({"company_name": "Hand"})).await;
    let before = stage.shown("acme");
    let applied = stage.apply(&tree, &plan).await;
    let [release, delete] = applied.outcomes.as_slice() else {
        panic!("{applied:?}")
    };
    assert!(
        matches!(release.result, StepResult::Moved { .. }),
        "{applied:?}"
    );
    assert!(
        matches!(delete.result, StepResult::Skipped { .. }),
        "{applied:?}"
    );
    assert_eq!(stage.shown("acme"), before);

    stage.converge(&tree).await;
    assert_eq!(stage.shown("acme"), None);
}

/// 402 is refused without consent, and consent never lands in the document.
#[tokio::test]
async fn trap_29_charges_need_consent() {
    let seed = format!("{SEED}server: {{price: 5.0}}\n");
    let stage = Stage::start(&seed, &[]).await;
    let tree = Tree::new().account("city", json!({"company_name": "City"}));
    let plan = stage.plan(&tree).await;
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @"failed: the whitelabel costs money: branding.whitelabel: quantity 1, rate 5.0; nothing was changed; if the charges are wanted, set `billing: accept` in the policy of emblazon.yaml, or allow them once with `apply --allow billing --expect DIGEST`");
    assert_eq!(stage.shown("city"), None);

    let mut options = stage.options();
    options.billing = BillingPolicy::Accept;
    let applied = stage.apply_with(&tree, &plan, options).await;
    assert!(
        matches!(only(&applied).result, StepResult::Done { .. }),
        "{applied:?}"
    );
    let settings = stage.shown("city").unwrap().settings;
    assert!(!settings.contains_key("accept_charges"), "{settings:?}");
}

/// Reads behind a load balancer lag: one stale look is no verdict.
#[tokio::test]
async fn trap_38_a_stale_read_is_read_again() {
    let stage = stage().await;
    let tree = Tree::new().account(
        "acme",
        json!({"company_name": "Acme Voice", "domain": "new.example.com"}),
    );
    let plan = stage.plan(&tree).await;
    let lagging = |path: &str| Fault::new("GET", path, FaultKind::StaleRead);
    stage.faults(vec![
        lagging("/v2/accounts/*/whitelabel").nth(2).times(3),
        lagging("/v2/whitelabel/*"),
    ]);
    let applied = stage.apply(&tree, &plan).await;
    let outcome = only(&applied);
    assert!(
        matches!(outcome.result, StepResult::Done { .. }),
        "{outcome:?}"
    );
    assert_eq!(outcome.notes, [""; 0]);
}

#[tokio::test]
async fn two_accounts_swap_their_domains() {
    let stage = stage().await;
    let tree = Tree::new()
        .account("acme", json!({"domain": "beta.example.com"}))
        .account("beta", json!({"domain": "acme.example.com"}));
    stage.converge(&tree).await;
    let reserved = |name: &str| stage.shown(name).unwrap().reserved.unwrap();
    assert_eq!(reserved("acme"), "beta.example.com");
    assert_eq!(reserved("beta"), "acme.example.com");
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading() {
    #[track_caller]
    fn check(applied: &emblazon::apply::Applied) {
        let outcome = applied.outcomes.last().expect("a step");
        assert!(
            matches!(outcome.result, StepResult::Done { .. }),
            "{outcome:?}"
        );
        assert_eq!(outcome.notes.len(), 1, "{outcome:?}");
    }
    for (tree, method) in [
        (renamed(), "POST"),
        (
            Tree::new().account("city", json!({"company_name": "C"})),
            "PUT",
        ),
        (Tree::new().without("acme"), "DELETE"),
    ] {
        for fault in [FaultKind::LostAnswer, FaultKind::CutBody] {
            let stage = stage().await;
            let plan = stage.plan(&tree).await;
            stage.faults(vec![Fault::new(method, "*/whitelabel", fault)]);
            check(&stage.apply(&tree, &plan).await);
            assert_eq!(stage.plan(&tree).await.steps, []);
        }
    }
}

/// `verb` inside `data` turns an update into a deletion: such a document is not sent.
#[tokio::test]
async fn observed_01_a_live_verb_key_never_steers_an_update() {
    let seed = SEED.replace(
        "company_name: Acme\n",
        "company_name: Acme\n      verb: DELETE\n",
    );
    let stage = Stage::start(&seed, &[]).await;
    let tree = renamed();
    let plan = stage.plan(&tree).await;
    let before = stage.shown("acme");
    let applied = stage.apply(&tree, &plan).await;
    insta::assert_snapshot!(reason(&applied), @r#"failed: key "verb" would steer the request instead of being stored, so it was not sent; nothing was changed; remove that key, from the tree or from the live document by hand"#);
    assert_eq!(stage.shown("acme"), before);
}

fn reason(applied: &emblazon::apply::Applied) -> String {
    match &only(applied).result {
        StepResult::Moved { reason } => format!("moved: {reason}"),
        StepResult::Failed { reason } => format!("failed: {reason}"),
        StepResult::Unknown { reason } => format!("unknown: {reason}"),
        other => panic!("{other:?}"),
    }
}
