//! Property tests: random documents in random notations, with random edits.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::splice::EditError;
use super::verify::{Shape, To};
use super::{Edit, edit, key, value};
use crate::diag::FileId;
use crate::model::KeyPath;
use crate::tree::node::Node;
use crate::tree::yaml;

/// A value, and how it is written.
#[derive(Clone, Debug)]
enum Written {
    Scalar(Value, u8),
    Flow(Value),
    Block(Vec<Item>),
    Lines(String, &'static str),
}

/// An entry of a map, with the comments and the blank line around it.
#[derive(Clone, Debug)]
struct Item {
    key: String,
    above: Option<String>,
    blank: bool,
    behind: Option<String>,
    value: Written,
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[a-zA-Z0-9:#{},'\" \\\\-]{0,10}",
        "\\PC{0,6}",
        Just("\u{202e}evil\u{7}\n".to_owned()),
        Just("yes".to_owned()),
        Just("+15551234567".to_owned()),
    ]
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-e]", 1 => texts()]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        texts().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!({})),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(keys(), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn written() -> impl Strategy<Value = Written> {
    let leaf = prop_oneof![
        (texts().prop_map(Value::from), 0_u8..3)
            .prop_map(|(value, style)| Written::Scalar(value, style)),
        values().prop_map(Written::Flow),
        (
            "[a-z]{1,5}(\n[a-z]{1,5}){0,2}",
            prop_oneof![Just("|"), Just("|-"), Just("|+"), Just(">")]
        )
            .prop_map(|(text, header)| Written::Lines(text, header)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop::collection::vec(items(inner), 1..4).prop_map(|items| Written::Block(distinct(items)))
    })
}

fn items(value: impl Strategy<Value = Written>) -> impl Strategy<Value = Item> {
    let comments = || prop::option::weighted(0.3, "[a-z: #-]{0,8}");
    (
        keys(),
        comments(),
        prop::bool::weighted(0.2),
        comments(),
        value,
    )
        .prop_map(|(key, above, blank, behind, value)| Item {
            key,
            above,
            blank,
            behind,
            value,
        })
}

fn distinct(mut items: Vec<Item>) -> Vec<Item> {
    let mut seen = std::collections::BTreeSet::new();
    items.retain(|item| seen.insert(item.key.clone()));
    items
}

fn print(items: &[Item], indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    for item in items {
        if item.blank {
            out.push('\n');
        }
        if let Some(comment) = &item.above {
            let _ = writeln!(out, "{pad}# {comment}");
        }
        let behind = item
            .behind
            .as_ref()
            .map_or_else(String::new, |comment| format!("  # {comment}"));
        let _ = write!(out, "{pad}{}:", key(&item.key));
        match &item.value {
            Written::Scalar(Value::String(text), 1)
                if !text.contains(char::is_control) && !hidden(text) =>
            {
                let _ = writeln!(out, " '{}'{behind}", text.replace('\'', "''"));
            }
            Written::Scalar(scalar, 2) => {
                // On a line of its own.
                let _ = writeln!(out, "{behind}\n{pad}    {}", value(scalar));
            }
            Written::Scalar(flow, _) | Written::Flow(flow) => {
                let _ = writeln!(out, " {}{behind}", value(flow));
            }
            Written::Block(inner) => {
                let _ = writeln!(out, "{behind}");
                print(inner, indent + 2, out);
            }
            Written::Lines(text, header) => {
                let _ = writeln!(out, " {header}{behind}");
                for line in text.lines() {
                    let _ = writeln!(out, "{pad}  {line}");
                }
            }
        }
    }
}

fn hidden(text: &str) -> bool {
    value(&Value::from(text)).contains("\\u")
}

fn parse(text: &str) -> Option<Node> {
    let (root, diagnostics) = yaml::parse(FileId(0), text);
    assert_eq!(diagnostics, [], "{text}");
    root
}

fn shape(text: &str) -> Shape {
    parse(text).as_ref().map_or_else(Shape::empty, Shape::of)
}

