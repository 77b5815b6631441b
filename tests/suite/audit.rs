//! The audit log as its readers meet it: what stands in it, and what is told of it when somebody changed it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};
use crate::cli_platform::fits;
use crate::git::git;

pub(crate) const AUDIT: &str = "refs/emblazon/production/audit";

fn log(world: &World) -> PathBuf {
    world.clone.join(".emblazon/audit.jsonl")
}

fn lines(text: &str) -> Vec<Value> {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &lines {
        fits("audit.schema.json", line);
    }
    lines
}

#[test]
fn each_write_is_in_the_log_with_who_stands_behind_it() {
    let world = World::new();
    world.apply();
    let text = fs::read_to_string(log(&world)).unwrap();
    assert!(!text.contains(world.sandbox.api_key()), "{text}");
    let found = lines(&text);
    assert_eq!(found.len(), 4);
    let of_acme: Vec<&Value> = found
        .iter()
        .filter(|line| line["object"]["name"] == "acme")
        .collect();
    let [begun, ended] = of_acme.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (&begun["event"], &ended["event"], &ended["result"]),
        (&json!("begun"), &json!("ended"), &json!("done"))
    );
    assert_eq!(begun["object"]["id"], ACME);
    assert_eq!(begun["commit"], json!(world.head()));
    assert_eq!(begun["author"], "A");
    let approver = begun["approver"].as_str().unwrap();
    assert!(approver.ends_with(", with --yes"), "{approver}");
    assert_eq!(begun["key"], "environment variable EMBLAZON_API_KEY");
    assert_eq!(begun["before"], ended["before"]);
    assert_ne!(ended["after"], ended["before"]);
    assert!(ended["after"]["sha256"].is_string());
    // The journal says it of each write, too.
    let run = begun["run"].as_str().unwrap();
    let journal = world.clone.join(format!(".emblazon/journal/{run}.jsonl"));
    let journal = fs::read_to_string(journal).unwrap();
    assert!(
        journal.contains(r#""key":"environment variable EMBLAZON_API_KEY""#),
        "{journal}"
    );
    // What a second run begins with is what the first one left.
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    world.account("beta", BETA, "company_name: Beta Voice");
    world.commit("rename acme");
    world.apply();
    let listed = world.report(&["audit"]);
    let listed = listed["lines"].as_array().unwrap();
    assert_eq!(listed.len(), 6);
    assert_eq!(listed[4]["before"], ended["after"]);
    let table = world.run(&["audit"]);
    check_exit(&table, 0);
    let table = stdout(&table);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("acme  update  done"), "{table}");
    // A restore is in it as well, and applies no commit.
    check_exit(&world.run(&["restore", "last", "--yes"]), 0);
    let listed = world.report(&["audit"]);
    let last = listed["lines"][7].clone();
    assert_eq!(last["commit"], Value::Null);
    assert_eq!(last["after"], listed["lines"][4]["before"]);
    check_exit(&world.run(&["audit", "verify"]), 0);
}

