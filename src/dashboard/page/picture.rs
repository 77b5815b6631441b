//! Pictures of brands: files of the tree that are known to be live, byte for byte. No other one is shown in their
//! place.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::brand;
use super::words::path;
use crate::daemon::ObjectStatus;
use crate::dashboard::state::Shared;
use crate::model::{AccountName, AssetKind, AssetType, Digest};
use crate::report::text::visible;

/// The content security policy of pictures: a browser may only show them.
const POLICY: &str = "default-src 'none'; sandbox";

/// Draws a thumbnail; for a brand without a picture, its first letter.
pub(super) fn thumbnail(object: &ObjectStatus) -> Markup {
    html! {
        @if let Some(address) = address(object) {
            img.thumb src=(address) alt="" loading="lazy" width="96" height="40";
        } @else {
            span.thumb.letter aria-hidden="true" { (letter(object)) }
        }
    }
}

/// Draws the picture in a larger size.
pub(super) fn large(object: &ObjectStatus) -> Markup {
    html! {
        @if let Some(address) = address(object) {
            img.logo src=(address) alt={ "logo of " (visible(object.title())) };
        } @else {
            span.logo.letter aria-hidden="true" { (letter(object)) }
        }
    }
}

fn letter(object: &ObjectStatus) -> String {
    let text = brand::heading(object);
    let first = text.chars().find(|character| character.is_alphanumeric());
    first
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default()
}

/// Returns the URL of a brand's picture, if the live one is available; it changes with the content.
fn address(object: &ObjectStatus) -> Option<String> {
    let name = object.name.account()?;
    let kinds = [AssetKind::Logo, AssetKind::Icon];
    let (kind, file) = kinds
        .iter()
        .find_map(|kind| Some((kind, object.assets.get(kind)?)))?;
    if !object.is_live(*kind) {
        return None;
    }
    file.facts.asset_type.filter(|found| is_picture(*found))?;
    let digest = file.facts.digest.short();
    Some(format!(
        "{}/{}?{digest}",
        path(name.as_str()),
        kind.as_str()
    ))
}

/// Returns whether a type may be shown; a welcome page is never served as a picture.
fn is_picture(found: AssetType) -> bool {
    match found {
        AssetType::Png | AssetType::Jpeg | AssetType::Gif | AssetType::Ico => true,
        AssetType::Html => false,
    }
}

pub(super) async fn serve(
    State(shared): State<Arc<Shared>>,
    Path((name, kind)): Path<(String, String)>,
) -> Response {
    let kinds = [AssetKind::Logo, AssetKind::Icon];
    let Some(kind) = kinds.into_iter().find(|known| known.as_str() == kind) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let published = shared.published.clone();
    let read = tokio::task::spawn_blocking(move || published.asset(&AccountName::new(name), kind));
    match read.await {
        Ok(Some(Ok(bytes))) => answer(bytes),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Serves a logo or icon that a source revision declares or declared.
pub(super) async fn serve_by_digest(
    State(shared): State<Arc<Shared>>,
    Path(digest): Path<String>,
) -> Response {
    let Some(digest) = Digest::parse(&digest) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let published = shared.published.clone();
    let read = tokio::task::spawn_blocking(move || published.picture(&digest));
    match read.await {
        Ok(Some(bytes)) => answer(bytes),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(bytes: Vec<u8>) -> Response {
    let Some(found) = AssetType::sniff(&bytes).filter(|found| is_picture(*found)) else {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, found.content_type()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "private, max-age=86400"),
    ];
    (headers, bytes).into_response()
}
