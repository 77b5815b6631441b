//! Random platforms, imported into nothing, and then again after they changed at random.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::overlay::Overlay;
use super::request;
use super::{Existing, Imported, NewCluster, Request, Scope, import, known};
use crate::diff::{self, ChangeKey};
use crate::live::{BrandAsset, BrandDocument, LiveBrand, Reading, Unmanaged};
use crate::model::{
    AccountId, AssetFacts, AssetKind, AssetType, ClusterName, Digest, DomainTemplate, FIELDS,
    HIJACKING_NAMES, KeyPath, Revision, Settings,
};
use crate::tree::{self, Loaded};

type Platform = (Vec<LiveBrand>, DomainTemplate);

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,5}\\.example\\.com",
        "https://[a-z]{1,5}\\.example/[a-z]{0,3}",
        "[a-z]{1,4}@[a-z]{1,4}\\.example",
        "[a-z0-9:#{}\\[\\]'\", \\\\|>%@`&*!?-]{0,8}",
        "\\PC{0,5}",
        Just("\u{202e}\u{7}".to_owned()),
        Just("yes".to_owned()),
        Just("1.10".to_owned()),
        Just(String::new()),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => texts().prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|float| json!(float)),
        1 => Just(Value::Null),
        1 => Just(json!("true")),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(names(), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Names of keys: known ones, those that steer requests, and others.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(FIELDS).prop_map(|field| field.path.split('.').next().unwrap_or("").to_owned()),
        3 => prop::sample::select(FIELDS).prop_map(|field| field.path.rsplit('.').next().unwrap_or("").to_owned()),
        1 => prop::sample::select(HIJACKING_NAMES).prop_map(|name| (*name).to_owned()),
        1 => texts(),
    ]
}

/// Few contents, so that some are shared.
fn assets() -> impl Strategy<Value = Reading<Option<BrandAsset>>> {
    let mut picture = Vec::new();
    image::RgbaImage::new(32, 32)
        .write_to(&mut Cursor::new(&mut picture), image::ImageFormat::Png)
        .expect("a picture");
    let contents: Vec<Vec<u8>> = vec![
        picture,
        b"<p>Welcome</p>".to_vec(),
        b"<script>x</script>".to_vec(),
        b"\x89PNG\r\n\x1a\nbroken".to_vec(),
        b"unknown".to_vec(),
        Vec::new(),
    ];
    prop_oneof![
        2 => Just(Reading::Known(None)),
        5 => prop::sample::select(contents).prop_map(|bytes| Reading::Known(Some(BrandAsset {
            facts: AssetFacts {
                digest: Digest::of(&bytes),
                size: bytes.len() as u64,
                asset_type: AssetType::sniff(&bytes),
                dimensions: None,
            },
            bytes: Arc::from(bytes),
            attachment: None,
        }))),
        1 => Just(Reading::Unknown("it hung".to_owned())),
    ]
}

fn documents() -> impl Strategy<Value = Reading<Option<BrandDocument>>> {
    let settings = prop::collection::btree_map(names(), values(), 0..6);
    let whole = (settings, prop::collection::vec(assets(), 3)).prop_map(|(settings, assets)| {
        let settings: Map<String, Value> = settings.into_iter().collect();
        Reading::Known(Some(BrandDocument {
            revision: Revision::new("1-x"),
            settings: Settings::from_answer(settings),
            assets: AssetKind::ALL.into_iter().zip(assets).collect(),
        }))
    });
    prop_oneof![
        8 => whole,
        1 => Just(Reading::Known(None)),
        1 => Just(Reading::Unknown("it hung".to_owned())),
    ]
}

fn templates() -> impl Strategy<Value = DomainTemplate> {
    let hosts = prop_oneof![
        Just("portal.{{domain}}".to_owned()),
        Just("_sip._udp.{{domain}}".to_owned()),
        texts()
    ];
    let records = prop_oneof![
        Just("192.0.2.1".to_owned()),
        Just("ui.example.net".to_owned()),
        texts()
    ];
    let entry = (
        prop::option::of(texts()),
        prop::collection::vec(records, 0..3),
    )
        .prop_map(|(name, mapping)| json!({"name": name, "mapping": mapping}));
    let types = prop::sample::select(vec!["A", "CNAME", "CNAM", "SRV", "TXT", "a"]);
    prop::collection::btree_map(types, prop::collection::btree_map(hosts, entry, 0..3), 0..3)
        .prop_map(|types| serde_json::from_value(json!(types)).expect("a template"))
}

/// Always the same accounts, with other brands.
fn platforms() -> impl Strategy<Value = Platform> {
    (prop::collection::vec(documents(), 4), templates()).prop_map(|(documents, template)| {
        let titles = ["Acme", "acme", "\u{202e}..", "Beta & Söhne"];
        let brands = titles.iter().zip(documents).zip("abcd".chars());
        let brands = brands.map(|((title, document), digit)| LiveBrand {
            account: Unmanaged {
                id: AccountId::parse(&digit.to_string().repeat(32)).expect("an id"),
                name: (*title).to_owned(),
                realm: format!("{digit}.sip.example.com"),
            },
            document,
        });
        (brands.collect(), template)
    })
}

fn load(files: &Overlay<'_>) -> Loaded {
    let loaded = tree::load(files, None).expect("a tree");
    assert!(!loaded.has_errors(), "{:#?}", loaded.diagnostics);
    loaded
}

