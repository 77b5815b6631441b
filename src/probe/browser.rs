//! The rules by which a browser lets a page ask another host: mixed content and CORS.

use url::Url;

use super::check::CheckKind;
use super::page::Page;
use super::{Call, HttpAnswer};
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

/// Returns why a browser does not follow a redirect of a call, with the part of the path that it breaks.
pub(super) fn redirect_refused(page: &Page, next: &Url) -> Option<(CheckKind, String)> {
    if is_mixed(&page.url, next) {
        let sentence = format!("the API leads to {next} in clear text, which browsers forbid");
        return Some((CheckKind::MixedContent, sentence));
    }
    if !next.username().is_empty() || next.password().is_some() {
        let sentence =
            format!("the API leads to {next}; browsers follow no redirect with a user name");
        return Some((CheckKind::Cors, sentence));
    }
    let directive = page.policies.forbids_call(&page.url, next)?;
    let sentence = format!(
        "the API leads to {next}, which the page's Content-Security-Policy blocks: {directive}"
    );
    Some((CheckKind::ContentPolicy, sentence))
}

/// Returns the origin that a browser names after a redirect of a call (Fetch, section 4.4): a second change of hosts
/// hides it.
pub(super) fn origin_after(
    page: &Url,
    origin: Option<String>,
    at: &Url,
    next: &Url,
) -> Option<String> {
    match origin {
        Some(_) if at.origin() != next.origin() => Some("null".to_owned()),
        None if is_foreign(page, next) => Some(self::origin(page)),
        kept => kept,
    }
}

/// Returns why a browser does not let a page send its request, given the answer to its question (Fetch, section 4.8).
pub(super) fn preflight_refused(origin: &str, answer: &HttpAnswer) -> Option<String> {
    if !(200..300).contains(&answer.status) {
        return Some(format!(
            "the API answers the browser's OPTIONS request with {}",
            answer.status
        ));
    }
    if let Some(refused) = reading_refused(origin, answer) {
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

/// Returns why a browser does not let a page of an origin read an answer.
pub(super) fn reading_refused(origin: &str, answer: &HttpAnswer) -> Option<String> {
    let mut allowed = answer.headers("access-control-allow-origin");
    match (allowed.next(), allowed.next()) {
        (None, _) => Some("the API's answer has no Access-Control-Allow-Origin".to_owned()),
        (Some(_), Some(_)) => Some(
            "the API's answer has Access-Control-Allow-Origin twice, which no browser accepts"
                .to_owned(),
        ),
        (Some(one), None) if one == "*" || one == origin => None,
        (Some(one), None) if origin == "null" => Some(format!(
            "the API leads from one host to another, after which browsers name no origin, and its Access-Control-Allow-Origin is {one}"
        )),
        (Some(one), None) => Some(format!(
            "the API's Access-Control-Allow-Origin is {one}, and not {origin}"
        )),
    }
}

/// Returns why a browser does not let a page read the answer to a call; `None` also without an answer.
pub(super) fn unreadable(call: &Call) -> Option<String> {
    let answer = call.answer.as_ref().ok()?;
    reading_refused(call.origin.as_deref()?, answer)
}
