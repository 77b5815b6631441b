//! Scripted faults.

use emblazon::sandbox::{Fault, FaultKind};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Caller;
use super::caller::{ACME, acme, request};
use crate::wire;

async fn with_document() -> Caller {
    let caller = Caller::new().await;
    let data = json!({"company_name": "old", "domain": "acme.example.com"});
    assert_eq!(caller.put(&acme(""), &data).await.status, 201);
    caller
}

impl Caller {
    fn script(&self, method: &str, path: &str, kind: FaultKind) {
        self.sandbox
            .set_faults(vec![Fault::new(method, path, kind)]);
    }
}

#[tokio::test]
async fn statuses_come_with_their_usual_bodies() {
    let caller = with_document().await;
    let check = async |status: u16, message: &str| {
        caller.script("POST", "/v2/accounts/*", FaultKind::Status(status));
        let answer = caller
            .post(&acme(""), &json!({"company_name": "new"}))
            .await;
        assert_eq!(answer.status, status);
        if message.is_empty() {
            assert!(answer.body.is_empty());
        } else {
            assert_eq!(answer.json()["message"], message);
            assert_eq!(answer.json()["error"], status.to_string());
        }
    };
    check(401, "invalid_credentials").await;
    check(402, "accept_charges").await;
    check(409, "datastore_conflict").await;
    check(412, "").await;
    check(429, "too_many_requests").await;
    check(500, "init failed").await;
    check(503, "datastore_unreachable").await;
    let data = caller.get(&acme("")).await.json();
    assert_eq!(data["data"]["company_name"], "old");
}

#[tokio::test]
async fn connections_end_before_in_and_after_the_work() {
    let caller = with_document().await;
    let exchange = async |kind: FaultKind, name: &str| {
        caller.script("POST", "*", kind);
        let body = json!({"data": {"company_name": name}}).to_string();
        let mut request = request("POST", &acme(""), Some(body.as_bytes()));
        request
            .headers
            .push(("X-Auth-Token".to_owned(), caller.token.clone()));
        let received = wire::exchange(caller.sandbox.address(), &request).await;
        let stored = caller.get(&acme("")).await.json();
        (
            received,
            stored["data"]["company_name"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(
        exchange(FaultKind::DropConnection, "one").await,
        (vec![], "old".to_owned())
    );
    assert_eq!(
        exchange(FaultKind::LostAnswer, "two").await,
        (vec![], "two".to_owned())
    );
    let (received, stored) = exchange(FaultKind::CutBody, "three").await;
    assert_eq!(stored, "three");
    let text = String::from_utf8(received).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"));
    assert!(body.starts_with('{') && !body.ends_with('}'), "{body}");
}

#[tokio::test]
async fn half_a_request_changes_nothing() {
    let caller = with_document().await;
    let mut stream = tokio::net::TcpStream::connect(caller.sandbox.address())
        .await
        .unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {}\r\nContent-Length: 100\r\n\r\n{{",
        acme(""),
        caller.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(caller.get(&acme("")).await.generation(), 1);
}

#[tokio::test]
async fn a_request_that_hangs_ends_with_the_sandbox() {
    let caller = with_document().await;
    caller.script("GET", "*", FaultKind::Hang);
    let address = caller.sandbox.address();
    let request = request("GET", &acme("/logo"), None);
    let (received, ()) = tokio::join!(wire::exchange(address, &request), async {
        while caller.sandbox.counts().of("GET", "asset") == 0 {
            tokio::task::yield_now().await;
        }
        caller.sandbox.stop().await;
    });
    assert_eq!(received, Vec::<u8>::new());
}

#[tokio::test]
async fn trap_11_the_second_write_can_be_skipped() {
    let caller = with_document().await;
    caller.script("POST", "*", FaultKind::SkipAccountWrite);
    let data = json!({"domain": "new.example.com"});
    assert_eq!(caller.post(&acme(""), &data).await.status, 200);
    assert_eq!(
        caller.get("/v2/whitelabel/new.example.com").await.status,
        404
    );
    assert_eq!(
        caller.get("/v2/whitelabel/acme.example.com").await.status,
        200
    );
    assert_eq!(caller.post(&acme(""), &data).await.status, 200);
    assert_eq!(
        caller.get("/v2/whitelabel/new.example.com").await.status,
        200
    );
}

#[tokio::test]
async fn trap_17_a_conflict_in_an_upload_may_have_stored_the_file() {
    let caller = with_document().await;
    caller
        .upload(&acme("/icon?filename=a.png"), "image/png", b"old")
        .await;
    caller.script("POST", "*/icon", FaultKind::Status(409));
    let answer = caller
        .upload(&acme("/icon?filename=b.png"), "image/png", b"new")
        .await;
    assert_eq!(answer.status, 409);
    let world = caller.sandbox.world();
    let document = world.document(ACME).unwrap();
    let names: Vec<&str> = document.attachments.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["icon-a.png", "icon-b.png"]);
}

#[tokio::test]
async fn trap_17_and_observed_03_a_failed_upload_destroys() {
    let caller = with_document().await;
    // The first upload of an account: the document goes.
    caller.script("POST", "*/logo", FaultKind::DestroyDocument);
    let answer = caller.upload(&acme("/logo"), "image/png", b"x").await;
    assert_eq!(
        (answer.status, &answer.json()["message"]),
        (500, &json!("datastore_fault"))
    );
    assert_eq!(caller.get(&acme("")).await.status, 404);
    assert_eq!(
        caller.get("/v2/whitelabel/acme.example.com").await.status,
        404
    );
    // Its domain stays reserved by the account.
    let refused = caller
        .put(
            &super::caller::other(""),
            &json!({"domain": "acme.example.com"}),
        )
        .await;
    assert_eq!(refused.status, 400);
    // With another asset only the one that is replaced goes.
    caller
        .put(&acme(""), &json!({"domain": "acme.example.com"}))
        .await;
    caller.upload(&acme("/icon"), "image/png", b"icon").await;
    caller.upload(&acme("/logo"), "image/png", b"logo").await;
    caller.script("POST", "*/logo", FaultKind::DestroyDocument);
    assert_eq!(
        caller
            .upload(&acme("/logo"), "image/png", b"y")
            .await
            .status,
        500
    );
    assert_eq!(caller.get(&acme("/logo")).await.status, 404);
    assert_eq!(caller.get(&acme("/icon")).await.body, b"icon");
    // Replacing the only asset: the document goes.
    caller.script("POST", "*/icon", FaultKind::DestroyDocument);
    caller.upload(&acme("/icon"), "image/png", b"z").await;
    assert_eq!(caller.get(&acme("")).await.status, 404);
}

#[tokio::test]
async fn trap_38_a_stale_read_sees_what_was_before() {
    let caller = with_document().await;
    caller
        .post(&acme(""), &json!({"company_name": "new"}))
        .await;
    caller.script("GET", "*", FaultKind::StaleRead);
    let stale = caller.get(&acme("")).await;
    assert_eq!(
        (&stale.json()["data"]["company_name"], stale.generation()),
        (&json!("old"), 1)
    );
    let fresh = caller.get(&acme("")).await;
    assert_eq!(
        (&fresh.json()["data"]["company_name"], fresh.generation()),
        (&json!("new"), 2)
    );
    caller.upload(&acme("/logo"), "image/png", b"x").await;
    caller.script("GET", "*", FaultKind::StaleRead);
    assert_eq!(caller.get(&acme("/logo")).await.status, 404);
}
