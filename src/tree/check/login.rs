//! What the login page makes of the keys of an account (U4, U6): code from elsewhere, and a welcome without its text.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Place};
use crate::model::{CodeKind, KeyPath, code_kind};
use crate::tree::{Declared, Desired};

/// Checks the accounts of a tree; a value that several accounts share is told of once.
pub(super) fn login(desired: &Desired) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let mut told = BTreeSet::new();
    for account in desired.accounts.iter().filter(|it| it.absent.is_none()) {
        for (path, declared) in &account.settings {
            let found = foreign_code(path, declared, &desired.policy.trusted_origins);
            if !found.is_empty() && told.insert(at(declared.place)) {
                diagnostics.extend(found);
            }
        }
        let declared = |key: &str| account.settings.get(&KeyPath::parse(key));
        let Some(welcome) = declared("custom_welcome") else {
            continue;
        };
        let has_text = declared("custom_welcome_message").is_some_and(|it| it.value.is_some());
        let is_wanted = welcome.value == Some(Value::Bool(true));
        if is_wanted && !has_text && told.insert(at(welcome.place)) {
            diagnostics.push(
                Diagnostic::new(
                    Code::EB0526,
                    format!(
                        "{} wants a welcome of its own, and the tree declares no text for it",
                        account.name
                    ),
                    "write the text in custom_welcome_message, or delete custom_welcome",
                )
                .at(welcome.place, "the login page shows its usual text"),
            );
        }
    }
    diagnostics
}

/// Returns a place as something that can be kept in order.
fn at(place: Place) -> (FileId, u32) {
    (place.file, place.span.start)
}

/// Warns of each origin that a key lets run code, and that the operator does not name as trusted.
fn foreign_code(
    path: &KeyPath,
    declared: &Declared<Value>,
    trusted: &BTreeSet<String>,
) -> Vec<Diagnostic> {
    if code_kind(path.as_str()) != Some(CodeKind::Script) {
        return Vec::new();
    }
    let mut origins = BTreeSet::new();
    if let Some(value) = &declared.value {
        collect(value, &mut origins);
    }
    let foreign = origins
        .into_iter()
        .filter(|origin| !trusted.contains(origin));
    let diagnostic = |origin: String| {
        Diagnostic::new(
            Code::EB0527,
            format!("{path} lets {origin} run code in the login page"),
            format!("serve the file beside the user interface, or add {origin} to policy.trusted_origins"),
        )
        .at(declared.place, "it can read what customers type")
    };
    foreign.map(diagnostic).collect()
}

/// Collects the origins of all web addresses in a value.
fn collect(value: &Value, origins: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let url = Url::parse(text).ok();
            let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
            origins.extend(url.map(|url| url.origin().ascii_serialization()));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, origins)),
        Value::Object(members) => members.values().for_each(|item| collect(item, origins)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
