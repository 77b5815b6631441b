//! Writing documents, assets and the template.

use serde_json::json;

use super::*;
use crate::live::{ApiError, TemplateWriter, WriteClient, WriteError};
use crate::model::{AssetKind, AssetType, Digest, DomainTemplate, HIJACKING_NAMES, Revision};
use crate::tree::BillingPolicy;

async fn writer(sandbox: &Sandbox) -> WriteClient {
    WriteClient::new(client(sandbox).await)
}

async fn revision(client: &ReadClient, account: &AccountId) -> Revision {
    client.whitelabel(account).await.unwrap().unwrap().revision
}

#[tokio::test]
async fn a_whitelabel_from_beginning_to_end() {
    let sandbox = sandbox().await;
    let writer = writer(&sandbox).await;
    let empty = id('c');
    let first = settings(json!({"company_name": "Empty", "domain": "empty.example.com"}));
    let created = writer
        .create(&empty, &first, BillingPolicy::Refuse, &request())
        .await
        .unwrap();
    assert_eq!(
        created.settings.get(&"hide_powered".into()),
        Some(&json!(false))
    );
    let mut second = created.settings.clone();
    second.set(&"company_name".into(), json!("Full"));
    let updated = writer
        .update(&empty, &second, &created.revision, &request())
        .await
        .unwrap();
    assert_eq!(updated.settings, second);
    let read = writer.read().whitelabel(&empty).await.unwrap().unwrap();
    assert_eq!(read, updated);
    writer
        .delete(&empty, &read.revision, &request())
        .await
        .unwrap();
    assert_eq!(writer.read().whitelabel(&empty).await, Ok(None));
}

/// Trap 14, B9: an upload is answered with the document, two revisions further, and the next write
/// takes that revision.
#[tokio::test]
async fn trap_14_an_upload_is_answered_with_the_document() {
    let sandbox = sandbox().await;
    let writer = writer(&sandbox).await;
    let before = revision(writer.read(), &gold()).await;
    assert!(before.as_str().starts_with("1-"), "{before}");
    let after = writer
        .upload(
            &gold(),
            AssetKind::Logo,
            AssetType::Png,
            PNG.to_vec(),
            &before,
            &request(),
        )
        .await
        .unwrap();
    assert!(
        after.revision.as_str().starts_with("3-"),
        "{}",
        after.revision
    );
    assert_eq!(
        after.settings.get(&"company_name".into()),
        Some(&json!("Gold"))
    );
    assert_eq!(revision(writer.read(), &gold()).await, after.revision);
    let logo = writer
        .read()
        .asset(&gold(), AssetKind::Logo)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(logo.bytes, PNG);
    // Observed 4: named by its digest.
    let name = format!("logo-{}.png", Digest::of(PNG));
    assert_eq!(logo.attachment, Some(name));
}

/// C2, W15: a write at an old revision is refused and changes nothing.
#[tokio::test]
async fn an_old_revision_is_refused() {
    let sandbox = sandbox().await;
    let writer = writer(&sandbox).await;
    let old = revision(writer.read(), &gold()).await;
    sandbox.world().edit_settings(gold().as_str(), |settings| {
        settings.insert("company_name".to_owned(), json!("Somebody else's"));
    });
    let refused = WriteError::Refused(ApiError::PreconditionFailed);
    let mine = settings(json!({"company_name": "Mine"}));
    let update = writer.update(&gold(), &mine, &old, &request()).await;
    assert_eq!(update, Err(refused.clone()));
    let upload = writer
        .upload(
            &gold(),
            AssetKind::Icon,
            AssetType::Ico,
            ICO.to_vec(),
            &old,
            &request(),
        )
        .await;
    assert_eq!(upload, Err(refused.clone()));
    assert_eq!(writer.delete(&gold(), &old, &request()).await, Err(refused));
}

/// Traps 2 and 10: creating over a document, and claiming a domain that is held, also one that its
/// holder does not show any more (W22).
#[tokio::test]
async fn trap_10_a_held_domain_is_refused() {
    let sandbox = sandbox().await;
    let writer = writer(&sandbox).await;
    let claim = |domain: &str| settings(json!({"domain": domain}));
    for domain in ["gold.example.com", "old.example.com", "loud.example.com"] {
        let created = writer
            .create(&id('c'), &claim(domain), BillingPolicy::Refuse, &request())
            .await;
        let in_use = ApiError::DomainInUse {
            domain: domain.to_owned(),
        };
        assert_eq!(created, Err(WriteError::Refused(in_use)));
    }
    let again = writer
        .create(
            &gold(),
            &claim("new.example.com"),
            BillingPolicy::Refuse,
            &request(),
        )
        .await;
    assert_eq!(again, Err(WriteError::Refused(ApiError::Conflict)));
}