fn paths() -> impl Strategy<Value = KeyPath> {
    prop::collection::vec(
        keys().prop_filter("a key has a name", |key| !key.is_empty()),
        1..4,
    )
    .prop_map(KeyPath::from_segments)
}

fn edits() -> impl Strategy<Value = Edit> {
    (paths(), prop::option::weighted(0.7, values())).prop_map(|(path, value)| Edit {
        path,
        to: value.map_or(To::Gone, To::Value),
    })
}

/// Returns the lengths of the common prefix and the common suffix of two texts, without overlap.
fn outside(old: &str, new: &str) -> (usize, usize) {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let shortest = old.len().min(new.len());
    let front = (0..shortest).take_while(|at| old[*at] == new[*at]).count();
    let back = (0..shortest - front)
        .take_while(|at| old[old.len() - 1 - at] == new[new.len() - 1 - at])
        .count();
    (front, back)
}

/// Returns the byte range of the lines that an edit may change.
fn concerned(text: &str, path: &KeyPath) -> (usize, usize) {
    let root = parse(text);
    let mut found = (0, text.len());
    let mut node = root.as_ref();
    let mut alone: Option<(usize, usize)> = None;
    for segment in path.segments() {
        let Some(crate::tree::node::Content::Mapping(entries)) = node.map(|node| &node.content)
        else {
            break;
        };
        let Some(entry) = entries.iter().find(|entry| entry.key == segment) else {
            break;
        };
        let here = (
            entry.key_place.span.start as usize,
            entry.value.place.span.end as usize,
        );
        // Removing the only key of a map removes the map.
        alone = if entries.len() == 1 {
            alone.or(Some(here))
        } else {
            Some(here)
        };
        found = here;
        node = Some(&entry.value);
    }
    let (start, end) = alone.unwrap_or(found);
    let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    let blank = text[end..].len() - text[end..].trim_start_matches('\n').len();
    (start, end + blank)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Written values are read back unchanged.
    #[test]
    fn values_are_read_as_they_were_written(wanted in values()) {
        let mut map = Map::new();
        map.insert("key".to_owned(), wanted);
        let text = super::block(0, &map);
        let expected = Shape::empty().after(&[], &To::Value(Value::Object(map)));
        prop_assert!(shape(&text).says(&expected.unwrap()), "{}", text);
    }

    /// Parsing the result yields the old document with the edit applied; every other byte is unchanged.
    #[test]
    fn only_what_must_change_changes(items in prop::collection::vec(items(written()), 0..5), edit_ in edits()) {
        let mut text = String::new();
        print(&distinct(items), 0, &mut text);
        let segments: Vec<String> = edit_.path.segments().collect();
        let expected = shape(&text).after(&segments, &edit_.to).unwrap();
        let edited = match edit(&text, std::slice::from_ref(&edit_)) {
            Ok(edited) => edited,
            Err(error) => {
                prop_assert!(false, "{error}: {edit_:?}\n{text}");
                return Ok(());
            }
        };
        prop_assert!(shape(&edited).says(&expected), "{edit_:?}\n{text}\n->\n{edited}");
        if shape(&text).says(&expected) {
            prop_assert_eq!(&edited, &text);
            return Ok(());
        }
        let (front, back) = outside(&text, &edited);
        let (start, end) = concerned(&text, &edit_.path);
        let added = front + back == text.len();
        let within = edited.len() + end >= text.len() + start
            && edited.starts_with(&text[..start])
            && edited.ends_with(&text[end..]);
        prop_assert!(added || within, "{edit_:?}\n{text}\n->\n{edited}");
        if edit_.to == To::Gone {
            prop_assert_eq!(front + back, edited.len(), "taking away writes nothing: {}", edited);
        }
        // Edits are idempotent.
        prop_assert_eq!(edit(&edited, &[edit_]), Ok(edited));
    }

    /// A text with mistakes is not edited.
    #[test]
    fn mistakes_are_not_edited(edit_ in edits()) {
        prop_assert_eq!(edit("a: [\n", &[edit_]), Err(EditError::Mistakes));
    }
}
