//! `--shard`: several machines share a tree, and together do what one does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::base::World;
use crate::cli::{check_exit, stderr, stdout};

/// How many accounts the tree has.
const ACCOUNTS: usize = 12;

/// A tree of a dozen accounts, none of which has a whitelabel yet.
fn world() -> World {
    let world = World::empty(ACCOUNTS);
    for number in 0..ACCOUNTS {
        account(&world, number, &format!("domain: b{number}.example"));
    }
    world.write(
        "domains.yaml",
        "template: { A: { 'www.{{domain}}': { mapping: [192.0.2.7] } } }\n",
    );
    world.commit("a dozen");
    world
}

fn account(world: &World, number: usize, whitelabel: &str) {
    world.account(&name(number), &id(number), whitelabel);
}

fn name(number: usize) -> String {
    format!("b{number:02}")
}

fn id(number: usize) -> String {
    format!("{number:032x}")
}

fn names(report: &Value) -> Vec<String> {
    let accounts = report["accounts"].as_array().unwrap().iter();
    accounts
        .map(|account| account["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Each shard asks for its own accounts and for no other, and only the first for what is nobody's in particular.
#[test]
fn each_account_is_read_by_one_shard() {
    let world = world();
    let mut seen = Vec::new();
    for shard in 1..=3 {
        let before = world.sandbox.counts();
        let report = world.report(&["plan", "--no-cache", "--shard", &format!("{shard}/3")]);
        let counts = world.sandbox.counts();
        let mine = names(&report);
        let sent = |what| counts.of("GET", what) - before.of("GET", what);
        assert!(
            !mine.is_empty() && report["diagnostics"] == json!([]),
            "{report}"
        );
        // The root is asked once for what domains it holds, and once for being outside the tree.
        let root = 1 + u64::from(shard == 1);
        assert_eq!(sent("whitelabel"), mine.len() as u64 + root);
        assert_eq!(sent("domains") > 0, shard == 1, "the template");
        assert_eq!(report["template"].is_object(), shard == 1);
        assert_eq!(report["unmanaged"].is_object(), shard == 1);
        assert_eq!(report["shard"]["shard"], json!(format!("{shard}/3")));
        assert_eq!(report["shard"]["accounts"], json!(ACCOUNTS));
        seen.extend(mine);
    }
    let once: BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), once.len()), (ACCOUNTS, ACCOUNTS));
    let drift = world.run(&["drift", "--skip-dns", "--shard", "1+1/3"]);
    check_exit(&drift, 2);
    assert!(
        stdout(&drift).contains("this is shard 2/3"),
        "{}",
        stdout(&drift)
    );
}

#[test]
fn a_shard_that_is_none_is_wrong_usage() {
    let world = world();
    let output = world.run(&["plan", "--shard", "4/3"]);
    check_exit(&output, 64);
    assert!(
        stderr(&output).contains("from 1 to N"),
        "{}",
        stderr(&output)
    );
}