/// Trap 29, C7: charges are accepted by word only, and the word is not stored.
#[tokio::test]
async fn trap_29_charges_need_consent() {
    let seed = format!("{SEED}server: {{ price: 10.0 }}\n");
    let seed = Seed::parse(&seed, Path::new(".")).unwrap();
    let sandbox = Sandbox::start(Options::seeded(seed)).await.unwrap();
    let writer = writer(&sandbox).await;
    let wanted = settings(json!({"company_name": "Empty"}));
    let create = async |billing| writer.create(&id('c'), &wanted, billing, &request()).await;
    let refused = create(BillingPolicy::Refuse).await.unwrap_err();
    assert!(
        matches!(refused.cause(), ApiError::Billing { .. }),
        "{refused}"
    );
    assert_eq!(writer.read().whitelabel(&id('c')).await, Ok(None));
    let created = create(BillingPolicy::Accept).await.unwrap();
    assert_eq!(created.settings.get(&"accept_charges".into()), None);
}

/// Trap 4: what would wipe a whitelabel or the cluster's template never leaves this machine.
#[tokio::test]
async fn trap_04_nothing_empty_is_sent() {
    let sandbox = sandbox().await;
    let writer = writer(&sandbox).await;
    let nothing = Err(WriteError::NotSent(ApiError::EmptyDocument));
    let old = Revision::new("1-x");
    let update = writer
        .update(&gold(), &Settings::default(), &old, &request())
        .await;
    assert_eq!(update.map(|_| ()), nothing);
    let template = TemplateWriter::new(writer.read().clone());
    let replace = template
        .replace(&DomainTemplate::default(), &request())
        .await;
    assert_eq!(replace, nothing);
    assert_eq!(sandbox.counts().mutating, 0);
}

/// Trap 30, observed 1: a key that would steer the request is not sent, whatever the tree's checks say.
#[tokio::test]
async fn trap_30_observed_01_no_key_steers_the_request() {
    let sandbox = sandbox().await;
    let writer = writer(&sandbox).await;
    for name in HIJACKING_NAMES {
        let hijack = settings(json!({"company_name": "Gold", *name: "DELETE"}));
        let old = revision(writer.read(), &gold()).await;
        let update = writer.update(&gold(), &hijack, &old, &request()).await;
        let key = ApiError::HijackingKey { key: name };
        assert_eq!(update, Err(WriteError::NotSent(key)));
    }
    assert_eq!(sandbox.counts().mutating, 0);
}

/// Traps 5 and 42: the template has a writer of its own, replaces as a whole, and is read back. That a
/// reader or a writer of whitelabels cannot replace it needs no test: neither has a method for it.
#[tokio::test]
async fn trap_05_trap_42_the_template_is_replaced_as_a_whole() {
    let sandbox = sandbox().await;
    let writer = TemplateWriter::new(client(&sandbox).await);
    let wanted = settings(json!({
        "A": {"sip.{{domain}}": {"name": "SIP", "mapping": ["192.0.2.10"], "zone": "z", "extra": 1}},
        "TXT": {},
    }));
    let wanted = DomainTemplate::from_answer(wanted.as_object().clone()).unwrap();
    writer.replace(&wanted, &request()).await.unwrap();
    assert_eq!(writer.read().template().await, Ok(wanted.clone()));
    let reseller = Credential::ApiKey(Secret::new(key_of(&sandbox, "Gold")));
    let config = ClientConfig {
        credential: reseller,
        ..config(&sandbox)
    };
    let reseller = TemplateWriter::new(ReadClient::connect(config).await.unwrap());
    let refused = reseller.replace(&wanted, &request()).await;
    assert_eq!(refused, Err(WriteError::Refused(ApiError::Forbidden)));
}

fn key_of(sandbox: &Sandbox, name: &str) -> String {
    let world = sandbox.world();
    world.account_named(name).unwrap().api_key.clone()
}

/// Trap 17, B12: an upload that fails is sent once, and its outcome is unknown.
#[tokio::test]
async fn trap_17_observed_03_a_failed_upload_is_sent_once() {
    let sandbox = sandbox().await;
    let writer = writer(&sandbox).await;
    let path = "/v2/accounts/*/whitelabel/logo";
    for kind in [
        FaultKind::DestroyDocument,
        FaultKind::Status(503),
        FaultKind::Status(409),
    ] {
        sandbox.set_faults(vec![fault("POST", path, kind)]);
        let before = sandbox.counts().mutating;
        let old = match writer.read().whitelabel(&gold()).await.unwrap() {
            Some(document) => document.revision,
            None => Revision::new("1-x"),
        };
        let upload = writer
            .upload(
                &gold(),
                AssetKind::Logo,
                AssetType::Png,
                PNG.to_vec(),
                &old,
                &request(),
            )
            .await;
        assert_eq!(sandbox.counts().mutating - before, 1, "{kind:?}");
        if kind == FaultKind::DestroyDocument {
            assert!(matches!(upload, Err(WriteError::Lost(_))), "{upload:?}");
            assert_eq!(writer.read().whitelabel(&gold()).await, Ok(None));
            sandbox.world().edit_settings(gold().as_str(), |settings| {
                settings.insert("company_name".to_owned(), json!("Gold"));
            });
        } else {
            assert!(matches!(upload, Err(WriteError::Lost(_))), "{upload:?}");
        }
    }
}

/// Observed 12: the name of a write is the caller's, so that a journal and the server's log agree.
#[test]
fn observed_12_names_of_requests() {
    assert_eq!(RequestId::new("run-1 \r\nx: y").as_str(), "run-1x:y");
    assert_eq!(RequestId::new("x".repeat(99)).as_str().len(), 64);
}
