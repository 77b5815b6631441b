//! Validates the values of known keys.

use camino::Utf8Path;
use serde_json::Value;
use url::Url;

use super::identity::bare_name;
use super::key::{looks_secret, secret};
use super::{Problem, account_id};
use crate::diag::Code;
use crate::model::{CodeKind, DomainName, Field, FieldType, KeyPath};
use crate::tree::assets::first_active;
/// Length in characters beyond which a string is probably a mistake.
const LONG_TEXT: usize = 500;

/// Checks the value of one declared key against the type of the key.
///
/// A top-level `null` means "must not be there" and is valid for every key (trap 31).
#[must_use]
pub fn value(field: &Field, value: &Value) -> Vec<Problem> {
    if value.is_null() {
        return Vec::new();
    }
    let path = field.path;
    match (field.field_type, value) {
        (FieldType::Text, Value::String(text)) if field.usage.runs == Some(CodeKind::Html) => {
            let mut problems = plain(path, text);
            problems.extend(active(path, text));
            problems
        }
        (FieldType::Text, Value::String(text)) => plain(path, text),
        (FieldType::Domain, Value::String(text)) => domain(path, text),
        (FieldType::Url, Value::String(text)) => url(path, text),
        (FieldType::Email, Value::String(text)) => email(path, text),
        (FieldType::Price, Value::String(text)) => price(path, text),
        (FieldType::AccountIds, value) => authorities(path, value),
        (FieldType::TextList, Value::Array(items)) => list(path, items),
        (FieldType::Providers, Value::Array(items)) => {
            let mut problems = inner(path, value);
            problems.extend(items.iter().enumerate().flat_map(|(place, provider)| {
                let at = format!("{path}[{place}]");
                part(&at, Form::Map(PROVIDER), provider)
            }));
            problems
        }
        // The members of a map are passed one by one, with the field of the map.
        (FieldType::Map | FieldType::Any, _) => inner(path, value),
        (FieldType::Boolean { .. }, Value::Bool(_)) => Vec::new(),
        (FieldType::Integer, Value::Number(number)) if !number.is_f64() => Vec::new(),
        (wanted, _) => vec![wrong_type(path, wanted, value)],
    }
}

/// Checks the value of a key that only `extra_keys` allow: no null inside, no secret, nothing invisible.
#[must_use]
pub fn free_value(path: &KeyPath, value: &Value) -> Vec<Problem> {
    inner(path.as_str(), value)
}

fn wrong_type(path: &str, wanted: FieldType, value: &Value) -> Problem {
    let (name, help) = match wanted {
        FieldType::Boolean { .. } => ("true or false", "write true, or false"),
        FieldType::Integer => ("a whole number", "write decimal digits, such as 15"),
        // There is no example, because any valid id might be that of a real account.
        FieldType::AccountIds => (
            "an account id",
            "write the id of the account that answers for it, or remove the key",
        ),
        FieldType::TextList => ("a list of strings", "write a list, such as [one, two]"),
        FieldType::Providers => (
            "a list of providers",
            "write a list of maps, such as [{ name: Example, url: https://login.example.com }]",
        ),
        FieldType::Map => ("a map", "write a map, such as { key: value }"),
        FieldType::Text
        | FieldType::Domain
        | FieldType::Url
        | FieldType::Email
        | FieldType::Price
        | FieldType::Any => (
            "a string",
            "write a string, in quotes if it is a number or a word such as true",
        ),
    };
    Problem::new(
        Code::EB0510,
        format!("{path} must be {name}, but is {}", kind(value)),
        help,
    )
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn domain(path: &str, text: &str) -> Vec<Problem> {
    match DomainName::parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => vec![bare_name(
            Code::EB0401,
            format!("{path} {text:?} is not a bare host name: {error}"),
            &error,
        )],
    }
}

