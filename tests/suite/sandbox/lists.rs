//! Lists of accounts.

use emblazon::sandbox::{Account, Options};
use serde_json::json;

use super::Caller;
use super::caller::{ACME, acme, seed};

fn names(answer: &crate::wire::Answer) -> Vec<String> {
    let body = answer.json();
    let items = body["data"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

fn below(rest: &str) -> String {
    format!("/v2/accounts/{}/descendants{rest}", "a".repeat(32))
}

#[tokio::test]
async fn observed_10_pages_end_without_a_next_key() {
    let caller = Caller::new().await;
    let first = caller.get(&below("?page_size=2")).await;
    assert_eq!(names(&first), ["Reseller", "Other"]);
    let key = first.json()["next_start_key"].as_str().unwrap().to_owned();
    let last = caller
        .get(&below(&format!("?page_size=2&start_key={key}")))
        .await;
    assert_eq!(names(&last), ["Acme"]);
    assert_eq!(last.json().get("next_start_key"), None);
    assert_eq!(caller.get(&below("?page_size=0")).await.status, 404);
    let all = caller.get(&below("?paginate=false")).await;
    assert_eq!(names(&all).len(), 3);
    assert_eq!(all.json().get("page_size"), None);
}

#[tokio::test]
async fn trap_37_and_observed_14_the_filter_by_a_private_key() {
    let caller = Caller::new().await;
    caller
        .put(&acme(""), &json!({"domain": "Acme.example.com"}))
        .await;
    let check = async |query: &str, expected: &[&str]| {
        assert_eq!(names(&caller.get(&below(query)).await), expected, "{query}");
    };
    check("?has_key=pvt_whitelabel_domain", &["Acme"]).await;
    check("?key_missing=pvt_whitelabel_domain", &["Reseller", "Other"]).await;
    check("?filter_pvt_whitelabel_domain=Acme.example.com", &["Acme"]).await;
    check("?filter_pvt_whitelabel_domain=acme.example.com", &[]).await;
    check("?filter_not_name=Acme", &["Reseller", "Other"]).await;
}

#[tokio::test]
async fn trap_39_a_page_full_of_one_name_does_not_end() {
    let mut seed = seed();
    for digit in ["1", "2", "3"] {
        let mut account = Account::new(&digit.repeat(32), "Twin", &format!("{digit}.example.com"));
        account.tree = vec!["a".repeat(32)];
        seed.world.insert_account(account);
    }
    let caller = Caller::with(Options::seeded(seed)).await;
    let first = caller.get(&below("?page_size=2")).await.json();
    let key = first["next_start_key"].as_str().unwrap();
    let second = caller
        .get(&below(&format!("?page_size=2&start_key={key}")))
        .await
        .json();
    assert_eq!(second["next_start_key"], second["start_key"]);
}

#[tokio::test]
async fn accounts_are_created_promoted_and_removed() {
    let caller = Caller::new().await;
    let parent = format!("/v2/accounts/{ACME}");
    let created = caller
        .put(
            &parent,
            &json!({"name": "Child", "realm": "child.example.com"}),
        )
        .await;
    assert_eq!(created.status, 201);
    let id = created.json()["data"]["id"].as_str().unwrap().to_owned();
    let taken = caller
        .put(&parent, &json!({"name": "C", "realm": "CHILD.example.com"}))
        .await;
    assert!(taken.json()["data"]["realm"]["unique"].is_object());
    let child = format!("/v2/accounts/{id}");
    assert_eq!(
        caller
            .put(&format!("{child}/reseller"), &json!({}))
            .await
            .status,
        201
    );
    assert_eq!(
        caller.get(&child).await.json()["data"]["is_reseller"],
        json!(true)
    );
    let key = caller.get(&format!("{child}/api_key")).await.json();
    assert_eq!(key["data"]["api_key"].as_str().unwrap().len(), 64);
    let renewed = caller
        .put(&format!("{child}/api_key"), &json!({}))
        .await
        .json();
    assert_ne!(renewed["data"]["api_key"], key["data"]["api_key"]);
    assert_eq!(caller.delete(&parent).await.status, 400);
    assert_eq!(caller.delete(&child).await.status, 200);
    assert_eq!(caller.get(&child).await.status, 404);
}

#[tokio::test]
async fn search_finds_by_prefix() {
    let caller = Caller::new().await;
    let found = caller.get("/v2/search?t=account&q=realm&v=acme-sip").await;
    assert_eq!(found.status, 200);
    let found = caller.get("/v2/search?t=account&q=name&v=ac").await;
    assert_eq!(names(&found), ["Acme"]);
    assert_eq!(caller.get("/v2/search?t=account").await.status, 400);
}
