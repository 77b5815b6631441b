//! Logo, icon and welcome page.

use serde_json::json;

use super::Caller;
use super::caller::{acme, request};
use crate::wire;

async fn with_document() -> Caller {
    let caller = Caller::new().await;
    let data = json!({"domain": "acme.example.com"});
    assert_eq!(caller.put(&acme(""), &data).await.status, 201);
    caller
}

#[tokio::test]
async fn trap_12_domain_scoped_paths_only_read() {
    let caller = with_document().await;
    let target = "/v2/whitelabel/acme.example.com/logo";
    assert_eq!(caller.upload(target, "image/png", b"x").await.status, 405);
    let target = acme("/acme.example.com/logo");
    assert_eq!(caller.upload(&target, "image/png", b"x").await.status, 405);
}

#[tokio::test]
async fn trap_13_an_asset_has_neither_tag_nor_type() {
    let caller = with_document().await;
    caller.upload(&acme("/logo"), "image/png", b"\x89PNG").await;
    let check = async |name: &str, value: &str, expected: u16| {
        let answer = caller
            .send("GET", &acme("/logo"), &[(name, value)], None)
            .await;
        assert_eq!(answer.status, expected, "{name}: {value}");
        answer
    };
    let found = check("Accept", "*/*", 200).await;
    assert_eq!(found.body, b"\x89PNG");
    assert_eq!(found.header("content-type"), Some("undefined"));
    assert_eq!(found.header("etag"), None);
    check("Accept", "application/json", 406).await;
    check("Accept", "image/png", 200).await;
    check("If-None-Match", "\"1-x\"", 412).await;
    check("If-None-Match", "*", 304).await;
}

#[tokio::test]
async fn trap_14_an_upload_answers_the_document_two_revisions_later() {
    let caller = with_document().await;
    let answer = caller.upload(&acme("/logo"), "image/png", b"x").await;
    assert_eq!((answer.status, answer.generation()), (200, 3));
    assert_eq!(answer.json()["data"]["domain"], "acme.example.com");
    assert_eq!(answer.header("etag"), None);
}

#[tokio::test]
async fn trap_15_types_that_an_upload_may_have() {
    let caller = with_document().await;
    let check = async |asset: &str, content_type: &str, expected: u16| {
        let answer = caller.upload(&acme(asset), content_type, b"eA==").await;
        assert_eq!(answer.status, expected, "{asset} {content_type}");
        if expected == 415 {
            assert!(answer.body.is_empty());
        }
    };
    check("/logo", "image/svg+xml", 415).await;
    check("/logo", "image/webp", 415).await;
    check("/logo", "application/octet-stream", 415).await;
    check("/logo", "multipart/form-data; boundary=x", 415).await;
    check("/logo", "image/x-icon", 415).await;
    check("/logo", "image/png; charset=binary", 200).await;
    check("/icon", "image/x-icon", 200).await;
    check("/welcome", "image/png", 415).await;
    check("/welcome", "text/html; charset=utf-8", 200).await;
    check("/logo", "application/base64", 200).await;
    assert_eq!(caller.get(&acme("/logo")).await.body, b"x");
}

/// The server decodes while it reads, before it looks at the path: so it says no content type, and lists every method.
#[tokio::test]
async fn what_is_no_base64_is_refused_before_anything_else() {
    let caller = with_document().await;
    let check = async |target: &str, headers: &[(&str, &str)]| {
        let broken = caller.send("POST", target, headers, Some(b"%%%")).await;
        assert_eq!(broken.status, 400, "{target} {headers:?}");
        assert_eq!(
            broken.json()["data"],
            json!({"file": {"encoding": {"message": "failed to decode base64 data"}}})
        );
        assert_eq!(broken.header("content-type"), None);
        assert_eq!(
            broken.header("access-control-allow-methods"),
            Some("OPTIONS, GET, POST, PUT, DELETE, HEAD, PATCH, OPTIONS")
        );
    };
    let bare = ("Content-Type", "application/x-base64");
    check(&acme("/logo"), &[bare]).await;
    check(&acme("/logo"), &[("Content-Type", "application/base64")]).await;
    let encoded = ("Content-Transfer-Encoding", "base64");
    check(&acme("/logo"), &[("Content-Type", "image/png"), encoded]).await;
    check("/v2/nowhere", &[bare]).await;
}

