//! What must hold for every tree.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use crate::diag::{FileId, Place, Span};
use crate::model::{KeyPath, Settings};
use crate::tree::layer::{Item, Layer, LayerName};
use crate::tree::layers::merge;
use crate::tree::node::Content;
use crate::tree::testing::Tree;
use crate::tree::{Declared, load, yaml};

/// Runs a property on the same cases each time.
fn run<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases: 500,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    TestRunner::new_with_rng(config, random)
        .run(strategy, test)
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Some small documents over few keys, so that layers meet.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0..3i64).prop_map(|number| json!(number)),
        Just(Value::Null),
        Just(json!(["x"])),
        Just(json!({})),
    ];
    let key = prop::sample::select(vec!["a", "b", "a-b"]);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop::collection::btree_map(key.clone(), inner, 0..3).prop_map(|map| {
            Value::Object(
                map.into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect(),
            )
        })
    })
    .prop_filter("a layer is a map", Value::is_object)
}

fn layer(document: &Value) -> Layer {
    let Value::Object(object) = document else {
        unreachable!("filtered")
    };
    let settings = Settings::from(object.clone());
    let place = Place {
        file: FileId(0),
        span: Span { start: 0, end: 0 },
    };
    let entries = settings.leaves().into_iter().map(|(path, value)| {
        let value = (!value.is_null()).then(|| Item::Setting(value.clone()));
        (path, Declared { value, place })
    });
    Layer {
        name: LayerName::Account,
        entries: entries.collect(),
        locks: Vec::new(),
    }
}

fn effective(layers: &[Arc<Layer>]) -> BTreeMap<KeyPath, Option<Value>> {
    let (effective, broken) = merge(layers);
    assert_eq!(broken, []);
    let entries = effective.into_iter().map(|(path, winner)| {
        let value = match &winner.declared.value {
            Some(Item::Setting(value)) => Some(value.clone()),
            _ => None,
        };
        (KeyPath::parse(path), value)
    });
    entries.collect()
}

/// The rule in one line: maps merge by key, everything else replaces.
fn overlay(lower: Option<Value>, upper: &Value) -> Value {
    let Value::Object(upper) = upper else {
        return upper.clone();
    };
    let mut merged = match lower {
        Some(Value::Object(lower)) => lower,
        _ => Map::new(),
    };
    for (key, value) in upper {
        let below = merged.remove(key);
        merged.insert(key.clone(), overlay(below, value));
    }
    Value::Object(merged)
}

#[test]
fn merging_follows_the_rule() {
    run(&prop::collection::vec(document(), 1..5), |documents| {
        let layers: Vec<Arc<Layer>> = documents
            .iter()
            .map(|document| Arc::new(layer(document)))
            .collect();
        let merged = documents
            .iter()
            .fold(Value::Object(Map::new()), |lower, upper| {
                overlay(Some(lower), upper)
            });
        prop_assert_eq!(effective(&layers), effective(&[Arc::new(layer(&merged))]));
        Ok(())
    });
}

#[test]
fn merging_again_changes_nothing() {
    run(&(document(), document()), |(lower, upper)| {
        let (lower, upper) = (Arc::new(layer(&lower)), Arc::new(layer(&upper)));
        let once = effective(&[Arc::clone(&lower), Arc::clone(&upper)]);
        prop_assert_eq!(
            &once,
            &effective(&[Arc::clone(&lower), Arc::clone(&upper), Arc::clone(&upper)])
        );
        prop_assert_eq!(
            effective(&[Arc::clone(&upper)]),
            effective(&[layer(&json!({})).into(), upper])
        );
        Ok(())
    });
}

/// Where no layer turns a map into something else, it does not matter which two are merged first.
#[test]
fn merging_is_associative_on_one_shape() {
    let key = prop::sample::select(vec!["a", "b.c", "b.d", "e.f.g"]);
    let flat = prop::collection::btree_map(key, 0..9i64, 0..4).prop_map(|map| {
        let mut settings = Settings::default();
        for (path, value) in map {
            settings.set(&path.into(), json!(value));
        }
        Value::Object(settings.as_object().clone())
    });
    run(&prop::collection::vec(flat, 3), |documents| {
        let [a, b, c] = &documents[..] else {
            unreachable!("three")
        };
        let later = overlay(Some(b.clone()), c);
        let earlier = overlay(Some(a.clone()), b);
        let layers = |documents: &[&Value]| {
            let layers: Vec<Arc<Layer>> = documents
                .iter()
                .map(|document| Arc::new(layer(document)))
                .collect();
            effective(&layers)
        };
        prop_assert_eq!(layers(&[a, &later]), layers(&[&earlier, c]));
        Ok(())
    });
}

