//! From a status and a body to an [`ApiError`].

use std::time::Duration;

use serde_json::Value;

use super::error::{ApiError, Violation};
use super::redact::Redaction;
use crate::model::KeyPath;

/// What an answer is about, to tell the meanings of a 404 apart (trap 27).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject<'a> {
    /// The account of the path.
    pub account: Option<&'a str>,
    /// The domain of the path.
    pub domain: Option<&'a str>,
    /// Whether the request was a login.
    pub login: bool,
}

/// Tells what an answer that is no success means. `body` may be empty or no JSON at all (trap 34).
pub(super) fn classify(
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
    subject: Subject<'_>,
    redaction: &Redaction,
) -> ApiError {
    let envelope: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let data = envelope.get("data").unwrap_or(&Value::Null);
    let word = envelope.get("message").and_then(Value::as_str);
    let said = || {
        let text = member(data, "message").or(data.as_str()).or(word);
        redaction.clean(text.unwrap_or_default())
    };
    match status {
        400 | 413 | 423 => refused_values(status, data, said(), redaction),
        401 => ApiError::Unauthorised {
            multi_factor: data.get("multi_factor_request").is_some(),
        },
        402 => billing(word, data, said(), redaction),
        403 => ApiError::Forbidden,
        404 => not_found(data, said(), subject, redaction),
        405 => ApiError::MethodNotAllowed,
        406 => ApiError::NotAcceptable,
        409 => ApiError::Conflict,
        410 => ApiError::Gone,
        412 => ApiError::PreconditionFailed,
        415 => ApiError::UnsupportedType,
        416 => ApiError::RangeNotSatisfiable,
        429 => ApiError::TooManyRequests { retry_after },
        500 if word == Some("init failed") => ApiError::InitFailed,
        500 if word.is_some_and(|word| word.starts_with("datastore_")) => ApiError::Unavailable {
            status,
            message: redaction.clean(word.unwrap_or_default()),
            retry_after,
        },
        502..=504 => ApiError::Unavailable {
            status,
            message: redaction.clean(word.unwrap_or_default()),
            retry_after,
        },
        _ => ApiError::Unexpected {
            status,
            message: said(),
        },
    }
}

/// Reads the `Retry-After` header when it is a number of seconds; a date counts as absent, and the
/// usual back-off holds.
pub(super) fn retry_after(value: Option<&str>) -> Option<Duration> {
    let seconds: u64 = value?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn refused_values(status: u16, data: &Value, said: String, redaction: &Redaction) -> ApiError {
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
            if violations.is_empty() {
                ApiError::BadRequest { message: said }
            } else {
                ApiError::Validation(violations)
            }
        }
    }
}

fn violations(data: &Value, redaction: &Redaction) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, rules) in data.as_object().into_iter().flatten() {
        for (rule, detail) in rules.as_object().into_iter().flatten() {
            // 4.3 on /v1 writes the message as a bare string.
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

fn billing(word: Option<&str>, data: &Value, said: String, redaction: &Redaction) -> ApiError {
    if word == Some("billing_issue") || word == Some("billing issue") {
        return ApiError::BillingStanding { message: said };
    }
    let mut prices = Vec::new();
    quotes("", data, &mut prices);
    let quote = if prices.is_empty() {
        said
    } else {
        redaction.clean(&prices.join("; "))
    };
    ApiError::Billing {
        quote: if quote.is_empty() {
            "the server does not say how much".to_owned()
        } else {
            quote
        },
    }
}

/// Collects every object that has a price or a quantity, with its path.
fn quotes(path: &str, value: &Value, into: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        return;
    };
    let figures: Vec<String> = ["quantity", "rate", "activation_charge", "total"]
        .iter()
        .filter_map(|name| {
            let figure = object.get(*name)?.as_number()?;
            Some(format!("{} {figure}", name.replace('_', " ")))
        })
        .collect();
    if !figures.is_empty() {
        into.push(format!("{path}: {}", figures.join(", ")));
    }
    for (name, inner) in object {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        quotes(&path, inner, into);
    }
}

fn not_found(data: &Value, said: String, subject: Subject<'_>, redaction: &Redaction) -> ApiError {
    if subject.login {
        // The array that comes with it holds the API key (trap 41).
        return ApiError::UnknownApiKey;
    }
    if let Some(parts) = data.as_array() {
        let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        return ApiError::NoSuchAsset {
            asset: redaction.clean(&parts.join("/")),
        };
    }
    if said.contains("account_id") {
        return ApiError::NoSuchAccount {
            account: subject.account.unwrap_or_default().to_owned(),
        };
    }
    match member(data, "cause") {
        Some("whitelabel") => ApiError::NoWhitelabel,
        Some(cause) if subject.domain.is_some() && subject.account != Some(cause) => {
            ApiError::UnknownDomain {
                domain: redaction.clean(cause),
            }
        }
        Some(cause) => ApiError::NoSuchAccount {
            account: redaction.clean(cause),
        },
        None => ApiError::NoSuchPath { message: said },
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