/// Imports into a tree, or into nothing; nothing may differ then but what the notes tell.
fn take(files: &mut Overlay<'_>, platform: &Platform, factor: bool) -> Imported {
    let (brands, template) = platform;
    let template = Reading::Known(template.clone());
    let everybody: Vec<Unmanaged> = brands.iter().map(|brand| brand.account.clone()).collect();
    let is_tree = files.has("emblazon.yaml".into()).expect("readable");
    let before = is_tree.then(|| load(files));
    let source = files.clone();
    let cluster = NewCluster {
        name: ClusterName::new("production"),
        api: None,
        root: None,
    };
    let request = Request {
        existing: before.as_ref().map(|loaded| Existing {
            source: &source,
            loaded,
            several_clusters: false,
        }),
        folder: None,
        cluster: &cluster,
        everybody: &everybody,
        brands,
        others: &[],
        template: Some(&template),
        factor,
        scope: &Scope::Everything,
    };
    let imported = import(&request).expect("an import");
    for change in &imported.changes {
        files.write(change.path.clone(), change.after.clone());
    }
    let loaded = load(files);
    let live = request::live(&request, &known(&loaded, &everybody));
    let found = diff::compare(&loaded.desired, None, &live, &loaded.sources);
    let told = |name: Option<&str>, about: &str| {
        imported.notes.iter().any(|note| {
            note.account.as_ref().map(crate::model::AccountName::as_str) == name
                && note.about.as_deref().is_none_or(|told| told == about)
        })
    };
    for account in &found.accounts {
        for change in &account.changes {
            let about = match &change.key {
                ChangeKey::Setting(path) => format!("whitelabel.{path}"),
                ChangeKey::Asset(kind) => format!("assets.{kind}"),
                other => format!("{other:?}"),
            };
            let name = account.name.as_str();
            assert!(
                told(Some(name), &about),
                "{name} {about}: {change:?}\n{:#?}",
                imported.notes
            );
        }
    }
    for change in found.template.iter().flat_map(|template| &template.changes) {
        if let ChangeKey::Host(target) = &change.key {
            let about = format!("domains.yaml {} {}", target.record_type, target.host);
            assert!(
                told(None, &about),
                "{about}: {change:?}\n{:#?}",
                imported.notes
            );
        }
    }
    imported
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is live: the tree has no errors, a plan is empty but for what the notes tell, a second import
    /// changes nothing, and neither does one after the platform went from one state to another.
    #[test]
    fn any_platform_is_imported(first in platforms(), second in platforms(), factor: bool) {
        let mut files = Overlay::new(None);
        take(&mut files, &first, factor);
        let again = take(&mut files, &first, factor);
        prop_assert_eq!(again.changes, Vec::new());
        take(&mut files, &second, false);
        let again = take(&mut files, &second, false);
        prop_assert_eq!(again.changes, Vec::new());
    }
}

/// Keys with dots, and the longest ones, come back as they were.
#[test]
fn addresses_of_odd_keys() {
    let path = KeyPath::from_segments(["appLinks", "https://a.example/%2E"]);
    let mut settings = Settings::default();
    settings.set(&path, json!("x"));
    let brand = LiveBrand {
        account: Unmanaged {
            id: AccountId::parse(&"a".repeat(32)).expect("an id"),
            name: "Acme".to_owned(),
            realm: "a.example".to_owned(),
        },
        document: Reading::Known(Some(BrandDocument {
            revision: Revision::new("1-x"),
            settings,
            assets: BTreeMap::new(),
        })),
    };
    let mut files = Overlay::new(None);
    let imported = take(&mut files, &(vec![brand], DomainTemplate::default()), false);
    assert_eq!(imported.notes, []);
    let account = files
        .text("accounts/acme/account.yaml".into())
        .expect("a file");
    insta::assert_snapshot!(account, @r#"
    # yaml-language-server: $schema=../../schemas/account.schema.json
    #
    # Acme, realm a.example
    account: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

    whitelabel:
      appLinks:
        "https://a.example/%2E": x
    "#);
}

/// Values that live now and later have another shape: the tree follows.
#[test]
fn a_value_of_another_shape_is_taken_over() {
    let platform = |value: &Value| {
        let brand = LiveBrand {
            account: Unmanaged {
                id: AccountId::parse(&"a".repeat(32)).expect("an id"),
                name: "Acme".to_owned(),
                realm: "a.example".to_owned(),
            },
            document: Reading::Known(Some(BrandDocument {
                revision: Revision::new("1-x"),
                settings: Settings::from_answer(
                    [("announcement".to_owned(), value.clone())]
                        .into_iter()
                        .collect(),
                ),
                assets: BTreeMap::new(),
            })),
        };
        (vec![brand], DomainTemplate::default())
    };
    let values = [
        json!("yes"),
        json!(["yes"]),
        json!([]),
        json!({}),
        json!(null),
        json!({"": "true"}),
        json!({"": {}}),
        json!({"": {"": 1}}),
        json!({"a": "true"}),
        json!({"a": [{"": null}]}),
        json!({"a": {"": "x", "b": "y"}}),
    ];
    for first in &values {
        for second in &values {
            let mut files = Overlay::new(None);
            take(&mut files, &platform(first), false);
            println!("{first} then {second}");
            take(&mut files, &platform(second), false);
            let again = take(&mut files, &platform(second), false);
            assert_eq!(again.changes, Vec::new(), "{first} then {second}");
        }
    }
}
