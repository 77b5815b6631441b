//! Two answers in one form, and what differs between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::differences::MEANT;
use super::mapping::Mapping;
use super::recording::{Recording, bytes};
use crate::wire::{Answer, Request, gunzip};

/// Headers that a client can act on, and those that follow from the same decisions.
const HEADERS: [&str; 11] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "etag",
    "expires",
    "location",
    "vary",
];

/// Members that differ from answer to answer; only their presence is compared.
const VOLATILE: [&str; 6] = [
    "auth_token",
    "node",
    "request_id",
    "timestamp",
    "tokens",
    "version",
];

/// An answer without what cannot be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

pub(crate) enum Comparison {
    Exact,
    /// Equal but for what these rules leave out.
    Meant(Vec<usize>),
    Different(String),
}

pub(crate) async fn compare(
    mapping: &Mapping,
    recording: &Recording,
    request: &Request,
    answer: &Answer,
) -> Comparison {
    let headers = |pick: &dyn Fn(&str) -> Option<String>| {
        HEADERS
            .iter()
            .chain(&["content-length"])
            .filter_map(|name| Some(((*name).to_owned(), pick(name)?)))
            .collect()
    };
    let recorded_body = plain(
        bytes(&recording.response_body),
        recording.header("content-encoding"),
    )
    .await;
    let recorded = form(
        recording.status.unwrap_or_default(),
        headers(&|name| {
            let value = recording.header(name)?;
            Some(mapping.with_placeholders(value))
        }),
        &mapped(&recorded_body, |text| mapping.with_placeholders(text)),
    );
    let ours_body = plain(answer.body.clone(), answer.header("content-encoding")).await;
    let ours_body = mapped(&ours_body, |text| mapping.to_recording(text));
    let ours = form(
        answer.status,
        headers(&|name| answer.header(name).map(|value| mapping.to_recording(value))),
        &ours_body,
    );
    if recorded == ours {
        return Comparison::Exact;
    }
    let rules: Vec<usize> = (0..MEANT.len())
        .filter(|rule| (MEANT[*rule].applies)(recording))
        .collect();
    let (mut left, mut right) = (recorded.clone(), ours.clone());
    for rule in &rules {
        (MEANT[*rule].leave_out)(&mut left);
        (MEANT[*rule].leave_out)(&mut right);
    }
    if left == right {
        return Comparison::Meant(rules);
    }
    Comparison::Different(report(recording, request, &recorded, &ours))
}

/// Changes a body that is text.
fn mapped(body: &[u8], change: impl FnOnce(&str) -> String) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) => change(text).into_bytes(),
        Err(_) => body.to_vec(),
    }
}

async fn plain(body: Vec<u8>, encoding: Option<&str>) -> Vec<u8> {
    match encoding {
        Some("gzip") => gunzip(&body).await,
        _ => body,
    }
}

fn form(status: u16, mut headers: BTreeMap<String, String>, body: &[u8]) -> Form {
    let body = serde_json::from_slice::<Value>(body).map_or_else(
        |_| json!(std::str::from_utf8(body).map_or_else(|_| STANDARD.encode(body), str::to_owned)),
        |mut body| {
            strip(&mut body);
            body
        },
    );
    // The length of an envelope changes with the length of tokens; that of a file does not.
    if (body.is_object() || status == 405)
        && let Some(length) = headers.get_mut("content-length")
    {
        "some".clone_into(length);
    }
    if let Some(etag) = headers.get_mut("etag") {
        *etag = revision(etag.trim_matches('"'));
    }
    Form {
        status,
        headers,
        body,
    }
}

/// Takes the volatile parts out of an envelope.
fn strip(body: &mut Value) {
    let Some(envelope) = body.as_object_mut() else {
        return;
    };
    for (name, member) in envelope {
        if VOLATILE.contains(&name.as_str()) {
            *member = json!("some");
        } else if name == "revision"
            && let Some(text) = member.as_str()
        {
            *member = json!(revision(text));
        } else if name.ends_with("start_key")
            && let Some(text) = member.as_str()
        {
            *member = json!(list_key(text));
        }
    }
}

/// Keeps the number of a revision, not its hash.
fn revision(text: &str) -> String {
    let hex = |text: &str| text.len() == 32 && text.chars().all(|c| c.is_ascii_hexdigit());
    match text.split_once('-') {
        Some((number, hash)) if hex(hash) => format!("{number}-hash"),
        None if hex(text) => "hash".to_owned(),
        _ => text.to_owned(),
    }
}

/// Opens a list key: the name where a page starts, after an id, which is mapped, or alone (4.3).
fn list_key(text: &str) -> String {
    const BINARY: u8 = 109;
    let term = URL_SAFE_NO_PAD.decode(text).unwrap();
    if term[1] == BINARY {
        return format!("name {}", String::from_utf8_lossy(&term[6..]));
    }
    let (id, name) = (&term[11..43], &term[43..]);
    assert!(id.iter().all(u8::is_ascii_hexdigit), "{text}");
    String::from_utf8_lossy(name).into_owned()
}

/// Shows the request, and where the recorded answer and the sandbox's differ.
fn report(recording: &Recording, request: &Request, recorded: &Form, ours: &Form) -> String {
    let mut text = format!(
        "\n=== {}\n{} {}\n",
        recording.name,
        request.method,
        request.target()
    );
    for (name, value) in &recording.request_headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = writeln!(text, "{:.300}", recording.request_body.to_string());
    let whole =
        |form: &Form| json!({"status": form.status, "headers": form.headers, "body": form.body});
    differ("", &whole(recorded), &whole(ours), &mut text);
    text
}

/// Writes a line for each value that is not the same.
fn differ(at: &str, recorded: &Value, ours: &Value, text: &mut String) {
    match (recorded, ours) {
        (Value::Object(left), Value::Object(right)) => {
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                let side = |side: &Map<String, Value>| side.get(name).cloned();
                let (left, right) = (side(left), side(right));
                let at = format!("{at}/{name}");
                match (left, right) {
                    (Some(left), Some(right)) => differ(&at, &left, &right, text),
                    (Some(left), None) => {
                        let _ = writeln!(text, "  {at}: {left:.200} | none");
                    }
                    (None, right) => {
                        let right = right.unwrap_or_default();
                        let _ = writeln!(text, "  {at}: none | {right:.200}");
                    }
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (place, (left, right)) in left.iter().zip(right).enumerate() {
                differ(&format!("{at}/{place}"), left, right, text);
            }
        }
        _ if recorded == ours => {}
        _ => {
            let _ = writeln!(text, "  {at}: {recorded:.200} | {ours:.200}");
        }
    }
}
