//! Orders that come from forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};

use super::form::PAUSES;
use crate::model::{AccountName, Digest};
use crate::watch::Order;
use crate::watch::http::state::Shared;

/// The fields of a form.
type Fields = BTreeMap<String, String>;

/// What the page that an order leads back to says.
pub(super) const DONE: [(&str, &str); 3] = [
    ("resync", "It is being checked."),
    ("resume", "It goes on."),
    ("approve", "Approved; it is being applied."),
];

/// Reads a form, when it was filled in on a page of this daemon.
#[expect(
    clippy::result_large_err,
    reason = "the response is what the caller returns"
)]
fn fields(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<Fields, Response> {
    let fields: Fields = url::form_urlencoded::parse(body).into_owned().collect();
    let given = fields.get("form").map(String::as_str).unwrap_or_default();
    if shared.access.is_own_form(headers, given) {
        return Ok(fields);
    }
    let why = "This form is too old, or comes from elsewhere. Go back, load the page anew, and try again.\n";
    Err((StatusCode::FORBIDDEN, why).into_response())
}

/// Leads back to the page that the form stands on; nowhere else.
fn back(fields: &Fields, done: &'static str) -> Response {
    let here = own_path(fields.get("back").map(String::as_str).unwrap_or_default());
    let path = here.split('#').next().unwrap_or("/");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut kept = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "done" {
            kept.append_pair(&name, &value);
        }
    }
    kept.append_pair("done", done);
    Redirect::to(&format!("{path}?{}", kept.finish())).into_response()
}

/// Returns a path of this daemon; the first page for everything else.
pub(super) fn own_path(text: &str) -> &str {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && text.starts_with('/') && !text.starts_with("//") {
        text
    } else {
        "/"
    }
}

pub(super) async fn resync(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match fields(&shared, &headers, &body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let accounts = fields.get("account").map(AccountName::new);
    shared.orders.give(Order::Resync {
        accounts: accounts.into_iter().collect(),
    });
    back(&fields, "resync")
}

pub(super) async fn pause(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match fields(&shared, &headers, &body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let text = |name: &str, longest: usize| {
        let text = fields.get(name).map(|text| text.trim()).unwrap_or_default();
        text.chars().take(longest).collect::<String>()
    };
    let reason = text("reason", 500);
    if reason.is_empty() {
        let why = "Say why it is paused.\n";
        return (StatusCode::UNPROCESSABLE_ENTITY, why).into_response();
    }
    let minutes = text("minutes", 10);
    if !PAUSES.iter().any(|(value, _)| *value == minutes) {
        let why = "Choose for how long it is paused.\n";
        return (StatusCode::UNPROCESSABLE_ENTITY, why).into_response();
    }
    let now = Timestamp::now();
    let until = minutes.parse().ok();
    let until = until.map(|minutes: i64| now + SignedDuration::from_mins(minutes));
    let by = Some(text("by", 100)).filter(|by| !by.is_empty());
    shared.orders.pause(reason, by, now, until);
    back(&fields, "pause")
}

pub(super) async fn resume(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match fields(&shared, &headers, &body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    shared.orders.give(Order::Resume);
    back(&fields, "resume")
}

pub(super) async fn approve(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match fields(&shared, &headers, &body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let given = fields.get("plan").map(String::as_str).unwrap_or_default();
    let plan: Option<Digest> = shared.board.status().cluster.plan.clone();
    let Some(plan) = plan.filter(|plan| plan.as_str() == given) else {
        let why =
            "The plan is another one by now. Go back, load the page anew, and look at it again.\n";
        return (StatusCode::CONFLICT, why).into_response();
    };
    shared.orders.give(Order::Approve { plan });
    back(&fields, "approve")
}

pub(super) async fn log_in(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = match fields(&shared, &headers, &body) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let text = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let next = own_path(text("next"));
    if let Some(cookie) = shared.access.log_in(text("token"), Timestamp::now()) {
        return ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response();
    }
    tracing::warn!("somebody showed a wrong token");
    let page = super::login::page(text("form"), next, true).into_string();
    (StatusCode::FORBIDDEN, Html(page)).into_response()
}

pub(super) async fn log_out(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(response) = fields(&shared, &headers, &body) {
        return response;
    }
    let ended = [(header::SET_COOKIE, shared.access.log_out())];
    (ended, Redirect::to("/login")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_back_to_pages_of_this_daemon_only() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(own_path(text), expected);
        }
        check("/", "/");
        check("/accounts/acme?q=1", "/accounts/acme?q=1");
        check("//evil.example.com", "/");
        check("/\\evil.example.com", "/");
        check("https://evil.example.com", "/");
        check("/a\r\nset-cookie: b", "/");
        check("", "/");
    }

    #[test]
    fn the_way_back_keeps_the_query() {
        #[track_caller]
        fn check(fields: &Fields, expected: &str) {
            let response = back(fields, "pause");
            assert_eq!(response.headers()[header::LOCATION], expected);
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
        }
        let fields = |back: &str| Fields::from([("back".to_owned(), back.to_owned())]);
        check(&fields("/?q=a%26b&done=resync"), "/?q=a%26b&done=pause");
        check(&fields("/plan"), "/plan?done=pause");
        check(&fields("//evil.example.com"), "/?done=pause");
    }
}
