//! Records requests and responses, with placeholders for secrets (observed 16).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::api::{Answer, Request};
use super::world::World;
use crate::model::Object;

/// Appends a JSON line for each request and its response.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: File,
    /// The placeholders by secret.
    known: BTreeMap<String, String>,
    next: u64,
}

impl Recorder {
    /// Opens the file for appending.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: OpenOptions::new().create(true).append(true).open(path)?,
            known: BTreeMap::new(),
            next: 1,
        })
    }

    /// Records one request and its response.
    pub(crate) fn write(
        &mut self,
        world: &World,
        request: &Request,
        answer: &Answer,
    ) -> io::Result<()> {
        self.learn(world, request, answer);
        let target = if request.query.is_empty() {
            request.path.clone()
        } else {
            format!("{}?{}", request.path, request.query)
        };
        let mut headers: Vec<Value> = answer
            .headers
            .iter()
            .map(|(name, value)| json!([name, self.hide(value)]))
            .collect();
        headers.push(json!(["content-length", answer.body.len().to_string()]));
        headers.sort_by_key(ToString::to_string);
        let line = json!({
            "name": format!("sandbox.{}", self.next),
            "method": request.method,
            "path": self.hide(&target),
            "request_headers": self.request_headers(&request.headers),
            "request_body": if request.body.is_empty() && !request.headers.contains_key("content-length") {
                Value::Null
            } else {
                self.body(&request.body)
            },
            "status": answer.status,
            "response_headers": headers,
            "response_body": if request.method == "HEAD" {
                json!("")
            } else {
                self.body(&answer.body)
            },
        });
        self.next += 1;
        let mut text = line.to_string();
        text.push('\n');
        self.file.write_all(text.as_bytes())
    }

    /// Registers what must not be recorded: ids, keys, and every token that was sent or issued.
    fn learn(&mut self, world: &World, request: &Request, answer: &Answer) {
        for account in world.accounts() {
            if !self.known.contains_key(&account.api_key) {
                let name = &account.name;
                self.known
                    .insert(account.id.clone(), format!("{{{{account:{name}}}}}"));
                self.known
                    .insert(account.api_key.clone(), format!("{{{{api_key:{name}}}}}"));
            }
        }
        let issued = serde_json::from_slice::<Value>(&answer.body)
            .ok()
            .and_then(|body| body["auth_token"].as_str().map(str::to_owned));
        let sent = request.header("x-auth-token").map(str::to_owned);
        for token in [issued, sent].into_iter().flatten() {
            if token.is_empty() || self.known.contains_key(&token) {
                continue;
            }
            let number = self.known.len();
            let name = token_account(world, &token).unwrap_or_else(|| format!("other{number}"));
            self.known.insert(token, format!("{{{{token:{name}}}}}"));
        }
    }

    fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (secret, placeholder) in &self.known {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), placeholder);
            }
        }
        text
    }

    fn request_headers(&self, headers: &HeaderMap) -> Value {
        let mut written = Object::new();
        for (name, value) in headers {
            let name = name.as_str();
            if matches!(name, "host" | "user-agent" | "connection") {
                continue;
            }
            let value = if name == "authorization" {
                "{{authorization}}".to_owned()
            } else {
                self.hide(&String::from_utf8_lossy(value.as_bytes()))
            };
            written.insert(titled(name), json!(value));
        }
        Value::Object(written)
    }

    fn body(&self, bytes: &[u8]) -> Value {
        match std::str::from_utf8(bytes) {
            Ok(text) => json!(hide_credentials(&self.hide(text))),
            Err(_) => json!({"base64": STANDARD.encode(bytes)}),
        }
    }
}

fn token_account(world: &World, token: &str) -> Option<String> {
    match super::world::read(world, token, 0) {
        super::world::TokenState::Valid(id) => {
            world.account(&id).map(|account| account.name.clone())
        }
        _ => None,
    }
}

/// Replaces the credentials in a `user_auth` body, which are equivalent to a password.
fn hide_credentials(text: &str) -> String {
    let Ok(mut body) = serde_json::from_str::<Value>(text) else {
        return text.to_owned();
    };
    let Some(credentials) = body.pointer_mut("/data/credentials") else {
        return text.to_owned();
    };
    *credentials = json!("{{credentials}}");
    body.to_string()
}

/// Formats a header name in title case: `X-Auth-Token`.
fn titled(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|c| {
            let shown = if start { c.to_ascii_uppercase() } else { c };
            start = c == '-';
            shown
        })
        .collect()
}
