//! Logo, icon and welcome page (B1–B18).

use axum::body::Bytes;
use serde_json::json;

use super::call::Call;
use super::outcome::{AssetBody, Failure, Success};
use super::precondition;
use super::whitelabel::{by_domain, etag, seen, shown};
use crate::model::AssetKind;
use crate::sandbox::FaultKind;
use crate::sandbox::clock::GREGORIAN_OFFSET;
use crate::sandbox::world::{Document, UploadEnd, World};

/// Handles `/v2/accounts/{id}/whitelabel/{asset}`.
pub(crate) fn handle(
    call: &Call<'_>,
    world: &mut World,
    kind: AssetKind,
) -> Result<Success, Failure> {
    if call.verb == "POST" {
        return upload(call, world, kind);
    }
    // Without an account in the path there is no document, so no asset (`dom.public.logo_noacct`).
    let document = call
        .account
        .as_deref()
        .and_then(|account| seen(call, world, account));
    download(call, document, kind)
}

/// Handles a GET of an asset by domain; the account in the path is ignored (B1).
pub(crate) fn look_up(
    call: &Call<'_>,
    world: &World,
    domain: &str,
    kind: AssetKind,
) -> Result<Success, Failure> {
    let (document, more) = by_domain(call, world, domain)?;
    download(call, Some(document), kind).map_err(|failure| failure.merge(&more))
}

fn download(
    call: &Call<'_>,
    document: Option<&Document>,
    kind: AssetKind,
) -> Result<Success, Failure> {
    let found = document.and_then(|document| document.asset(kind));
    let Some((name, attachment)) = found else {
        // B17: the asset's name, in a list.
        return Err(Failure::late(404, "bad identifier", json!([kind.as_str()])));
    };
    precondition::check(call, None)?;
    if call.request.header("range").is_some() && call.profile.dies_of_ranges() {
        return Err(Failure::no_answer());
    }
    let mut success = Success::new(json!({}));
    success.asset = Some(AssetBody {
        name: name.to_owned(),
        bytes: Bytes::copy_from_slice(&attachment.bytes),
    });
    Ok(success)
}

/// Stores an upload and responds with the document, not the file (B9, trap 14).
fn upload(call: &Call<'_>, world: &mut World, kind: AssetKind) -> Result<Success, Failure> {
    let account = call.account_id()?;
    let missing = || Failure::bad_identifier("whitelabel");
    let current = etag(world.document(account).ok_or_else(missing)?);
    // Content types other than those of files have been rejected before.
    let upload = call
        .input
        .upload
        .as_ref()
        .ok_or_else(Failure::init_failed)?;
    let attachment = upload.attachment.clone();
    precondition::check(call, Some(&current))?;
    let filename = call
        .input
        .value("filename")
        .filter(|name| upload.may_be_named && !name.is_empty());
    let name = attachment_name(
        kind,
        filename.as_deref(),
        &attachment.content_type,
        call.now,
    );
    if call.hits.status() == Some(409) {
        // B12: the first save ran into a conflict; only 5.x stops there.
        if !call.profile.stops_upload_after_conflict() {
            let end = UploadEnd::StoredBesideConflict;
            world.upload(account, kind, &name, attachment, end);
        }
        return Err(Failure::conflict());
    }
    if call.hits.include(FaultKind::DestroyDocument) {
        world.upload(account, kind, &name, attachment, UploadEnd::AttachmentFails);
        return Err(Failure::late(
            500,
            "datastore_fault",
            json!({"message": "datastore fault"}),
        ));
    }
    world.upload(account, kind, &name, attachment, UploadEnd::Stored);
    Ok(shown(world.document(account).ok_or_else(missing)?))
}

/// Returns an attachment's name (B10, observed 4): the asset, the caller's file name or the time, and an extension if
/// the name has none; spaces are removed, everything else stays.
fn attachment_name(
    kind: AssetKind,
    filename: Option<&str>,
    content_type: &str,
    now: u64,
) -> String {
    let filename = filename.map_or_else(
        || format!("uploaded_file_{}", now.saturating_add(GREGORIAN_OFFSET)),
        |name| name.chars().filter(|c| !c.is_whitespace()).collect(),
    );
    let last = filename.rsplit('/').next().unwrap_or(&filename);
    let has_extension = last
        .rsplit_once('.')
        .is_some_and(|(_, end)| !end.is_empty());
    if has_extension {
        format!("{kind}-{filename}")
    } else {
        format!("{kind}-{filename}.{}", extension(content_type))
    }
}

/// Returns the server's file extension for a type. It knows only a few; for others the name ends with the bare dot
/// (`att.logo.get_noct`, `att2.icon.get_msicon`).
fn extension(content_type: &str) -> &'static str {
    match content_type {
        "image/png" => "png",
        "image/jpeg" => "jpeg",
        "image/gif" => "gif",
        "image/x-icon" => "ico",
        "text/html" => "html",
        _ => "",
    }
}
