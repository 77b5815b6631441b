//! The whitelabel document.

use std::path::Path;

use emblazon::sandbox::{Options, Seed};
use serde_json::json;

use super::Caller;
use super::caller::{acme, other};

#[tokio::test]
async fn trap_01_post_replaces_every_public_key() {
    let caller = Caller::new().await;
    let full = json!({"company_name": "A", "nav": {"help": "h", "learn_more": "l"}, "x": 1});
    caller.put(&acme(""), &full).await;
    caller
        .post(&acme(""), &json!({"nav": {"help": "h2"}}))
        .await;
    let data = &caller.get(&acme("")).await.json()["data"];
    assert_eq!(data["nav"], json!({"help": "h2"}));
    assert!(data.get("company_name").is_none() && data.get("x").is_none());
}

#[tokio::test]
async fn trap_02_put_only_creates_and_post_only_updates() {
    let caller = Caller::new().await;
    let data = json!({"company_name": "A"});
    assert_eq!(caller.post(&acme(""), &data).await.status, 404);
    let created = caller.put(&acme(""), &data).await;
    assert_eq!(created.status, 201);
    assert_eq!(
        created.header("location"),
        Some(acme("/whitelabel").as_str())
    );
    assert_eq!(caller.put(&acme(""), &data).await.status, 409);
    assert_eq!(caller.post(&acme(""), &data).await.generation(), 2);
}

#[tokio::test]
async fn trap_03_there_is_no_patch_and_405_has_no_allow() {
    let caller = Caller::new().await;
    let answer = caller.json("PATCH", &acme(""), &json!({"data": {}})).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), None);
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("OPTIONS, POST, PUT, GET, DELETE")
    );
}

#[tokio::test]
async fn trap_04_an_empty_body_wipes_the_settings() {
    let caller = Caller::new().await;
    caller.put(&acme(""), &json!({"company_name": "A"})).await;
    assert_eq!(
        caller.send("POST", &acme(""), &[], Some(b"")).await.status,
        200
    );
    let data = &caller.get(&acme("")).await.json()["data"];
    let defaults = json!({
        "hide_credits": false, "hide_powered": false, "hide_registration": false, "id": "whitelabel",
    });
    assert_eq!(*data, defaults);
}

#[tokio::test]
async fn trap_08_a_removed_domain_stays_reserved() {
    let caller = Caller::new().await;
    caller
        .put(&acme(""), &json!({"domain": "Acme.example.com"}))
        .await;
    caller.post(&acme(""), &json!({"company_name": "A"})).await;
    let found = caller.get("/v2/whitelabel/acme.example.com").await;
    assert_eq!((found.status, &found.json()["page_size"]), (200, &json!(1)));
    let refused = caller
        .put(&other(""), &json!({"domain": "ACME.example.com"}))
        .await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["data"],
        json!({"domain": {"unique": {
            "message": "White label domain is already in use", "cause": "ACME.example.com",
        }}})
    );
    caller.delete(&acme("")).await;
    assert_eq!(
        caller
            .put(&other(""), &json!({"domain": "acme.example.com"}))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn trap_10_a_domain_with_two_holders_is_found_no_more() {
    let caller = Caller::new().await;
    caller
        .put(&acme(""), &json!({"domain": "acme.example.com"}))
        .await;
    {
        let mut world = caller.sandbox.world();
        world.reserve_domain(super::caller::OTHER, Some("acme.example.com"));
    }
    let answer = caller.get("/v2/whitelabel/acme.example.com").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["data"]["cause"], "acme.example.com");
}

#[tokio::test]
async fn trap_18_delete_takes_everything_and_the_count_goes_on() {
    let caller = Caller::new().await;
    caller
        .put(&acme(""), &json!({"domain": "acme.example.com"}))
        .await;
    caller.upload(&acme("/logo"), "image/png", b"logo").await;
    let deleted = caller.delete(&acme("")).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(
        deleted.json()["data"]["_read_only"],
        json!({"deleted": true})
    );
    assert_eq!(caller.delete(&acme("")).await.status, 404);
    assert_eq!(
        caller.get("/v2/whitelabel/acme.example.com").await.status,
        404
    );
    let created = caller.put(&acme(""), &json!({})).await;
    assert_eq!(created.generation(), deleted.generation() + 2);
    assert_eq!(caller.get(&acme("/logo")).await.status, 404);
}

#[tokio::test]
async fn trap_27_the_404s_can_be_told_apart() {
    let caller = Caller::new().await;
    let cause = async |target: &str| caller.get(target).await.json()["data"].clone();
    let unknown = "f".repeat(32);
    assert_eq!(
        cause(&format!("/v2/accounts/{unknown}/whitelabel")).await["cause"],
        json!(unknown)
    );
    assert_eq!(cause(&acme("")).await["cause"], "whitelabel");
    assert_eq!(cause(&acme("/logo")).await, json!(["logo"]));
    assert_eq!(
        cause("/v2/whitelabel/no.example.com").await["cause"],
        "no.example.com"
    );
}

