//! The schemas that the server enforces and serves (W11, W14e, D8).

use serde_json::{Value, json};

use super::call::Call;
use super::outcome::{Failure, Success};
use super::validation::validate as run;
use crate::model::{Object, field};
use crate::sandbox::Profile;

/// The names of all schemas.
const NAMES: [&str; 6] = [
    "api_auth",
    "domain_hosts",
    "domains",
    "sso_provider",
    "user_auth",
    "whitelabel",
];

/// Validates a request's `data`.
///
/// # Errors
/// 400 with the violated rules by path.
pub(crate) fn check(name: &str, data: &mut Value, profile: Profile) -> Result<(), Failure> {
    let errors = enforced(name, profile).map_or_else(Object::new, |schema| run(&schema, data));
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::invalid(errors))
    }
}

/// Validates an object in place and returns the violated rules.
pub(crate) fn errors(name: &str, object: &mut Object, profile: Profile) -> Object {
    let Some(schema) = enforced(name, profile) else {
        return Object::new();
    };
    let mut value = Value::Object(std::mem::take(object));
    let errors = run(&schema, &mut value);
    if let Value::Object(validated) = value {
        *object = validated;
    }
    errors
}

/// Handles `GET /v2/schemas`.
pub(crate) fn list() -> Success {
    Success::new(json!(NAMES)).with("page_size", json!(NAMES.len()))
}

/// Handles `GET /v2/schemas/{name}`.
pub(crate) fn show(call: &Call<'_>, name: &str) -> Result<Success, Failure> {
    let mut schema = schema(name, call.profile).ok_or_else(|| Failure::bad_identifier(name))?;
    schema["id"] = json!(name);
    let digest = crate::sandbox::world::derived_id(&schema.to_string());
    Ok(Success::new(schema).revision(&format!("1-{digest}")))
}

/// Handles `PUT /v2/schemas/{name}/validation`: returns the document with its defaults and saves nothing (W14e,
/// observed 13).
pub(crate) fn validate(call: &Call<'_>, name: &str) -> Result<Success, Failure> {
    if !NAMES.contains(&name) {
        return Err(Failure::bad_identifier(name));
    }
    let mut data = call.input.data.clone();
    check(name, &mut data, call.profile)?;
    Ok(Success::new(data).created(None))
}

/// Returns a schema with the schemas that it refers to in their places.
fn enforced(name: &str, profile: Profile) -> Option<Value> {
    fn resolve(part: &mut Value, profile: Profile) {
        let target = part.get("$ref").and_then(Value::as_str);
        if let Some(target) = target.and_then(|name| schema(name, profile)) {
            *part = target;
        }
        match part {
            Value::Object(members) => members.values_mut().for_each(|it| resolve(it, profile)),
            Value::Array(items) => items.iter_mut().for_each(|it| resolve(it, profile)),
            _ => {}
        }
    }
    let mut schema = schema(name, profile)?;
    resolve(&mut schema, profile);
    Some(schema)
}

fn schema(name: &str, profile: Profile) -> Option<Value> {
    let mut schema = match name {
        "whitelabel" => whitelabel(profile),
        "domains" => domains(),
        "domain_hosts" => domain_hosts(),
        "api_auth" => api_auth(),
        "sso_provider" => sso_provider(),
        "user_auth" => user_auth(),
        _ => return None,
    };
    schema["$schema"] = json!("http://json-schema.org/draft-04/schema#");
    Some(schema)
}

