//! The client against a sandbox, over HTTP, as it is used.

mod blackhole;
mod caching;
mod collecting;
mod listing;
mod login;
mod reading;
mod trouble;
mod writing;

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{ClientConfig, Credential, Limits, ReadClient, RequestId, RetryPolicy};
use crate::model::{AccountId, Secret, Settings};
use crate::sandbox::{Fault, FaultKind, Options, Sandbox, Seed};

/// A reseller, an account with everything, one without a whitelabel, one that reserves a domain that it
/// does not show any more, and one that shows its domain in capitals.
const SEED: &str = "
accounts:
  - { name: Master, id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, realm: master.sip.example.com }
  - name: Gold
    id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    realm: gold.sip.example.com
    reseller: true
    users: [{ name: admin, password: canary-password }]
    whitelabel: { company_name: Gold, domain: gold.example.com, brandColor: '#ffcc00' }
  - { name: Empty, id: cccccccccccccccccccccccccccccccc, realm: empty.sip.example.com, parent: Gold }
  - name: Past
    id: dddddddddddddddddddddddddddddddd
    realm: past.sip.example.com
    whitelabel: { company_name: Past }
    reserved_domain: old.example.com
  - name: Capitals
    id: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
    realm: capitals.sip.example.com
    whitelabel: { company_name: Capitals, domain: LOUD.example.com }
";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n-logo";
const ICO: &[u8] = b"\0\0\x01\0\x01\0-icon";
const HTML: &[u8] = b"<h1>welcome</h1>";

fn id(digit: char) -> AccountId {
    AccountId::parse(&digit.to_string().repeat(32)).unwrap()
}

fn master() -> AccountId {
    id('a')
}

fn gold() -> AccountId {
    id('b')
}

async fn sandbox() -> Sandbox {
    let seed = Seed::parse(SEED, Path::new(".")).unwrap();
    Sandbox::start(Options::seeded(seed)).await.unwrap()
}

/// Limits that fail soon, for servers that misbehave.
fn limits() -> Limits {
    Limits {
        read: Duration::from_millis(500),
        write: Duration::from_millis(500),
        retry: RetryPolicy {
            attempts: 3,
            first_pause: Duration::from_millis(1),
            limited_pause: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..Limits::default()
    }
}

fn config(sandbox: &Sandbox) -> ClientConfig {
    let key = Credential::ApiKey(Secret::new(sandbox.api_key()));
    ClientConfig {
        limits: limits(),
        ..ClientConfig::new(sandbox.url(), key)
    }
}

async fn client(sandbox: &Sandbox) -> ReadClient {
    ReadClient::connect(config(sandbox)).await.unwrap()
}

fn fault(method: &str, path: &str, kind: FaultKind) -> Fault {
    Fault::new(method, path, kind)
}

fn request() -> RequestId {
    RequestId::new("test-1")
}

fn settings(value: serde_json::Value) -> Settings {
    match value {
        serde_json::Value::Object(object) => Settings::from(object),
        other => panic!("not an object: {other}"),
    }
}

/// Starts a server that is no Kazoo: it gives every connection the same bytes. Returns its URL.
async fn stranger(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(&answer).await;
        }
    });
    format!("http://{address}")
}

/// Puts a body into a plain answer.
fn plain(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

/// A client with a token that was given to it, so that nothing is sent before the first call.
async fn given_token(url: &str) -> ReadClient {
    let mut config = ClientConfig::new(url, Credential::Token(Secret::new("canary-token")));
    config.root = Some(crate::model::Identity::Id(master()));
    config.limits = limits();
    ReadClient::connect(config).await.unwrap()
}
