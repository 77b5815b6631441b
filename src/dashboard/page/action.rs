//! Interventions from forms.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use jiff::{SignedDuration, Timestamp};

use super::form::{PAUSES, POSTPONEMENTS};
use crate::daemon::Author;
use crate::dashboard::access::LoginError;
use crate::dashboard::intervene::{self, Refused, Seen};
use crate::dashboard::order::Order;
use crate::dashboard::state::Shared;
use crate::model::AccountName;

/// The fields of a form.
type Fields = BTreeMap<String, String>;

/// The messages of the page that a form leads back to. The page itself shows what becomes of the intervention.
pub(super) const DONE: [(&str, &str); 7] = [
    ("resync", "It is being checked."),
    (
        "pause",
        "Pause requested; it begins when the step in flight is done.",
    ),
    ("resume", "Resumed."),
    ("approve", "Approval recorded."),
    ("reject", "Rejection recorded; it stays as it is."),
    ("put-off", "Put off; it stays as it is until then."),
    (
        "propose",
        "It is being proposed; the history has the outcome.",
    ),
];

/// Parses a form, if it was filled in on a page of this daemon.
#[expect(
    clippy::result_large_err,
    reason = "the response is what the caller returns"
)]
fn fields(order: &Order) -> Result<Fields, Response> {
    let body = url::form_urlencoded::parse(&order.body);
    let fields: Fields = body.into_owned().collect();
    let given = fields.get("form").map(String::as_str).unwrap_or_default();
    if order.shared.access.is_own_form(&order.headers, given) {
        return Ok(fields);
    }
    let why =
        "This form is too old, or comes from elsewhere. Go back, reload the page, and try again.\n";
    Err((StatusCode::FORBIDDEN, why).into_response())
}

/// Redirects to the page that contains the form, and nowhere else.
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

/// Returns a path of this daemon; the first page for anything else.
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

fn text<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map(String::as_str).unwrap_or_default()
}

/// Carries out an intervention from a form, and redirects to the page that contains it.
fn ordered(
    order: &Order,
    done: &'static str,
    give: impl FnOnce(&Shared, &Fields, Author) -> Result<(), Refused>,
) -> Response {
    let shared = &*order.shared;
    let fields = match fields(order) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let name = text(&fields, "by").trim();
    // An intervention that allows or prevents writes needs somebody who answers for it.
    if name.is_empty() && done != "resync" {
        return unprocessable("Say who you are: your name is kept in the history.");
    }
    let given = order.author(Some(name), Some(text(&fields, "reason")));
    if let Err(Refused { status, why }) = given.and_then(|author| give(shared, &fields, author)) {
        let why = format!("Not done: {why}.\nGo back and reload the page.\n");
        return (status, why).into_response();
    }
    let mut response = back(&fields, done);
    let known = shared.access.remember_name(name);
    if let Some(known) = known.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().insert(header::SET_COOKIE, known);
    }
    response
}

fn unprocessable(why: &str) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, format!("{why}\n")).into_response()
}

pub(super) async fn resync(order: Order) -> Response {
    ordered(&order, "resync", |shared, fields, author| {
        let accounts = fields.get("account").map(AccountName::new);
        intervene::resync(shared, accounts.into_iter().collect(), author)
    })
}

pub(super) async fn pause(order: Order) -> Response {
    ordered(&order, "pause", |shared, fields, author| {
        let minutes = text(fields, "minutes");
        if !PAUSES.iter().any(|(value, _)| *value == minutes) {
            return Err(Refused {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                why: "choose for how long it is paused".to_owned(),
            });
        }
        intervene::pause(shared, minutes.parse().ok(), author)
    })
}

pub(super) async fn resume(order: Order) -> Response {
    ordered(&order, "resume", |shared, _, author| {
        intervene::resume(shared, author)
    })
}

pub(super) async fn approve(order: Order) -> Response {
    ordered(&order, "approve", |shared, fields, author| {
        intervene::approve(shared, seen(fields), author).map(drop)
    })
}

pub(super) async fn reject(order: Order) -> Response {
    ordered(&order, "reject", |shared, fields, author| {
        intervene::decline(shared, seen(fields), None, author).map(drop)
    })
}

pub(super) async fn put_off(order: Order) -> Response {
    ordered(&order, "put-off", |shared, fields, author| {
        let days = text(fields, "days");
        let known = POSTPONEMENTS.iter().find(|(value, _)| *value == days);
        let days = known.and_then(|(value, _)| value.parse::<i64>().ok());
        let span = days.map(|days| SignedDuration::from_hours(24 * days));
        let Some(until) = span.and_then(|span| author.at.checked_add(span).ok()) else {
            return Err(Refused {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                why: "choose until when it is put off".to_owned(),
            });
        };
        intervene::decline(shared, seen(fields), Some(until), author).map(drop)
    })
}

pub(super) async fn propose(order: Order) -> Response {
    ordered(&order, "propose", |shared, fields, author| {
        let account = AccountName::new(text(fields, "account"));
        let seen = Some(text(fields, "plan")).filter(|seen| !seen.is_empty());
        intervene::propose(shared, (account, seen), author)
    })
}

/// Returns what somebody saw when the form was sent.
fn seen(fields: &Fields) -> Seen<'_> {
    let account = fields.get("account").map(String::as_str);
    let is_template = fields.contains_key("template");
    Seen::of(text(fields, "plan"), account, is_template)
}

pub(super) async fn log_in(order: Order) -> Response {
    let (shared, admitted) = (&order.shared, order.admitted);
    let fields = match fields(&order) {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let next = own_path(text(&fields, "next"));
    let now = Timestamp::now();
    let (status, error) = match shared
        .access
        .log_in(text(&fields, "token"), admitted.client, now)
    {
        Ok(cookie) => {
            return ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response();
        }
        Err(error @ LoginError::Wrong) => {
            tracing::warn!(client = %admitted.client, "somebody showed a wrong token");
            (StatusCode::FORBIDDEN, error)
        }
        // Guessing must not fill the log.
        Err(error @ LoginError::TooMany) => (StatusCode::TOO_MANY_REQUESTS, error),
    };
    let page = super::login::page(text(&fields, "form"), next, Some(error)).into_string();
    (status, Html(page)).into_response()
}

pub(super) async fn log_out(order: Order) -> Response {
    if let Err(response) = fields(&order) {
        return response;
    }
    let cookie = order.shared.access.log_out(&order.headers);
    let ended = [(header::SET_COOKIE, cookie)];
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
