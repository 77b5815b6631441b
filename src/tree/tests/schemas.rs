//! The schemas are current, valid, and agree with the loader about what is right and wrong.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::model::FIELDS;
use crate::tree::testing::{Tree, lines};
use crate::tree::{init, schema};

fn validator(name: &str) -> jsonschema::Validator {
    let schemas = schema::schemas();
    let (_, schema) = schemas
        .iter()
        .find(|(found, _)| *found == name)
        .expect("a schema");
    jsonschema::draft202012::meta::validate(schema).expect("a valid schema");
    jsonschema::draft202012::new(schema).expect("a schema that compiles")
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML")
}

/// `EMBLAZON_UPDATE_SCHEMAS=1 cargo test schemas_are_current` writes them anew.
#[test]
fn schemas_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let update = std::env::var_os("EMBLAZON_UPDATE_SCHEMAS").is_some();
    for (name, schema) in schema::schemas() {
        let path = folder.join(name);
        let text = schema::render(&schema);
        if update {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&path, &text).expect("written");
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "schemas/{name} is out of date: run the tests with EMBLAZON_UPDATE_SCHEMAS=1"
        );
    }
}

#[test]
fn the_starter_tree_is_valid() {
    let files = init::starter();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let loaded = Tree::new(&files).load(None);
    assert_eq!(lines(&loaded), "");
    assert_eq!(loaded.desired.accounts.len(), 1);
    assert!(loaded.desired.template.is_some());
    for (path, text) in files.iter().filter(|(path, _)| {
        Path::new(path)
            .extension()
            .is_some_and(|found| found == "yaml")
    }) {
        let (line, _) = text.split_once('\n').expect("a first line");
        let schema = line.rsplit('/').next().expect("a schema's name");
        let validator = validator(schema);
        let errors: Vec<String> = validator
            .iter_errors(&yaml(text))
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn schemas_see_mistakes() {
    #[track_caller]
    fn check(name: &str, text: &str, expected: bool) {
        assert_eq!(validator(name).is_valid(&yaml(text)), expected, "{text}");
    }
    let id = "account: 0123456789abcdef0123456789abcdef\n";
    let account =
        |text: &str, expected| check("account.schema.json", &format!("{id}{text}"), expected);
    account("", true);
    account(
        "whitelabel: {inbound_trunks_price: 1.10, company_name: null, nav: null}",
        true,
    );
    account("whitelabel: {let_in_by_extra_keys: 1}", true);
    account("whitelabel: {hide_powered: \"true\"}", false);
    account("whitelabel: {verb: DELETE}", false);
    account("whitelabel: {pvt_x: 1}", false);
    account("assests: {}", false);
    account("dns: watch", false);
    account("realm: a.example.com", false);
    account(
        "overrides: {staging: {whitelabel: {domain: https://x}}}",
        false,
    );
    check("account.schema.json", "dns: ignore", false);
    check(
        "account.schema.json",
        "account: {production: 0123456789abcdef0123456789abcdef}",
        true,
    );
    check("brand.schema.json", "extends: [x]", false);
    check("brand.schema.json", "lock: [whitelabel.hide_powered]", true);
    check("domains.schema.json", "template: {CNAM: {}}", false);
    check(
        "domains.schema.json",
        "template: {A: {x: null, y: {mapping: 192.0.2.1}}}",
        true,
    );
    check(
        "emblazon.schema.json",
        "clusters: {a: {auth: {api_key: secret}}}",
        false,
    );
    check(
        "emblazon.schema.json",
        "clusters: {a: {auth: {api_key: {env: A}}}}",
        true,
    );
    check(
        "emblazon.schema.json",
        "clusters: {a: {auth: {user: {name: a, password: {env: A}, account_name: b}}}}",
        true,
    );
}

/// Editors show what each key does.
#[test]
fn every_field_has_hover_text() {
    let schemas = schema::schemas();
    let (_, brand) = &schemas[1];
    for field in FIELDS {
        let path = field.path.replace('.', "/properties/");
        let hover = brand.pointer(&format!(
            "/properties/whitelabel/properties/{path}/description"
        ));
        let hover = hover.and_then(Value::as_str).unwrap_or_default();
        assert!(
            hover.starts_with(&field.doc.replace('`', "")),
            "{}",
            field.path
        );
    }
}
