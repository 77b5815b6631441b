//! The table of the design's section 5, row by row, for everything that can differ.

use serde_json::{Map, Value, json};

use crate::diff::fixture::{
    account, live, live_template, sources, store, template, tree, with_asset,
};
use crate::diff::{Cause, ChangeKey, Declaration, Differences, Direction, compare};
use crate::live::{Live, Reading};
use crate::model::AssetKind;
use crate::tree::{Desired, Target};

type Said = Declaration<&'static str>;

/// A kind of thing: how a tree declares it, how it looks live, and what its change is called.
struct Kind {
    name: &'static str,
    tree: fn(Said) -> Desired,
    live: fn(Option<&'static str>) -> Live,
    key: fn() -> ChangeKey,
}

/// Another key keeps each document alive; it is as declared.
fn settings(said: Said) -> Desired {
    let mut whitelabel = Map::from_iter([("brandColor".to_owned(), json!("red"))]);
    match said {
        Declaration::Undeclared => {}
        Declaration::Absent => drop(whitelabel.insert("company_name".to_owned(), Value::Null)),
        Declaration::Value(value) => {
            whitelabel.insert("company_name".to_owned(), json!(value));
        }
    }
    tree(vec![account("acme", Value::Object(whitelabel))])
}

fn assets(said: Said) -> Desired {
    let mut acme = account("acme", json!({"brandColor": "red"}));
    acme = match said {
        Declaration::Undeclared => acme,
        Declaration::Absent => with_asset(acme, AssetKind::Logo, None),
        Declaration::Value(text) => with_asset(acme, AssetKind::Logo, Some(text)),
    };
    tree(vec![acme])
}

fn host(value: &str) -> Value {
    json!({"name": value, "mapping": ["192.0.2.1"]})
}

fn hosts(said: Said) -> Desired {
    let hosts = match said {
        Declaration::Undeclared => json!({}),
        Declaration::Absent => json!({"x.{{domain}}": null}),
        Declaration::Value(value) => json!({"x.{{domain}}": host(value)}),
    };
    Desired {
        template: Some(template(json!({"A": hosts}))),
        ..tree(vec![])
    }
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "setting",
        tree: settings,
        live: |value| {
            let mut document = json!({"brandColor": "red"});
            if let Some(value) = value {
                document["company_name"] = json!(value);
            }
            live([("acme", Some(document))])
        },
        key: || ChangeKey::Setting("company_name".into()),
    },
    Kind {
        name: "asset",
        tree: assets,
        live: |value| {
            let mut live = live([("acme", Some(json!({"brandColor": "red"})))]);
            let asset = value.map(|text| (text, "logo-1.png"));
            store(&mut live, "acme", AssetKind::Logo, asset);
            live
        },
        key: || ChangeKey::Asset(AssetKind::Logo),
    },
    Kind {
        name: "host",
        tree: hosts,
        live: |value| {
            let hosts = value.map_or(json!({}), |value| json!({"x.{{domain}}": host(value)}));
            Live {
                template: Some(Reading::Known(live_template(json!({"A": hosts})))),
                ..Live::default()
            }
        },
        key: || {
            ChangeKey::Host(Target {
                record_type: "A".to_owned(),
                host: "x.{{domain}}".to_owned(),
            })
        },
    },
];

fn cause(differences: &Differences, key: &ChangeKey) -> Option<Cause> {
    let template = differences.template.iter();
    let changes = template.flat_map(|template| &template.changes);
    let accounts = differences.accounts.iter();
    let mut changes = changes.chain(accounts.flat_map(|account| &account.changes));
    changes
        .find(|change| change.key == *key)
        .map(|change| change.cause)
}

#[track_caller]
fn check(base: Option<Said>, desired: Said, now: Option<&'static str>, expected: Option<Cause>) {
    for kind in &KINDS {
        let base = base.map(kind.tree);
        let differences = compare(
            &(kind.tree)(desired),
            base.as_ref(),
            &(kind.live)(now),
            &sources(),
        );
        let found = cause(&differences, &(kind.key)());
        assert_eq!(found, expected, "{}", kind.name);
    }
}

#[test]
fn the_table_holds_for_settings_assets_and_hosts() {
    use Cause::{Conflict, Differs, Drift, Git, Removal};
    use Declaration::{Absent, Undeclared, Value};

    // – | v | v, and what there is to say without a base.
    check(None, Value("v"), Some("v"), None);
    check(None, Value("v"), Some("other"), Some(Differs));
    check(None, Value("v"), None, Some(Differs));
    check(None, Absent, Some("v"), Some(Removal));
    check(None, Absent, None, None);
    check(None, Undeclared, Some("v"), None);
    check(None, Undeclared, None, None);
    // same | v | v: in sync; v | v | other: drift.
    check(Some(Value("v")), Value("v"), Some("v"), None);
    check(Some(Value("v")), Value("v"), Some("other"), Some(Drift));
    check(Some(Value("v")), Value("v"), None, Some(Drift));
    // old | new | old: from Git; old | new | other: both.
    check(Some(Value("old")), Value("new"), Some("old"), Some(Git));
    check(Some(Value("old")), Value("new"), Some("new"), None);
    check(
        Some(Value("old")),
        Value("new"),
        Some("other"),
        Some(Conflict),
    );
    check(Some(Value("old")), Value("new"), None, Some(Conflict));
    check(Some(Undeclared), Value("new"), Some("other"), Some(Git));
    check(Some(Undeclared), Value("new"), None, Some(Git));
    check(Some(Absent), Value("new"), None, Some(Git));
    check(Some(Absent), Value("new"), Some("other"), Some(Conflict));
    // v | undeclared | v: removed in Git.
    check(Some(Value("v")), Undeclared, Some("v"), Some(Removal));
    check(Some(Value("v")), Undeclared, Some("other"), Some(Conflict));
    check(Some(Value("v")), Undeclared, None, None);
    check(Some(Value("v")), Absent, Some("v"), Some(Removal));
    check(Some(Value("v")), Absent, Some("other"), Some(Conflict));
    check(Some(Absent), Absent, Some("v"), Some(Drift));
    check(Some(Undeclared), Absent, Some("v"), Some(Removal));
    // undeclared | undeclared | v: not ours.
    check(Some(Undeclared), Undeclared, Some("v"), None);
    check(Some(Absent), Undeclared, Some("v"), None);
}

/// What `--only` leaves out is counted in a sentence.
#[test]
fn what_is_left_out_is_counted() {
    #[track_caller]
    fn check(keys: &[&str], direction: Direction, expected: &str) {
        let brand = |value: &str| {
            let keys = keys.iter().map(|key| ((*key).to_owned(), json!(value)));
            Value::Object(keys.collect())
        };
        let (old, new) = (brand("old"), brand("new"));
        let base = tree(vec![account("a", old.clone())]);
        let (desired, found) = match direction {
            Direction::Live => (new, old),
            Direction::Git | Direction::Both => (old, new),
        };
        let desired = tree(vec![account("a", desired)]);
        let live = live([("a", Some(found))]);
        let mut differences = compare(&desired, Some(&base), &live, &sources());
        differences.only(direction);
        assert_eq!(differences.notes, [expected]);
    }
    let (one, two) = (&["company_name"][..], &["company_name", "brandColor"][..]);
    check(
        one,
        Direction::Live,
        "left out: 1 change that is in Git and not applied yet",
    );
    check(
        two,
        Direction::Live,
        "left out: 2 changes that are in Git and not applied yet",
    );
    check(
        one,
        Direction::Git,
        "left out: 1 change that somebody made on the platform",
    );
}
