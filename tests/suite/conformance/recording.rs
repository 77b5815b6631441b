//! One line of the recordings.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::wire::gunzip;

/// What Kazoo master answered.
pub(crate) const MASTER: &str = include_str!("../recordings/kazoo-master.jsonl");
/// What Kazoo 4.3 answered to the same requests.
pub(crate) const V43: &str = include_str!("../recordings/kazoo-4.3.jsonl");
/// What Kazoo master answered to further requests.
pub(crate) const MASTER_EXTRA: &str = include_str!("../recordings/kazoo-master-extra.jsonl");
/// What Kazoo 4.3 answered to those.
pub(crate) const V43_EXTRA: &str = include_str!("../recordings/kazoo-4.3-extra.jsonl");

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) request_headers: BTreeMap<String, String>,
    pub(crate) request_body: Value,
    /// The status; `None` when the server closed the connection without an answer.
    #[serde(deserialize_with = "status")]
    pub(crate) status: Option<u16>,
    pub(crate) response_headers: Vec<(String, String)>,
    pub(crate) response_body: Value,
    #[serde(default)]
    pub(crate) nondeterministic: bool,
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match value.as_u64().map(u16::try_from) {
        Some(Ok(status)) => Ok(Some(status)),
        _ if value == "no answer" => Ok(None),
        _ => Err(D::Error::custom(format!("unknown status {value}"))),
    }
}

/// Returns the recordings in a file's text.
pub(crate) fn parse(text: &str) -> Vec<Recording> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

impl Recording {
    /// Returns the answer's body as JSON, when it is.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.response_body.as_str()?).ok()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response_headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns when the answer was made, in seconds since 1970.
    pub(crate) fn time(&self) -> Option<u64> {
        let body = self.json()?;
        let time: jiff::Timestamp = body["timestamp"].as_str()?.parse().ok()?;
        u64::try_from(time.as_second()).ok()
    }

    /// Tells whether nobody held a domain, not even an account without a document.
    pub(crate) fn says_nobody_holds(&self, domain: &str) -> bool {
        self.status == Some(404) && self.json().unwrap_or_default()["data"]["cause"] == domain
    }

    /// Tells whether an account was created that the server then could not finish: the fields that
    /// it adds to a finished one are missing.
    pub(crate) fn is_half_created_account(&self) -> bool {
        let below_accounts = self.path.starts_with("/v2/accounts/");
        let body = self.json().unwrap_or_default();
        self.method == "PUT"
            && below_accounts
            && body["data"].get("realm").is_some()
            && body["data"].get("superduper_admin").is_none()
    }
}

/// Returns the bytes of a recorded body: text, base64, or a size.
pub(crate) fn bytes(body: &Value) -> Vec<u8> {
    if let Some(text) = body.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(encoded) = body["base64"].as_str() {
        return STANDARD.decode(encoded).unwrap();
    }
    if let Some(zeros) = body["zero_bytes_after_png_signature"].as_u64() {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        bytes.resize(bytes.len() + usize::try_from(zeros).unwrap(), 0);
        return bytes;
    }
    assert!(body.is_null(), "unknown kind of body: {body}");
    Vec::new()
}

/// Returns all texts of the lines of a recording, those in encoded and in compressed bodies, too.
pub(crate) async fn everything_in(lines: &str) -> String {
    let mut all = lines.to_owned();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        for body in [&line["request_body"], &line["response_body"]] {
            if body["base64"].is_null() {
                continue;
            }
            let bytes = bytes(body);
            let plain = if bytes.starts_with(&[0x1f, 0x8b]) {
                gunzip(&bytes).await
            } else {
                bytes
            };
            all.push_str(&String::from_utf8_lossy(&plain));
        }
    }
    all
}

/// Tokens of the recorded server stand nowhere: the second part of every JWT begins so.
#[tokio::test]
async fn the_recordings_hold_no_token() {
    for text in [MASTER, V43, MASTER_EXTRA, V43_EXTRA] {
        let all = everything_in(text).await;
        assert!(all.matches("{{token:master}}").count() > 100);
        let at = all.find(".eyJ");
        assert_eq!(at.map(|at| &all[at..(at + 60).min(all.len())]), None);
    }
    let masked = include_str!("../recordings/kazoo-master.jsonl");
    let gzip = masked.lines().find(|line| line.contains("\"gzip\""));
    assert!(
        everything_in(gzip.unwrap())
            .await
            .contains("\"auth_token\":\"{{token")
    );
}
