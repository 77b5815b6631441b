//! The committed schemas are current, and what they state of a key that is left out is what the code does.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value, json};

use super::schemas;
use crate::apply::push_policy;
use crate::dns::ZoneOptions;
use crate::tree::schema::schemas as tree_schemas;
use crate::tree::{self, Workdir};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// `emblazon schema` updates them.
#[test]
fn committed_schemas_are_current() {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (name, text) in schemas() {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(committed, text, "{name} is old; run `emblazon schema`");
    }
}

/// A key is as if left out when it says what the schema states, in `default` or before "when left out", and is not when
/// it says something else.
#[test]
fn a_stated_default_is_what_the_code_does() {
    let mut seen = Vec::new();
    for (name, schema) in tree_schemas() {
        let (file, document) = file(name);
        let mut found = Vec::new();
        walk(&schema, &Spot::top(document), &mut found);
        for stated in found {
            let path = stated.spot.path.join(".");
            let left_out = effective(file, &stated.spot.document);
            let said = effective(file, &stated.spot.saying(stated.value.clone()));
            assert_eq!(said, left_out, "{file} {path}: {}", stated.value);
            let other = effective(file, &stated.spot.saying(stated.other.clone()));
            assert_ne!(other, left_out, "{file} {path}: {}", stated.other);
            seen.push(format!("{file} {path} {}", stated.value));
        }
    }
    for expected in [
        "emblazon.yaml watch.heal \"report\"",
        "emblazon.yaml policy.snapshots.days 90",
        "emblazon.yaml dns.push.ttl 3600",
        "emblazon.yaml dns.port 53",
        "emblazon.yaml defaults.protected false",
        "domains.yaml ownership \"shared\"",
    ] {
        assert!(
            seen.iter().any(|it| it == expected),
            "{expected}: {seen:#?}"
        );
    }
}

/// The file that a schema is for, and a document for it.
fn file(schema: &str) -> (&'static str, Value) {
    match schema {
        "emblazon.schema.json" => (
            "emblazon.yaml",
            json!({"clusters": {"production": {}}, "dns": {"resolvers": ["192.0.2.53"]}}),
        ),
        "brand.schema.json" => ("brands/gold.yaml", json!({})),
        "account.schema.json" => (
            "accounts/acme/account.yaml",
            json!({"account": ID, "extends": ["gold"]}),
        ),
        _ => (
            "domains.yaml",
            json!({"template": {"A": {"us.{{domain}}": {"mapping": ["192.0.2.1"]}}}}),
        ),
    }
}

/// Where a key may stand: the document around it, and its path there.
#[derive(Clone)]
struct Spot {
    document: Value,
    path: Vec<String>,
}

impl Spot {
    fn top(document: Value) -> Self {
        let path = Vec::new();
        Self { document, path }
    }

    fn below(&self, key: &str) -> Self {
        let mut spot = self.clone();
        spot.path.push(key.to_owned());
        spot
    }

    /// Writes a map here, beside what the document has, so that its keys can be left out.
    fn holding(&self, map: Map<String, Value>) -> Self {
        let mut spot = self.clone();
        let place = at(&mut spot.document, &self.path);
        match place {
            Value::Object(there) => there.extend(map),
            _ => *place = Value::Object(map),
        }
        spot
    }

    fn saying(&self, value: Value) -> Value {
        let mut document = self.document.clone();
        *at(&mut document, &self.path) = value;
        document
    }
}

fn at<'v>(document: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter()
        .fold(document, |place, key| &mut place[key.as_str()])
}

/// What a schema states of a key, and another value that the key takes.
struct Stated {
    spot: Spot,
    value: Value,
    other: Value,
}

fn walk(schema: &Value, spot: &Spot, found: &mut Vec<Stated>) {
    let default = schema.get("default").cloned();
    for value in default.into_iter().chain(told(schema)) {
        let other = other(schema, &value);
        let spot = spot.clone();
        found.push(Stated { spot, value, other });
    }
    for choice in ["oneOf", "anyOf"] {
        for one in schema[choice].as_array().into_iter().flatten() {
            walk(one, spot, found);
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        let required = schema["required"].as_array().into_iter().flatten();
        let required = required.filter_map(Value::as_str);
        let samples = required.map(|key| (key.to_owned(), sample(key, &properties[key])));
        let spot = spot.holding(samples.collect());
        for (key, schema) in properties {
            walk(schema, &spot.below(key), found);
        }
    }
    if schema["additionalProperties"].is_object() {
        let spot = spot.holding(Map::new()).below("production");
        walk(&schema["additionalProperties"], &spot, found);
    }
}

/// Reads the one word before "when left out" in a description.
fn told(schema: &Value) -> Option<Value> {
    let text = schema["description"].as_str()?;
    let (before, _) = text.split_once(" when left out")?;
    let word = before.rsplit("; ").next()?;
    let is_value = !word.contains(' ') && word != "unlimited";
    is_value.then(|| serde_yaml::from_str(word).unwrap())
}

fn other(schema: &Value, value: &Value) -> Value {
    let words = schema["enum"].as_array().into_iter().flatten();
    match (words.clone().find(|word| *word != value), value) {
        (Some(word), _) => word.clone(),
        (None, Value::Bool(flag)) => json!(!flag),
        (None, Value::Number(number)) => json!(number.as_u64().unwrap() + 1),
        (None, text) => json!(format!("{}x", text.as_str().unwrap())),
    }
}

/// A value for a key that must be there.
fn sample(key: &str, schema: &Value) -> Value {
    let properties = schema["properties"].as_object();
    match (schema.get("const"), properties, key) {
        (Some(value), _, _) => value.clone(),
        (None, Some(keys), _) if keys.contains_key("env") => json!({"env": "SECRET"}),
        (None, Some(keys), _) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let required = required.filter_map(Value::as_str);
            let samples = required.map(|key| (key.to_owned(), sample(key, &keys[key])));
            Value::Object(samples.collect())
        }
        (None, None, "url") => json!("https://dns.example.com"),
        (None, None, _) => json!("ns1.example.com"),
    }
}

/// Loads a tree with this file, and returns what it comes to, without places.
#[track_caller]
fn effective(file: &str, document: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let top = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
    for name in [
        "emblazon.yaml",
        "brands/gold.yaml",
        "accounts/acme/account.yaml",
    ] {
        let schema = match name {
            "emblazon.yaml" => "emblazon.schema.json",
            "brands/gold.yaml" => "brand.schema.json",
            _ => "account.schema.json",
        };
        write(&top, name, &self::file(schema).1);
    }
    write(&top, file, document);
    let loaded = tree::load(&Workdir::open(&top).unwrap(), None).unwrap();
    assert!(
        !loaded.has_errors(),
        "{document:#} {:#?}",
        loaded.diagnostics
    );
    let push = loaded.dns.push.as_ref();
    let state = (
        &loaded.desired,
        &loaded.watch,
        push.map(|push| (push_policy(push), &push.method)),
        ZoneOptions::declared(&loaded.dns).unwrap(),
    );
    without_places(&format!("{state:?}"))
}

fn write(folder: &Utf8Path, name: &str, document: &Value) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("{document:#}\n")).unwrap();
}

fn without_places(text: &str) -> String {
    let mut parts = text.split("Place { ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, rest) = part.split_once("} }").unwrap();
        text + rest
    })
}