/// Returns the schema of the whitelabel document (W11); descriptions are the project's own.
fn whitelabel(profile: Profile) -> Value {
    let authority = if profile == Profile::V5 {
        // Trap 26.
        json!({"type": "string"})
    } else {
        json!({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
    };
    let mut schema = json!({
        "type": "object",
        "description": "Whitelabel settings",
        "properties": {
            "company_name": leaf("company_name", &text()),
            "domain": leaf("domain", &uri()),
            "fake_api_url": beta(leaf("fake_api_url", &uri())),
            "hide_credits": beta(leaf("hide_credits", &switch())),
            "hide_powered": leaf("hide_powered", &switch()),
            "hide_registration": beta(leaf("hide_registration", &switch())),
            "inbound_trunks_price": beta(leaf("inbound_trunks_price", &text())),
            "nav": {
                "type": "object",
                "description": "Links of the navigation.",
                "properties": {
                    "help": leaf("nav.help", &uri()),
                    "learn_more": leaf("nav.learn_more", &uri()),
                },
            },
            "outbound_trunks_price": beta(leaf("outbound_trunks_price", &text())),
            "port": {
                "type": "object",
                "description": "Porting of numbers.",
                "properties": {
                    "authority": leaf("port.authority", &authority),
                    "features": leaf("port.features", &uri()),
                    "loa": leaf("port.loa", &uri()),
                    "resporg": leaf("port.resporg", &uri()),
                    "support_email": leaf(
                        "port.support_email",
                        &json!({"type": "string", "format": "email"}),
                    ),
                    "terms": leaf("port.terms", &uri()),
                },
            },
            "twoway_trunks_price": beta(leaf("twoway_trunks_price", &text())),
        },
    });
    let properties = &mut schema["properties"];
    match profile {
        Profile::Master => {}
        Profile::V43 => {
            properties["sso_providers"] =
                json!({"type": "array", "items": {"$ref": "sso_provider"}});
        }
        Profile::V5 => {
            let links = json!({"deb": uri(), "mac": uri(), "rpm": uri(), "windows": uri()});
            properties["commland"] = json!({"type": "object", "properties": {
                "downloads": {"type": "object", "properties": links},
            }});
            properties["conference_public_domain"] = text();
            properties["dkim_selector"] = text();
        }
    }
    schema
}

/// Returns the schema of a provider of single sign-on (kazoo-4.3, statement 8).
fn sso_provider() -> Value {
    let described = |text: &str, mut schema: Value| {
        schema["description"] = json!(text);
        schema
    };
    let scopes = json!({"type": "array", "items": described("One scope.", text())});
    json!({
        "type": "object",
        "description": "A provider of single sign-on",
        "required": ["url"],
        "properties": {
            "friendly_name": described("The name that users see.", text()),
            "name": described("The provider's name.", text()),
            "params": {
                "type": "object",
                "description": "What is sent to the provider.",
                "properties": {
                    "client_id": described("The id that the provider gave out.", text()),
                    "include_granted_scopes": described(
                        "Whether scopes granted before are included.",
                        json!({"type": "boolean"}),
                    ),
                    "response_type": described(
                        "What the provider returns.",
                        json!({"type": "string", "enum": ["code"]}),
                    ),
                    "scopes": described("The scopes to ask for.", scopes),
                },
            },
            "url": described("Where users log in.", text()),
        },
    })
}

fn text() -> Value {
    json!({"type": "string"})
}

fn uri() -> Value {
    json!({"type": "string", "format": "uri"})
}

/// Returns the schema of a boolean, the only kind of field with a default (W14).
fn switch() -> Value {
    json!({"type": "boolean", "default": false})
}

fn leaf(path: &str, schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["description"] = json!(field(path).map_or(path, |field| field.doc));
    schema["support_level"] = json!("supported");
    schema
}

fn beta(mut schema: Value) -> Value {
    schema["support_level"] = json!("beta");
    schema
}

/// Returns the schema of the template; CNAME is the only record type that is validated (D8).
fn domains() -> Value {
    let hosts = |record_type: &str| json!({"type": "object", "description": format!("Hosts of type {record_type}")});
    let mut checked = hosts("CNAME");
    checked["$ref"] = json!("domain_hosts");
    json!({
        "description": "Hosts of the domain template by record type",
        "properties": {
            "A": hosts("A"),
            "CNAME": checked,
            "MX": hosts("MX"),
            "NAPTR": hosts("NAPTR"),
            "SRV": hosts("SRV"),
            "TXT": hosts("TXT"),
        },
    })
}

fn domain_hosts() -> Value {
    json!({
        "type": "object",
        "description": "Hosts of one record type",
        "patternProperties": {
            "\\{\\{domain\\}\\}": {
                "type": "object",
                "required": ["mapping", "name"],
                "properties": {
                    "mapping": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                    "name": {"type": "string"},
                },
            },
        },
        "additionalProperties": false,
    })
}

fn api_auth() -> Value {
    json!({
        "type": "object",
        "description": "Login with an API key",
        "required": ["api_key"],
        "properties": {"api_key": {"type": "string", "minLength": 64, "maxLength": 64}},
        "additionalProperties": false,
    })
}

fn user_auth() -> Value {
    json!({
        "type": "object",
        "description": "Login with a user's credentials",
        "required": ["credentials"],
        "properties": {
            "account_name": {"type": "string", "minLength": 1},
            "account_realm": {"type": "string", "minLength": 1},
            "credentials": {"type": "string", "minLength": 1},
            "method": {"type": "string", "default": "md5"},
            "phone_number": {"type": "string", "minLength": 1},
            "realm": {"type": "string", "minLength": 1},
        },
    })
}