#[tokio::test]
async fn trap_29_a_price_asks_for_consent() {
    let yaml = "accounts: [{name: M}, {name: A, id: acacacacacacacacacacacacacacacac}]\nserver: {price: 5.0}\n";
    let priced = Seed::parse(yaml, Path::new(".")).unwrap();
    let caller = Caller::with(Options::seeded(priced)).await;
    assert_eq!(caller.put(&acme(""), &json!({})).await.status, 402);
    assert_eq!(caller.get(&acme("")).await.status, 404);
    let accepted = json!({"data": {}, "accept_charges": true});
    assert_eq!(caller.json("PUT", &acme(""), &accepted).await.status, 201);
}

#[tokio::test]
async fn trap_31_private_keys_are_dropped_and_null_is_refused() {
    let caller = Caller::new().await;
    let sent = json!({"pvt_x": 1, "_y": 2, "id": "z", "nav": {"_inner": 1}, "unknown": null});
    let created = caller.put(&acme(""), &sent).await.json();
    assert_eq!(created["data"]["nav"], json!({"_inner": 1}));
    assert_eq!(created["data"]["unknown"], json!(null));
    assert!(created["data"].as_object().unwrap().contains_key("unknown"));
    assert!(created["data"].get("pvt_x").is_none() && created["data"].get("_y").is_none());
    let refused = caller.post(&acme(""), &json!({"company_name": null})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.json()["data"]["company_name"]["type"].is_object());
}

#[tokio::test]
async fn trap_34_conditions_fail_without_a_body() {
    let caller = Caller::new().await;
    let created = caller.put(&acme(""), &json!({})).await;
    let body = created.json();
    let tag = format!("\"{}\"", body["revision"].as_str().unwrap());
    let check = async |method: &str, header: &str, value: &str, expected: u16| {
        let body = (method != "GET").then_some(b"{\"data\":{}}".as_slice());
        let answer = caller
            .send(method, &acme(""), &[(header, value)], body)
            .await;
        assert_eq!(answer.status, expected, "{method} {header}: {value}");
        if matches!(expected, 304 | 412) {
            assert!(answer.body.is_empty());
        }
    };
    check("GET", "If-None-Match", &tag, 304).await;
    check("GET", "If-None-Match", &format!("W/{tag}"), 304).await;
    check("GET", "If-None-Match", &format!("\"1-x\", {tag}"), 304).await;
    check("GET", "If-None-Match", "\"1-x\"", 200).await;
    check("GET", "If-Match", "\"1-x\"", 412).await;
    check("POST", "If-Match", &format!("W/{tag}"), 412).await;
    check("POST", "If-Match", "\"1-x\"", 412).await;
    check("PUT", "If-Match", "*", 412).await;
    check("DELETE", "If-Match", "\"1-x\"", 412).await;
    check("POST", "If-Match", &tag, 200).await;
    check("POST", "If-Match", &tag, 412).await;
    check("DELETE", "If-Match", "*", 200).await;
}

#[tokio::test]
async fn observed_01_a_verb_beside_data_replaces_the_method() {
    let caller = Caller::new().await;
    caller.put(&acme(""), &json!({"company_name": "A"})).await;
    let read = json!({"data": {"company_name": "B"}, "verb": "GET"});
    let answer = caller.json("POST", &acme(""), &read).await;
    assert_eq!((answer.status, answer.generation()), (200, 1));
    let deleting = json!({"data": {"company_name": "B", "verb": "DELETE"}});
    assert_eq!(caller.json("POST", &acme(""), &deleting).await.status, 200);
    assert_eq!(caller.get(&acme("")).await.status, 404);
}

#[tokio::test]
async fn observed_12_and_16_the_request_id_and_the_token_are_echoed() {
    let caller = Caller::new().await;
    let headers = [("X-Request-ID", "run-7")];
    let answer = caller.send("GET", &acme(""), &headers, None).await;
    assert_eq!(answer.header("x-request-id"), Some("run-7"));
    assert_eq!(answer.json()["request_id"], "run-7");
    assert_eq!(answer.json()["auth_token"], json!(caller.token));
}

#[tokio::test]
async fn observed_13_a_document_can_be_validated_without_saving_it() {
    let caller = Caller::new().await;
    let target = "/v2/schemas/whitelabel/validation";
    let answer = caller.put(target, &json!({"hide_powered": "true"})).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.json()["data"],
        json!({"hide_credits": false, "hide_powered": true, "hide_registration": false})
    );
    assert_eq!(caller.put(target, &json!({"domain": 5})).await.status, 400);
}

/// JSON under a form's content type is one name without a value: `data` is missing, and nothing is written.
#[tokio::test]
async fn a_form_is_not_taken_for_json() {
    let caller = Caller::new().await;
    caller.put(&acme(""), &json!({"company_name": "A"})).await;
    let check = async |body: &str, expected: serde_json::Value| {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = caller
            .send("POST", &acme(""), &headers, Some(body.as_bytes()))
            .await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["data"], expected, "{body}");
        assert_eq!(answer.header("content-type"), None);
    };
    let json = r#"{"data":{"company_name":"B"}}"#;
    let required = |value| json!({"data": {"required": {"message": "Field is required but missing", "value": value}}});
    check(json, required(json!({json: true}))).await;
    check(
        "company_name=B&hide_powered=true",
        required(json!({"company_name": "B", "hide_powered": "true"})),
    )
    .await;
    assert_eq!(
        caller.get(&acme("")).await.json()["data"]["company_name"],
        "A"
    );
}
