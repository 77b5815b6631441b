//! The routes of the pages.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use jiff::Timestamp;
use maud::Markup;
use serde::Deserialize;

use super::context::Frame;
use super::filter::Filter;
use super::{account, action, history, login, overview, picture, plan, still};
use crate::daemon::Status;
use crate::dashboard::access::{Access, Admitted, Entry};
use crate::dashboard::state::Shared;
use crate::model::AccountName;

pub(in crate::dashboard) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let guarded = Router::new()
        .route("/", get(show_overview))
        .route("/accounts/{name}", get(show_account))
        .route("/accounts/{name}/keep.patch", get(keep_patch))
        .route("/accounts/{name}/{kind}", get(picture::serve))
        .route("/pictures/{digest}", get(picture::serve_by_digest))
        .route("/template", get(show_template))
        .route("/plan", get(show_plan))
        .route("/history", get(show_history))
        .route("/resync", post(action::resync))
        .route("/pause", post(action::pause))
        .route("/resume", post(action::resume))
        .route("/approve", post(action::approve))
        .route("/reject", post(action::reject))
        .route("/put-off", post(action::put_off))
        .route("/propose", post(action::propose))
        .route("/logout", post(action::log_out))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard));
    Router::new()
        .route("/login", get(show_login).post(action::log_in))
        .route("/static/{name}", get(still::serve))
        .merge(guarded)
}

/// Lets authorized requests pass, and redirects others to the login page.
async fn guard(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
    next: Next,
) -> Response {
    if admitted.entry.is_in() {
        return next.run(request).await;
    }
    if !shared.access.wants_token() {
        let why = "Ask by this machine's own name, such as http://127.0.0.1; for other names, a token must be configured.\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let here = request
        .uri()
        .path_and_query()
        .map_or("/", |here| here.as_str());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", here)
        .finish();
    Redirect::to(&format!("/login?{query}")).into_response()
}

/// The query parameters that pages share.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Led {
    done: Option<String>,
    next: Option<String>,
}

/// Draws a page, with the token for its forms.
fn drawn(
    shared: &Shared,
    (admitted, headers): (Admitted, &HeaderMap),
    here: &Uri,
    led: &Led,
    draw: impl FnOnce(&Frame<'_>, &Status) -> Option<Markup>,
) -> Response {
    let Ok((form, cookie)) = shared.access.form(headers) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let status = shared.published.status();
    let done = action::DONE
        .iter()
        .find(|(word, _)| Some(*word) == led.done.as_deref());
    let now = Timestamp::now();
    let frame = Frame {
        status: &status,
        published: &shared.published,
        now,
        form: &form,
        here: here.path_and_query().map_or("/", |here| here.as_str()),
        has_session: admitted.entry == Entry::Session,
        name: &Access::known_name(headers),
        done: done.map(|(_, said)| *said),
    };
    let Some(page) = draw(&frame, &status) else {
        return (StatusCode::NOT_FOUND, "The tree has no such thing.\n").into_response();
    };
    let mut response = Html(page.into_string()).into_response();
    if let Some(cookie) = cookie.and_then(|cookie| cookie.parse().ok()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn show_overview(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    here: Uri,
    Query(led): Query<Led>,
    Query(filter): Query<Filter>,
) -> Response {
    drawn(&shared, (admitted, &headers), &here, &led, |frame, _| {
        Some(overview::page(frame, &filter, &shared.channels.status()))
    })
}

async fn show_account(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    here: Uri,
    Query(led): Query<Led>,
    Path(name): Path<String>,
) -> Response {
    drawn(
        &shared,
        (admitted, &headers),
        &here,
        &led,
        |frame, status| {
            let found = status.accounts.get(&AccountName::new(name))?;
            Some(account::page(frame, found))
        },
    )
}

/// Serves the patch that keeps an account's drift, as a file.
async fn keep_patch(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    match shared.published.patch(&AccountName::new(name)) {
        Some(patch) => {
            let headers = [
                (header::CONTENT_TYPE, "text/x-patch; charset=utf-8"),
                (
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=keep.patch",
                ),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, patch.to_string()).into_response()
        }
        None => (
            StatusCode::NOT_FOUND,
            "There is no patch: nothing was changed by hand, or it changed since.\n",
        )
            .into_response(),
    }
}

async fn show_template(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    here: Uri,
    Query(led): Query<Led>,
) -> Response {
    drawn(
        &shared,
        (admitted, &headers),
        &here,
        &led,
        |frame, status| Some(account::page(frame, status.template.as_deref()?)),
    )
}

async fn show_plan(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    here: Uri,
    Query(led): Query<Led>,
) -> Response {
    drawn(&shared, (admitted, &headers), &here, &led, |frame, _| {
        Some(plan::page(frame))
    })
}

async fn show_history(
    State(shared): State<Arc<Shared>>,
    Extension(admitted): Extension<Admitted>,
    headers: HeaderMap,
    here: Uri,
    Query(led): Query<Led>,
) -> Response {
    drawn(&shared, (admitted, &headers), &here, &led, |frame, _| {
        Some(history::page(frame))
    })
}

async fn show_login(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(led): Query<Led>,
) -> Response {
    if !shared.access.wants_token() {
        return Redirect::to("/").into_response();
    }
    let Ok((form, cookie)) = shared.access.form(&headers) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let next = action::own_path(led.next.as_deref().unwrap_or("/"));
    let mut response = Html(login::page(&form, next, None).into_string()).into_response();
    if let Some(cookie) = cookie.and_then(|cookie| cookie.parse().ok()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
