//! The way back: history, snapshots, and what a run that died left in pieces.

use serde_json::json;

use crate::cli::{check_exit, stderr, stdout};
use crate::platform::{DEFAULTS, Platform};

#[test]
fn history_lists_runs_and_shows_what_they_did() {
    let platform = Platform::renamed("ab", "{}");
    assert_eq!(stdout(&platform.run(&["history"])), "");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    let listed = stdout(&platform.run(&["history"]));
    assert!(listed.starts_with(&run), "{listed}");
    assert!(listed.contains("2 of 2 steps done  finished"), "{listed}");
    let list = platform.report(&["history"]);
    assert_eq!(list["runs"][0]["done"], 2);
    let shown = platform.run(&["history", "show", &run]);
    check_exit(&shown, 0);
    assert!(
        stdout(&shown).contains("Applied: 2 of 2 steps"),
        "{}",
        stdout(&shown)
    );
    check_exit(
        &platform.run(&["history", "show", "20200101T000000000Z-00000000"]),
        64,
    );
    platform.stop();
}

#[test]
fn a_run_is_undone() {
    let platform = Platform::renamed("ab", "{}");
    let before = (platform.live('a'), platform.live('b'));
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    check_exit(&platform.run(&["restore", &run, "b", "--yes"]), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.live('b'), before.1);
    let output = platform.run(&["restore", &run, "--yes"]);
    check_exit(&output, 0);
    assert_eq!((platform.live('a'), platform.live('b')), before);
    // Back and forth: a way back is a run like any other.
    let last = platform.runs().pop().unwrap();
    check_exit(&platform.run(&["restore", &last, "--yes"]), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    check_exit(&platform.run(&["restore", &run, "c", "--yes"]), 64);
    check_exit(&platform.run(&["restore", &run]), 64);
    platform.stop();
}

#[test]
fn what_moved_since_is_left_alone_unless_told() {
    let platform = Platform::renamed("ab", "{}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    platform.edit('a', "brandColor", "green");
    let output = platform.run(&["restore", &run, "--yes"]);
    check_exit(&output, 5);
    assert!(
        stderr(&output).contains("a moved since the run"),
        "{}",
        stderr(&output)
    );
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.key('a', "brandColor"), "green");
    assert_eq!(platform.key('b', "company_name"), "old");
    check_exit(&platform.run(&["restore", &run, "--yes", "--moved"]), 0);
    assert_eq!(platform.key('a', "brandColor"), "red");
    assert_eq!(platform.key('a', "company_name"), "old");
    platform.stop();
}

/// A deleted whitelabel comes back whole: undeclared keys, undeclared assets.
#[test]
fn a_deletion_is_undone() {
    let logo = b"\x89PNG\r\n\x1a\nlogo".as_slice();
    let welcome = b"<p>Hello</p>".as_slice();
    let seed = format!(
        "accounts:\n  - name: Master\n  - name: a\n    id: {}\n    whitelabel: {{company_name: A, domain: a.example.com, brandColor: red, {DEFAULTS}}}\n    assets: {{logo: logo.png, welcome: welcome.html}}\n",
        crate::platform::id('a')
    );
    let platform = Platform::new(&seed, &[("logo.png", logo), ("welcome.html", welcome)]);
    platform.declare('a', "whitelabel: null");
    let before = platform.live('a');
    check_exit(&platform.run(&["apply", "--yes", "--prune"]), 0);
    assert_eq!(platform.live('a'), None);
    let run = platform.runs().remove(0);
    let output = platform.run(&["restore", &run, "--yes"]);
    check_exit(&output, 0);
    assert_eq!(platform.live('a'), before);
    let world = platform.sandbox.world();
    let document = world
        .account_named("a")
        .unwrap()
        .whitelabel
        .clone()
        .unwrap();
    drop(world);
    for (kind, bytes) in [
        (emblazon::model::AssetKind::Logo, logo),
        (emblazon::model::AssetKind::Welcome, welcome),
    ] {
        let (_, stored) = document.asset(kind).unwrap();
        assert_eq!(stored.bytes.to_vec(), bytes);
    }
    platform.stop();
}

#[test]
fn the_template_is_undone() {
    let seed = "accounts:\n  - name: Master\ntemplate:\n  A: {\"us.{{domain}}\": {name: US, mapping: [\"192.0.2.1\"]}}\n  MX: {}\n";
    let platform = Platform::new(seed, &[]);
    platform.write(
        "domains.yaml",
        "template:\n  A:\n    \"us.{{domain}}\": {name: US, mapping: [192.0.2.9]}\n",
    );
    let before = platform.sandbox.world().template().clone();
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    assert_ne!(*platform.sandbox.world().template(), before);
    let run = platform.runs().remove(0);
    let output = platform.run(&["restore", &run, "--yes"]);
    check_exit(&output, 0);
    assert_eq!(*platform.sandbox.world().template(), before);
    platform.stop();
}

/// Old runs go, and with them the contents that nobody else needs; never what the last runs need.
#[test]
fn old_runs_are_thrown_away() {
    let platform = Platform::renamed("a", "{snapshots: {runs: 2, days: 0}}");
    for round in 0..4 {
        platform.declare('a', &format!("whitelabel: {{company_name: name-{round}}}"));
        check_exit(&platform.run(&["apply", "--yes"]), 0);
    }
    let runs = platform.runs();
    assert_eq!(runs.len(), 2);
    check_exit(&platform.run(&["restore", &runs[0], "--yes", "--moved"]), 0);
    assert_eq!(platform.key('a', "company_name"), json!("name-1"));
    let objects = std::fs::read_dir(platform.state().join("snapshots/objects")).unwrap();
    assert!(objects.count() <= 4, "unneeded contents are gone");
    platform.stop();
}
