//! What an expression gives, as far as it is known without running it.

use std::collections::BTreeMap;

use url::Url;

/// What an expression gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(String),
    Object(Object),
    Function,
    /// Something that is no text.
    Other,
    /// Not known; holds the expression.
    Unknown(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) members: BTreeMap<String, Value>,
    /// Whether it has members that are not known.
    pub(super) is_open: bool,
}

impl Object {
    pub(super) fn get(&self, key: &str) -> Option<Value> {
        let open = || Value::Unknown(key.to_owned());
        let found = self.members.get(key).cloned();
        found.or_else(|| self.is_open.then(open))
    }
}

/// Notes that an object has members that are not known, which may replace those before them.
pub(super) fn open(object: &mut Object, what: &str) {
    object.is_open = true;
    for value in object.members.values_mut() {
        *value = Value::Unknown(what.to_owned());
    }
}

pub(super) fn assign(target: &mut Value, members: &[String], value: Value) {
    match (target, members) {
        (target, []) => *target = value,
        (Value::Object(object), [first, rest @ ..]) => {
            let member = object.members.entry(first.clone());
            let absent = Value::Unknown(first.clone());
            assign(member.or_insert(absent), rest, value);
        }
        (Value::Unknown(_), _) => {}
        (target, [first, ..]) => *target = Value::Unknown(first.clone()),
    }
}

pub(super) fn added(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Text(left), Value::Text(right) | Value::Number(right)) => {
            Value::Text(left + &right)
        }
        (Value::Number(left), Value::Text(right)) => Value::Text(left + &right),
        _ => Value::Unknown(String::new()),
    }
}

/// Returns a part of the page's location.
pub(super) fn location(path: &[&str], page: &Url) -> Option<String> {
    let path = match path {
        ["window" | "document" | "self", rest @ ..] => rest,
        all => all,
    };
    let host = page.host_str().unwrap_or_default();
    let authority = match page.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    match path {
        ["location", "hostname"] => Some(host.to_owned()),
        ["location", "host"] => Some(authority),
        ["location", "protocol"] => Some(format!("{}:", page.scheme())),
        ["location", "origin"] => Some(format!("{}://{authority}", page.scheme())),
        ["location", "port"] => Some(page.port().map(|it| it.to_string()).unwrap_or_default()),
        ["location", "pathname"] => Some(page.path().to_owned()),
        _ => None,
    }
}
