//! The search for accounts (L6).

use serde_json::{Value, json};

use super::call::Call;
use super::outcome::{Failure, Success};
use crate::model::Object;
use crate::sandbox::world::World;

/// Handles `GET /v2/search`: accounts below the caller whose name, realm or id starts with the search text.
pub(crate) fn handle(call: &Call<'_>, world: &World) -> Result<Success, Failure> {
    let caller = call.caller.as_deref().ok_or_else(Failure::no_credentials)?;
    let mut errors = Object::new();
    for name in ["t", "q", "v"] {
        if call.input.query_value(name).is_none_or(str::is_empty) {
            errors.insert(
                name.to_owned(),
                json!({"required": {"message": format!("Search needs a value for {name}")}}),
            );
        }
    }
    if !errors.is_empty() {
        return Err(Failure::invalid(errors));
    }
    let wanted = plain(call.input.query_value("v").unwrap_or_default());
    let items: Vec<Value> = world
        .accounts()
        .filter(|account| account.tree.iter().any(|ancestor| ancestor == caller))
        .filter(|account| {
            let text = match call.input.query_value("q") {
                Some("realm") => &account.realm,
                Some("id") => &account.id,
                _ => &account.name,
            };
            plain(text).starts_with(&wanted)
        })
        .map(|account| {
            json!({
                "id": account.id,
                "name": account.name,
                "realm": account.realm,
                "descendants_count": 0,
            })
        })
        .collect();
    let size = items.len();
    Ok(Success::new(Value::Array(items)).with("page_size", json!(size)))
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
