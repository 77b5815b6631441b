//! The canonical form of a tree's files.

use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::tree::init::starter;
use crate::tree::testing::{TWO_CLUSTERS, Tree};
use crate::tree::{Loaded, format};

const ACCOUNT: &str = "accounts/a/account.yaml";

/// Formats one file of a tree.
fn formatted(path: &str, text: &str) -> String {
    let tree = Tree::new(&[(path, text)]);
    let files = format(&tree.source()).unwrap();
    let file = files.into_iter().find(|file| file.path == path).unwrap();
    file.after.unwrap()
}

#[test]
fn keys_move_with_their_comments() {
    let text = r#"# yaml-language-server: $schema=x
# Acme, of Northwind.

# Layers.
extends: ["gold", 'with space']   # lowest first
dns: "observe"

# What customers see.
whitelabel:
  # Above nav.
  nav: { learn_more: "https://a.example/x", help: 'https://a.example' }
  my_own: "yes"
  domain: "voice.acme.example" # live
  # hide_powered: true

  company_name: 'Say "hi"'
    # about the name
  # the end of the whitelabel
watch:
  heal: off
  apply: auto
account: "0123456789abcdef0123456789abcdef"
# the end
"#;
    assert_snapshot!(formatted(ACCOUNT, text), @r#"
    # yaml-language-server: $schema=x
    # Acme, of Northwind.

    account: "0123456789abcdef0123456789abcdef"
    # Layers.
    extends: [gold, with space]   # lowest first

    # What customers see.
    whitelabel:
      # hide_powered: true

      company_name: 'Say "hi"'
        # about the name
      domain: voice.acme.example   # live
      # Above nav.
      nav: { help: https://a.example, learn_more: https://a.example/x }
      my_own: "yes"
      # the end of the whitelabel
    dns: observe
    watch:
      apply: auto
      heal: off
    # the end
    "#);
}

#[test]
fn lists_of_maps_and_names_that_people_choose() {
    let text = r"clusters:
  staging:
    auth: {token: {env: B}}
    api: https://b.example
  production: {root: x.example, api: https://a.example}
lint:
  EB0617:
    reason: art
    level: off
policy:
  freeze:
    - until: 2027-01-02T00:00:00Z   # later
      from: 2027-01-01T00:00:00Z
      # why
      reason: new year
    -
      until: 2028-01-02T00:00:00Z
      from: 2028-01-01T00:00:00Z
  billing: refuse
";
    assert_snapshot!(formatted("emblazon.yaml", text), @r"
    clusters:
      staging:
        api: https://b.example
        auth: {token: {env: B}}
      production: {api: https://a.example, root: x.example}
    policy:
      billing: refuse
      freeze:
        - from: 2027-01-01T00:00:00Z
          until: 2027-01-02T00:00:00Z   # later
          # why
          reason: new year
        -
          from: 2028-01-01T00:00:00Z
          until: 2028-01-02T00:00:00Z
    lint:
      EB0617:
        level: off
        reason: art
    ");
}

/// What cannot be moved safely stays; what is no YAML stays, too, and says why.
#[test]
fn what_stays_as_it_is() {
    #[track_caller]
    fn check(text: &str) {
        assert_eq!(formatted(ACCOUNT, text), text);
    }
    check("");
    check("# only a remark");
    check("? dns\n: observe\n? account\n: x\n");
    check("--- {}\n");
    check("extends: >-\n  \"a\"\ndns: observe\n");
    check("whitelabel: {\n  nav: {}, # after all\n  domain: x }\n");
    let tree = Tree::new(&[
        (ACCOUNT, "dns: [\naccount: x\n"),
        ("brands/b.yaml", "a: 1\na: 2\n"),
    ]);
    let files = format(&tree.source()).unwrap();
    let codes: Vec<_> = files
        .iter()
        .filter_map(|file| Some(file.after.as_ref().err()?[0].code.as_str()))
        .collect();
    assert_eq!(codes, ["EB0101", "EB0102"]);
}

#[test]
fn line_ends_and_marks_stay() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(formatted(ACCOUNT, text), expected);
    }
    check(
        "\u{feff}dns: ignore\r\naccount: x",
        "\u{feff}account: x\ndns: ignore\r\n",
    );
    check(
        "dns: ignore\n\n\naccount: x\n",
        "account: x\n\n\ndns: ignore\n",
    );
    check(
        "whitelabel: {}\naccount: |+\n  x\n\ndns: ignore\n",
        "account: |+\n  x\n\nwhitelabel: {}\ndns: ignore\n",
    );
}

#[test]
fn what_init_writes_is_formatted() {
    let files = starter();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    for file in format(&Tree::new(&files).source()).unwrap() {
        assert_eq!(file.after, Ok(file.before), "{}", file.path);
    }
}

/// A key of some map with one of several notations of its value, where `…` stands for the key's indentation.
const PIECES: [(&str, &[&str]); 16] = [
    (
        "account",
        &[
            "\"0123456789abcdef0123456789abcdef\"",
            "{ staging: 'b', production: \"x\" }",
            "x",
        ],
    ),
    ("realm", &["'a.example'"]),
    (
        "extends",
        &[
            "[gold]",
            "\n…  - 'gold'\n…  - \"sil\\\nver\"",
            "[ \"gold\", # why\n…  silver ]",
            "null",
        ],
    ),
    (
        "whitelabel",
        &[
            "null",
            "{ nav: { learn_more: 'https://x.example', help: \"https://y.example\" }, domain: 'x.example' }",
            "MAP",
        ],
    ),
    (
        "overrides",
        &[
            "{ staging: { dns: ignore, whitelabel: { domain: \"y.example\", company_name: 'Y' } } }",
            "MAP",
        ],
    ),
    ("staging", &["MAP", "{}"]),
    ("dns", &["observe", "\"manage\"", "'no'"]),
    ("mode", &["observe", "|\n…  observe", "|+\n…  \"x\"\n\n"]),
    ("nav", &["MAP", "{help: \"https://z.example\"}"]),
    (
        "help",
        &[
            "'https://help.example'",
            ">\n…  https://a.example\n…  # no remark\n",
        ],
    ),
    ("learn_more", &["\"https://more.example\""]),
    (
        "company_name",
        &[
            "'It''s \"us\"'",
            "\"C:\\\\x\"",
            "\"a\\u00A0b\"",
            "Acme Voice",
            "''",
            "|-\n…  \"x\"",
        ],
    ),
    ("domain", &["\"voice.example.com\"", ""]),
    ("hide_powered", &["true", "\"true\"", "no"]),
    (
        "theme",
        &["{ b: \"1\", a: ['yes', \"plain\", 1.10] }", "MAP"],
    ),
    ("ignore", &["[ 'whitelabel.nav.help' ]", "\n…- assets.logo"]),
];

/// A line's random part: which piece, which notation, how deep, and what stands above and behind it.
type Line = (usize, usize, bool, Option<usize>, bool, bool);

fn document(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut open = vec![Vec::<usize>::new()];
    for (piece, notation, deeper, comment, blank, behind) in lines {
        let is_open = text.ends_with("MAP\n");
        if is_open {
            text.truncate(text.len() - " MAP\n".len());
            text.push('\n');
            open.push(Vec::new());
        } else if !deeper && open.len() > 1 {
            open.pop();
        }
        let taken = open.last_mut().unwrap();
        let mut at = piece % PIECES.len();
        while taken.contains(&at) {
            at = (at + 1) % PIECES.len();
        }
        taken.push(at);
        let indent = "  ".repeat(open.len() - 1);
        if *blank {
            text.push('\n');
        }
        if let Some(depth) = comment {
            let _ = writeln!(text, "{}# {at}", " ".repeat(*depth));
        }
        let (key, notations) = PIECES[at];
        let value = notations[notation % notations.len()].replace('…', &indent);
        let behind = if *behind && !value.contains(['\n', '|', '>']) && value != "MAP" {
            " # behind"
        } else {
            ""
        };
        let key = if *blank {
            format!("\"{key}\"")
        } else {
            key.to_owned()
        };
        text.push_str(format!("{indent}{key}: {value}{behind}").trim_end_matches(' '));
        text.push('\n');
    }
    text.replace(" MAP\n", " {}\n")
}

fn remarks(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    let mut remarks: Vec<&str> = lines
        .filter_map(|line| line.find('#').map(|at| &line[at..]))
        .collect();
    remarks.sort_unstable();
    remarks
}

fn meaning(loaded: &Loaded) -> (String, Vec<String>) {
    let mistakes = loaded.diagnostics.iter();
    let mut mistakes: Vec<String> = mistakes
        .map(|it| format!("{} {}", it.code, it.message))
        .collect();
    mistakes.sort_unstable();
    (loaded.desired.digest().to_string(), mistakes)
}

/// Formatting changes nothing that a tree decodes to, loses no remark and no blank line, and is done after once.
#[test]
fn formatting_keeps_what_is_said() {
    let line = (
        0..16_usize,
        0..4_usize,
        prop::bool::weighted(0.7),
        prop::option::weighted(0.3, 0..6_usize),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    );
    let documents = prop::collection::vec(prop::collection::vec(line, 0..12), 3);
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[24; 32]);
    let config = Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let tree = Tree::new(&[("emblazon.yaml", TWO_CLUSTERS)]);
    let moved = std::cell::Cell::new(0);
    TestRunner::new_with_rng(config, random)
        .run(&documents, |documents| {
            for (path, lines) in [ACCOUNT, "accounts/b/account.yaml", "brands/gold.yaml"]
                .iter()
                .zip(&documents)
            {
                tree.write(path, document(lines).as_bytes());
            }
            let before = meaning(&tree.load(Some("staging")));
            for file in format(&tree.source()).unwrap() {
                let Ok(after) = file.after else { continue };
                moved.set(moved.get() + usize::from(after != file.before));
                prop_assert_eq!(
                    remarks(&file.before),
                    remarks(&after),
                    "{}\n->\n{}",
                    file.before,
                    after
                );
                let blank = |text: &str| text.lines().filter(|line| line.trim().is_empty()).count();
                prop_assert_eq!(
                    blank(&file.before),
                    blank(&after),
                    "{}\n->\n{}",
                    file.before,
                    after
                );
                tree.write(file.path.as_str(), after.as_bytes());
            }
            prop_assert_eq!(before, meaning(&tree.load(Some("staging"))));
            for file in format(&tree.source()).unwrap() {
                if let Ok(after) = file.after {
                    prop_assert_eq!(after, file.before);
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(moved.get() > 300, "only {} files changed", moved.get());
}
