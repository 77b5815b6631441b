//! Responses: the envelope, errors, headers and empty bodies.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::pipeline::Call;
use crate::model::Object;

/// The methods listed in early errors, before the path is known.
pub(crate) const ALL_METHODS: &[&str] =
    &["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];

const ALLOWED_HEADERS: &str = "content-type, depth, user-agent, x-http-method-override, x-file-size, x-requested-with, if-modified-since, x-file-name, cache-control, x-auth-token, x-kazoo-cluster-id, if-match";
const EXPOSED_HEADERS: &str =
    "content-type, x-auth-token, x-request-id, x-kazoo-cluster-id, location, etag, etag";
const LONG_AGO: &str = "Fri, 01 Jan 1999 00:00:00 GMT";

/// Pseudo-status for a connection that is closed without a response; not a valid HTTP status.
const NO_ANSWER: u16 = 0;

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

/// The successful result of a handler.
#[derive(Clone, Debug)]
pub(crate) struct Success {
    /// 200 or 201.
    pub(crate) status: u16,
    /// The member `data`; absent in one special case (`domains.sys.post.array`).
    pub(crate) data: Option<Value>,
    /// The revision in the body, and the entity tag of a GET (W15, W16).
    pub(crate) revision: Option<String>,
    /// Further members: `page_size`, `start_key`, `metadata` …
    pub(crate) more: Object,
    /// The header `location`.
    pub(crate) location: Option<String>,
    /// The bytes of an asset, instead of JSON.
    pub(crate) asset: Option<AssetBody>,
    /// The token issued to the caller, in the response to a login.
    pub(crate) issued_token: Option<String>,
}

/// The file in the response to a GET of an asset.
#[derive(Clone, Debug)]
pub(crate) struct AssetBody {
    /// The attachment's name.
    pub(crate) name: String,
    /// The bytes.
    pub(crate) bytes: Bytes,
}

impl Success {
    pub(crate) fn new(data: Value) -> Self {
        Self {
            status: 200,
            data: Some(data),
            revision: None,
            more: Object::new(),
            location: None,
            asset: None,
            issued_token: None,
        }
    }

    pub(crate) fn created(mut self, location: Option<String>) -> Self {
        self.status = 201;
        self.location = location;
        self
    }

    pub(crate) fn revision(mut self, revision: &(impl ToString + ?Sized)) -> Self {
        self.revision = Some(revision.to_string());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
}

/// An error response.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Box<Refusal>);

#[derive(Clone, Debug)]
struct Refusal {
    status: u16,
    stage: Stage,
    message: String,
    data: Option<Value>,
    more: Object,
    etag: Option<String>,
    for_asset: bool,
}

/// The stage at which a request failed, which determines headers and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The body could not be parsed; neither the path nor the token was checked.
    Reading,
    /// Before the content type of the response was negotiated: no `content-type`.
    Deciding,
    /// In the handler.
    Handling,
    /// The HTTP layer itself refused: an empty body (E22's rows 404, 406, 412, 415), or 304.
    Protocol,
}

impl Failure {
    fn of(status: u16, stage: Stage, message: &str, data: Option<Value>) -> Self {
        Self(Box::new(Refusal {
            status,
            stage,
            message: message.to_owned(),
            data,
            more: Object::new(),
            etag: None,
            for_asset: false,
        }))
    }

    /// 400: Kazoo cannot parse the body (E7, E9, B6).
    pub(crate) fn unreadable(data: &Value) -> Self {
        Self::of(400, Stage::Reading, "validation error", Some(data.clone()))
    }

    /// 410: the API version is gone (E2).
    pub(crate) fn gone() -> Self {
        Self::of(
            410,
            Stage::Reading,
            "gone",
            Some(json!(
                "API version 1 is not supported. Please upgrade your code to use version 2."
            )),
        )
    }

    /// An error raised before the handler runs.
    pub(crate) fn early(status: u16, message: &str, data: Value) -> Self {
        Self::of(status, Stage::Deciding, message, Some(data))
    }

    /// An error raised by the handler.
    pub(crate) fn late(status: u16, message: &str, data: Value) -> Self {
        Self::of(status, Stage::Handling, message, Some(data))
    }

    /// A response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self::of(status, Stage::Protocol, "", None)
    }

    /// The server process crashes and the connection is closed (observed 11).
    pub(crate) fn no_answer() -> Self {
        Self::empty(NO_ANSWER)
    }

    /// 304, with the ETag of the unmodified document.
    pub(crate) fn not_modified(etag: Option<&str>) -> Self {
        let mut failure = Self::empty(304);
        failure.0.etag = etag.map(str::to_owned);
        failure.0.for_asset = etag.is_none();
        failure
    }

    /// 404: something with that name does not exist (W2, W10).
    pub(crate) fn bad_identifier(cause: &str) -> Self {
        Self::late(
            404,
            "bad_identifier",
            json!({"message": "bad identifier", "cause": cause}),
        )
    }

    /// 409: the document already exists, or somebody else changed it first (W3, C2).
    pub(crate) fn conflict() -> Self {
        Self::late(
            409,
            "datastore_conflict",
            json!({"message": "conflicting documents"}),
        )
    }

    /// 400: the violated rules by path (E22).
    pub(crate) fn invalid(errors: Object) -> Self {
        Self::late(400, "validation error", Value::Object(errors))
    }

    /// 500: the module crashed (D9, observed 7); no `data`.
    pub(crate) fn init_failed() -> Self {
        Self::of(500, Stage::Handling, "init failed", None)
    }

    /// 401: no token, or one that the sandbox did not issue.
    pub(crate) fn no_credentials() -> Self {
        Self::early(
            401,
            "invalid_credentials",
            json!({"message": "invalid credentials"}),
        )
    }

    /// 401: the token has expired (A5, trap 28).
    pub(crate) fn expired() -> Self {
        Self::early(401, "invalid credentials", json!({}))
    }

    /// 403: the token has no access to the account (A9).
    pub(crate) fn forbidden() -> Self {
        Self::early(403, "forbidden", json!({"message": "forbidden"}))
    }

    /// 429: the token bucket is empty (C4).
    pub(crate) fn too_many() -> Self {
        Self::early(
            429,
            "too_many_requests",
            json!({"message": "too many requests"}),
        )
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.more.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn merge(mut self, more: &Object) -> Self {
        self.0.more.extend(more.clone());
        self
    }
}

/// Returns the error that a scripted fault with this status simulates (S4).
pub(crate) fn refusal(status: u16) -> Failure {
    match status {
        401 => Failure::no_credentials(),
        402 => Failure::late(402, "accept_charges", super::whitelabel::quote(9.99)),
        403 => Failure::forbidden(),
        404 => Failure::bad_identifier("whitelabel"),
        409 => Failure::conflict(),
        429 => Failure::too_many(),
        412 | 415 | 406 | 502 | 504 => Failure::empty(status),
        500 => Failure::init_failed(),
        503 => Failure::late(
            503,
            "datastore_unreachable",
            json!({"message": "datastore unreachable"}),
        ),
        other => Failure::late(
            other,
            "unknown failure",
            json!({"message": "unknown failure"}),
        ),
    }
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
    if refusal.stage == Stage::Handling {
        headers.push(("content-language", "en".to_owned()));
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("vary", "accept-language, accept".to_owned()));
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