fn url(path: &str, text: &str) -> Vec<Problem> {
    let bad = |why: &str, help: &str| {
        vec![Problem::new(
            Code::EB0501,
            format!("{path} {text:?} {why}"),
            help.to_owned(),
        )]
    };
    // The parser fixes these silently, but browsers and mails would get the text as it is.
    if text.is_empty() {
        return bad("is empty", "write an address, or null to remove the key");
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return bad("holds white space", "write spaces inside an address as %20");
    }
    let parsed = match Url::parse(text) {
        Ok(parsed) => parsed,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return vec![relative(path, text)];
        }
        Err(error) => {
            return bad(
                &format!("is no web address: {error}"),
                "write https://host/path",
            );
        }
    };
    if !matches!(parsed.scheme(), "http" | "https") {
        let why = format!("has the scheme {}", parsed.scheme());
        return bad(
            &why,
            "write an address that begins with https:// or http://",
        );
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return vec![Problem::new(
            Code::EB0502,
            // The text itself is not repeated, because it may contain a password.
            format!("{path} holds a user name or a password, and everybody can read it"),
            "remove the part before the @, and change that password",
        )];
    }
    if !has_two_slashes(text) {
        let mended = bad(
            "lacks the two slashes after its scheme",
            &format!("write {parsed}"),
        );
        let instead = |problem: Problem| problem.instead(parsed.as_str());
        return mended.into_iter().map(instead).collect();
    }
    Vec::new()
}

/// Reports what a relative address lacks: only the scheme if it begins with a host, otherwise the host as well.
fn relative(path: &str, text: &str) -> Problem {
    let message = format!("{path} {text:?} is not absolute");
    let rest = match text.strip_prefix("//") {
        Some(rest) => Some(rest),
        None => (!text.starts_with('/')).then_some(text),
    };
    let absolute = rest.map(|rest| format!("https://{rest}")).filter(|mended| {
        let url = Url::parse(mended).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        // A path such as "faq.html" has a dot too, but is not a host.
        let is_file = Utf8Path::new(host).extension().is_some_and(|extension| {
            matches!(
                extension,
                "htm" | "html" | "php" | "pdf" | "asp" | "aspx" | "jsp" | "txt"
            )
        });
        DomainName::parse(host).is_ok()
            && !is_file
            && url.is_some_and(|url| url.username().is_empty())
    });
    match absolute {
        Some(mended) => {
            Problem::new(Code::EB0501, message, format!("write {mended}")).instead(mended)
        }
        None => Problem::new(
            Code::EB0501,
            message,
            "write the whole address with scheme and host, such as https://www.example.com/help",
        ),
    }
}

fn has_two_slashes(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, rest)| rest.starts_with("//") && !rest.starts_with("///"))
}

fn email(path: &str, text: &str) -> Vec<Problem> {
    let reason = match text.rsplit_once('@') {
        None => "has no @",
        Some((local, _)) if local.contains('@') => "has more than one @",
        Some(_) if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            "holds white space"
        }
        Some((local, _)) if local.is_empty() || local.len() > 64 => {
            "needs 1 to 64 characters before the @"
        }
        Some((local, _))
            if local.starts_with('.') || local.ends_with('.') || local.contains("..") =>
        {
            "has a dot in the wrong place"
        }
        Some((local, _)) if local.contains(['<', '>', ',', ';', ':', '(', ')', '"', '\\']) => {
            "holds more than one bare address"
        }
        Some((_, host)) => match DomainName::parse(&host.to_ascii_lowercase()) {
            Ok(_) => return Vec::new(),
            Err(_) => "has no valid domain after the @",
        },
    };
    vec![Problem::new(
        Code::EB0503,
        format!("{path} {text:?} is not an e-mail address: it {reason}"),
        "write one bare address, such as porting@example.com",
    )]
}

fn price(path: &str, text: &str) -> Vec<Problem> {
    if is_amount(text) {
        return Vec::new();
    }
    let amount: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        .collect();
    let rest: String = text
        .chars()
        .filter(|c| !(c.is_ascii_digit() || matches!(c, '.' | ',') || c.is_whitespace()))
        .collect();
    let is_currency = matches!(rest.as_str(), "$" | "€" | "£" | "¥" | "₹" | "₽" | "US$")
        || rest.len() == 3 && rest.bytes().all(|b| b.is_ascii_uppercase());
    if is_currency && is_amount(&amount) {
        return vec![
            Problem::new(
                Code::EB0505,
                format!("{path} {text:?} carries a currency"),
                format!("write {amount}"),
            )
            .instead(amount),
        ];
    }
    let message = format!("{path} {text:?} is not a price");
    vec![match decimal(text) {
        Some(mended) => {
            Problem::new(Code::EB0504, message, format!("write {mended}")).instead(mended)
        }
        None => Problem::new(
            Code::EB0504,
            message,
            "write digits, with a point before the decimals, such as 29.99",
        ),
    }]
}

