//! The system's domain template.

use serde_json::{Value, json};

use super::Caller;
use super::caller::{acme, log_in};

const SYSTEM: &str = "/v2/whitelabel/domains";
const RAW: &str = "/v2/whitelabel/domains?domain=%7B%7Bdomain%7D%7D";

#[tokio::test]
async fn trap_05_without_an_account_the_template_is_replaced() {
    let caller = Caller::new().await;
    let template = json!({"CNAME": {"w.{{domain}}": {"name": "W", "mapping": ["ui.example.net"]}}});
    assert_eq!(caller.post(SYSTEM, &template).await.status, 200);
    assert_eq!(caller.get(RAW).await.json()["data"], template);
    let reseller = caller
        .sandbox
        .world()
        .account_named("Reseller")
        .unwrap()
        .clone();
    let token = log_in(&caller.sandbox, &reseller.api_key).await;
    let caller = Caller { token, ..caller };
    assert_eq!(caller.post(SYSTEM, &json!({})).await.status, 403);
    let counts = caller.sandbox.counts();
    assert_eq!(counts.of("POST", "domains"), 2);
}

#[tokio::test]
async fn trap_04_an_empty_body_erases_the_template() {
    let caller = Caller::new().await;
    assert_eq!(
        caller.send("POST", SYSTEM, &[], Some(b"")).await.status,
        200
    );
    assert_eq!(caller.get(RAW).await.json()["data"], json!({}));
}

#[tokio::test]
async fn trap_21_cnam_is_stored_and_breaks_the_test() {
    let caller = Caller::new().await;
    let template = json!({"CNAM": {"w.{{domain}}": {"mapping": ["ui.example.net"]}}});
    assert_eq!(caller.post(SYSTEM, &template).await.status, 200);
    assert_eq!(caller.get(RAW).await.json()["data"], template);
    let target = acme("/domains?domain=a.example.com");
    assert_eq!(caller.post(&target, &json!({})).await.status, 500);
}

#[tokio::test]
async fn trap_23_the_placeholder_is_replaced_once_in_each_text() {
    let caller = Caller::new().await;
    let mapping = json!(["{{domain}} {{domain}}"]);
    let template = json!({"TXT": {"{{domain}}.{{domain}}": {"mapping": mapping}}});
    caller.post(SYSTEM, &template).await;
    let answer = caller.get("/v2/whitelabel/domains?domain=a.b").await;
    assert_eq!(
        answer.json()["data"],
        json!({"TXT": {"a.b.{{domain}}": {"mapping": ["a.b {{domain}}"]}}})
    );
}

#[tokio::test]
async fn trap_25_the_zone_is_kept_by_get_and_dropped_by_the_test() {
    let caller = Caller::new().await;
    let domain = "?domain=a.example.com";
    let read = caller.get(&acme(&format!("/domains{domain}"))).await.json();
    assert_eq!(
        read["data"]["A"]["us-east.a.example.com"]["zone"],
        "us-east"
    );
    let tested = caller
        .post(&acme(&format!("/domains{domain}")), &json!({}))
        .await
        .json();
    assert_eq!(
        tested["data"]["A"]["us-east.a.example.com"],
        json!({"name": "Primary Proxy", "expected": ["127.0.0.1"], "actual": []})
    );
    assert_eq!(caller.sandbox.counts().mutating, 0);
}

#[tokio::test]
async fn observed_07_poison_is_stored_and_answers_500_until_it_is_replaced() {
    let caller = Caller::new().await;
    let check = async |template: Value| {
        assert_eq!(
            caller.post(SYSTEM, &template).await.status,
            200,
            "{template}"
        );
        let broken = caller.get(RAW).await;
        assert_eq!(broken.status, 500, "{template}");
        assert_eq!(broken.json()["message"], "init failed");
        assert_eq!(caller.post(SYSTEM, &json!({"A": {}})).await.status, 200);
        assert_eq!(caller.get(RAW).await.status, 200);
    };
    check(json!({"A": {"a.{{domain}}": "text"}})).await;
    check(json!({"A": {"a.{{domain}}": {"mapping": "text"}}})).await;
    check(json!({"pvt_x": 1})).await;
    assert_eq!(caller.get(SYSTEM).await.status, 500);
}

#[tokio::test]
async fn observed_08_and_09_mappings_are_added_and_cname_is_validated() {
    let caller = Caller::new().await;
    caller
        .post(SYSTEM, &json!({"A": {"a.{{domain}}": {"name": "x"}}}))
        .await;
    assert_eq!(
        caller.get(RAW).await.json()["data"],
        json!({"A": {"a.{{domain}}": {"name": "x", "mapping": []}}})
    );
    let refused = caller
        .post(SYSTEM, &json!({"CNAME": {"w.{{domain}}": {"name": "W"}}}))
        .await;
    assert_eq!(refused.status, 400);
    assert!(refused.json()["data"]["CNAME.w%2E{{domain}}.mapping"]["required"].is_object());
}

/// Each host that no brand can have is an error of its own, and each shows the whole object.
#[tokio::test]
async fn every_invalid_host_below_cname_is_listed() {
    let caller = Caller::new().await;
    let host = |target: &str| json!({"name": "W", "mapping": [target]});
    let cname = json!({
        "a.fixed.test": host("x.example.net"),
        "b.fixed.test": host("y.example.net"),
        "w.{{domain}}": host("z.example.net"),
    });
    let refused = caller.post(SYSTEM, &json!({"CNAME": cname})).await;
    assert_eq!(refused.status, 400);
    let strict = json!({"additionalProperties": {
        "message": "Strict checking of data is enabled; only include schema-defined properties",
        "value": cname,
    }});
    assert_eq!(
        refused.json()["data"],
        json!({"CNAME.a%2Efixed%2Etest": strict, "CNAME.b%2Efixed%2Etest": strict})
    );
}
