//! A caller with a token, who sends plain requests.

use emblazon::sandbox::{Options, Sandbox, Seed};
use serde_json::{Value, json};

use crate::wire::{self, Answer, Request};

/// The account that most tests work on.
pub(crate) const ACME: &str = "acacacacacacacacacacacacacacacac";
/// Another account beside it.
pub(crate) const OTHER: &str = "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e";

pub(super) const SEED: &str = "
accounts:
  - {name: Master, id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, users: [{name: admin, password: secret}]}
  - {name: Reseller, id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, reseller: true}
  - {name: Acme, id: acacacacacacacacacacacacacacacac, parent: Reseller}
  - {name: Other, id: 0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e}
";

pub(crate) fn seed() -> Seed {
    Seed::parse(SEED, std::path::Path::new(".")).unwrap()
}

/// Sends requests to one sandbox, with the master's token.
pub(crate) struct Caller {
    pub(crate) sandbox: Sandbox,
    pub(crate) token: String,
}

impl Caller {
    pub(crate) async fn new() -> Self {
        Self::with(Options::seeded(seed())).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let token = log_in(&sandbox, sandbox.api_key()).await;
        Self { sandbox, token }
    }

    /// Sends a request with headers besides the token; an empty token is left out.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let mut request = request(method, target, body);
        if !self.token.is_empty() {
            request
                .headers
                .push(("X-Auth-Token".to_owned(), self.token.clone()));
        }
        for (name, value) in headers {
            request
                .headers
                .push(((*name).to_owned(), (*value).to_owned()));
        }
        wire::send(self.sandbox.address(), &request).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], None).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, &[], None).await
    }

    pub(crate) async fn put(&self, target: &str, data: &Value) -> Answer {
        self.json("PUT", target, &json!({"data": data})).await
    }

    pub(crate) async fn post(&self, target: &str, data: &Value) -> Answer {
        self.json("POST", target, &json!({"data": data})).await
    }

    pub(crate) async fn json(&self, method: &str, target: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json")];
        self.send(method, target, &headers, Some(body.to_string().as_bytes()))
            .await
    }

    pub(crate) async fn upload(&self, target: &str, content_type: &str, body: &[u8]) -> Answer {
        self.send(
            "POST",
            target,
            &[("Content-Type", content_type)],
            Some(body),
        )
        .await
    }
}

pub(crate) fn request(method: &str, target: &str, body: Option<&[u8]>) -> Request {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        headers: Vec::new(),
        body: body.map(<[u8]>::to_vec),
    }
}

pub(crate) async fn log_in(sandbox: &Sandbox, key: &str) -> String {
    let body = json!({"data": {"api_key": key}}).to_string();
    let request = request("PUT", "/v2/api_auth", Some(body.as_bytes()));
    let answer = wire::send(sandbox.address(), &request).await;
    answer.json()["auth_token"].as_str().unwrap().to_owned()
}

/// Returns a path below the account that most tests work on.
pub(crate) fn acme(rest: &str) -> String {
    format!("/v2/accounts/{ACME}/whitelabel{rest}")
}

pub(crate) fn other(rest: &str) -> String {
    format!("/v2/accounts/{OTHER}/whitelabel{rest}")
}
