//! A tree in a folder: changes of the tree, changes by hand, mistakes, outages, pauses of the process.

use emblazon::sandbox::{Fault, FaultKind};

use super::daemon::{Daemon, command, configure, name_company, platform};

const AUTO: &str = "{heal: auto}";

#[test]
fn a_changed_file_is_applied_and_a_storm_of_changes_is_one_run() {
    let platform = platform("ab", AUTO);
    let mut daemon = Daemon::start(command(&platform, &[]));
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.key('a', "brandColor"), "red");
    let runs = platform.runs().len();
    for number in 0..30 {
        name_company(&platform, 'a', &format!("newer{number}"));
    }
    name_company(&platform, 'a', "newest");
    while platform.key('a', "company_name") != "newest" {
        daemon.wait("ready", Some('a'), "in_sync");
    }
    assert!(platform.runs().len() <= runs + 3, "{:?}", platform.runs());
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.key('b', "company_name"), "new");
    platform.stop();
}

#[test]
fn a_hand_edit_is_confirmed_and_healed_or_reported_by_policy() {
    let platform = platform("ab", AUTO);
    platform.declare(
        'b',
        "whitelabel: {company_name: new}\nwatch: {heal: report}",
    );
    let mut daemon = Daemon::start(command(&platform, &["--interval", "2s"]));
    daemon.wait("run", None, "applied");
    platform.edit('a', "company_name", "mine");
    platform.edit('b', "company_name", "mine");
    daemon.wait("reconciling", Some('a'), "confirming");
    daemon.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "new");
    if !daemon.has_said("stalled", "drift_reported") {
        daemon.wait("stalled", Some('b'), "drift_reported");
    }
    assert_eq!(platform.key('b', "company_name"), "mine");
    // The tree's next change of the same key is the tree's.
    platform.declare(
        'b',
        "whitelabel: {company_name: newer}\nwatch: {heal: report}",
    );
    daemon.wait_ready('b');
    assert_eq!(platform.key('b', "company_name"), "newer");
    assert_eq!(daemon.stop().code(), Some(0));
    let history = std::fs::read_to_string(platform.state().join("watch/history.jsonl")).unwrap();
    let drift = history
        .lines()
        .filter(|line| line.contains("\"drift\""))
        .count();
    assert!(drift >= 4, "two began and ended: {history}");
    let is_timed = |line: &str| line.contains("\"drift\"") && !line.contains("\"begun\":null");
    assert!(
        history.lines().any(is_timed),
        "a read before did not show it: {history}"
    );
    platform.stop();
}

/// Who held a domain before a swap says nothing once the swap is done: nobody is made to step aside again.
#[test]
fn a_domain_that_was_moved_is_not_parked_for_a_later_change() {
    let platform = platform("ab", AUTO);
    let swapped = [('a', 'b'), ('b', 'a')];
    for (name, other) in swapped {
        let settings = format!("whitelabel: {{company_name: new, domain: {other}.example.com}}");
        platform.declare(name, &settings);
    }
    let mut daemon = Daemon::start(command(&platform, &["--interval", "2s"]));
    daemon.wait("run", None, "applied");
    for (name, other) in swapped {
        assert_eq!(platform.key(name, "domain"), format!("{other}.example.com"));
    }
    let before = platform.sandbox.counts().mutating;
    platform.edit('a', "company_name", "mine");
    daemon.wait("reconciling", Some('a'), "confirming");
    daemon.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.sandbox.counts().mutating - before, 1);
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn who_keeps_changing_back_wins_after_three_rounds() {
    let platform = platform("a", AUTO);
    let mut daemon = Daemon::start(command(&platform, &["--interval", "2s"]));
    daemon.wait("run", None, "applied");
    for round in 0..3 {
        platform.edit('a', "company_name", "mine");
        daemon.wait("reconciling", Some('a'), "confirming");
        daemon.wait_ready('a');
        assert_eq!(platform.key('a', "company_name"), "new", "round {round}");
    }
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "keeps_changing");
    assert_eq!(platform.key('a', "company_name"), "mine");
    platform.stop();
}

#[test]
fn a_tree_with_errors_leaves_the_last_good_one_in_force() {
    let platform = platform("ab", AUTO);
    let mut daemon = Daemon::start(command(&platform, &["--interval", "2s"]));
    daemon.wait("run", None, "applied");
    platform.declare('a', "whitelabel: {company_nam: broken}");
    let problem = daemon.wait("problem", None, "source");
    assert!(
        problem["message"].as_str().unwrap().contains("company_nam"),
        "{problem}"
    );
    // What is in force is still kept up.
    platform.edit('b', "company_name", "mine");
    daemon.wait("reconciling", Some('b'), "confirming");
    daemon.wait_ready('b');
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.key('b', "company_name"), "new");
    name_company(&platform, 'a', "fixed");
    daemon.wait("commit", None, "none");
    daemon.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "fixed");
    platform.stop();
}

