//! `--shard`: several machines share a tree, and together do what one does.

use std::collections::BTreeSet;
use std::process::{Child, Output, Stdio};

use emblazon::apply::lease::Room;
use emblazon::model::{ClusterName, Shard};
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

/// Starts a command for each of three shards, and waits for all of them.
fn run_all(world: &World, arguments: &[&str]) -> Vec<Output> {
    let started: Vec<Child> = (1..=3)
        .map(|index| {
            let shard = format!("{index}/3");
            let mut command =
                world.command(&world.clone, &[arguments, &["--shard", &shard]].concat());
            let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let wait = |child: Child| child.wait_with_output().unwrap();
    started.into_iter().map(wait).collect()
}

/// What is live, without revisions.
fn live(world: &World) -> Vec<Option<Value>> {
    let state = world.sandbox.world();
    let public = |number| {
        state
            .document(&id(number))
            .map(|found| Value::Object(found.public()))
    };
    (0..ACCOUNTS).map(public).collect()
}

fn apply_all(world: &World) -> Vec<Output> {
    let outputs = run_all(world, &["apply", "--yes"]);
    outputs.iter().for_each(|output| check_exit(output, 0));
    let second = run_all(world, &["plan"]);
    second.iter().for_each(|output| check_exit(output, 0));
    outputs
}

/// Three processes at once leave what one leaves; the ref moves when the last of them is done, and not before.
#[test]
fn three_at_once_do_what_one_does() {
    let (one, three) = (world(), world());
    check_exit(&one.run(&["apply", "--yes"]), 0);
    let first = three.run(&["apply", "--yes", "--shard", "1/3"]);
    check_exit(&first, 0);
    assert!(
        stderr(&first).contains("is still to be applied by shard 2/3, 3/3"),
        "{}",
        stderr(&first)
    );
    assert_eq!(three.applied(), None);
    let outputs = apply_all(&three);
    assert_eq!(live(&three), live(&one));
    assert_eq!(three.applied(), Some(three.head()));
    let moved = |output: &Output| stderr(output).contains("is the base from now on");
    assert!(outputs.iter().any(moved));
    assert_eq!(
        three.server.refs("refs/emblazon/"),
        ["refs/emblazon/production/applied"],
        "no lease and no note is left"
    );
}

/// A run for all, or another split, keeps away while shards are at work. A refused run says by whom.
#[test]
fn who_is_at_work_excludes_what_overlaps() {
    let world = world();
    let held = world.hold(Room::new(&ClusterName::new("production"), Shard::new(2, 3)));
    for (arguments, exit) in [
        (&["apply", "--yes"][..], 5),
        (&["apply", "--yes", "--shard", "1/4"], 5),
        (&["apply", "--yes", "--shard", "2/3"], 5),
        (&["apply", "--yes", "--shard", "1/3"], 0),
    ] {
        let output = world.run(arguments);
        check_exit(&output, exit);
        let is_told = stderr(&output).contains("ann@elsewhere");
        assert_eq!(is_told, exit == 5, "{}", stderr(&output));
    }
    drop(held);
}

/// Domains go round between accounts of all shards, in Git and by hand; nobody's is lost, and all have their own in the end.
#[test]
fn domains_pass_between_shards() {
    let world = world();
    apply_all(&world);
    for number in 0..ACCOUNTS {
        let next = (number + 5) % ACCOUNTS;
        account(&world, number, &format!("domain: b{next}.example"));
    }
    world.commit("all pass their domains on");
    let plan = world.run(&["plan", "--shard", "1/3"]);
    check_exit(&plan, 2);
    assert!(
        stdout(&plan).contains("is planned here: a domain passes"),
        "{}",
        stdout(&plan)
    );
    apply_all(&world);
    let wanted = |shift: usize| -> Vec<Value> {
        let domain = |number| json!(format!("b{}.example", (number + shift) % ACCOUNTS));
        (0..ACCOUNTS).map(domain).collect()
    };
    let domains = || -> Vec<Value> {
        let found = live(&world).into_iter();
        found
            .map(|document| document.unwrap()["domain"].clone())
            .collect()
    };
    assert_eq!(domains(), wanted(5));

    // By hand two of them swap, which no file tells.
    let (one, other) = ("b5.example", "b6.example");
    for (number, domain) in [(0, "parked.example"), (1, one), (0, other)] {
        world.edit(&id(number), "domain", domain);
    }
    apply_all(&world);
    assert_eq!(domains(), wanted(5));
}