/// A text in quotes comes back as it went in, from a file to the desired state.
#[test]
fn texts_round_trip() {
    let text = "[ -~\u{a0}-\u{ff}😀\n\t]{0,20}";
    run(&text, |text| {
        let quoted = serde_json::to_string(&text).expect("a text");
        let (node, diagnostics) = yaml::parse(FileId(0), &format!("key: {quoted}\n"));
        prop_assert_eq!(diagnostics, []);
        let Some(Content::Mapping(entries)) = node.map(|node| node.content) else {
            return Err(TestCaseError::fail("no map"));
        };
        let Content::Scalar(scalar) = &entries[0].value.content else {
            return Err(TestCaseError::fail("no scalar"));
        };
        prop_assert_eq!(&scalar.text, &text);
        prop_assert!(!scalar.plain);
        Ok(())
    });
}

/// Numbers that look odd stay what was written, where a text is wanted.
#[test]
fn plain_numbers_stay_texts() {
    run(&"[+-]?[0-9]{1,12}([.][0-9]{1,4})?", |text| {
        let (node, _) = yaml::parse(FileId(0), &format!("- {text}\n"));
        let Some(Content::Sequence(items)) = node.map(|node| node.content) else {
            return Err(TestCaseError::fail("no list"));
        };
        prop_assert_eq!(
            &items[0].content,
            &Content::Scalar(crate::tree::node::Scalar { text, plain: true })
        );
        Ok(())
    });
}

/// Places lie in the text, whatever the text is.
fn check_places(text: &str) -> Result<(), TestCaseError> {
    let (node, diagnostics) = yaml::parse(FileId(0), text);
    let mut places: Vec<Place> = Vec::new();
    for diagnostic in &diagnostics {
        places.extend(
            diagnostic
                .primary
                .iter()
                .chain(&diagnostic.related)
                .map(|label| label.place),
        );
    }
    let mut nodes: Vec<_> = node.into_iter().collect();
    while let Some(node) = nodes.pop() {
        places.push(node.place);
        match node.content {
            Content::Sequence(items) => nodes.extend(items),
            Content::Mapping(entries) => {
                places.extend(entries.iter().map(|entry| entry.key_place));
                nodes.extend(entries.into_iter().map(|entry| entry.value));
            }
            Content::Scalar(_) | Content::Broken => {}
        }
    }
    for place in places {
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        prop_assert!(
            start <= end && text.get(start..end).is_some(),
            "{start}..{end} in {text:?}"
        );
    }
    Ok(())
}

#[test]
fn any_text_is_read_or_reported() {
    run(&".{0,60}", |text| check_places(&text));
    run(&"[-:?,\\[\\]{}#&*!|>'\"%@` \n\ta~<.é]{0,40}", |text| {
        check_places(&text)
    });
}

#[test]
fn any_bytes_load() {
    let files = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 4);
    let tree = Tree::new(&[]);
    run(&files, |files| {
        let paths = [
            "emblazon.yaml",
            "domains.yaml",
            "brands/b.yaml",
            "accounts/a/account.yaml",
        ];
        for (path, bytes) in paths.into_iter().zip(files) {
            tree.write(path, &bytes);
        }
        drop(load(&tree.source(), Some("x")));
        Ok(())
    });
}

/// Whole trees made of words that mean something, in any place.
#[test]
fn any_words_load() {
    let words = vec![
        "account",
        "realm",
        "extends",
        "whitelabel",
        "assets",
        "overrides",
        "lock",
        "dns",
        "null",
        "true",
        "no",
        "logo",
        "nav",
        "port",
        "template",
        "A",
        "mapping",
        "clusters",
        "defaults",
        "auth",
        "token",
        "env",
        "x",
        "1.10",
    ];
    let word = prop::sample::select(words);
    let line = (
        0..4usize,
        word.clone(),
        prop::option::of(word),
        any::<bool>(),
    );
    let tree = Tree::new(&[]);
    run(&prop::collection::vec(line, 0..20), |lines| {
        let mut text = String::new();
        for (depth, key, value, item) in lines {
            let dash = if item { "- " } else { "" };
            let _ = writeln!(
                text,
                "{}{dash}{key}: {}",
                "  ".repeat(depth),
                value.unwrap_or_default()
            );
        }
        for path in [
            "emblazon.yaml",
            "domains.yaml",
            "brands/b.yaml",
            "accounts/a/account.yaml",
        ] {
            tree.write(path, text.as_bytes());
        }
        drop(load(&tree.source(), Some("x")));
        Ok(())
    });
}
