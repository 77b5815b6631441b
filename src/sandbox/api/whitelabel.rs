//! The whitelabel document (W1–W27).

use serde_json::{Value, json};

use super::call::Call;
use super::outcome::{Failure, Success};
use super::{precondition, schemas};
use crate::model::Object;
use crate::sandbox::FaultKind;
use crate::sandbox::world::{Document, World};

/// Handles `/v2/accounts/{id}/whitelabel`.
pub(crate) fn handle(call: &Call<'_>, world: &mut World) -> Result<Success, Failure> {
    if call.account.is_none() && call.profile.explains_missing_parts() {
        return Err(Failure::late(
            500,
            "datastore_missing",
            json!({"message": "unknown failure"}),
        ));
    }
    let account = call.account_id()?;
    match call.verb.as_str() {
        "PUT" => create(call, world, account),
        "POST" => update(call, world, account),
        "DELETE" => delete(call, world, account),
        _ => {
            let document =
                seen(call, world, account).ok_or_else(|| Failure::bad_identifier("whitelabel"))?;
            precondition::check(call, Some(&etag(document)))?;
            Ok(shown(document))
        }
    }
}

/// Handles a GET by domain: with an account, returns its own document, whatever the domain (W9); without one, the
/// document of the account that holds the domain (W10).
pub(crate) fn look_up(call: &Call<'_>, world: &World, domain: &str) -> Result<Success, Failure> {
    let Some(account) = call.account.as_deref() else {
        let (document, more) = by_domain(call, world, domain)?;
        precondition::check(call, Some(&etag(document)))?;
        let mut success = shown(document);
        success.more.extend(more);
        return Ok(success);
    };
    let document =
        seen(call, world, account).ok_or_else(|| Failure::bad_identifier("whitelabel"))?;
    precondition::check(call, Some(&etag(document)))?;
    Ok(shown(document))
}

/// Finds the document of a domain, with the member `page_size` that the lookup leaves behind.
///
/// # Errors
/// 404 when there is no holder or several (W10, W25), and when the holder has no document (W21).
pub(crate) fn by_domain<'a>(
    call: &Call<'_>,
    world: &'a World,
    domain: &str,
) -> Result<(&'a Document, Object), Failure> {
    let holders: Vec<&str> = world.holders(domain).collect();
    let mut more = Object::new();
    more.insert("page_size".to_owned(), json!(holders.len()));
    match holders.as_slice() {
        [holder] => match seen(call, world, holder) {
            Some(document) => Ok((document, more)),
            None => Err(Failure::bad_identifier("whitelabel").merge(&more)),
        },
        _ => Err(Failure::bad_identifier(domain).merge(&more)),
    }
}

/// Returns the document that a read sees, which a stale cache may serve in its old state (C3).
pub(crate) fn seen<'a>(call: &Call<'_>, world: &'a World, account: &str) -> Option<&'a Document> {
    let account = world.account(account)?;
    if call.hits.include(FaultKind::StaleRead) {
        account.previous.as_ref()
    } else {
        account.whitelabel.as_ref()
    }
}

pub(crate) fn etag(document: &Document) -> String {
    format!("\"{}\"", document.revision)
}

pub(crate) fn shown(document: &Document) -> Success {
    Success::new(Value::Object(document.public())).revision(&document.revision)
}

/// Creates a document; never updates one (W3, trap 2).
fn create(call: &Call<'_>, world: &mut World, account: &str) -> Result<Success, Failure> {
    let settings = validated(call, world, account)?;
    precondition::check_absent(call)?;
    if world.document(account).is_some() {
        return Err(Failure::conflict());
    }
    // C7: a price requires consent; nothing is saved without it.
    if let Some(price) = world.settings.price
        && call.input.truth("accept_charges") != Some(true)
    {
        return Err(Failure::late(402, "accept_charges", quote(price)));
    }
    save(call, world, account, settings);
    let document = world
        .document(account)
        .ok_or_else(|| Failure::bad_identifier("whitelabel"))?;
    let location = format!("/v2/accounts/{account}/whitelabel/whitelabel");
    Ok(shown(document).created(Some(location)))
}

/// Replaces all public keys (W4, trap 1); an empty body wipes them (W6, trap 4).
fn update(call: &Call<'_>, world: &mut World, account: &str) -> Result<Success, Failure> {
    let missing = || Failure::bad_identifier("whitelabel");
    let settings = validated(call, world, account)?;
    let current = etag(world.document(account).ok_or_else(missing)?);
    precondition::check(call, Some(&current))?;
    save(call, world, account, settings);
    Ok(shown(world.document(account).ok_or_else(missing)?))
}

/// Deletes a document permanently, with its attachments and, but for 4.3, its domain reservation (W7, trap 18).
fn delete(call: &Call<'_>, world: &mut World, account: &str) -> Result<Success, Failure> {
    let document = world
        .document(account)
        .ok_or_else(|| Failure::bad_identifier("whitelabel"))?
        .clone();
    precondition::check(call, Some(&etag(&document)))?;
    world.delete_document(account);
    // W21: when this write fails, the account silently keeps the domain.
    if !call.hits.include(FaultKind::SkipAccountWrite) {
        if call.profile.keeps_domain_after_deletion() {
            world.touch_account(account);
        } else {
            world.reserve_domain(account, None);
        }
    }
    let mut success = shown(&document);
    if call.profile.marks_deletion_in_metadata() {
        return Ok(success.with("metadata", json!({"deleted": true})));
    }
    if let Some(data) = &mut success.data {
        data["_read_only"] = json!({"deleted": true});
    }
    Ok(success)
}

/// Checks `data` against the schema and the domain against other accounts; returns what will be stored, with defaults
/// and without private keys (W14, W14b, W19).
fn validated(call: &Call<'_>, world: &World, account: &str) -> Result<Object, Failure> {
    let Value::Object(mut settings) = call.input.data.clone() else {
        if call.profile.explains_missing_parts() {
            return Err(Failure::init_failed());
        }
        return Err(Failure::late(
            500,
            "validation failed to run on the server",
            json!({}),
        ));
    };
    settings.retain(|key, _| key != "id" && !key.starts_with('_') && !key.starts_with("pvt_"));
    settings.remove("start_key");
    let mut errors = schemas::errors("whitelabel", &mut settings, call.profile);
    if let Some(domain) = settings.get("domain").and_then(Value::as_str)
        && world.holders(domain).any(|holder| holder != account)
    {
        errors.insert(
            "domain".to_owned(),
            json!({"unique": {
                "message": "White label domain is already in use",
                "cause": domain,
            }}),
        );
    }
    if errors.is_empty() {
        Ok(settings)
    } else {
        Err(Failure::invalid(errors))
    }
}

/// Saves the document, then the account (W21, W24); without a domain the old one stays reserved
/// (W22, trap 8).
fn save(call: &Call<'_>, world: &mut World, account: &str, settings: Object) {
    let domain = settings
        .get("domain")
        .and_then(Value::as_str)
        .map(str::to_owned);
    world.save_settings(account, settings);
    if call.hits.include(FaultKind::SkipAccountWrite) {
        return;
    }
    match domain {
        Some(domain) => world.reserve_domain(account, Some(&domain)),
        None => world.touch_account(account),
    }
}

/// Returns the body of a 402 (C7).
pub(crate) fn quote(price: f64) -> Value {
    json!({"branding": {"whitelabel": {
        "category": "branding",
        "item": "whitelabel",
        "name": "whitelabel",
        "quantity": 1,
        "rate": price,
        "single_discount": false,
        "cumulative_discount": 0,
    }}})
}
