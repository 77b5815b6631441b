//! The versions of Kazoo that the sandbox can be.

use emblazon::sandbox::{Options, Profile};
use serde_json::json;

use super::Caller;
use super::caller::{ACME, acme, seed};

async fn caller(profile: Profile) -> Caller {
    let caller = Caller::with(Options {
        profile,
        ..Options::seeded(seed())
    })
    .await;
    caller
        .put(&acme(""), &json!({"domain": "a.example.com"}))
        .await;
    caller
}

#[tokio::test]
async fn version_4_3_serves_v1_and_closes_account_reads() {
    let mut caller = caller(Profile::V43).await;
    let v1 = format!("/v1/accounts/{ACME}/whitelabel");
    let answer = caller.get(&v1).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().get("tokens"), None);
    assert_eq!(answer.json()["version"], "4.3.0");
    caller.token.clear();
    let anonymous = caller.get(&acme("/logo")).await;
    assert_eq!(anonymous.status, 401);
    assert_eq!(anonymous.json()["auth_token"], "undefined");
    assert_eq!(caller.get("/v2/whitelabel/a.example.com").await.status, 200);
}

#[tokio::test]
async fn master_refuses_v1() {
    let caller = caller(Profile::Master).await;
    assert_eq!(
        caller
            .get(&format!("/v1/accounts/{ACME}/whitelabel"))
            .await
            .status,
        410
    );
}

#[tokio::test]
async fn trap_26_version_5_wants_one_port_authority() {
    let list = json!({"port": {"authority": ["x"]}});
    let five = caller(Profile::V5).await;
    assert_eq!(five.post(&acme(""), &list).await.status, 400);
    let deleted = five.delete(&acme("")).await.json();
    assert_eq!(deleted["metadata"], json!({"deleted": true}));
    assert_eq!(deleted["data"].get("_read_only"), None);
    let master = caller(Profile::Master).await;
    assert_eq!(master.post(&acme(""), &list).await.status, 200);
}
