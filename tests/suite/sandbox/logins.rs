//! Who may do what, and for how long.

use std::time::Duration;

use emblazon::model::md5_hex;
use serde_json::json;

use super::Caller;
use super::caller::{acme, log_in, other};

#[tokio::test]
async fn user_auth_takes_md5_and_sha() {
    let caller = Caller::new().await;
    let check = async |credentials: &str, method: &str, expected: u16| {
        let data = json!({"credentials": credentials, "method": method, "account_name": "Master"});
        let answer = caller.put("/v2/user_auth", &data).await;
        assert_eq!(answer.status, expected, "{credentials}");
    };
    check(&md5_hex(b"admin:secret"), "md5", 201).await;
    check(&md5_hex(b"admin:wrong"), "md5", 401).await;
    // printf admin:secret | sha1sum
    check("7efaf6701fdf8c6780897f20d5a1a1526dd92029", "sha", 201).await;
    check(&md5_hex(b"admin:secret"), "sha", 401).await;
}

#[tokio::test]
async fn trap_28_a_token_ends_and_says_so_in_other_words() {
    let caller = Caller::new().await;
    assert_eq!(caller.get(&acme("")).await.status, 404);
    caller.sandbox.advance(Duration::from_secs(3601));
    let expired = caller.get(&acme("")).await;
    assert_eq!(expired.status, 401);
    assert_eq!(expired.json()["message"], "invalid credentials");
    assert_eq!(expired.json()["data"], json!({}));
    let unknown = Caller {
        token: "deadbeef".to_owned(),
        ..caller
    };
    let answer = unknown.get(&acme("")).await;
    assert_eq!(
        (answer.status, &answer.json()["message"]),
        (401, &json!("invalid_credentials"))
    );
}

#[tokio::test]
async fn trap_35_an_account_edits_itself_and_those_below() {
    let caller = Caller::new().await;
    let check = async |who: &str, target: String, expected: u16| {
        let key = caller
            .sandbox
            .world()
            .account_named(who)
            .unwrap()
            .api_key
            .clone();
        let token = log_in(&caller.sandbox, &key).await;
        let body = json!({"data": {}}).to_string();
        let mut request = super::caller::request("POST", &target, Some(body.as_bytes()));
        request.headers.push(("X-Auth-Token".to_owned(), token));
        let answer = crate::wire::send(caller.sandbox.address(), &request).await;
        assert_eq!(answer.status, expected, "{who} {target}");
    };
    check("Acme", acme(""), 404).await;
    check("Reseller", acme(""), 404).await;
    check("Master", acme(""), 404).await;
    check("Other", acme(""), 403).await;
    check("Acme", other(""), 403).await;
    check("Reseller", other(""), 403).await;
}

#[tokio::test]
async fn trap_41_a_wrong_api_key_is_echoed_in_a_404() {
    let caller = Caller::new().await;
    let key = "0".repeat(64);
    let answer = caller.put("/v2/api_auth", &json!({"api_key": key})).await;
    assert_eq!(
        (answer.status, &answer.json()["data"]),
        (404, &json!([key]))
    );
    let short = caller.put("/v2/api_auth", &json!({"api_key": "x"})).await;
    assert_eq!(short.status, 400);
}

#[tokio::test]
async fn observed_05_only_requests_without_a_token_are_limited() {
    let mut caller = Caller::new().await;
    caller.sandbox.set_clock(1_000_000_000);
    caller.token = log_in(&caller.sandbox, caller.sandbox.api_key()).await;
    for _ in 0..150 {
        assert_ne!(caller.get("/v2/whitelabel/a.example.com").await.status, 429);
    }
    let token = std::mem::take(&mut caller.token);
    let mut allowed = 0;
    while caller.get("/v2/whitelabel/a.example.com").await.status != 429 {
        allowed += 1;
    }
    assert_eq!(allowed, 98, "two of 100 went to logins");
    caller.sandbox.advance(Duration::from_secs(1));
    assert_eq!(caller.get("/v2/whitelabel/a.example.com").await.status, 404);
    caller.token = token;
    assert_eq!(caller.get("/v2/whitelabel/a.example.com").await.status, 404);
}
