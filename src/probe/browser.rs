//! The rules by which a browser lets a page ask another host: mixed content and CORS.

use url::Url;

use super::{Fetch, HttpAnswer};
use crate::model::is_loopback;

/// The headers that Monster UI sends along, for which a browser asks before (`jquery.kazoosdk.js`).
pub(super) const ASKED_HEADERS: [&str; 2] = ["content-type", "x-auth-token"];

/// Returns a page's origin as a browser sends it.
pub(super) fn origin(page: &Url) -> String {
    page.origin().ascii_serialization()
}

/// Returns whether a page may ask a URL at all: from a page over TLS, nothing in clear text, except on this machine.
pub(super) fn is_mixed(page: &Url, target: &Url) -> bool {
    let is_here = target.host().as_ref().is_some_and(is_loopback);
    page.scheme() == "https" && target.scheme() == "http" && !is_here
}

/// Returns whether a browser asks before and needs permission.
pub(super) fn is_foreign(page: &Url, target: &Url) -> bool {
    page.origin() != target.origin()
}

/// Returns why a browser does not let a page send its request, given the answer to its question (Fetch, section 4.8).
pub(super) fn preflight_refused(page: &Url, answer: &HttpAnswer) -> Option<String> {
    if !(200..300).contains(&answer.status) {
        return Some(format!(
            "the API answers the browser's OPTIONS request with {}",
            answer.status
        ));
    }
    if let Some(refused) = reading_refused(page, answer) {
        return Some(refused);
    }
    let allowed = answer.headers("access-control-allow-headers");
    let allowed: Vec<String> = allowed
        .flat_map(|header| header.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let missing = ASKED_HEADERS
        .iter()
        .find(|name| !allowed.iter().any(|it| it == *name || it == "*"))?;
    Some(format!(
        "the API's Access-Control-Allow-Headers lacks {missing}"
    ))
}

/// Returns why a browser does not let a page read an answer.
pub(super) fn reading_refused(page: &Url, answer: &HttpAnswer) -> Option<String> {
    let own = origin(page);
    let mut allowed = answer.headers("access-control-allow-origin");
    match (allowed.next(), allowed.next()) {
        (None, _) => Some("the API's answer has no Access-Control-Allow-Origin".to_owned()),
        (Some(_), Some(_)) => Some(
            "the API's answer has Access-Control-Allow-Origin twice, which no browser accepts"
                .to_owned(),
        ),
        (Some(one), None) if one == "*" || one == own => None,
        (Some(one), None) => Some(format!(
            "the API's Access-Control-Allow-Origin is {one}, and not {own}"
        )),
    }
}

/// Returns why a browser does not let a page read what was fetched; `None` also without an answer.
pub(super) fn unreadable(page: &Url, target: &Url, fetch: &Fetch) -> Option<String> {
    let answer = fetch.as_ref().ok()?;
    if is_foreign(page, target) {
        reading_refused(page, answer)
    } else {
        None
    }
}
