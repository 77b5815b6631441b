//! The subset of JSON Schema that Kazoo's validator enforces (W13, W14, E22, E24).

use serde_json::{Value, json};

use crate::model::Object;

/// Validates a value, injects defaults, turns `"true"` into `true`, and collects the violated rules by path.
pub(crate) fn validate(schema: &Value, value: &mut Value) -> Object {
    let mut validator = Validator {
        path: Vec::new(),
        errors: Object::new(),
    };
    validator.check(schema, value);
    validator.errors
}

struct Validator {
    path: Vec<String>,
    errors: Object,
}

impl Validator {
    fn check(&mut self, schema: &Value, value: &mut Value) {
        if let Some(alternatives) = schema.get("oneOf").and_then(Value::as_array) {
            let fitting = alternatives
                .iter()
                .filter(|alternative| validate(alternative, &mut value.clone()).is_empty())
                .count();
            if fitting != 1 {
                self.fail(
                    "not_one_schema_valid",
                    json!({"message": "failed to validate", "value": value}),
                );
            }
            return;
        }
        if let Some(wanted) = schema.get("type").and_then(Value::as_str) {
            coerce(wanted, value);
            if !has_type(wanted, value) {
                self.fail(
                    "type",
                    json!({
                        "message": format!("Value did not match type(s): {wanted}"),
                        "target": wanted,
                        "value": value,
                    }),
                );
                return;
            }
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            self.fail(
                "enum",
                json!({
                    "message": "Value not found in enumerated list of values",
                    "target": allowed,
                    "value": value,
                }),
            );
        }
        match value {
            Value::Object(object) => self.check_object(schema, object),
            Value::Array(items) => self.check_items(schema, items),
            Value::String(text) => self.check_text(schema, text),
            _ => {}
        }
    }

    fn check_object(&mut self, schema: &Value, object: &mut Object) {
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !object.contains_key(name) {
                self.within(name, |this| {
                    this.fail(
                        "required",
                        json!({
                            "message": "Field is required but missing",
                            "value": name,
                        }),
                    );
                });
            }
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            match (object.get_mut(name), property.get("default")) {
                (Some(member), _) => self.within(name, |this| this.check(property, member)),
                (None, Some(default)) => {
                    object.insert(name.clone(), default.clone());
                }
                (None, None) => {}
            }
        }
        self.check_other_members(schema, object);
    }

    fn check_other_members(&mut self, schema: &Value, object: &mut Object) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let closed = schema.get("additionalProperties") == Some(&json!(false));
        // Each member that is not allowed causes a separate error, which contains the whole object.
        let whole = closed.then(|| Value::Object(object.clone()));
        for (name, member) in object.iter_mut() {
            if properties.is_some_and(|properties| properties.contains_key(name)) {
                continue;
            }
            let pattern = patterns
                .into_iter()
                .flatten()
                .find(|(pattern, _)| name.contains(&pattern.replace('\\', "")));
            if let Some((_, inner)) = pattern {
                self.within(name, |this| this.check(inner, member));
            } else if let Some(whole) = &whole {
                self.within(name, |this| {
                    this.fail("additionalProperties", json!({
                        "message": "Strict checking of data is enabled; only include schema-defined properties",
                        "value": whole,
                    }));
                });
            }
        }
    }

    fn check_items(&mut self, schema: &Value, items: &mut [Value]) {
        if let Some(least) = schema.get("minItems").and_then(Value::as_u64)
            && (items.len() as u64) < least
        {
            self.fail(
                "minItems",
                json!({
                    "message": format!("The list must have at least {least} items"),
                    "target": least,
                    "value": items,
                }),
            );
        }
        if let Some(inner) = schema.get("items") {
            for (index, item) in items.iter_mut().enumerate() {
                self.within(&index.to_string(), |this| this.check(inner, item));
            }
        }
    }

    fn check_text(&mut self, schema: &Value, text: &str) {
        let length = text.chars().count() as u64;
        if let Some(least) = schema.get("minLength").and_then(Value::as_u64)
            && length < least
        {
            self.fail(
                "minLength",
                json!({
                    "message": format!("String must be at least {least} characters"),
                    "target": least,
                    "value": text,
                }),
            );
        }
        if let Some(most) = schema.get("maxLength").and_then(Value::as_u64)
            && length > most
        {
            self.fail(
                "maxLength",
                json!({
                    "message": format!("String must not be more than {most} characters"),
                    "target": most,
                    "value": text,
                }),
            );
        }
        // W13: this is the only format that is enforced.
        let email = schema.get("format").and_then(Value::as_str) == Some("email");
        if email && !looks_like_email(text) {
            self.fail(
                "wrong_format",
                json!({
                    "message": "Field is not in the correct format",
                    "value": text,
                    "format": "email",
                }),
            );
        }
    }

    fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        // E22: a dot inside a key is escaped.
        self.path.push(name.replace('.', "%2E"));
        check(self);
        self.path.pop();
    }

    fn fail(&mut self, rule: &str, detail: Value) {
        let place = self
            .errors
            .entry(self.path.join("."))
            .or_insert_with(|| json!({}));
        place[rule] = detail;
    }
}

/// Converts a string with the text of a boolean to a boolean (E24, trap 32).
fn coerce(wanted: &str, value: &mut Value) {
    if wanted == "boolean" {
        match value.as_str() {
            Some("true") => *value = json!(true),
            Some("false") => *value = json!(false),
            _ => {}
        }
    }
}

fn has_type(wanted: &str, value: &Value) -> bool {
    match wanted {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

fn looks_like_email(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_by_path() {
        #[track_caller]
        fn check(schema: &Value, mut value: Value, expected: &[(&str, &str)]) {
            let errors = validate(schema, &mut value);
            let found: Vec<(&str, &str)> = errors
                .iter()
                .flat_map(|(path, rules)| {
                    rules
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(rule, _)| (path.as_str(), rule.as_str()))
                })
                .collect();
            assert_eq!(found, expected, "{value}");
        }
        let schema = json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 3},
                "mail": {"type": "string", "format": "email"},
                "list": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            },
            "patternProperties": {"\\{\\{x\\}\\}": {"type": "object"}},
            "additionalProperties": false,
        });
        check(&schema, json!({"name": "a"}), &[]);
        check(&schema, json!([]), &[("", "type")]);
        check(&schema, json!({}), &[("name", "required")]);
        check(&schema, json!({"name": "long"}), &[("name", "maxLength")]);
        check(
            &schema,
            json!({"name": "a", "mail": "b@"}),
            &[("mail", "wrong_format")],
        );
        check(
            &schema,
            json!({"name": "a", "list": []}),
            &[("list", "minItems")],
        );
        check(
            &schema,
            json!({"name": "a", "list": [1]}),
            &[("list.0", "type")],
        );
        check(
            &schema,
            json!({"name": "a", "a.{{x}}": 1}),
            &[("a%2E{{x}}", "type")],
        );
        check(
            &schema,
            json!({"name": "a", "b.c": 1}),
            &[("b%2Ec", "additionalProperties")],
        );
    }

    /// Trap 32: a string with the text of a boolean is stored as a boolean.
    #[test]
    fn trap_32_strings_become_booleans() {
        let schema = json!({"type": "object", "properties": {
            "on": {"type": "boolean"}, "off": {"type": "boolean", "default": false},
        }});
        let mut value = json!({"on": "true"});
        assert!(validate(&schema, &mut value).is_empty());
        assert_eq!(value, json!({"on": true, "off": false}));
        assert!(!validate(&schema, &mut json!({"on": "yes"})).is_empty());
    }
}
