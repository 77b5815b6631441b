//! Static files: style, script, logo.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::model::Digest;

/// A file embedded in the program.
pub(super) struct Still {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    digest: OnceLock<Digest>,
}

pub(super) static STYLE: Still = Still::new(
    "style.css",
    "text/css; charset=utf-8",
    concat!(
        include_str!("style.css"),
        include_str!("../../report/html/card.css")
    ),
);
pub(super) static SCRIPT: Still = Still::new(
    "page.js",
    "text/javascript; charset=utf-8",
    include_str!("page.js"),
);
static MARK: Still = Still::new("mark.svg", "image/svg+xml", include_str!("mark.svg"));

impl Still {
    const fn new(name: &'static str, kind: &'static str, text: &'static str) -> Self {
        Self {
            name,
            kind,
            text,
            digest: OnceLock::new(),
        }
    }

    /// Returns a tag that changes with the content, so that a browser may cache the file forever.
    pub(super) fn tag(&self) -> &str {
        self.digest
            .get_or_init(|| Digest::of(self.text.as_bytes()))
            .short()
    }
}

pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let found = [&STYLE, &SCRIPT, &MARK];
    let Some(still) = found.into_iter().find(|still| still.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, still.kind),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, still.text).into_response()
}
