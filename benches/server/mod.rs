//! A sandbox in another process, with a plain client for it.

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Client;
use serde_json::{Value, json};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_emblazon");

/// Any error ends the benchmark.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Concurrent requests of the plain client.
const AT_ONCE: usize = 64;

/// A sandbox in another process, stopped on drop.
pub(crate) struct Platform {
    process: Child,
    pub(crate) api: String,
    pub(crate) api_key: String,
    pub(crate) token: String,
    client: Client,
}

/// Requests and bytes counted by a sandbox.
#[derive(Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) total: u64,
    pub(crate) mutating: u64,
    pub(crate) body_bytes: u64,
}

impl Platform {
    /// Starts a sandbox with a latency per answer, however many requests are in flight.
    pub(crate) async fn start(seed: &Path, latency: Duration) -> Result<Self> {
        // It fails if a provider is installed already, which is fine: there is only one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = Command::new(PROGRAM);
        command
            .args(["sandbox", "--format", "json", "--seed"])
            .arg(seed);
        if !latency.is_zero() {
            // Enough workers and answers per second that each answer takes the latency and none waits.
            let workers = latency.as_millis() * 10;
            command.args(["--capacity", "10000", "--workers", &workers.to_string()]);
        }
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("the sandbox has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let text = |value: &Value, key: &str| {
            let text = value[key].as_str().map(str::to_owned);
            text.ok_or(format!("no {key}"))
        };
        let mut platform = Self {
            process,
            api: text(&said, "api")?,
            api_key: text(&said, "api_key")?,
            token: String::new(),
            client: Client::new(),
        };
        let login = platform
            .client
            .put(format!("{}/v2/api_auth", platform.api))
            .json(&json!({ "data": { "api_key": platform.api_key } }))
            .send();
        platform.token = text(&login.await?.json().await?, "auth_token")?;
        Ok(platform)
    }

    /// Returns its process id.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    pub(crate) async fn counts(&self) -> Result<Counts> {
        let answer = self
            .client
            .get(format!("{}/sandbox/counts", self.api))
            .send();
        let counts: Value = answer.await?.json().await?;
        let number = |key: &str| counts[key].as_u64().ok_or(format!("no count {key}"));
        Ok(Counts {
            total: number("total")?,
            mutating: number("mutating")?,
            body_bytes: number("body_bytes")?,
        })
    }

    /// Returns the path of an account's whitelabel.
    pub(crate) fn path(account: &str) -> String {
        format!("/v2/accounts/{account}/whitelabel")
    }

    /// Returns the entity tags of the accounts' whitelabels, in their order.
    pub(crate) async fn tags(&self, accounts: &[String]) -> Result<Vec<String>> {
        let tags = accounts.iter().map(|account| async move {
            let answer = self.read(account).await?;
            let tag = answer.headers().get("etag").ok_or("no tag")?;
            Ok(tag.to_str()?.to_owned())
        });
        let tags: Vec<_> = tags.collect();
        stream::iter(tags).buffered(AT_ONCE).try_collect().await
    }

    /// Changes a key of each account, so that each gets a new revision.
    pub(crate) async fn change(&self, accounts: &[String], price: &str) -> Result<()> {
        let changes = accounts.iter().map(|account| async move {
            let mut body: Value = self.read(account).await?.json().await?;
            body["data"]["inbound_trunks_price"] = json!(price);
            let answer = self
                .client
                .post(format!("{}{}", self.api, Self::path(account)))
                .header("x-auth-token", &self.token)
                .json(&json!({ "data": body["data"] }))
                .send()
                .await?;
            answer.error_for_status()?;
            Ok(())
        });
        let changes: Vec<_> = changes.collect();
        stream::iter(changes)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn read(&self, account: &str) -> Result<reqwest::Response> {
        let answer = self
            .client
            .get(format!("{}{}", self.api, Self::path(account)))
            .header("x-auth-token", &self.token)
            .send();
        Ok(answer.await?.error_for_status()?)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
