//! The way back: history, snapshots, and what a run that died left in pieces.

use emblazon::model::{AccountId, parked_domain};
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::cli::{check_exit, stderr, stdout};
use crate::platform::{DEFAULTS, Platform, id};

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
    // Back and forth: a way back is a run like any other, and says whose snapshot it restores.
    let last = platform.runs().pop().unwrap();
    let listed = stdout(&platform.run(&["history"]));
    assert_eq!(
        listed.matches(&format!("finished; restores {run}")).count(),
        2,
        "{listed}"
    );
    assert!(listed.starts_with(&last), "{listed}");
    let report = platform.report(&["history"]);
    assert_eq!(report["runs"][0]["restores"], run.as_str());
    assert_eq!(report["runs"][2]["restores"], serde_json::Value::Null);
    check_exit(&platform.run(&["restore", &last, "--yes"]), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    check_exit(&platform.run(&["restore", &run, "c", "--yes"]), 64);
    check_exit(&platform.run(&["restore", &run]), 64);
    platform.stop();
}

/// A restore is looked at without a terminal, and what is shown is what is approved; nothing is written for that.
#[test]
fn a_restore_is_shown_before_it_is_done() {
    let platform = Platform::renamed("ab", "{}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    // What the refusal says is done to its end.
    let refused = stderr(&platform.run(&["restore", &run]));
    let look = refused.split('`').nth(1).expect(&refused);
    let words: Vec<&str> = look.split(' ').skip(1).collect();
    let shown = platform.run(&words);
    check_exit(&shown, 2);
    let text = stdout(&shown);
    assert!(
        text.contains("\"new\" -> \"old\"") && !text.contains(":1:1"),
        "{text}"
    );
    assert_eq!(platform.key('a', "company_name"), "new");
    let (_, digest) = text.trim_end().rsplit_once("digest ").expect(&text);
    let restored = platform.run(&["restore", &run, "--yes", "--expect", digest]);
    check_exit(&restored, 0);
    assert!(
        stdout(&restored).contains("Restored: 2 of 2 steps"),
        "{}",
        stdout(&restored)
    );
    let next = "the next `apply` writes again what this undid";
    assert!(stderr(&restored).contains(next), "{}", stderr(&restored));
    check_exit(&platform.run(&["restore", &run, "--dry-run"]), 0);
    platform.stop();
}

/// The same command twice is no way forth and back; what the refusal names undoes the restore.
#[test]
fn the_last_run_is_not_restored_if_it_was_a_restore() {
    let platform = Platform::renamed("a", "{}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    check_exit(&platform.run(&["restore", "last", "--yes"]), 0);
    let refused = platform.run(&["restore", "last", "--yes"]);
    check_exit(&refused, 64);
    assert_eq!(platform.key('a', "company_name"), "old");
    let told = stderr(&refused);
    let (_, command) = told.split_once("; `emblazon ").expect(&told);
    let command = command.split('`').next().unwrap();
    let words: Vec<&str> = command.split(' ').chain(["--yes"]).collect();
    check_exit(&platform.run(&words), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    platform.stop();
}

#[test]
fn what_moved_since_is_left_alone_unless_told() {
    let platform = Platform::renamed("ab", "{}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    platform.edit('a', "brandColor", "green");
    let output = platform.run(&["restore", &run, "--yes"]);
    check_exit(&output, 4);
    assert!(
        stderr(&output).contains("a moved since the run"),
        "{}",
        stderr(&output)
    );
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.key('a', "brandColor"), "green");
    assert_eq!(platform.key('b', "company_name"), "old");
    // Nothing is left but what is refused.
    check_exit(&platform.run(&["restore", &run, "--yes"]), 5);
    check_exit(&platform.run(&["restore", &run, "--yes", "--moved"]), 0);
    assert_eq!(platform.key('a', "brandColor"), "red");
    assert_eq!(platform.key('a', "company_name"), "old");
    platform.stop();
}

/// What the tree says is never written is not written by a restore either.
#[test]
fn what_is_observed_or_ignored_stays() {
    let platform = Platform::renamed("abc", "{}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    platform.write(
        "accounts/b/account.yaml",
        &format!("account: {}\nmode: observe\n", id('b')),
    );
    platform.write(
        "accounts/c/account.yaml",
        &format!("account: {}\nignore: [whitelabel.company_name]\n", id('c')),
    );
    platform.run(&["restore", &run, "--yes"]);
    let names = ['a', 'b', 'c'].map(|name| platform.key(name, "company_name"));
    assert_eq!(names, ["old", "new", "new"]);
    platform.stop();
}

/// A guard that refuses a restore names the restore, and not an apply, which would write the tree; what it names is done
/// to its end, for the run as a whole and for one account.
#[test]
fn a_guard_says_how_to_restore_all_the_same() {
    let follow = |policy: &str| {
        let platform = Platform::renamed("ab", "{}");
        check_exit(&platform.run(&["apply", "--yes"]), 0);
        let tree = "clusters: { production: {} }\n";
        platform.write("emblazon.yaml", &format!("{tree}policy: {policy}\n"));
        let refused = stderr(&platform.run(&["restore", "last", "a", "--yes"]));
        let refused = refused.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!refused.contains("`apply"), "{refused}");
        assert_eq!(platform.key('a', "company_name"), "new");
        let commands = refused.split('`').skip(1).step_by(2);
        let commands = commands.filter(|text| text.starts_with("emblazon restore"));
        let commands: Vec<String> = commands.map(str::to_owned).collect();
        (platform, commands)
    };
    let words =
        |command: &str| -> Vec<String> { command.split(' ').skip(1).map(str::to_owned).collect() };
    let run = |platform: &Platform, words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        platform.run(&words)
    };

    let always = "{freeze: [{from: 2000-01-01T00:00:00Z, until: 2999-01-01T00:00:00Z}]}";
    let (platform, commands) = follow(always);
    let [whole] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    check_exit(
        &run(&platform, &[words(whole), words("- --yes")].concat()),
        0,
    );
    assert_eq!(platform.key('a', "company_name"), "old");
    assert_eq!(platform.key('b', "company_name"), "new");
    platform.stop();

    let (platform, commands) = follow("{protected_accounts: [a]}");
    let [look, approved] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    let shown = run(&platform, &words(look));
    check_exit(&shown, 2);
    let text = stdout(&shown);
    let (_, digest) = text.trim_end().rsplit_once("digest ").expect(&text);
    let approved = words(&approved.replace("DIGEST", digest));
    check_exit(&run(&platform, &[approved, words("- --yes")].concat()), 0);
    assert_eq!(platform.key('a', "company_name"), "old");
    platform.stop();
}

/// An account that is protected now is not deleted by a restore of the run that created it.
#[test]
fn what_is_protected_is_not_deleted() {
    let seed = format!(
        "accounts:\n  - name: Master\n  - name: a\n    id: {}\n",
        id('a')
    );
    let platform = Platform::new(&seed, &[]);
    platform.declare('a', "protected: true\nwhitelabel: {company_name: new}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    check_exit(&platform.run(&["restore", "last", "--yes"]), 5);
    assert_eq!(platform.key('a', "company_name"), "new");
    platform.stop();
}

/// A deleted whitelabel comes back whole: undeclared keys, undeclared assets.
#[test]
fn a_deletion_is_undone() {
    let logo = b"\x89PNG\r\n\x1a\nlogo".as_slice();
    let welcome = b"<p>Hello</p>".as_slice();
    let seed = format!(
        "accounts:\n  - name: Master\n  - name: a\n    id: {}\n    whitelabel: {{company_name: A, domain: a.example.com, brandColor: red, {DEFAULTS}}}\n    assets: {{logo: logo.png, welcome: welcome.html}}\n",
        id('a')
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
    for shard in [&[][..], &["--shard", "1/1"]] {
        runs_beyond_the_second_are_thrown_away(shard);
    }
}

fn runs_beyond_the_second_are_thrown_away(shard: &[&str]) {
    let platform = Platform::renamed("a", "{snapshots: {runs: 2, days: 0}}");
    let apply: Vec<&str> = ["apply", "--yes"].iter().chain(shard).copied().collect();
    for round in 0..4 {
        platform.declare('a', &format!("whitelabel: {{company_name: name-{round}}}"));
        check_exit(&platform.run(&apply), 0);
    }
    let runs = platform.runs();
    assert_eq!(runs.len(), 2);
    check_exit(&platform.run(&["restore", &runs[0], "--yes", "--moved"]), 0);
    assert_eq!(platform.key('a', "company_name"), json!("name-1"));
    let objects = std::fs::read_dir(platform.state().join("snapshots/objects")).unwrap();
    assert!(objects.count() <= 4, "unneeded contents are gone");
    platform.stop();
}

/// What is wrong with the words is told before anybody is to say yes to them.
#[test]
fn a_run_that_there_is_not_is_said_at_once() {
    let platform = Platform::renamed("a", "{}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    let refused = |arguments: &[&str], message: &str| {
        let output = platform.run(arguments);
        check_exit(&output, 64);
        let told = stderr(&output);
        assert!(told.contains(message) && !told.contains("--yes"), "{told}");
    };
    refused(&["restore", "BADRUN"], "there is no run BADRUN");
    refused(
        &["restore", &run, "zenith"],
        "has no account zenith; it has a",
    );
    platform.stop();
}

/// Where there is no terminal, each step is a line as soon as it has ended.
#[test]
fn a_log_has_a_line_for_each_step() {
    let folder = crate::source_text::top();
    let output = crate::cli::run(&folder, &["apply", "--sandbox", "examples/smallest"]);
    check_exit(&output, 0);
    let told = stderr(&output);
    let mut lines: Vec<(&str, &str)> = told
        .lines()
        .map(|line| line.split_once(": ").expect(line))
        .collect();
    let numbers: Vec<&str> = lines.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, ["1 of 2", "2 of 2"]);
    // Which one ends first is up to the platform.
    lines.sort_unstable_by_key(|(_, step)| *step);
    let steps: Vec<&str> = lines.iter().map(|(_, step)| *step).collect();
    assert_eq!(
        steps,
        ["domain template replace: done", "mydomain create: done"]
    );
    let quiet = ["apply", "--sandbox", "--quiet", "examples/smallest"];
    assert_eq!(stderr(&crate::cli::run(&folder, &quiet)), "");
}

/// What lists the runs is said as it works, from the same place.
#[test]
fn the_list_of_runs_is_that_of_the_same_sandbox() {
    let folder = crate::source_text::top();
    let state = tempfile::tempdir().unwrap();
    let state = state.path().to_str().unwrap();
    let tree = "examples/smallest";
    let run = |arguments: &[&str]| crate::cli::run(&folder, arguments);
    let sandbox = ["--sandbox", "--state", state];
    check_exit(&run(&[&["apply"], &sandbox[..], &[tree]].concat()), 0);
    for arguments in [
        [&["history", "show", "nothing"], &sandbox[..], &[tree]].concat(),
        [&["restore", "nothing"], &sandbox[..], &["--tree", tree]].concat(),
    ] {
        let output = run(&arguments);
        check_exit(&output, 64);
        let told = stderr(&output);
        let (_, list) = told.split_once("; `emblazon ").expect(&told);
        let words: Vec<&str> = list.split('`').next().unwrap().split(' ').collect();
        let listed = run(&words);
        check_exit(&listed, 0);
        assert!(stdout(&listed).contains("finished"), "{words:?}");
    }
}

/// A way back of one account is no tree of one account: the others are not outside of anything, and shares are shares of all.
#[test]
fn what_a_restore_counts_is_true() {
    let platform = Platform::renamed("abcdef", "{max_changed_percent: 50, share_floor: 2}");
    for name in "cdef".chars() {
        platform.declare(name, "whitelabel: {company_name: old}");
    }
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    // Two of six.
    let report = platform.report(&["restore", &run, "--yes"]);
    assert!(report["unmanaged"].is_null(), "{report}");
    assert_eq!(platform.key('a', "company_name"), "old");
    assert_eq!(platform.key('b', "company_name"), "old");
    let last = platform.runs().pop().unwrap();
    let output = platform.run(&["restore", &last, "b", "--yes"]);
    check_exit(&output, 0);
    for told in [stdout(&output), stderr(&output)] {
        assert!(
            !told.contains("not in the tree") && !told.contains('%'),
            "{told}"
        );
    }
    platform.stop();
}

/// After accounts have passed domains on, one alone cannot go back. What the refusal says to do helps.
#[test]
fn whoever_must_go_back_together_is_named() {
    let platform = Platform::renamed("abcd", "{}");
    let domain = |name: char| platform.key(name, "domain");
    // a → b → c → a; d only looks on.
    for (name, wanted) in [('a', 'b'), ('b', 'c'), ('c', 'a')] {
        platform.declare(
            name,
            &format!("whitelabel: {{domain: {wanted}.example.com}}"),
        );
    }
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    assert_eq!(domain('a'), "b.example.com");
    let run = platform.runs().remove(0);
    let output = platform.run(&["restore", &run, "a", "--yes"]);
    check_exit(&output, 5);
    let told = stderr(&output).replace('\n', " ");
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("a.example.com is held by c, which the run changed too"),
        "{told}"
    );
    assert!(!told.contains("bring that account into the tree"), "{told}");
    let (_, command) = told
        .split_once("restore them together: `emblazon ")
        .expect(&told);
    let command = command.split('`').next().unwrap();
    assert_eq!(command, format!("restore {run} a b c"));
    let words: Vec<&str> = command.split(' ').chain(["--yes"]).collect();
    check_exit(&platform.run(&words), 0);
    for name in "abc".chars() {
        assert_eq!(domain(name), format!("{name}.example.com"));
    }
    platform.stop();
}

/// A domain may have gone on to an account that the run did not change.
#[test]
fn a_domain_that_has_gone_on_is_named_with_its_holder() {
    let platform = Platform::renamed("ab", "{}");
    platform.declare('a', "whitelabel: {domain: new.example.com}");
    platform.declare('b', "whitelabel: {company_name: old}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let run = platform.runs().remove(0);
    platform.declare('b', "whitelabel: {domain: a.example.com}");
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let output = platform.run(&["restore", &run, "a", "--yes"]);
    check_exit(&output, 5);
    let told = stderr(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        told.contains("a.example.com is held by b, which the run did not change"),
        "{told}"
    );
    // What it says to do.
    let gave = platform.runs().pop().unwrap();
    check_exit(&platform.run(&["restore", &gave, "b", "--yes"]), 0);
    check_exit(&platform.run(&["restore", &run, "a", "--yes"]), 0);
    assert_eq!(platform.key('a', "domain"), "a.example.com");
    platform.stop();
}

/// Fails the deletion of a's whitelabel, after its domain was released. Returns the run.
fn failed_deletion(platform: &Platform) -> String {
    platform.declare('a', "whitelabel: null");
    let refuse = Fault::new("DELETE", "*/whitelabel", FaultKind::Status(403)).times(99);
    platform.sandbox.set_faults(vec![refuse]);
    let output = platform.run(&["apply", "--yes", "--prune"]);
    check_exit(&output, 4);
    platform.sandbox.set_faults(Vec::new());
    assert_eq!(platform.key('a', "domain"), parked());
    platform.runs().pop().unwrap()
}

fn parked() -> String {
    parked_domain(&AccountId::parse(&id('a')).unwrap())
}

/// Nothing moved since the run: its last write had no effect.
#[test]
fn a_deletion_that_failed_after_the_release_is_undone() {
    let platform = Platform::renamed("a", "{}");
    let before = platform.live('a');
    let run = failed_deletion(&platform);
    check_exit(&platform.run(&["restore", &run, "--yes"]), 0);
    assert_eq!(platform.live('a'), before);
    // Somebody else did write.
    let run = failed_deletion(&platform);
    platform.edit('a', "brandColor", "green");
    let output = platform.run(&["restore", &run, "--yes"]);
    check_exit(&output, 5);
    assert!(
        stderr(&output).contains("moved since the run"),
        "{}",
        stderr(&output)
    );
    platform.stop();
}

/// The snapshot of the run that deletes holds the parked name of the run before.
#[test]
fn a_parked_name_is_never_written_back() {
    for is_known in [true, false] {
        let platform = Platform::renamed("a", "{}");
        let first = failed_deletion(&platform);
        check_exit(&platform.run(&["apply", "--yes", "--prune"]), 0);
        assert_eq!(platform.live('a'), None);
        let second = platform.runs().pop().unwrap();
        if !is_known {
            let plan = platform.state().join(format!("plans/{first}.json"));
            std::fs::remove_file(plan).unwrap();
        }
        check_exit(&platform.run(&["restore", &second, "--yes"]), 0);
        let domain = if is_known {
            json!("a.example.com")
        } else {
            json!(null)
        };
        assert_eq!(platform.key('a', "domain"), domain);
        assert_eq!(platform.key('a', "brandColor"), "red");
        platform.stop();
    }
}
