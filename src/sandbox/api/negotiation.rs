//! Content negotiation: accepted request types (415) and provided response types (406).

use super::call::Call;
use super::outcome::Failure;
use super::route::Noun;
use crate::model::AssetKind;
use crate::sandbox::world::World;

/// The content types accepted for a logo (B3).
const LOGO: [&str; 6] = [
    "image/jpg",
    "image/jpeg",
    "image/png",
    "image/gif",
    "application/base64",
    "application/x-base64",
];
/// The content types accepted for an icon, in addition to those for a logo (B3).
const ICON: [&str; 4] = [
    "image/ico",
    "image/vnd.microsoft.icon",
    "image/x-icon",
    "image/icon",
];

/// Checks the content types that the caller accepts and sends.
///
/// # Errors
/// 406 and 415, both without a body.
pub(crate) fn check(call: &Call<'_>, world: &World) -> Result<(), Failure> {
    if let Some(accept) = call.request.header("accept")
        && !accepts(accept, &provided(call, world))
    {
        return Err(Failure::empty(406));
    }
    let sends = matches!(call.request.method.as_str(), "POST" | "PUT" | "PATCH");
    if sends && !takes(call) {
        return Err(Failure::empty(415));
    }
    Ok(())
}

/// Returns the content type of the response; a stored asset is provided only as its stored type (B13).
fn provided(call: &Call<'_>, world: &World) -> String {
    let stored = match &call.noun {
        Noun::Asset(kind) if call.request.method == "GET" => call
            .account
            .as_deref()
            .and_then(|account| world.document(account))
            .and_then(|document| document.asset(*kind)),
        Noun::AssetByDomain(domain, kind) => {
            let mut holders = world.holders(domain);
            match (holders.next(), holders.next()) {
                (Some(holder), None) => world
                    .document(holder)
                    .and_then(|document| document.asset(*kind)),
                _ => None,
            }
        }
        _ => None,
    };
    stored.map_or_else(
        || "application/json".to_owned(),
        |(_, attachment)| attachment.content_type.clone(),
    )
}

fn accepts(accept: &str, provided: &str) -> bool {
    let essence = |text: &str| {
        let text = text.split(';').next().unwrap_or(text);
        text.trim().to_ascii_lowercase()
    };
    let provided = essence(provided);
    let group = provided.split('/').next().unwrap_or_default();
    accept.split(',').map(essence).any(|wanted| {
        wanted == "*/*"
            || wanted == provided
            || wanted
                .strip_suffix("/*")
                .is_some_and(|wanted| wanted == group)
            || wanted == "application/x-json" && provided == "application/json"
    })
}

fn takes(call: &Call<'_>) -> bool {
    let media_type = call.request.media_type();
    let media_type = media_type.as_deref();
    match call.noun {
        Noun::Asset(AssetKind::Welcome) => media_type == Some("text/html"),
        Noun::Asset(AssetKind::Logo) => media_type.is_some_and(|name| LOGO.contains(&name)),
        Noun::Asset(AssetKind::Icon) => {
            media_type.is_some_and(|name| LOGO.contains(&name) || ICON.contains(&name))
        }
        _ => media_type.is_none_or(|name| {
            matches!(
                name,
                "application/json" | "application/x-json" | "application/x-www-form-urlencoded"
            )
        }),
    }
}