#[test]
fn what_was_edited_cut_or_moved_is_told_at_its_line() {
    let world = World::new();
    let nothing = world.run(&["audit", "verify"]);
    check_exit(&nothing, 0);
    assert!(stdout(&nothing).contains("0 lines"), "{}", stdout(&nothing));
    world.apply();
    let whole = fs::read_to_string(log(&world)).unwrap();
    let check = |text: &str, exit: i32, expected: &str| {
        fs::write(log(&world), text).unwrap();
        let verified = world.run(&["audit", "verify"]);
        check_exit(&verified, exit);
        let told = stdout(&verified) + &stderr(&verified);
        assert!(told.contains(expected), "{expected}: {told}");
        let report = world.report(&["audit", "verify"]);
        assert_eq!(report["sound"], json!(exit != 1), "{report}");
    };
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    check(&whole, 0, "4 lines, in one chain");
    check(&whole, 0, "compared with 1 head in Git");
    check(
        &whole.replace("EMBLAZON_API_KEY", "EMBLAZON_TOKEN"),
        1,
        "line 1 was edited",
    );
    check(
        &[lines[0], lines[2], lines[3]].concat(),
        1,
        "line 2: the line with the number 2",
    );
    check(
        &[lines[1], lines[0], lines[2], lines[3]].concat(),
        1,
        "line 2 has the number 1",
    );
    check(
        &lines[..3].concat(),
        1,
        "line 4: the log was cut at its end: commit ",
    );
    check(
        &format!("{whole}{{\"version\""),
        0,
        "the last 10 bytes are a line that was not finished",
    );
    // The next run removes what was torn, and says so in the log.
    world.edit(ACME, "brandColor", "blue");
    world.apply();
    let found = crate::audit::lines(&fs::read_to_string(log(&world)).unwrap());
    assert_eq!(found[4]["mended"], 10);
    check_exit(&world.run(&["audit", "verify"]), 0);
    // A log that is gone is not a log that is whole.
    fs::remove_file(log(&world)).unwrap();
    let gone = world.run(&["audit", "verify"]);
    check_exit(&gone, 6);
    assert!(
        stderr(&gone).contains("there is no log here, and Git keeps 2 heads"),
        "{}",
        stderr(&gone)
    );
    // Nothing is written without a log that can be continued; the remedy leads on.
    fs::write(log(&world), "nothing\n").unwrap();
    world.edit(ACME, "brandColor", "green");
    let mutating = world.sandbox.counts().mutating;
    let refused = world.run(&["apply", "--yes"]);
    check_exit(&refused, 1);
    let told = stdout(&refused);
    assert!(
        told.contains("move it away, which begins a new log"),
        "{told}"
    );
    assert_eq!(world.sandbox.counts().mutating, mutating);
    fs::rename(log(&world), world.clone.join(".emblazon/evidence")).unwrap();
    world.apply();
    check_exit(&world.run(&["audit", "verify"]), 0);
    let evidence = world.run(&["audit", "verify", "--log", ".emblazon/evidence"]);
    check_exit(&evidence, 1);
}

#[test]
fn git_keeps_the_head_of_every_host() {
    let world = World::new();
    world.apply();
    let first = world.server.value(AUDIT).unwrap();
    // Another host has another log, and puts its head on top.
    let elsewhere = world.server.clone_as("elsewhere");
    world.edit(ACME, "brandColor", "blue");
    check_exit(&world.run_in(&elsewhere, &["apply", "--yes"]), 0);
    let second = world.server.value(AUDIT).unwrap();
    let parent = git(&elsewhere, &["rev-parse", &format!("{second}^")]);
    assert_eq!(parent, first);
    let message = git(&elsewhere, &["show", "--no-patch", "--format=%B", &second]);
    for part in ["audit of run ", "Audit-Line: 2\n", "Audit-Digest: "] {
        assert!(message.contains(part), "{part}: {message}");
    }
    for clone in [&world.clone, &elsewhere] {
        let verified = world.run_in(clone, &["audit", "verify"]);
        check_exit(&verified, 0);
        assert!(
            stdout(&verified).contains("compared with 1 head in Git"),
            "{}",
            stdout(&verified)
        );
    }
    // A run that writes nothing moves nothing.
    world.apply();
    assert_eq!(world.server.value(AUDIT), Some(second.clone()));
    // Without the remote, the head stays in the clone.
    world.edit(ACME, "brandColor", "green");
    check_exit(&world.run(&["apply", "--yes", "--no-push"]), 0);
    assert_eq!(world.server.value(AUDIT), Some(second));
    let verified = world.run(&["audit", "verify", "--no-fetch"]);
    check_exit(&verified, 0);
    // What Git does not keep yet is told, not taken for whole.
    git(&world.clone, &["update-ref", "-d", AUDIT]);
    let alone = world.run(&["audit", "verify", "--no-fetch"]);
    check_exit(&alone, 6);
    assert!(
        stderr(&alone).contains("Git keeps no head of this log"),
        "{}",
        stderr(&alone)
    );
}