#[test]
fn an_outage_is_unknown_writes_nothing_and_passes() {
    let platform = platform("ab", AUTO);
    let mut daemon = Daemon::start(command(&platform, &["--interval", "2s"]));
    daemon.wait("run", None, "applied");
    platform.sandbox.set_faults(vec![
        Fault::new("GET", "*", FaultKind::Status(503)).times(u32::MAX),
    ]);
    platform.edit('a', "company_name", "mine");
    name_company(&platform, 'b', "newer");
    for account in ['a', 'b'] {
        daemon.wait_unless_said("unknown", Some(account), "unreadable");
    }
    daemon.wait_unless_said("platform", None, "down");
    let counts = platform.sandbox.counts();
    platform.sandbox.set_faults(Vec::new());
    daemon.wait("platform", None, "up");
    daemon.wait_ready('b');
    assert_eq!(
        counts.mutating, 2,
        "one for each account at the start, and none in the outage"
    );
    assert_eq!(platform.key('b', "company_name"), "newer");
    while platform.key('a', "company_name") != "new" {
        daemon.wait_ready('a');
    }
    platform.stop();
}

/// The history does not leave open what ended while nobody looked.
#[test]
fn an_outage_that_outlived_its_daemon_ends() {
    let platform = platform("a", AUTO);
    platform.sandbox.set_faults(vec![
        Fault::new("GET", "*", FaultKind::Status(503)).times(u32::MAX),
    ]);
    let mut daemon = Daemon::start(command(&platform, &[]));
    daemon.wait("platform", None, "down");
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    platform.sandbox.set_faults(Vec::new());
    let mut daemon = Daemon::start(command(&platform, &[]));
    daemon.wait_ready('a');
    assert_eq!(daemon.stop().code(), Some(0));
    let history = std::fs::read_to_string(platform.state().join("watch/history.jsonl")).unwrap();
    let mut outages = history.lines().filter(|line| line.contains("\"outage\""));
    let last = outages.next_back().expect("an outage");
    assert!(last.contains("it could be read again"), "{history}");
    platform.stop();
}

#[test]
fn what_policy_leaves_to_people_waits() {
    let platform = platform("ab", "{apply: manual}");
    platform.declare('b', "whitelabel: {company_name: new}\nwatch: {apply: auto}");
    let output = command(&platform, &["--once"]).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}",
        crate::cli::stdout(&output)
    );
    assert!(crate::cli::stdout(&output).contains("awaiting_approval"));
    assert_eq!(platform.key('a', "company_name"), "old");
    assert_eq!(platform.key('b', "company_name"), "new");
    configure(&platform, "{apply: auto}");
    let output = command(&platform, &["--once"]).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        crate::cli::stdout(&output)
    );
    assert_eq!(platform.key('a', "company_name"), "new");
    platform.stop();
}

