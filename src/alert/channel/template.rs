//! A custom body of a webhook.

use serde_json::Value;

use super::AlertError;
use crate::alert::Notice;

/// The placeholders that may be in double braces.
const WORDS: [&str; 9] = [
    "at", "cluster", "id", "kind", "link", "severity", "subjects", "text", "title",
];

/// A JSON value whose strings have placeholders in double braces. The replacements cannot break the JSON, because the
/// value is serialized afterwards.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template(Value);

impl Template {
    /// Checks that each placeholder is known.
    pub(super) fn new(body: Value) -> Result<Self, AlertError> {
        let mut problem = None;
        visit(&body, &mut |text| {
            for word in pieces(text).filter_map(|(_, word)| word) {
                if !WORDS.contains(&word) {
                    problem.get_or_insert_with(|| {
                        format!(
                            "{{{{{word}}}}} is no word of a notice; known are {}",
                            WORDS.join(", ")
                        )
                    });
                }
            }
        });
        match problem {
            Some(problem) => Err(AlertError::Configuration(problem)),
            None => Ok(Self(body)),
        }
    }

    /// Replaces the placeholders with the values of a notice.
    pub(super) fn fill(&self, notice: &Notice) -> Value {
        filled(&self.0, notice)
    }
}

fn filled(value: &Value, notice: &Notice) -> Value {
    match value {
        Value::String(text) => Value::String(
            pieces(text)
                .map(|(plain, word)| match word {
                    Some(word) => format!("{plain}{}", meaning(word, notice)),
                    None => plain.to_owned(),
                })
                .collect(),
        ),
        Value::Array(items) => items.iter().map(|item| filled(item, notice)).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| (key.clone(), filled(value, notice)))
                .collect(),
        ),
        plain => plain.clone(),
    }
}

fn meaning(word: &str, notice: &Notice) -> String {
    match word {
        "at" => notice.at.to_string(),
        "cluster" => notice.cluster.clone(),
        "id" => notice.id.clone(),
        "kind" => notice.kind.as_str().to_owned(),
        "link" => notice.link.clone().unwrap_or_default(),
        "severity" => notice.severity.as_str().to_owned(),
        "subjects" => notice.subjects.to_string(),
        "text" => notice.text(),
        "title" => notice.title.clone(),
        // `new` rejected all other placeholders.
        other => other.to_owned(),
    }
}

/// Splits a text at its placeholders: the text before each, and the placeholder.
fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let here = rest.take()?;
        let found = here.split_once("{{").and_then(|(before, behind)| {
            let (word, after) = behind.split_once("}}")?;
            Some((before, word, after))
        });
        let Some((before, word, after)) = found else {
            return Some((here, None));
        };
        rest = Some(after);
        Some((before, Some(word.trim())))
    })
}

fn visit(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(items) => items.iter().for_each(|item| visit(item, look)),
        Value::Object(members) => members.values().for_each(|value| visit(value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alert::notice::tests::notice;

    #[test]
    fn words_are_put_into_texts() {
        #[track_caller]
        fn check(notice: &Notice, body: Value, expected: &Value) {
            assert_eq!(Template::new(body).unwrap().fill(notice), *expected);
        }
        let notice = notice("acme \"drifted\"\\");
        check(&notice, json!("{{title}}"), &json!("acme \"drifted\"\\"));
        check(
            &notice,
            json!({"a": ["{{ kind }}/{{severity}}!", 1, null], "b": {"c": "{{subjects}}"}}),
            &json!({"a": ["drift/problem!", 1, null], "b": {"c": "1"}}),
        );
        check(&notice, json!("{{ and }"), &json!("{{ and }"));
        check(
            &notice,
            json!({"{{title}}": true}),
            &json!({"{{title}}": true}),
        );
    }

    #[test]
    fn unknown_words_are_told_before_anything_starts() {
        let error = Template::new(json!([{"a": "{{titel}}"}])).unwrap_err();
        insta::assert_snapshot!(error, @"{{titel}} is no word of a notice; known are at, cluster, id, kind, link, severity, subjects, text, title");
    }
}
