use serde_json::{Value, json};

use super::{Edit, EditError, To, edit};
use crate::model::KeyPath;

fn set(path: &str, value: Value) -> Edit {
    Edit {
        path: KeyPath::from(path),
        to: To::Value(value),
    }
}

fn gone(path: &str) -> Edit {
    Edit {
        path: KeyPath::from(path),
        to: To::Gone,
    }
}

#[track_caller]
fn check(text: &str, edits: &[Edit], expected: &str) {
    assert_eq!(edit(text, edits).as_deref(), Ok(expected));
    // Asked again, nothing is left to do.
    assert_eq!(edit(expected, edits).as_deref(), Ok(expected));
}

#[track_caller]
fn refuse(text: &str, edits: &[Edit], expected: &EditError) {
    assert_eq!(edit(text, edits).as_ref(), Err(expected));
}

const ACCOUNT: &str = "\
# About Acme.
account: 5b1c   # the id
extends: [gold]

whitelabel:
  # Shown on the login page.
  company_name: 'Acme'   # since 2019
  nav:
    help: https://old.example   # moves soon
  port: { support_email: a@b.example } # flow

assets:
  logo: logo.png
";

#[test]
fn values_are_replaced_where_they_stand() {
    check(
        ACCOUNT,
        &[set("whitelabel.company_name", json!("Acme Voice"))],
        &ACCOUNT.replace("'Acme'", "Acme Voice"),
    );
    check(
        ACCOUNT,
        &[set("whitelabel.nav.help", json!("https://new.example"))],
        &ACCOUNT.replace("old.", "new."),
    );
    check(
        ACCOUNT,
        &[set("whitelabel.port.support_email", json!("+1"))],
        &ACCOUNT.replace("a@b.example", "\"+1\""),
    );
    check(
        ACCOUNT,
        &[set("whitelabel.port", json!(null))],
        &ACCOUNT.replace("{ support_email: a@b.example }", "null"),
    );
    check(
        "a: |\n  one\n  two\nb: 1\n",
        &[set("a", json!("x\ny"))],
        "a: \"x\\ny\"\nb: 1\n",
    );
    check(
        "a: >- # why\n  one\nb: 1\n",
        &[set("a", json!("x"))],
        "a: x # why\nb: 1\n",
    );
    check(
        "a:\n- 1\n- 2\nb: 1\n",
        &[set("a", json!(["x"]))],
        "a: [x]\nb: 1\n",
    );
    check(
        "a: # why\n- 1\nb: 1\n",
        &[set("a", json!("x"))],
        "a: # why\n  x\nb: 1\n",
    );
    check("a:\n  b: 1\n", &[set("a", json!(true))], "a: true\n");
    check(
        "a: 1\n",
        &[set("a.b.c", json!(true))],
        "a: { b: { c: true } }\n",
    );
    check("a: null", &[set("a.b", json!(1))], "a: { b: 1 }");
}

#[test]
fn keys_are_added_behind_their_neighbours() {
    check(
        ACCOUNT,
        &[set("whitelabel.hide_powered", json!(true))],
        &ACCOUNT.replace("# flow\n", "# flow\n  hide_powered: true\n"),
    );
    check(
        ACCOUNT,
        &[set("whitelabel.nav.learn_more", json!("https://x.example"))],
        &ACCOUNT.replace(
            "# moves soon\n",
            "# moves soon\n    learn_more: https://x.example\n",
        ),
    );
    check(
        ACCOUNT,
        &[set("whitelabel.port.loa", json!("a: b"))],
        &ACCOUNT.replace("a@b.example }", "a@b.example, loa: \"a: b\" }"),
    );
    check(
        ACCOUNT,
        &[set(
            "overrides.staging.whitelabel.domain",
            json!("x.example"),
        )],
        &format!("{ACCOUNT}overrides:\n  staging:\n    whitelabel:\n      domain: x.example\n"),
    );
    check("a: 1", &[set("b", json!("c"))], "a: 1\nb: c");
    check(
        "a: 1\r\n",
        &[set("b.c", json!(2))],
        "a: 1\r\nb:\r\n  c: 2\r\n",
    );
    check("", &[set("a.b", json!(1))], "a:\n  b: 1\n");
    check("# alone\n", &[set("a", json!(1))], "# alone\na: 1\n");
    check("a: {}\n", &[set("a.b", json!(1))], "a: { b: 1 }\n");
    // Behind a text that keeps its blank lines a key would take them away.
    check(
        "a: |+\n  x\n\n\n",
        &[set("b", json!(1))],
        "b: 1\na: |+\n  x\n\n\n",
    );
}

#[test]
fn keys_are_taken_away_with_their_line() {
    check(
        ACCOUNT,
        &[gone("whitelabel.company_name")],
        &ACCOUNT.replace("  company_name: 'Acme'   # since 2019\n", ""),
    );
    check(
        ACCOUNT,
        &[gone("whitelabel.nav.help")],
        &ACCOUNT.replace("  nav:\n    help: https://old.example   # moves soon\n", ""),
    );
    check(
        ACCOUNT,
        &[gone("whitelabel.port.support_email")],
        &ACCOUNT.replace("  port: { support_email: a@b.example } # flow\n", ""),
    );
    check("a: { b: 1, c: 2 }\n", &[gone("a.b")], "a: { c: 2 }\n");
    check("a: { b: 1, c: 2 }\n", &[gone("a.c")], "a: { b: 1 }\n");
    check("a: 1\nb: 2", &[gone("b")], "a: 1\n");
    check("a: 1\n", &[gone("a")], "");
    check("a: 1\n", &[gone("x.y")], "a: 1\n");
    // The blank lines of a text that keeps them stay as blank lines, unless another such text would get them.
    check("a: |+\n  x\n\nb: 1\n", &[gone("a")], "\nb: 1\n");
    check(
        "a: |+\n  x\nb: |+\n  y\n\nc: 1\n",
        &[gone("b")],
        "a: |+\n  x\nc: 1\n",
    );
}

#[test]
fn what_cannot_be_edited_is_left_alone() {
    refuse("a: [1\n", &[set("b", json!(1))], &EditError::Mistakes);
    refuse("a: 1\na: 2\n", &[set("a", json!(1))], &EditError::Mistakes);
    let unsuitable = |path: &str| EditError::Unsuitable {
        path: KeyPath::from(path),
    };
    refuse("? a\n: 1\n", &[set("b", json!(1))], &unsuitable("b"));
}
