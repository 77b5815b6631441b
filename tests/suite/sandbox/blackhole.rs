//! Blackhole: what a connection is told, what it is refused, and what can happen on the way (B1).

use std::path::Path;
use std::time::Duration;

use emblazon::sandbox::{Fault, FaultKind, Options, Seed};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::caller::{ACME, Caller, OTHER, acme, log_in, other};

const MASTER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const RESELLER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const PATIENCE: Duration = Duration::from_mins(1);

/// One connection.
struct Listener(WebSocketStream<TcpStream>);

impl Listener {
    async fn new(caller: &Caller) -> Self {
        let (stream, head) = handshake(caller, "").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // The answer to the key of RFC 6455.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        Self(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
    }

    async fn send(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Returns the next message; `None` when the connection has ended.
    async fn next(&mut self) -> Option<Value> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap();
        match next? {
            Ok(Message::Text(text)) => Some(serde_json::from_str(&text).unwrap()),
            Ok(Message::Close(_)) | Err(_) => None,
            Ok(other) => panic!("{other:?}"),
        }
    }

    /// Sends a frame, and returns the status of its reply, and the first error if any.
    async fn ask(&mut self, action: &str, token: &str, account: &str, binding: &str) -> String {
        self.send(&json!({
            "action": action,
            "auth_token": token,
            "request_id": "r-1",
            "data": {"account_id": account, "binding": binding},
        }))
        .await;
        let reply = loop {
            let message = self.next().await.unwrap();
            if message["action"] == "reply" {
                break message;
            }
        };
        assert_eq!(reply["request_id"], "r-1");
        match reply["data"]["errors"][0].as_str() {
            Some(error) => error.to_owned(),
            None => format!("{} {}", reply["status"].as_str().unwrap(), reply["data"]),
        }
    }

    /// Waits for events of the whitelabel, and returns what each says and its revision's number.
    async fn wait(&mut self, number: usize) -> Vec<String> {
        let mut told = Vec::new();
        while told.len() < number {
            let event = self.next().await.unwrap();
            assert_eq!(event["action"], "event");
            let data = &event["data"];
            assert_eq!(data["event_name"], event["name"]);
            if data["type"] == "whitelabel" {
                assert_eq!(data["id"], "whitelabel");
                let revision = data["rev"].as_str().unwrap().split('-').next().unwrap();
                let account = &data["account_id"].as_str().unwrap()[..4];
                told.push(format!(
                    "{account} {} {revision}",
                    event["name"].as_str().unwrap()
                ));
            }
        }
        told
    }
}

