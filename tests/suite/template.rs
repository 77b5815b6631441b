//! The system's domain template, as its users meet it: what old documentation left behind, and what nobody can read.

use emblazon::model::Object;
use serde_json::{Value, json};

use crate::cli::{check_exit, stderr, stdout};
use crate::platform::Platform;
use crate::stage::object;

const SEED: &str = "accounts:
  - name: Master
template:
  A: {'us.{{domain}}': {name: US, mapping: ['192.0.2.1'], ttl: 60}}
  CNAM: {'a.{{domain}}': {name: Web, mapping: [ui.example.net], ttl: 60}}
";

/// What is live when a host is no map: the server answers every read with 500.
fn unservable() -> Object {
    object(
        json!({"A": {"us.{{domain}}": "192.0.2.1"}, "TXT": {"t.{{domain}}": {"mapping": ["x"]}}}),
    )
}

fn stored(platform: &Platform) -> Value {
    Value::Object(platform.sandbox.world().template().clone())
}

/// Runs, and returns all that is said, as one line.
#[track_caller]
fn told(platform: &Platform, arguments: &[&str], exit: i32) -> String {
    let output = platform.run(arguments);
    check_exit(&output, exit);
    let told = format!("{} {}", stdout(&output), stderr(&output));
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Trap 21: whoever followed the public documentation has CNAM live; with the way back that the refusal names, one apply is
/// enough, and it says what it does.
#[test]
fn trap_21_a_template_moves_from_cnam_to_cname_once() {
    for cnam in ["", "  CNAM: {'a.{{domain}}': null}\n"] {
        let platform = Platform::new(SEED, &[]);
        platform.write(
            "domains.yaml",
            &format!("template:\n{cnam}  CNAME: {{'a.{{{{domain}}}}': {{name: Web, mapping: [ui.example.net]}}}}\n"),
        );
        let plan = told(&platform, &["plan"], 2);
        assert!(
            plan.contains("~ CNAME a.{{domain}} record type \"CNAM\" -> \"CNAME\""),
            "{plan}"
        );
        assert_eq!(plan.matches("CNAM ").count(), 0, "one change: {plan}");
        let report = platform.report(&["plan"]);
        let change = &report["template"]["changes"];
        assert_eq!(change.as_array().unwrap().len(), 1);
        assert_eq!(change[0]["moved_from"], "CNAM");
        told(&platform, &["apply", "--yes"], 0);
        assert_eq!(platform.mutating(), 1);
        let expected = json!({
            "A": {"us.{{domain}}": {"name": "US", "mapping": ["192.0.2.1"], "ttl": 60}},
            "CNAME": {"a.{{domain}}": {"name": "Web", "mapping": ["ui.example.net"], "ttl": 60}},
        });
        assert_eq!(stored(&platform), expected);
        told(&platform, &["plan"], 0);
        told(&platform, &["apply", "--yes"], 0);
        assert_eq!(platform.mutating(), 1);
        platform.stop();
    }
}

/// Observed 7: a template that the server cannot serve is not known, and nothing is written, until somebody asks for the
/// declared one in its place. That no snapshot is possible is said before, at the step, and when the run is to be undone.
#[test]
fn observed_07_an_unservable_template_is_repaired_when_asked() {
    let platform = Platform::new("accounts:\n  - name: Master\n", &[]);
    let domains = "template:\n  A: {'us.{{domain}}': {name: US, mapping: [192.0.2.9]}}\n";
    platform.write("domains.yaml", domains);
    platform.sandbox.world().set_template(unservable());
    let plan = told(&platform, &["plan"], 6);
    assert!(
        plan.contains("`emblazon plan --repair-template` shows"),
        "{plan}"
    );
    told(&platform, &["apply", "--yes"], 6);
    assert_eq!(
        (platform.mutating(), stored(&platform)),
        (0, Value::Object(unservable()))
    );

    // As the remedy says.
    let plan = told(&platform, &["plan", "--repair-template"], 2);
    assert!(plan.contains("~ A us.{{domain}}"), "{plan}");
    assert!(plan.contains("(could not be read)"), "{plan}");
    assert!(plan.contains("replace, DESTRUCTIVE"), "{plan}");
    assert!(plan.contains("no snapshot can be taken"), "{plan}");
    let applied = told(&platform, &["apply", "--yes", "--repair-template", "-v"], 0);
    assert!(
        applied.contains("so there is no snapshot of it"),
        "{applied}"
    );
    let expected = json!({"A": {"us.{{domain}}": {"name": "US", "mapping": ["192.0.2.9"]}}});
    assert_eq!(
        (platform.mutating(), stored(&platform)),
        (1, expected.clone())
    );
    told(&platform, &["plan"], 0);
    // Asked for again, it has nothing to do.
    told(&platform, &["apply", "--yes", "--repair-template"], 0);
    assert_eq!(platform.mutating(), 1);
    let run = platform.runs().remove(0);
    let restored = told(&platform, &["restore", &run, "--yes"], 5);
    assert!(
        restored.contains("the domain template stays as it is"),
        "{restored}"
    );
    assert_eq!(stored(&platform), expected);
    platform.stop();
}

/// Of a run that repaired the template, everything else goes back; that is a part, and the template is named.
#[test]
fn a_restore_without_the_repaired_template_is_a_part() {
    let platform = Platform::renamed("ab", "{}");
    let domains = "template:\n  A: {'us.{{domain}}': {name: US, mapping: [192.0.2.9]}}\n";
    platform.write("domains.yaml", domains);
    platform.sandbox.world().set_template(unservable());
    told(&platform, &["apply", "--yes", "--repair-template"], 0);
    let run = platform.runs().remove(0);
    let restored = told(&platform, &["restore", &run, "--yes"], 4);
    assert!(
        restored.contains("refused domain template: the domain template stays as it is"),
        "{restored}"
    );
    assert!(!restored.contains("the whole run"), "{restored}");
    assert!(!restored.contains("--allow"), "{restored}");
    assert!(restored.contains("2 of 2 steps; 1 refused"), "{restored}");
    assert_eq!(platform.key('a', "company_name"), "old");
    // The run that restored did not touch the template.
    let mut runs = platform.runs().into_iter();
    let restore = runs.find(|other| *other != run).unwrap();
    let report = platform.report(&["restore", &restore, "--yes"]);
    assert_eq!(report["template"], Value::Null, "{report}");
    platform.stop();
}

/// The same, approved by the digest of the plan, and in a saved plan; an approved repair of a template that can be read
/// again is another plan, and writes nothing.
#[test]
fn observed_07_a_repair_is_approved_by_digest() {
    let platform = Platform::new("accounts:\n  - name: Master\n", &[]);
    let domains = "template:\n  A: {'us.{{domain}}': {name: US, mapping: [192.0.2.9]}}\n";
    platform.write("domains.yaml", domains);
    let broken = || platform.sandbox.world().set_template(unservable());
    let lifted = ["--allow", "repair-template"];
    broken();
    let digest = platform.digest(&lifted);
    let approved = [&["apply", "--yes", "--expect", &digest], &lifted[..]].concat();
    told(&platform, &["apply", "--yes", "--expect", &digest], 5);
    told(
        &platform,
        &["apply", "--yes", "--allow", "repair-template"],
        64,
    );
    assert_eq!(platform.mutating(), 0);
    told(&platform, &approved, 0);
    told(&platform, &["plan"], 0);
    assert_eq!(platform.mutating(), 1);

    // A plan is used once, so this is another.
    platform.write("domains.yaml", &domains.replace("192.0.2.9", "192.0.2.10"));
    broken();
    told(
        &platform,
        &["plan", "--repair-template", "--out", "change.plan"],
        2,
    );
    let mended = object(json!({"A": {"hand.{{domain}}": {"mapping": ["192.0.2.7"]}}}));
    platform.sandbox.world().set_template(mended.clone());
    let moved = told(&platform, &["apply", "change.plan", "--yes"], 5);
    assert!(moved.contains("it changed since the plan"), "{moved}");
    assert_eq!(
        (platform.mutating(), stored(&platform)),
        (1, Value::Object(mended))
    );
    platform.stop();
}

/// A run of before the template broke is undone over it, when that is asked for.
#[test]
fn observed_07_a_snapshot_is_restored_over_an_unservable_template() {
    let platform = Platform::new(SEED, &[]);
    let domains = "template:\n  CNAM: {'a.{{domain}}': null}\n  A: {'us.{{domain}}': {name: US, mapping: [192.0.2.9]}}\n";
    platform.write("domains.yaml", domains);
    told(&platform, &["apply", "--yes"], 0);
    let domains = domains.replace("192.0.2.9", "192.0.2.10");
    platform.write("domains.yaml", &domains);
    let before = stored(&platform);
    told(&platform, &["apply", "--yes"], 0);
    let run = platform.runs().pop().unwrap();
    platform.sandbox.world().set_template(unservable());
    let refused = told(&platform, &["restore", &run, "--yes"], 5);
    assert!(refused.contains("cannot serve it any more"), "{refused}");
    assert_eq!(stored(&platform), Value::Object(unservable()));
    told(&platform, &["restore", &run, "--yes", "--moved"], 0);
    assert_eq!(stored(&platform), before);
    platform.stop();
}

/// A wrong key that is too short is refused by the server's schema; that is the credential, not the tree.
#[test]
fn a_key_that_is_too_short_is_a_wrong_credential() {
    let platform = Platform::new("accounts:\n  - name: Master\n", &[]);
    let mut command = platform.command(&["plan"]);
    let output = command.env("EMBLAZON_API_KEY", "canary").output().unwrap();
    check_exit(&output, 1);
    let told = stderr(&output);
    assert!(
        told.contains("the server refused the credential: api_key"),
        "{told}"
    );
    assert!(
        !told.contains("in the tree") && !told.contains("canary"),
        "{told}"
    );
    platform.stop();
}
