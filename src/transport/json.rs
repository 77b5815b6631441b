//! Parses JSON answers within limits: a value can take two bytes on the wire but a hundred times that in memory, and a
//! duplicate key is ambiguous.

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// Why an answer is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JsonError {
    /// It is not JSON.
    #[error("it is not a JSON object")]
    Malformed,
    /// An object has a duplicate key. The key is as the sender wrote it: clean it before showing it.
    #[error("duplicate key {0:?} in one of its objects")]
    Twice(String),
    /// It holds more values than it may.
    #[error("it holds more than {0} values")]
    TooMany(usize),
}

/// How many characters of a key are kept: more than an API key or a token has, so that one is recognized as such.
const KEY_KEPT: usize = 300;

/// Parses JSON that has at most `most` values, nested ones included.
///
/// # Errors
/// When it is not JSON, has more values, or has a duplicate key.
pub fn parse_json(text: &[u8], most: usize) -> Result<Value, JsonError> {
    let bounds = Bounds {
        left: Cell::new(most),
        fault: Cell::new(None),
    };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Bounded(&bounds).deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    value.map_err(|_| match bounds.fault.take() {
        Some(Fault::Twice(key)) => JsonError::Twice(key),
        Some(Fault::TooMany) => JsonError::TooMany(most),
        None => JsonError::Malformed,
    })
}

/// State while one text is parsed.
struct Bounds {
    left: Cell<usize>,
    /// What is wrong; the deserializer's own error can carry only a text.
    fault: Cell<Option<Fault>>,
}

enum Fault {
    Twice(String),
    TooMany,
}

/// Deserializes one value.
#[derive(Clone, Copy)]
struct Bounded<'a>(&'a Bounds);

impl Bounded<'_> {
    fn fault<E: serde::de::Error>(self, fault: Fault) -> E {
        self.0.fault.set(Some(fault));
        E::custom("out of bounds")
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        let Some(left) = self.0.left.get().checked_sub(1) else {
            return Err(self.fault(Fault::TooMany));
        };
        self.0.left.set(left);
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("no finite number"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                let key = key.chars().take(KEY_KEPT).collect();
                return Err(self.fault(Fault::Twice(key)));
            }
            let value = members.next_value_seed(self)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_and_what_is_refused() {
        #[track_caller]
        #[allow(clippy::needless_pass_by_value, reason = "the table reads better")]
        fn check(text: &str, expected: Result<Value, JsonError>) {
            assert_eq!(parse_json(text.as_bytes(), 5), expected, "{text}");
        }
        let twice = |key: &str| Err(JsonError::Twice(key.to_owned()));
        check(r#"{"a":[1,-2,0.5]}"#, Ok(json!({"a": [1, -2, 0.5]})));
        check(r#"["\u00e9",true,null]"#, Ok(json!(["é", true, null])));
        check(r#"{"a":1,"a":1}"#, twice("a"));
        check(r#"{"x":{"b":1,"\u0062":2}}"#, twice("b"));
        check(r#"[{"a":1},{"a":1}]"#, Ok(json!([{"a": 1}, {"a": 1}])));
        check("[1,2,3,4]", Ok(json!([1, 2, 3, 4])));
        check("[1,2,3,4,5]", Err(JsonError::TooMany(5)));
        check("[[[[[[", Err(JsonError::TooMany(5)));
        check("{} {}", Err(JsonError::Malformed));
        check("1e999", Err(JsonError::Malformed));
        check("", Err(JsonError::Malformed));
        let long = format!(r#"{{"{0}":1,"{0}":1}}"#, "k".repeat(1_000));
        check(&long, twice(&"k".repeat(KEY_KEPT)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// JSON without duplicate keys is parsed as by any other parser.
        #[test]
        fn is_read_as_it_is(value in value()) {
            let text = value.to_string();
            prop_assert_eq!(parse_json(text.as_bytes(), usize::MAX), Ok(value));
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(|number: f64| Value::from(number)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }
}