#[tokio::test]
async fn trap_16_and_observed_02_the_last_attachment_counts_as_the_logo() {
    let caller = with_document().await;
    caller.upload(&acme("/icon"), "image/x-icon", b"icon").await;
    assert_eq!(caller.get(&acme("/logo")).await.status, 404);
    caller
        .upload(&acme("/welcome"), "text/html", b"<p>hi</p>")
        .await;
    assert_eq!(caller.get(&acme("/logo")).await.body, b"<p>hi</p>");
    caller.upload(&acme("/logo"), "image/png", b"logo").await;
    assert_eq!(caller.get(&acme("/welcome")).await.status, 404);
    assert_eq!(caller.get(&acme("/icon")).await.body, b"icon");
    caller
        .upload(&acme("/welcome"), "text/html", b"<p>again</p>")
        .await;
    caller.upload(&acme("/logo"), "image/gif", b"new").await;
    assert_eq!(caller.get(&acme("/welcome")).await.body, b"<p>again</p>");
    assert_eq!(caller.get(&acme("/logo")).await.body, b"new");
}

#[tokio::test]
async fn trap_33_too_large_answers_400() {
    let caller = with_document().await;
    let body = vec![0; 8_000_001];
    let answer = caller.upload(&acme("/logo"), "image/png", &body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["data"]["file"]["maxSize"]["target"],
        json!(8_000_000)
    );
    assert_eq!(caller.get(&acme("")).await.generation(), 1);
}

#[tokio::test]
async fn observed_04_the_filename_of_an_upload_is_kept() {
    let caller = with_document().await;
    let check = async |query: &str, content_type: &str, expected: &str| {
        caller
            .upload(&acme(&format!("/logo{query}")), content_type, b"eA==")
            .await;
        let answer = caller.get(&acme("/logo")).await;
        assert_eq!(
            answer.header("content-disposition").unwrap(),
            format!("attachment; filename={expected}"),
        );
    };
    check("?filename=abc.png", "image/png", "logo-abc.png").await;
    check("?filename=abc", "image/png", "logo-abc.png").await;
    check("?filename=a%20b%20c.png", "image/png", "logo-abc.png").await;
    check("?filename=../up.png", "image/png", "logo-../up.png").await;
    caller.sandbox.set_clock(0);
    check("", "image/jpeg", "logo-uploaded_file_62167219200.jpeg").await;
    check(
        "?filename=ignored.png",
        "application/base64",
        "logo-uploaded_file_62167219200.",
    )
    .await;
}

#[tokio::test]
async fn observed_06_assets_are_open_without_a_token() {
    let mut caller = with_document().await;
    caller.upload(&acme("/logo"), "image/png", b"x").await;
    caller.token.clear();
    assert_eq!(caller.get(&acme("/logo")).await.status, 200);
    assert_eq!(caller.get(&acme("/domains")).await.status, 200);
    assert_eq!(caller.get(&acme("/anything")).await.status, 200);
    assert_eq!(caller.get(&acme("")).await.status, 401);
    assert_eq!(
        caller
            .upload(&acme("/logo"), "image/png", b"y")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn observed_11_a_range_ends_the_connection() {
    let caller = with_document().await;
    caller.upload(&acme("/logo"), "image/png", b"eA==").await;
    let mut request = request("GET", &acme("/logo"), None);
    request
        .headers
        .push(("Range".to_owned(), "bytes=0-1".to_owned()));
    let received = wire::exchange(caller.sandbox.address(), &request).await;
    assert_eq!(received, Vec::<u8>::new());
}
