//! What stands for what: placeholders and hashes of the recording, values of the sandbox.

use std::collections::BTreeMap;

use emblazon::sandbox::Sandbox;
use serde_json::Value;

use super::recording::{Recording, bytes};
use crate::wire::{Answer, Request};

/// Knows for each recorded text what the sandbox has in its place.
pub(crate) struct Mapping {
    /// Recorded id, key or token → the sandbox's.
    sandbox_side: BTreeMap<String, String>,
    /// Recorded id → its placeholder, where the recording has both.
    placeholders: BTreeMap<String, String>,
    /// Recorded revision → the sandbox's, for conditions of later requests. Answers are not mapped
    /// by it, because the numbers of revisions must be equal.
    revisions: BTreeMap<String, String>,
}

impl Mapping {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        let known = [
            ("{{account:master}}", sandbox.account_id()),
            ("{{api_key:master}}", sandbox.api_key()),
            ("{{token:other0}}", "e30.e30.bm8"),
        ];
        Self {
            sandbox_side: known
                .into_iter()
                .map(|(recorded, ours)| (recorded.to_owned(), ours.to_owned()))
                .collect(),
            placeholders: BTreeMap::new(),
            revisions: BTreeMap::new(),
        }
    }

    /// Writes a recorded answer with placeholders only.
    pub(crate) fn with_placeholders(&self, text: &str) -> String {
        self.placeholders
            .iter()
            .fold(text.to_owned(), |text, (id, placeholder)| {
                text.replace(id, placeholder)
            })
    }

    /// Makes the request that the recording stands for.
    pub(crate) fn request(&self, recording: &Recording) -> Request {
        let target = self.to_sandbox(&recording.path);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (target, None),
        };
        let has_length = recording.request_headers.contains_key("Content-Length");
        let body = recording.request_body.as_str().map_or_else(
            || bytes(&recording.request_body),
            |text| self.to_sandbox(text).into_bytes(),
        );
        Request {
            method: recording.method.clone(),
            path,
            query,
            headers: recording
                .request_headers
                .iter()
                .filter(|(name, _)| *name != "Content-Length")
                .map(|(name, value)| (name.clone(), self.to_sandbox(value)))
                .collect(),
            body: (has_length || !body.is_empty()).then_some(body),
        }
    }

    fn to_sandbox(&self, text: &str) -> String {
        self.sandbox_side
            .iter()
            .chain(&self.revisions)
            .fold(text.to_owned(), |text, (recorded, ours)| {
                text.replace(recorded, ours)
            })
    }

    /// Writes an answer of the sandbox with the recording's placeholders and ids.
    pub(crate) fn to_recording(&self, text: &str) -> String {
        self.sandbox_side
            .iter()
            .filter(|(_, ours)| !ours.is_empty())
            .fold(text.to_owned(), |text, (recorded, ours)| {
                text.replace(ours.as_str(), recorded)
            })
    }

    /// Notes which values of the two answers stand for each other.
    pub(crate) fn learn(&mut self, sandbox: &Sandbox, recording: &Recording, answer: &Answer) {
        let (Some(recorded), Ok(ours)) = (
            recording.json(),
            serde_json::from_slice::<Value>(&answer.body),
        ) else {
            return;
        };
        let paths: &[&str] = match recording.status {
            Some(200 | 201) => &["/auth_token", "/data/id", "/data/cluster_id"],
            _ => &[],
        };
        for path in paths {
            let pair = (recorded.pointer(path), ours.pointer(path));
            if let (Some(Value::String(recorded)), Some(Value::String(ours))) = pair {
                self.pair(recorded, ours);
            }
        }
        if let (Some(recorded), Some(ours)) =
            (recorded["revision"].as_str(), ours["revision"].as_str())
        {
            self.revisions.insert(recorded.to_owned(), ours.to_owned());
        }
        // The recording does not say where a new account's key comes from.
        if let Some(name) = recorded["data"]["name"].as_str()
            && let Some(account) = ours["data"]["id"]
                .as_str()
                .and_then(|id| sandbox.world().account(id).cloned())
        {
            self.pair(&format!("{{{{api_key:{name}}}}}"), &account.api_key);
            let placeholder = format!("{{{{account:{name}}}}}");
            let id = recorded["data"]["id"].as_str().unwrap_or_default();
            if recording.method == "PUT" && id.len() == 32 {
                self.sandbox_side.remove(id);
                self.placeholders.insert(id.to_owned(), placeholder.clone());
            }
            self.pair(&placeholder, &account.id);
        }
    }

    fn pair(&mut self, recorded: &str, ours: &str) {
        if recorded != ours && !recorded.is_empty() {
            self.sandbox_side
                .entry(recorded.to_owned())
                .or_insert_with(|| ours.to_owned());
        }
    }
}
