//! `--shard`: several machines share a tree, and together do what one does.

use std::collections::BTreeSet;
use std::process::{Child, Output, Stdio};

use emblazon::apply::lease::LeaseScope;
use emblazon::model::{ClusterName, Shard};
use emblazon::plan::Plan;
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
        "template: { A: { '{{domain}}': { mapping: [192.0.2.7] } } }\n",
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
        // The root is asked once, for what domains it holds and for being outside the tree.
        let root = 1;
        assert_eq!(
            sent("whitelabel"),
            u64::try_from(mine.len()).unwrap() + root
        );
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
    for output in &outputs {
        check_exit(output, 0);
    }
    let second = run_all(world, &["plan"]);
    for output in &second {
        check_exit(output, 0);
    }
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
        [
            "refs/emblazon/production/applied",
            "refs/emblazon/production/audit"
        ],
        "no lease and no note is left"
    );
}

/// A shard's saved plan is derived again as that shard's, and a forged one is no more believed than another.
#[test]
fn saved_plans_of_shards_are_carried_out_as_shards() {
    let (one, three) = (world(), world());
    check_exit(&one.run(&["apply", "--yes"]), 0);
    std::fs::create_dir(three.clone.join(".emblazon")).unwrap();
    let file = |index: usize| format!(".emblazon/{index}.plan");
    for index in 1..=3 {
        let shard = format!("{index}/3");
        check_exit(
            &three.run(&["plan", "--shard", &shard, "--out", &file(index)]),
            2,
        );
    }
    let path = three.clone.join(file(2));
    let honest = std::fs::read(&path).unwrap();
    let mut forged = Plan::unsealed(&honest).unwrap();
    let scope = forged.scope.shard.as_mut().unwrap();
    scope.shard = "1/3".parse().unwrap();
    std::fs::write(&path, forged.sealed()).unwrap();
    let output = three.run(&["apply", &file(2), "--yes"]);
    check_exit(&output, 5);
    assert!(
        stderr(&output).contains("plan again"),
        "{}",
        stderr(&output)
    );
    std::fs::write(&path, honest).unwrap();
    for index in 1..=3 {
        assert_eq!(three.applied(), None);
        check_exit(&three.run(&["apply", &file(index), "--yes"]), 0);
    }
    assert_eq!(live(&three), live(&one));
    assert_eq!(three.applied(), Some(three.head()));
}

/// A run for all, or another split, keeps away while shards are at work. A refused run says by whom.
#[test]
fn who_is_at_work_excludes_what_overlaps() {
    let world = world();
    let held = world.hold(LeaseScope::new(
        &ClusterName::new("production"),
        Shard::new(2, 3),
    ));
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

/// Writes the report of each of three shards beside the tree, and returns the files.
fn reports(world: &World, arguments: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    for index in 1..=3 {
        let (shard, file) = (format!("{index}/3"), format!("report-{index}.json"));
        let output = format!("json={file}");
        world.run(&[arguments, &["--shard", &shard, "--output", &output]].concat());
        files.push(file);
    }
    files
}

/// What is left to compare: which run sent how many requests, and how a plan is named, is its own.
fn comparable(mut report: Value) -> Value {
    report["requests"] = json!(null);
    report["plan"] = json!(report["plan"].is_string());
    report
}

/// Drift, changes in Git, removals, domains that pass, and the template: the merged report is that of one run, with its
/// exit code, in all formats.
#[test]
fn the_merged_report_is_that_of_one_run() {
    let world = world();
    apply_all(&world);
    for number in [1, 4, 7] {
        world.edit(&id(number), "company_name", "Somebody");
        world.edit(&id(number), "domain", &format!("moved{number}.example"));
    }
    for number in 8..ACCOUNTS {
        let next = if number + 1 == ACCOUNTS {
            8
        } else {
            number + 1
        };
        account(
            &world,
            number,
            &format!("domain: b{next}.example, company_name: Next"),
        );
    }
    std::fs::remove_dir_all(world.clone.join("accounts/b03")).unwrap();
    world.write(
        "domains.yaml",
        "template: { A: { '{{domain}}': { mapping: [192.0.2.8] } } }\n",
    );
    world.commit("much at once");
    for arguments in [
        &["plan", "--prune"][..],
        &["plan"],
        &["drift", "--skip-dns"],
    ] {
        let one = world.run(&[arguments, &["--format", "json"]].concat());
        let files = reports(&world, arguments);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let merged = world.run(&[&["report", "merge", "--format", "json"], &files[..]].concat());
        assert_eq!(
            merged.status.code(),
            one.status.code(),
            "{}",
            stderr(&merged)
        );
        let [one, merged] = [one, merged].map(|output| {
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            comparable(report)
        });
        assert!(one["accounts"].as_array().unwrap().len() >= ACCOUNTS - 1);
        assert_eq!(merged, one, "{arguments:?}");
    }
    for format in ["text", "markdown", "sarif", "junit", "html", "github"] {
        let files = ["report-3.json", "report-1.json", "report-2.json"];
        let merged = world.run(&[&["report", "merge", "--format", format], &files[..]].concat());
        check_exit(&merged, 2);
        assert!(stdout(&merged).contains("b09"), "{format}");
    }
}

/// Reports that are not the parts of one are refused, by name.
#[test]
fn what_is_not_the_parts_of_one_is_refused() {
    let world = world();
    reports(&world, &["plan"]);
    world.run(&["plan", "--output", "json=whole.json"]);
    world.run(&["plan", "--shard", "2/4", "--output", "json=other.json"]);
    world.run(&[
        "drift",
        "--skip-dns",
        "--shard",
        "2/3",
        "--output",
        "json=drift.json",
    ]);
    account(&world, 0, "company_name: Later");
    world.run(&["plan", "--shard", "2/3", "--output", "json=later.json"]);
    world.write("broken.json", "{}");
    let check = |files: &[&str], exit: i32, message: &str| {
        let output = world.run(&[&["report", "merge"], files].concat());
        check_exit(&output, exit);
        let told = stderr(&output);
        assert!(told.contains(message), "{files:?}: {told}");
    };
    let (one, two, three) = ("report-1.json", "report-2.json", "report-3.json");
    check(&[one, three], 5, "the report of shard 2/3 is missing");
    check(&["--partial", one, three], 2, "");
    check(
        &[one, two, three, two],
        5,
        "are both the report of shard 2/3",
    );
    check(
        &[one, two, "whole.json"],
        5,
        "whole.json: it is no shard's report",
    );
    check(
        &[one, "other.json"],
        5,
        "the number of shards is 3 in one and 4 in the other",
    );
    check(
        &[one, "drift.json", three],
        5,
        "the command is plan in one and drift in the other",
    );
    check(
        &[one, "later.json", three],
        5,
        "do not belong together: the tree is",
    );
    check(&["broken.json"], 64, "broken.json: it cannot be read");
    check(&["nowhere.json"], 1, "nowhere.json");
    check(&[], 64, "FILE");
}

/// Daemons share a tree as runs do, and each counts only its own accounts.
#[test]
fn daemons_share_a_tree() {
    let world = world();
    world.write(
        "emblazon.yaml",
        "clusters: { production: {} }\nextra_keys: [theirs]\nwatch: { apply: auto, dns: off }\n",
    );
    world.commit("let daemons apply");
    for output in run_all(&world, &["watch", "--once"]) {
        check_exit(&output, 0);
    }
    check_exit(&world.run(&["plan"]), 0);
    let created = world.sandbox.counts().of("PUT", "whitelabel");
    assert_eq!(created, u64::try_from(ACCOUNTS).unwrap(), "each by one");
}
