//! The settings of a whitelabel document, as one JSON object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KeyPath;

/// One JSON object.
pub type Object = serde_json::Map<String, Value>;

/// The public keys of a whitelabel document, without those that the server adds to each response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Object);

impl Settings {
    /// Creates settings from the `data` of a response, dropping `id`, `_read_only` and every other private top-level
    /// key, which the server adds to responses and ignores in requests (E17, W14b, trap 7).
    #[must_use]
    pub fn from_answer(mut data: Object) -> Self {
        data.retain(|key, _| key != "id" && !key.starts_with('_') && !key.starts_with("pvt_"));
        Self(data)
    }

    /// Returns the document in the form that is sent to the server.
    #[must_use]
    pub fn as_object(&self) -> &Object {
        &self.0
    }

    /// Returns the value at a path.
    #[must_use]
    pub fn get(&self, path: &KeyPath) -> Option<&Value> {
        let mut segments = path.segments();
        let mut value = self.0.get(&segments.next()?)?;
        for segment in segments {
            value = value.as_object()?.get(&segment)?;
        }
        Some(value)
    }

    /// Sets the value at a path, creating intermediate objects and replacing other values in the way.
    pub fn set(&mut self, path: &KeyPath, value: Value) {
        let segments: Vec<String> = path.segments().collect();
        let Some((last, parents)) = segments.split_last() else {
            return;
        };
        let mut object = &mut self.0;
        for parent in parents {
            let slot = object.entry(parent.clone()).or_insert(Value::Null);
            if !slot.is_object() {
                *slot = Value::Object(Object::new());
            }
            let Value::Object(inner) = slot else { return };
            object = inner;
        }
        object.insert(last.clone(), value);
    }

    /// Removes the value at a path, and the parent objects that become empty as a result.
    pub fn remove(&mut self, path: &KeyPath) {
        let segments: Vec<String> = path.segments().collect();
        remove_below(&mut self.0, &segments);
    }

    /// Returns every leaf with its path: values that are not objects, and empty objects.
    #[must_use]
    pub fn leaves(&self) -> BTreeMap<KeyPath, &Value> {
        let mut leaves = BTreeMap::new();
        for (key, value) in &self.0 {
            collect_leaves(KeyPath::from_segments([key]), value, &mut leaves);
        }
        leaves
    }
}

impl From<Object> for Settings {
    fn from(object: Object) -> Self {
        Self(object)
    }
}

fn remove_below(object: &mut Object, segments: &[String]) {
    match segments {
        [] => {}
        [last] => {
            object.remove(last);
        }
        [first, rest @ ..] => {
            let Some(Value::Object(inner)) = object.get_mut(first) else {
                return;
            };
            let had_keys = !inner.is_empty();
            remove_below(inner, rest);
            if had_keys && inner.is_empty() {
                object.remove(first);
            }
        }
    }
}

fn collect_leaves<'a>(path: KeyPath, value: &'a Value, leaves: &mut BTreeMap<KeyPath, &'a Value>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                collect_leaves(path.child(key), value, leaves);
            }
        }
        leaf => {
            leaves.insert(path, leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(value: Value) -> Settings {
        match value {
            Value::Object(object) => Settings::from(object),
            other => panic!("not an object: {other}"),
        }
    }

    /// Trap 7: keys that the server adds to responses are neither compared nor sent.
    #[test]
    fn trap_07_server_keys_are_stripped() {
        let Value::Object(data) = json!({
            "id": "whitelabel", "_read_only": {}, "pvt_x": 1, "company_name": "Acme", "nav": {"id": 1},
        }) else {
            unreachable!()
        };
        assert_eq!(
            Settings::from_answer(data),
            settings(json!({"company_name": "Acme", "nav": {"id": 1}}))
        );
    }

    #[test]
    fn set_and_remove() {
        let mut document = settings(json!({"nav": {"help": "a"}, "port": "odd"}));
        document.set(&"nav.learn_more".into(), json!("b"));
        document.set(&"port.loa".into(), json!("c"));
        document.remove(&"nav.help".into());
        assert_eq!(
            document,
            settings(json!({"nav": {"learn_more": "b"}, "port": {"loa": "c"}}))
        );
        document.remove(&"nav.learn_more".into());
        document.remove(&"nav.absent".into());
        assert_eq!(document, settings(json!({"port": {"loa": "c"}})));
    }
}