/// Converts a price in another notation: with surrounding whitespace, a decimal comma, or an exponent. Anything else
/// would change what the digits are worth, as in `-1`, `0x10` and `1,000`.
fn decimal(text: &str) -> Option<String> {
    let text = text.trim();
    if is_amount(text) {
        return Some(text.to_owned());
    }
    if let Some((whole, decimals)) = text.split_once(',') {
        let mended = format!("{whole}.{decimals}");
        // Three digits after a comma may just as well be thousands.
        return (decimals.len() != 3 && is_amount(&mended)).then_some(mended);
    }
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent: usize = exponent.trim_start_matches('+').parse().ok()?;
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let room = exponent.checked_sub(decimals.len())?;
    let mended = format!("{whole}{decimals}{}", "0".repeat(room.min(LONG_TEXT)));
    (is_amount(mantissa) && room < 10).then_some(mended)
}

fn is_amount(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, decimals)) => digits(whole) && digits(decimals),
        None => digits(text),
    }
}

fn authorities(path: &str, value: &Value) -> Vec<Problem> {
    let ids: Vec<&Value> = match value {
        Value::Array(ids) => ids.iter().collect(),
        one => vec![one],
    };
    let mut problems = Vec::new();
    for id in &ids {
        match id {
            Value::String(text) => problems.extend(account_id(text).err().map(|problem| {
                let problem = Problem {
                    message: format!("{path}: {}", problem.message),
                    ..problem
                };
                if value.is_array() {
                    problem.of_part()
                } else {
                    problem
                }
            })),
            other => problems.push(wrong_type(path, FieldType::AccountIds, other)),
        }
    }
    if ids.is_empty() {
        problems.push(wrong_type(path, FieldType::AccountIds, value));
    } else if ids.len() > 1 {
        problems.push(Problem::new(
            Code::EB0506,
            format!(
                "{path} has {} ids, and the server then uses none of them",
                ids.len()
            ),
            "keep one account id",
        ));
    }
    problems
}

fn list(path: &str, items: &[Value]) -> Vec<Problem> {
    items
        .iter()
        .flat_map(|item| match item {
            Value::String(text) => plain(path, text)
                .into_iter()
                .map(Problem::of_part)
                .collect(),
            Value::Null => vec![null_inside(path)],
            other => vec![Problem::new(
                Code::EB0510,
                format!(
                    "{path} must be a list of strings, but one of its items is {}",
                    kind(other)
                ),
                "write a list of strings, such as [one, two]",
            )],
        })
        .collect()
}