/// Asks for a websocket, and returns the connection and the head of the answer.
async fn handshake(caller: &Caller, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(caller.sandbox.address()).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

async fn listening() -> (Caller, Listener) {
    let caller = Caller::new().await;
    let mut listener = Listener::new(&caller).await;
    let reply = listener
        .ask("subscribe", &caller.token, ACME, "object.*.*")
        .await;
    assert_eq!(reply, r#"success {"subscribed":["object.*.*"]}"#);
    (caller, listener)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_told_of_every_change_of_its_accounts() {
    let (caller, mut listener) = listening().await;
    caller.put(&acme(""), &json!({})).await.expect(201);
    caller.post(&acme(""), &json!({})).await.expect(200);
    let logo = b"\x89PNG\r\n\x1a\n-logo";
    caller
        .upload(&acme("/logo"), "image/png", logo)
        .await
        .expect(200);
    caller.put(&other(""), &json!({})).await.expect(201);
    caller.delete(&acme("")).await.expect(200);
    let told = listener.wait(5).await;
    assert_eq!(
        told,
        [
            "acac doc_created 1",
            "acac doc_edited 2",
            "acac doc_edited 3",
            "acac doc_edited 4",
            "acac doc_deleted 5"
        ]
    );
    // A change by hand is told like any other, with the revision that the API says.
    caller.sandbox.world().edit_settings(ACME, |settings| {
        settings.insert("company_name".to_owned(), json!("by hand"));
    });
    assert_eq!(listener.wait(1).await, ["acac doc_created 6"]);
    assert_eq!(caller.get(&acme("")).await.generation(), 6);
}

/// The account's own document is told of, too; nobody who subscribed to other documents hears of the brand.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_domain_is_one_of_the_account_as_well() {
    let caller = Caller::new().await;
    let mut listener = Listener::new(&caller).await;
    let binding = "object.doc_edited.account";
    listener
        .ask("subscribe", &caller.token, ACME, binding)
        .await;
    let domain = json!({"domain": "acme.example.com"});
    caller.put(&acme(""), &domain).await.expect(201);
    let event = listener.next().await.unwrap();
    assert_eq!(event["subscribed_key"], binding);
    let database = "account/ac/ac/acacacacacacacacacacacacacac";
    assert_eq!(event["data"]["database"], database);
    assert_eq!(event["data"]["id"], ACME);
    let key = format!("doc_edited.{}.account.{ACME}", database.replace('/', "%2F"));
    assert_eq!(event["routing_key"], key);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_and_in_which_words() {
    let caller = Caller::new().await;
    let reseller = {
        let key = caller
            .sandbox
            .world()
            .account(RESELLER)
            .unwrap()
            .api_key
            .clone();
        log_in(&caller.sandbox, &key).await
    };
    let master = caller.token.as_str();
    let any = "object.*.*";
    for (token, account, binding, expected) in [
        ("x", ACME, any, "failed to authenticate token x"),
        (master, ACME, "object.doc_edited.*", "success"),
        (master, ACME, "object.*.account", "success"),
        (
            master,
            ACME,
            "object.doc_edited.whitelabel",
            "event doc_edited.whitelabel not supported",
        ),
        (
            master,
            ACME,
            "object.edited.*",
            "event edited.* not supported",
        ),
        (
            master,
            ACME,
            "object.*",
            "invalid format for object subscription : *",
        ),
        (
            master,
            ACME,
            "brand.*.*",
            "no available subscriptions to requested binding",
        ),
        (
            master,
            "*",
            any,
            "no available subscriptions to requested binding",
        ),
        (master, "cccc", any, "unauthorized account id"),
        (reseller.as_str(), ACME, any, "success"),
        (reseller.as_str(), RESELLER, any, "success"),
        (reseller.as_str(), OTHER, any, "unauthorized account id"),
        (reseller.as_str(), MASTER, any, "unauthorized account id"),
        (
            reseller.as_str(),
            "*",
            any,
            "unauthorized wildcard account id",
        ),
    ] {
        let mut listener = Listener::new(&caller).await;
        let found = listener.ask("subscribe", token, account, binding).await;
        assert!(found.starts_with(expected), "{account} {binding}: {found}");
    }
    let mut listener = Listener::new(&caller).await;
    listener.send(&json!({"action": "subscribe"})).await;
    let reply = listener.next().await.unwrap();
    assert_eq!(reply["data"]["errors"][0], "missing authenticatation token");
    listener
        .send(&json!({"action": "subscribe", "auth_token": master, "data": {"binding": any}}))
        .await;
    let reply = listener.next().await.unwrap();
    assert_eq!(
        reply["data"]["errors"][0],
        "missing required keys : account_id"
    );
    let (_, head) = handshake(&caller, "Sec-WebSocket-Protocol: events\r\n").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}

/// The token is checked once a connection: its end is noticed by the next connection only.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_leaves_the_connection_as_it_is() {
    let (caller, mut listener) = listening().await;
    caller.sandbox.advance(Duration::from_hours(2));
    let reply = listener
        .ask("subscribe", &caller.token, OTHER, "object.*.*")
        .await;
    assert_eq!(reply, r#"success {"subscribed":["object.*.*"]}"#);
    let mut next = Listener::new(&caller).await;
    let reply = next
        .ask("subscribe", &caller.token, ACME, "object.*.*")
        .await;
    assert!(
        reply.starts_with("failed to authenticate token "),
        "{reply}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_covers_no_children_and_ends() {
    let caller = Caller::new().await;
    let mut listener = Listener::new(&caller).await;
    let token = caller.token.as_str();
    for account in [RESELLER, OTHER] {
        listener
            .ask("subscribe", token, account, "object.*.*")
            .await;
    }
    caller.put(&acme(""), &json!({})).await.expect(201);
    caller.put(&other(""), &json!({})).await.expect(201);
    assert_eq!(listener.wait(1).await, ["0e0e doc_created 1"]);
    let reply = listener
        .ask("unsubscribe", token, OTHER, "object.*.*")
        .await;
    assert_eq!(
        reply,
        r#"success {"subscribed":["object.*.*"],"unsubscribed":["object.*.*"]}"#
    );
    caller.post(&other(""), &json!({})).await.expect(200);
    let own = format!("/v2/accounts/{RESELLER}/whitelabel");
    caller.put(&own, &json!({})).await.expect(201);
    assert_eq!(listener.wait(1).await, ["bbbb doc_created 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_frames_may_come_at_once_and_ten_a_second_after_that() {
    let caller = Caller::new().await;
    caller.sandbox.set_clock(1_000_000);
    let mut listener = Listener::new(&caller).await;
    let ping = json!({"action": "ping", "auth_token": log_in(&caller.sandbox, caller.sandbox.api_key()).await});
    let mut taken = async |frames: usize| {
        let mut pongs = 0;
        for _ in 0..frames {
            listener.send(&ping).await;
            let reply = listener.next().await.unwrap();
            let error = reply["data"]["errors"][0].as_str().unwrap_or_default();
            assert!(error.is_empty() || error.starts_with("rate limiting threshold hit for "));
            pongs += usize::from(reply["data"]["response"] == "pong");
        }
        pongs
    };
    assert_eq!(taken(120).await, 100);
    caller.sandbox.advance(Duration::from_secs(1));
    assert_eq!(taken(20).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_ends() {
    let seed = "accounts: [{name: Master}]\nserver: {blackhole_idle_ms: 50}";
    let seed = Seed::parse(seed, Path::new(".")).unwrap();
    let caller = Caller::with(Options::seeded(seed)).await;
    let mut listener = Listener::new(&caller).await;
    assert_eq!(listener.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_events_on_their_way() {
    let path = format!("/v2/accounts/{ACME}/whitelabel");
    let (edited, deleted) = ("acac doc_edited 2", "acac doc_deleted 3");
    for (kind, expected) in [
        (FaultKind::LostEvent, vec![deleted]),
        (FaultKind::DoubledEvent, vec![edited, edited, deleted]),
        (FaultKind::SwappedEvent, vec![deleted, edited]),
        (
            FaultKind::ForgedEvent,
            vec!["acac doc_edited 0", edited, deleted],
        ),
        (FaultKind::DelayMs(1), vec![edited, deleted]),
    ] {
        let (caller, mut listener) = listening().await;
        caller.put(&acme(""), &json!({})).await.expect(201);
        listener.wait(1).await;
        let fault = Fault::new("BLACKHOLE", &path, kind);
        caller.sandbox.set_faults(vec![fault]);
        caller.post(&acme(""), &json!({})).await.expect(200);
        caller.delete(&acme("")).await.expect(200);
        assert_eq!(listener.wait(expected.len()).await, expected, "{kind:?}");
    }
    for method in ["BLACKHOLE", "SUBSCRIBE"] {
        let (caller, mut listener) = listening().await;
        let fault = Fault::new(method, &path, FaultKind::DropConnection);
        caller.sandbox.set_faults(vec![fault]);
        if method == "BLACKHOLE" {
            caller.put(&acme(""), &json!({})).await.expect(201);
        } else {
            listener
                .send(&json!({"action": "subscribe", "data": {"account_id": ACME}}))
                .await;
        }
        assert_eq!(listener.next().await, None);
    }
}
