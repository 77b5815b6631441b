//! Interprets a 400: what was refused, and whose fault it is.

use serde_json::Value;

use super::error::{ApiError, Violation};
use super::redact::Redaction;
use super::subject::Subject;
use crate::model::KeyPath;

/// Parses the name of the schema from `schema whitelabel not found.` (W14d).
pub(super) fn lacking_schema(said: &str) -> Option<String> {
    let name = said.strip_prefix("schema ")?.trim_end_matches('.');
    let name = name.strip_suffix(" not found")?;
    Some(name.trim_matches(['\'', '"', '`']).to_owned())
}

/// Distinguishes the meanings of a 400: only a request that carried values of the tree can be refused for them.
pub(super) fn refused_values(
    status: u16,
    data: &Value,
    said: String,
    subject: Subject<'_>,
    redaction: &Redaction,
) -> ApiError {
    let rule = |path: &str, rule: &str| data.get(path).and_then(|rules| rules.get(rule));
    if let Some(unique) = rule("domain", "unique") {
        return ApiError::DomainInUse {
            domain: redaction.clean(member(unique, "cause").unwrap_or_default()),
        };
    }
    if let Some(size) = rule("file", "maxSize") {
        return ApiError::TooLarge {
            limit: size.get("target").and_then(Value::as_u64),
        };
    }
    for state in ["expired", "disabled"] {
        if data
            .get("account")
            .is_some_and(|rules| rules.get(state).is_some())
            || data.get(format!("account.{state}")).is_some()
        {
            return ApiError::AccountLocked { state };
        }
    }
    match status {
        413 => ApiError::TooLarge { limit: None },
        423 => ApiError::AccountLocked { state: "locked" },
        _ => {
            let violations = violations(data, redaction);
            let is_about = |path: &str, rule: &str| {
                (violations.iter()).any(|found| found.path.as_str() == path && found.rule == rule)
            };
            let lacking =
                (violations.iter()).find(|found| found.message.contains("schema is missing"));
            if let Some(lacking) = lacking {
                ApiError::SchemaMissing {
                    schema: lacking.path.to_string(),
                }
            } else if violations.is_empty() {
                ApiError::BadRequest { message: said }
            } else if is_about("json", "invalid")
                || is_about("data", "required")
                || is_about("data", "type")
            {
                // The envelope did not arrive as it was sent (E9).
                ApiError::BadRequest {
                    message: Violation::list(&violations),
                }
            } else if subject.login {
                ApiError::UnusableCredential(violations)
            } else if violations.iter().all(|found| found.path.as_str() == "file") {
                ApiError::UnusableFile(violations)
            } else if subject.values {
                ApiError::Validation(violations)
            } else {
                ApiError::BadRequest {
                    message: Violation::list(&violations),
                }
            }
        }
    }
}

fn violations(data: &Value, redaction: &Redaction) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, rules) in data.as_object().into_iter().flatten() {
        for (rule, detail) in rules.as_object().into_iter().flatten() {
            // Kazoo 4.3 on /v1 has the message as a bare string.
            let message = member(detail, "message").or(detail.as_str());
            violations.push(Violation {
                path: KeyPath::parse(&redaction.clean(path)),
                rule: redaction.clean(rule),
                message: redaction.clean(message.unwrap_or_default()),
            });
        }
    }
    violations
}

/// Returns the string member `name` of an object.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
