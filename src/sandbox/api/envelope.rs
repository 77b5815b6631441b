//! Responses: the envelope, errors, headers and empty bodies.

use axum::body::Bytes;
use serde_json::json;

use super::call::Call;
use super::outcome::{Failure, NO_ANSWER, Refusal, Stage, Success};
use crate::model::Object;

/// The methods listed in early errors, before the path is known.
pub(crate) const ALL_METHODS: &[&str] =
    &["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];

const ALLOWED_HEADERS: &str = "content-type, depth, user-agent, x-http-method-override, x-file-size, x-requested-with, if-modified-since, x-file-name, cache-control, x-auth-token, x-kazoo-cluster-id, if-match";
const EXPOSED_HEADERS: &str =
    "content-type, x-auth-token, x-request-id, x-kazoo-cluster-id, location, etag, etag";
const LONG_AGO: &str = "Fri, 01 Jan 1999 00:00:00 GMT";

/// A complete HTTP response.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The headers, without `content-length`.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Bytes,
    /// Whether the connection is closed instead of sending the response.
    pub(crate) lost: bool,
}

/// Turns a handler's result into a response.
pub(crate) fn render(call: &Call<'_>, result: Result<Success, Failure>) -> Answer {
    match result {
        Ok(success) => render_success(call, success),
        Err(failure) => render_failure(call, *failure.0),
    }
}

fn render_success(call: &Call<'_>, success: Success) -> Answer {
    let reads = call.request.method == "GET";
    let mut headers = vec![("x-request-id", call.request_id.clone())];
    headers.push(("content-language", "en".to_owned()));
    if let Some(location) = &success.location {
        headers.push(("location", location.clone()));
    }
    if reads {
        headers.push(("expires", LONG_AGO.to_owned()));
    }
    if call.request.header("origin").is_some() {
        headers.extend(cors(call.methods));
    }
    if let Some(asset) = success.asset {
        headers.push(("vary", "accept-language".to_owned()));
        headers.push((
            "content-disposition",
            format!("attachment; filename={}", asset.name),
        ));
        // B14: the type is never revealed, and an empty file has no such header at all.
        if !asset.bytes.is_empty() {
            headers.push(("content-type", "undefined".to_owned()));
        }
        return Answer {
            status: 200,
            headers,
            body: asset.bytes,
            lost: false,
        };
    }
    headers.push(("content-type", "application/json".to_owned()));
    headers.push(("vary", "accept-language, accept".to_owned()));
    if let Some(revision) = success.revision.as_deref().filter(|_| reads) {
        headers.push(("etag", format!("\"{revision}\"")));
    }
    let mut body = base(call, success.issued_token.as_deref());
    body.extend(success.more);
    if let Some(data) = success.data {
        body.insert("data".to_owned(), data);
    }
    if let Some(revision) = success.revision {
        body.insert("revision".to_owned(), json!(revision));
    }
    body.insert("status".to_owned(), json!("success"));
    Answer {
        status: success.status,
        headers,
        body: written(call, &body),
        lost: false,
    }
}

fn render_failure(call: &Call<'_>, refusal: Refusal) -> Answer {
    let mut headers = vec![("x-request-id", call.request_id.clone())];
    if refusal.stage == Stage::Protocol {
        if refusal.status != 406 {
            headers.push(("content-language", "en".to_owned()));
            let vary = if refusal.for_asset {
                "accept-language"
            } else {
                "accept-language, accept"
            };
            headers.push(("vary", vary.to_owned()));
        }
        if let Some(etag) = refusal.etag {
            headers.push(("etag", etag));
        }
        if refusal.status == 304 {
            headers.push(("expires", LONG_AGO.to_owned()));
        }
        return Answer {
            status: refusal.status,
            headers,
            body: Bytes::new(),
            lost: refusal.status == NO_ANSWER,
        };
    }
    let methods = if refusal.stage == Stage::Reading {
        ALL_METHODS
    } else {
        call.methods
    };
    headers.extend(cors(methods));
    let is_late = refusal.stage == Stage::Handling;
    if is_late {
        headers.push(("content-language", "en".to_owned()));
        headers.push(("vary", "accept-language, accept".to_owned()));
    }
    if is_late || call.profile.types_early_errors() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    let mut body = if refusal.stage == Stage::Reading {
        anonymous(call)
    } else {
        base(call, None)
    };
    // E21: errors of 4.3 without a token contain `"undefined"` as the token.
    if call.profile.always_shows_version() && call.token.is_none() {
        body.insert("auth_token".to_owned(), json!("undefined"));
    }
    body.extend(refusal.more);
    if let Some(data) = refusal.data {
        body.insert("data".to_owned(), data);
    }
    body.insert("error".to_owned(), json!(refusal.status.to_string()));
    body.insert("message".to_owned(), json!(refusal.message));
    body.insert("status".to_owned(), json!("error"));
    Answer {
        status: refusal.status,
        headers,
        body: written(call, &body),
        lost: false,
    }
}

/// Returns the CORS headers of every error and of responses to browsers (E6).
pub(crate) fn cors(methods: &[&str]) -> Vec<(&'static str, String)> {
    let mut list = "OPTIONS".to_owned();
    for method in methods {
        list.push_str(", ");
        list.push_str(method);
    }
    vec![
        ("access-control-allow-headers", ALLOWED_HEADERS.to_owned()),
        ("access-control-allow-methods", list),
        ("access-control-allow-origin", "*".to_owned()),
        ("access-control-expose-headers", EXPOSED_HEADERS.to_owned()),
        ("access-control-max-age", "86400".to_owned()),
    ]
}

/// Returns the members of every envelope (E14, E15).
fn base(call: &Call<'_>, issued_token: Option<&str>) -> Object {
    let mut body = anonymous(call);
    if call.caller.is_some() || issued_token.is_some() {
        body.insert("version".to_owned(), json!(call.profile.version()));
    }
    if let Some(token) = issued_token.or(call.token.as_deref()) {
        body.insert("auth_token".to_owned(), json!(token));
    }
    body
}

fn anonymous(call: &Call<'_>) -> Object {
    let mut body = Object::new();
    if call.profile.always_shows_version() {
        body.insert("version".to_owned(), json!(call.profile.version()));
    }
    body.insert("timestamp".to_owned(), json!(timestamp(call.now)));
    body.insert("node".to_owned(), json!("sandbox"));
    body.insert("request_id".to_owned(), json!(call.request_id));
    if call.profile.shows_tokens() {
        body.insert(
            "tokens".to_owned(),
            json!({"consumed": 1, "remaining": call.remaining}),
        );
    }
    body
}

fn timestamp(now: u64) -> String {
    i64::try_from(now)
        .ok()
        .and_then(|now| jiff::Timestamp::from_second(now).ok())
        .unwrap_or_default()
        .to_string()
}

fn written(call: &Call<'_>, body: &Object) -> Bytes {
    let pretty = call
        .request
        .header("x-pretty-print")
        .is_some_and(|value| value == "true")
        || call
            .request
            .query
            .split('&')
            .any(|pair| pair == "pretty_print=true");
    let text = if pretty {
        serde_json::to_vec_pretty(body)
    } else {
        serde_json::to_vec(body)
    };
    Bytes::from(text.unwrap_or_default())
}
