//! Servers that say nothing, or hardly anything (issue 16, point 15; issue 17, point 6): it ends soon, and it is told who
//! was waited for.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use emblazon::live::{
    ApiError, ClientConfig, CollectOptions, Credential, Late, ReadClient, Reading, collect,
};
use emblazon::model::{AccountId, AccountName, Identity, Secret};
use serde_json::json;

use crate::stage::Tree;
use crate::stand_in::{Counted, StandIn};

const TOKEN: &str = "canary-token";

/// Limits that are reached soon.
fn config(url: &str) -> ClientConfig {
    let mut config = ClientConfig::new(url, Credential::ApiKey(Secret::new("canary-key")));
    config.limits.read = Duration::from_millis(50);
    config.limits.list = Duration::from_millis(50);
    config.limits.drops = Duration::from_millis(50);
    config
}

/// Answers the login.
fn log_in(stream: &mut Counted<'_>) -> bool {
    let data = json!({"account_id": "0".repeat(32)});
    let body = json!({"auth_token": TOKEN, "status": "success", "data": data});
    stream.json("201 Created", &body.to_string())
}

/// Starts a server that answers the login, and then holds its connections and its tongue.
fn mute_after_login() -> StandIn {
    StandIn::start(|asked, stream| {
        if asked.path.contains("_auth") {
            log_in(stream);
        }
    })
}

async fn logged_in(server: &StandIn) -> ReadClient {
    let mut config = config(&server.url());
    // The login has all the time that it wants.
    config.limits.read = Duration::from_secs(20);
    let client = ReadClient::connect(config).await.unwrap();
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    client
}

fn account() -> AccountId {
    AccountId::parse(&"a".repeat(32)).unwrap()
}

fn told(error: &ApiError, server: &StandIn) -> String {
    let told = error.explained().replace(&server.port.to_string(), "PORT");
    assert!(!told.contains("canary"), "{told}");
    told
}

/// Host, path, attempts, and what to check; and it is tried twice, not five times.
#[tokio::test]
async fn a_server_that_never_answers_is_named() {
    let server = StandIn::start(|_, _| {});
    let error = ReadClient::connect(config(&server.url()))
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error, &server), @"127.0.0.1:PORT did not answer PUT /v2/api_auth within 0.05 s, tried twice; check that the port is the API's (a port that speaks https may say nothing to http://) and how the server is");
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

/// With 300 accounts to read, a server that falls silent is not waited for 300 times.
#[tokio::test]
async fn a_silent_server_is_not_asked_for_each_account() {
    let server = mute_after_login();
    let mut config = config(&server.url());
    config.limits.concurrency = 4;
    let client = ReadClient::connect(config).await.unwrap();
    let mut tree = Tree::new().account("acme", json!({"company_name": "A"}));
    let first = tree.desired.accounts.remove(0);
    for number in 0..300_u32 {
        let mut account = first.clone();
        account.make_mut().name = AccountName::new(format!("a{number:03}"));
        account.make_mut().identity.value =
            Identity::Id(AccountId::parse(&format!("{number:032x}")).unwrap());
        tree.desired.accounts.push(account);
    }
    let options = CollectOptions::default();
    let live = collect(&client, &tree.desired, &options).await.unwrap();
    let asked = server.asked.load(Ordering::SeqCst);
    assert!(asked < 12, "{asked} requests to a server that says nothing");
    let reasons = live.accounts.values().map(|live| match &live.document {
        Reading::Unknown(reason) => reason,
        Reading::Known(_) => panic!("nothing was read"),
    });
    let silent = reasons.filter(|reason| reason.contains("not asked: 127.0.0.1:"));
    assert!(silent.count() > 290);
}

/// What is not asked was not sent: a write to a silent server is no write whose outcome is unknown.
#[tokio::test]
async fn what_is_not_asked_is_not_sent() {
    use emblazon::live::{RequestId, WriteClient, WriteError};
    use emblazon::model::Revision;
    let server = mute_after_login();
    let mut config = config(&server.url());
    config.limits.write = Duration::from_millis(50);
    let client = ReadClient::connect(config).await.unwrap();
    for _ in 0..2 {
        let read = client.whitelabel(&account()).await;
        assert!(read.is_err());
    }
    let writer = WriteClient::new(client);
    let revision = Revision::new("1-a");
    let request = RequestId::new("x");
    let error = writer.delete(&account(), &revision, &request).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, WriteError::NotSent(ApiError::Silent { .. })),
        "{error:?}"
    );
}

/// A head at once, and then a byte now and then: the first is waited for, the hundredth is not.
#[tokio::test]
async fn a_server_that_drips_is_given_up() {
    let server = StandIn::start(|asked, stream| {
        if asked.path.contains("_auth") {
            log_in(stream);
        } else {
            stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{");
        }
    });
    let mut config = config(&server.url());
    config.limits.read = Duration::from_secs(20);
    let client = ReadClient::connect(config).await.unwrap();
    let error = client.whitelabel(&account()).await.unwrap_err();
    let ApiError::TooSlow { after, .. } = &error else {
        panic!("{error:?}");
    };
    let after = format!("{} s", after.as_secs_f64());
    let told = told(&error, &server).replace(&after, "TIME");
    insta::assert_snapshot!(told, @"127.0.0.1:PORT answers GET /v2/accounts/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/whitelabel too slowly: 1 byte came within TIME, tried twice; at least 1000 bytes per second are required; check that the port is the API's, and how the server is");
    assert_eq!(server.asked.load(Ordering::SeqCst), 3);
}

/// When the time that the whole may take is over, nothing is sent any more, and that is said.
#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = mute_after_login();
    let client = logged_in(&server).await;
    let minute = Duration::from_mins(1);
    client.deadline().set(Instant::now(), minute);
    let error = client.whitelabel(&account()).await.unwrap_err();
    assert_eq!(error, ApiError::Late(Late(minute)));
    insta::assert_snapshot!(told(&error, &server), @"not asked: the deadline of 1m is over; give it more time with `--deadline`");
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
}

/// A request that is under way when the deadline comes is waited for until then, and no longer.
#[tokio::test]
async fn a_request_ends_with_the_deadline() {
    let server = mute_after_login();
    let client = logged_in(&server).await;
    let minute = Duration::from_mins(1);
    client
        .deadline()
        .set(Instant::now() + Duration::from_millis(50), minute);
    let error = client.whitelabel(&account()).await.unwrap_err();
    let is_over = matches!(error, ApiError::TimedOut { .. } | ApiError::Late(_));
    assert!(is_over, "{error:?}");
}