/// Killed at whatever it is doing, again and again: the next one goes on, and nothing is written twice.
#[test]
fn killed_in_a_loop_it_converges_and_writes_nothing_twice() {
    let platform = platform("abcd", AUTO);
    for round in 0_u32..6 {
        for name in "abcd".chars() {
            name_company(&platform, name, &format!("round{round}"));
        }
        let mut daemon = Daemon::start(command(&platform, &[]));
        let before = platform.sandbox.counts().mutating;
        // Each round lets it come a little further.
        while platform.sandbox.counts().mutating < before + u64::from(round % 5) {
            std::thread::yield_now();
        }
        daemon.wait("role", None, "leader");
        daemon.child.kill().unwrap();
        daemon.child.wait().unwrap();
    }
    let before = platform.sandbox.counts().mutating;
    let mut daemon = Daemon::start(command(&platform, &[]));
    for name in "abcd".chars() {
        while platform.key(name, "company_name") != "round5" {
            daemon.wait_ready(name);
        }
        assert_eq!(platform.key(name, "brandColor"), "red");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(platform.sandbox.counts().mutating <= before + 4);
    let output = command(&platform, &["--once"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        platform.sandbox.counts().mutating <= before + 4,
        "nothing was left"
    );
    platform.stop();
}

/// No commit says what was applied: the daemon keeps it, whether it was stopped or killed.
#[test]
fn a_hand_edit_while_no_daemon_ran_is_drift_also_outside_git() {
    let platform = platform("ab", "{heal: report}");
    for (is_killed, company) in [(false, "stopped"), (true, "killed")] {
        name_company(&platform, 'a', company);
        platform.declare(
            'b',
            &format!("whitelabel: {{company_name: {company}}}\nwatch: {{heal: auto}}"),
        );
        let mut daemon = Daemon::start(command(&platform, &[]));
        daemon.wait_ready('a');
        daemon.wait_unless_said("ready", Some('b'), "in_sync");
        if is_killed {
            daemon.child.kill().unwrap();
            daemon.child.wait().unwrap();
        } else {
            assert_eq!(daemon.stop().code(), Some(0));
        }
        platform.edit('a', "company_name", "mine");
        platform.edit('b', "company_name", "mine");
        let before = platform.sandbox.counts().mutating;
        let mut daemon = Daemon::start(command(&platform, &[]));
        daemon.wait("stalled", Some('a'), "drift_reported");
        daemon.wait_unless_said("ready", Some('b'), "in_sync");
        assert_eq!(platform.key('a', "company_name"), "mine", "{company}");
        assert_eq!(platform.key('b', "company_name"), company);
        assert_eq!(platform.sandbox.counts().mutating - before, 1);
        assert_eq!(daemon.stop().code(), Some(0));
        let history = std::fs::read_to_string(platform.state().join("watch/history.jsonl"));
        let is_told = history
            .unwrap()
            .lines()
            .map(|line| line.split_once(' ').unwrap().1)
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line["incident"].clone())
            .any(|line| line["finding"] == "drift" && line["account"] == "b");
        assert!(is_told, "what was healed is told as drift");
    }
    platform.stop();
}

/// Whoever cannot know any more whose a difference is asks, and does not overwrite what may be somebody's; also after
/// a restart.
#[test]
fn a_spoilt_base_leaves_what_differs_to_people() {
    let platform = platform("abc", "{heal: report}");
    let serve = || {
        Daemon::serving(command(
            &platform,
            &["--interval", "1h", "--listen", "127.0.0.1:0"],
        ))
    };
    let mut daemon = serve();
    for name in "abc".chars() {
        daemon.wait_unless_said("ready", Some(name), "in_sync");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    let file = platform.state().join("watch/base/production.jsonl");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    platform.edit('a', "company_name", "mine");
    platform.edit('b', "company_name", "mine");
    let before = platform.sandbox.counts().mutating;
    for _ in 0..2 {
        let mut daemon = serve();
        for name in ['a', 'b'] {
            daemon.wait_unless_said("stalled", Some(name), "awaiting_approval");
        }
        daemon.wait_unless_said("ready", Some('c'), "in_sync");
        let status = daemon.ask(&platform, "/api/v1/status", None).1;
        assert!(status.to_string().contains("base_lost"), "{status:#}");
        assert_eq!(daemon.stop().code(), Some(0));
    }
    assert_eq!(platform.sandbox.counts().mutating, before);
    let mut daemon = serve();
    daemon.wait("stalled", Some('b'), "awaiting_approval");
    let order = serde_json::json!({"accounts": ["a"]});
    let (status, answer) = daemon.ask(&platform, "/api/v1/resync", Some(&order));
    assert!(status.is_success(), "{answer}");
    daemon.wait_ready('a');
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.key('b', "company_name"), "mine");
    let plan = daemon.ask(&platform, "/api/v1/plan", None).1["digest"].clone();
    let order = serde_json::json!({"plan": plan, "by": "ada"});
    let (status, answer) = daemon.ask(&platform, "/api/v1/approve", Some(&order));
    assert!(status.is_success(), "{answer}");
    daemon.wait_ready('b');
    assert_eq!(platform.key('b', "company_name"), "new");
    assert_eq!(platform.sandbox.counts().mutating, before + 2);
    let status = daemon.ask(&platform, "/api/v1/status", None).1;
    assert!(!status.to_string().contains("base_lost"), "{status:#}");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// Trap 21, invariants 4 and 8: a template that moves from CNAM, as the public documentation spells it, to CNAME is written
/// once, and never again.
#[test]
fn trap_21_a_template_that_moves_to_cname_is_written_once() {
    let platform = platform("a", AUTO);
    let host = serde_json::json!({"name": "Web", "mapping": ["ui.example.net"]});
    let template = serde_json::json!({"CNAM": {"a.{{domain}}": host}});
    platform
        .sandbox
        .world()
        .set_template(crate::stage::object(template));
    platform.write(
        "domains.yaml",
        "template:\n  CNAM: {'a.{{domain}}': null}\n  CNAME: {'a.{{domain}}': {name: Web, mapping: [ui.example.net]}}\n",
    );
    let mut daemon = Daemon::start(command(&platform, &["--interval", "1s"]));
    daemon.wait("run", None, "applied");
    // Some rounds later, each of which reads everything.
    for company in ["one", "two", "three"] {
        name_company(&platform, 'a', company);
        while platform.key('a', "company_name") != company {
            daemon.wait("ready", Some('a'), "in_sync");
        }
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.sandbox.counts().of("POST", "domains"), 1);
    platform.stop();
}

/// Each healing is a run: without an end, their journals and snapshots would fill the disk.
#[test]
fn old_runs_are_deleted_as_apply_deletes_them() {
    let platform = platform(
        "a",
        "{apply: auto}\npolicy: {snapshots: {runs: 2, days: 0}}",
    );
    let mut daemon = Daemon::start(command(&platform, &[]));
    for round in 0..4 {
        let name = format!("name-{round}");
        name_company(&platform, 'a', &name);
        while platform.key('a', "company_name") != name {
            daemon.wait_ready('a');
        }
    }
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.runs().len(), 2);
    platform.stop();
}
