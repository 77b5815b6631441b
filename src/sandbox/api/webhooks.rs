//! Webhooks of an account (V1–V4).

use serde_json::{Value, json};

use super::call::Call;
use super::outcome::{Failure, Success};
use super::validation::validate;
use crate::model::{Object, is_loopback};
use crate::sandbox::world::{Hook, World};

/// Handles `/v2/accounts/{id}/webhooks`.
pub(crate) fn handle(call: &Call<'_>, world: &mut World) -> Result<Success, Failure> {
    let account = call.account_id()?.to_owned();
    match call.verb.as_str() {
        "PUT" => {
            let fields = checked(public(call)?, world)?;
            let id = world.add_hook(&account, fields);
            Ok(shown(existing(world, &account, &id)?).created(None))
        }
        "PATCH" => {
            if call.input.data.get("re-enable").and_then(Value::as_bool) != Some(true) {
                let message = "re-enable is required to patch collections";
                let mut errors = Object::new();
                errors.insert(
                    "re-enable".to_owned(),
                    json!({"required": {"message": message}}),
                );
                return Err(Failure::invalid(errors));
            }
            world.enable_hooks(&account);
            Ok(Success::new(json!("hooks updated")))
        }
        _ => {
            let hooks: Vec<Value> = world.hooks_of(&account).map(summary).collect();
            let number = hooks.len();
            Ok(Success::new(json!(hooks)).with("page_size", json!(number)))
        }
    }
}

/// Handles `/v2/accounts/{id}/webhooks/{hook}`.
pub(crate) fn one(call: &Call<'_>, world: &mut World, id: &str) -> Result<Success, Failure> {
    let account = call.account_id()?.to_owned();
    let stored = existing(world, &account, id)?.clone();
    match call.verb.as_str() {
        "POST" | "PATCH" => {
            let mut fields = public(call)?;
            if call.verb == "PATCH" {
                let mut merged = stored.fields;
                merged.extend(fields);
                fields = merged;
            }
            let fields = checked(fields, world)?;
            world.change_hook(id, fields);
            Ok(shown(existing(world, &account, id)?))
        }
        "DELETE" => {
            world.remove_hook(id);
            Ok(shown(&stored))
        }
        _ => Ok(shown(&stored)),
    }
}

fn existing<'a>(world: &'a World, account: &str, id: &str) -> Result<&'a Hook, Failure> {
    world
        .hook(account, id)
        .ok_or_else(|| Failure::bad_identifier(id))
}

/// Returns the public fields that a caller sent.
fn public(call: &Call<'_>) -> Result<Object, Failure> {
    let Value::Object(mut fields) = call.input.data.clone() else {
        return Err(Failure::init_failed());
    };
    fields.retain(|key, _| key != "id" && !key.starts_with('_') && !key.starts_with("pvt_"));
    Ok(fields)
}

/// Checks the fields, and adds the defaults.
fn checked(fields: Object, world: &World) -> Result<Object, Failure> {
    let schema = json!({
        "type": "object",
        "required": ["hook", "name", "uri"],
        "properties": {
            "custom_data": {"type": "object"},
            "enabled": {"type": "boolean", "default": true},
            "format": {"type": "string", "enum": ["form-data", "json"], "default": "form-data"},
            "hook": {"type": "string", "enum": ["all", "object"]},
            "http_verb": {"type": "string", "enum": ["get", "post", "put"], "default": "post"},
            "include_internal_legs": {"type": "boolean", "default": true},
            "include_subaccounts": {"type": "boolean"},
            "name": {"type": "string"},
            "retries": {"type": "integer", "default": 2},
            "uri": {"type": "string"},
        },
    });
    let mut value = Value::Object(fields);
    let mut errors = validate(&schema, &mut value);
    let refused = value["uri"].as_str().and_then(|uri| refusal(uri, world));
    if let Some(message) = refused {
        errors.insert("uri".to_owned(), json!({"invalid": {"message": message}}));
    }
    match value {
        Value::Object(fields) if errors.is_empty() => Ok(fields),
        _ => Err(Failure::invalid(errors)),
    }
}

/// Returns why a URI is not called (V4).
fn refusal(uri: &str, world: &World) -> Option<&'static str> {
    let Ok(url) = url::Url::parse(uri) else {
        return Some("not a URI");
    };
    let is_own = url.host().as_ref().is_some_and(is_loopback);
    (is_own && world.settings.refuses_loopback_hooks).then_some("the address is not allowed")
}

fn summary(hook: &Hook) -> Value {
    let mut item = Object::new();
    item.insert("id".to_owned(), json!(hook.id));
    for name in [
        "name",
        "uri",
        "hook",
        "http_verb",
        "enabled",
        "include_subaccounts",
    ] {
        if let Some(value) = hook.fields.get(name) {
            item.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(reason) = &hook.disabled_because {
        item.insert("disable_reason".to_owned(), json!(reason));
    }
    Value::Object(item)
}

fn shown(hook: &Hook) -> Success {
    let mut data = hook.fields.clone();
    data.insert("id".to_owned(), json!(hook.id));
    if let Some(reason) = &hook.disabled_because {
        data.insert("disable_reason".to_owned(), json!(reason));
    }
    Success::new(Value::Object(data)).revision(&hook.revision)
}
