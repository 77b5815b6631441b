//! The page, its program and its configuration.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;

const PAGE: &str = include_str!("page.html");
const PROGRAM: &str = include_str!("main.js");

/// Returns the service of the page; `api` is its `api.default`.
pub(super) fn service(api: &str) -> Router {
    Router::new()
        .route(
            "/",
            get(|| async { typed("text/html; charset=utf-8", PAGE.to_owned()) }),
        )
        .route(
            "/js/main.js",
            get(|| async { typed("text/javascript", PROGRAM.to_owned()) }),
        )
        .route("/js/config.js", get(config))
        .with_state(api.to_owned())
}

/// Returns the service that leads from clear text to TLS.
pub(super) fn redirect() -> Router {
    Router::new().fallback(|headers: HeaderMap| async move {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let location = format!("https://{name}/");
        (
            StatusCode::MOVED_PERMANENTLY,
            [(header::LOCATION, location)],
        )
    })
}

async fn config(State(api): State<String>) -> Response {
    let config = json!({
        "api": {"default": api},
        "whitelabel": {"companyName": "The Vendor", "applicationTitle": "Vendor UI"},
    });
    typed("text/javascript", format!("define({config:#});\n"))
}

fn typed(content_type: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}
