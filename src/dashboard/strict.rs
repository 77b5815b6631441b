//! Checks of every request before it is handled: it is a single request, it uses the daemon's own name, it is not sent
//! by a page of another site, and it is complete.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use thiserror::Error;

use super::access::{Access, Admitted, Entry};
use super::attempts::ATTEMPTS;
use super::listener::Client;
use super::platform_event::PATH as EVENTS;
use super::state::Shared;
use super::{api, body};

/// The maximum size of a form or an API request, in bytes.
const BODY: usize = 64 * 1024;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Unfit {
    #[error("the request has {0} more than once; send it once")]
    Twice(&'static str),
    #[error("the request names no host; send one Host header")]
    NoHost,
    #[error("the request names two hosts; let its target and its Host header name the same")]
    TwoHosts,
    #[error(
        "this daemon is not asked by that name; use an address or http.public_url, or add the name to http.hosts in the daemon's file (without http.token, only this machine's own names are answered, such as http://127.0.0.1)"
    )]
    OtherName,
    #[error("a page of another site may not ask this daemon; open its own pages")]
    OtherSite,
    #[error(
        "too many wrong tokens came from this client: {ATTEMPTS} in a minute; the right one is taken at any time"
    )]
    TooMany,
}

impl Unfit {
    fn status(self) -> StatusCode {
        match self {
            Self::Twice(_) | Self::NoHost | Self::TwoHosts => StatusCode::BAD_REQUEST,
            Self::OtherName => StatusCode::MISDIRECTED_REQUEST,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// Refuses what no honest client sends, reads the body, and counts the connection as busy only then.
pub(super) async fn strict(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(client): ConnectInfo<Client>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let admitted = Admitted {
        client: client.address.ip(),
        entry: match fit(&shared, &parts.method, &parts.uri, &parts.headers, &client) {
            Ok(entry) => entry,
            Err(unfit) => return said(parts.uri.path(), unfit.status(), &unfit.to_string()),
        },
    };
    parts.extensions.insert(admitted);
    // The webhook reads its body itself, because its proof may be in the headers.
    if parts.uri.path() == "/webhook" {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let (bytes, share) = match body::read(&parts.headers, body, BODY, &shared.unproven).await {
        Ok(read) => read,
        Err(error) => return said(parts.uri.path(), error.status(), &error.to_string()),
    };
    let _busy = client.place.begin();
    let response = next
        .run(Request::from_parts(parts, Body::from(bytes)))
        .await;
    drop(share);
    response
}

/// Decides what a request may do.
fn fit(
    shared: &Shared,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    client: &Client,
) -> Result<Entry, Unfit> {
    once(headers)?;
    // These answer only yes or no, or are authenticated by their body.
    if matches!(
        uri.path(),
        "/healthz" | "/readyz" | "/leaderz" | "/webhook" | EVENTS
    ) {
        return Ok(Entry::Refused);
    }
    one_host(uri, headers)?;
    let access = &shared.access;
    let entry = access.entry(headers, client.address.ip(), Timestamp::now());
    match entry {
        // No page of another site has the token.
        Entry::Token => return Ok(entry),
        Entry::Limited => return Err(Unfit::TooMany),
        Entry::Session | Entry::Local | Entry::Refused => {}
    }
    if !access.is_own_name(headers) {
        return Err(Unfit::OtherName);
    }
    if is_of_another_site(access, method, headers) {
        return Err(Unfit::OtherSite);
    }
    Ok(entry)
}

/// Refuses duplicate headers, which two parsers could read as two different requests.
fn once(headers: &HeaderMap) -> Result<(), Unfit> {
    for (name, words) in [
        (header::HOST, "Host"),
        (header::AUTHORIZATION, "Authorization"),
        (header::ORIGIN, "Origin"),
        (header::CONTENT_LENGTH, "Content-Length"),
        (header::CONTENT_TYPE, "Content-Type"),
    ] {
        if headers.get_all(name).iter().count() > 1 {
            return Err(Unfit::Twice(words));
        }
    }
    Ok(())
}

fn one_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Unfit> {
    let host = headers.get(header::HOST).ok_or(Unfit::NoHost)?;
    let is_same = |authority: &str| host.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
    match uri.authority() {
        Some(authority) if !is_same(authority.as_str()) => Err(Unfit::TwoHosts),
        _ => Ok(()),
    }
}

/// Returns whether the browser reports that a page of another site sends a request. A link from there to a page of this
/// daemon may be followed; nothing else may be requested.
fn is_of_another_site(access: &Access, method: &Method, headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    let is_followed = *method == Method::GET
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
        && !headers.contains_key(header::ORIGIN);
    !is_followed && !access.is_own_origin(headers)
}

fn said(path: &str, status: StatusCode, text: &str) -> Response {
    let mut response = if path.starts_with("/api/") {
        api::refused(status, text)
    } else {
        (status, format!("{text}\n")).into_response()
    };
    let headers = response.headers_mut();
    // Unread bytes must not be taken for the next request.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}