/// What a part of a value must be; other members of a map are free.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Url,
    Boolean,
    Texts,
    /// Exactly this text.
    Word(&'static str),
    Map(&'static [Member]),
}

/// A known member of a map.
struct Member {
    name: &'static str,
    form: Form,
    is_required: bool,
}

const fn optional(name: &'static str, form: Form) -> Member {
    Member {
        name,
        form,
        is_required: false,
    }
}

/// A provider of single sign-on, as the schema `sso_provider` of Kazoo 4.3 wants it (kazoo-4.3, statement 8).
const PROVIDER: &[Member] = &[
    Member {
        name: "url",
        form: Form::Url,
        is_required: true,
    },
    optional("friendly_name", Form::Text),
    optional("name", Form::Text),
    optional("params", Form::Map(PROVIDER_PARAMETERS)),
];

const PROVIDER_PARAMETERS: &[Member] = &[
    optional("client_id", Form::Text),
    optional("include_granted_scopes", Form::Boolean),
    optional("response_type", Form::Word("code")),
    optional("scopes", Form::Texts),
];

/// Checks the form of a part of a value. Null is reported as such elsewhere.
fn part(path: &str, form: Form, value: &Value) -> Vec<Problem> {
    let wrong = |wanted| vec![wrong_type(path, wanted, value)];
    match (form, value) {
        (_, Value::Null) | (Form::Text, Value::String(_)) | (Form::Boolean, Value::Bool(_)) => {
            Vec::new()
        }
        (Form::Url, Value::String(text)) => url(path, text),
        (Form::Word(word), Value::String(text)) if text == word => Vec::new(),
        (Form::Texts, Value::Array(items)) => items
            .iter()
            .flat_map(|item| part(path, Form::Text, item))
            .collect(),
        (Form::Map(members), Value::Object(map)) => members
            .iter()
            .flat_map(|member| match map.get(member.name) {
                Some(value) => part(&format!("{path}.{}", member.name), member.form, value),
                None if member.is_required => vec![Problem::new(
                    Code::EB0510,
                    format!(
                        "{path} has no {}, and Kazoo 4.3 refuses it without",
                        member.name
                    ),
                    format!("write {}, such as https://login.example.com", member.name),
                )],
                None => Vec::new(),
            })
            .collect(),
        (Form::Text | Form::Url, _) => wrong(FieldType::Text),
        (Form::Boolean, _) => wrong(FieldType::Boolean { defaulted: false }),
        (Form::Texts, _) => wrong(FieldType::TextList),
        (Form::Word(word), _) => vec![Problem::new(
            Code::EB0510,
            format!("{path} wants {word:?}, the only one that Kazoo 4.3 takes"),
            format!("write {word}"),
        )],
        (Form::Map(_), _) => wrong(FieldType::Map),
    }
}

/// Checks the inside of a value that is stored as a whole.
fn inner(path: &str, value: &Value) -> Vec<Problem> {
    match value {
        Value::String(text) => {
            let mut problems: Vec<Problem> = invisible(path, text).into_iter().collect();
            if text.contains("PRIVATE KEY-----") {
                problems.push(secret(path, "a private key"));
            }
            problems
        }
        Value::Array(items) => items.iter().flat_map(|item| member(path, item)).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, item)| {
                let path = format!("{path}.{name}");
                let mut problems = member(&path, item);
                if looks_secret(name) {
                    problems.push(secret(&path, name));
                }
                problems
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn member(path: &str, value: &Value) -> Vec<Problem> {
    if value.is_null() {
        return vec![null_inside(path)];
    }
    inner(path, value)
}

fn null_inside(path: &str) -> Problem {
    Problem::new(
        Code::EB0511,
        format!("{path} holds null, which the server would store"),
        "remove the null",
    )
}

fn plain(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = inner(path, &Value::String(text.to_owned()));
    let doubt =
        |what: &str, help: String| Problem::new(Code::EB0508, format!("{path} {what}"), help);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        let help = "write a string, or null to remove the key";
        problems.push(doubt("is empty", help.to_owned()));
    } else if trimmed != text {
        let help = format!("write {trimmed:?}");
        problems.push(doubt("has white space around it", help).instead(trimmed));
    } else if text.chars().count() > LONG_TEXT {
        problems.push(doubt("has over 500 characters", "shorten it".to_owned()));
    } else if path == "brandColor" && !is_colour(text) {
        problems.push(colour(path, text));
    }
    problems
}

fn active(path: &str, text: &str) -> Option<Problem> {
    let (what, help) = first_active(text)?;
    Some(Problem::new(
        Code::EB0525,
        format!("the login page shows {path} as HTML: {what}"),
        help,
    ))
}

fn colour(path: &str, text: &str) -> Problem {
    let message = format!("{path} {text:?} is not a colour that all browsers know");
    let hexadecimal = format!("#{text}");
    if is_colour(&hexadecimal) {
        let help = format!("write \"{hexadecimal}\", with the quotes");
        return Problem::new(Code::EB0509, message, help).instead(hexadecimal);
    }
    let help =
        "write a hexadecimal colour, such as \"#0a7cff\", or a function such as rgb(10, 124, 255)";
    Problem::new(Code::EB0509, message, help)
}

/// Finds an invisible character, or one that changes the text direction.
pub(super) fn invisible(path: &str, text: &str) -> Option<Problem> {
    let bad = text.chars().find(|c| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    })?;
    Some(Problem::new(
        Code::EB0507,
        format!(
            "{path} holds the invisible character U+{:04X}",
            u32::from(bad)
        ),
        "remove it; it often comes from copying",
    ))
}

fn is_colour(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "aqua",
        "black",
        "blue",
        "fuchsia",
        "gray",
        "green",
        "grey",
        "lime",
        "maroon",
        "navy",
        "olive",
        "orange",
        "purple",
        "red",
        "silver",
        "teal",
        "transparent",
        "white",
        "yellow",
    ];
    if let Some(digits) = text.strip_prefix('#') {
        return matches!(digits.len(), 3 | 4 | 6 | 8)
            && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let lower = text.to_ascii_lowercase();
    let function = ["rgb(", "rgba(", "hsl(", "hsla("]
        .iter()
        .find_map(|name| lower.strip_prefix(name));
    match function.and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => {
            let count = inner
                .split([',', '/', ' '])
                .filter(|part| !part.is_empty())
                .count();
            matches!(count, 3 | 4)
                && inner
                    .chars()
                    .all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '%' | ' ' | '/' | '-'))
        }
        None => NAMES.contains(&lower.as_str()),
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
