//! Plans in files: saved, shown, carried out once, and refused by name.

use std::fs;

use emblazon::diff::{ChangeKey, Side};
use emblazon::model::{ClusterName, KeyPath};
use emblazon::plan::{Action, Plan};
use serde_json::{Value, json};

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};
use crate::git::git;
use crate::platform::{Platform, id};

fn saved(platform: &Platform) {
    check_exit(&platform.run(&["plan", "--out", "change.plan"]), 2);
}

/// Changes the saved plan as somebody would who knows how it is made: the digest fits again.
fn forge(platform: &Platform, change: impl FnOnce(&mut Plan)) {
    let file = platform.folder().join("change.plan");
    let mut plan = Plan::unsealed(&fs::read(&file).unwrap()).unwrap();
    change(&mut plan);
    fs::write(&file, plan.sealed()).unwrap();
}

#[test]
fn a_saved_plan_is_carried_out_once() {
    let platform = Platform::renamed("ab", "{}");
    saved(&platform);
    assert_eq!(platform.mutating(), 0);
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 5);
    let run = &platform.runs()[0];
    assert!(stderr(&output).contains(run), "{}", stderr(&output));
    assert!(stderr(&output).contains("used once"), "{}", stderr(&output));
    platform.stop();
}

/// The platform was led back, so an equal plan follows from it: what the refusal says to do does it.
#[test]
fn a_plan_that_was_carried_out_is_carried_out_again_by_its_digest() {
    let seed = format!(
        "accounts:\n  - name: Master\n  - name: a\n    id: {}\n",
        id('a')
    );
    let platform = Platform::new(&seed, &[]);
    platform.declare('a', "whitelabel: {company_name: new}");
    let plan = ["plan", "--out", "change.plan"];
    check_exit(&platform.run(&plan), 2);
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 0);
    platform.sandbox.world().delete_whitelabel(&id('a'));
    check_exit(&platform.run(&plan), 2);
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 5);
    assert_eq!(platform.live('a'), None);
    let told = stderr(&output);
    assert!(told.contains("a saved plan is used once"), "{told}");
    let (_, command) = told.split_once("plan anew with `emblazon ").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    check_exit(&platform.run(&words), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    platform.stop();
}

/// An approved digest and other options: the refusal names the options, and with the right ones it is done.
#[test]
fn a_digest_belongs_to_the_options_that_it_was_made_with() {
    let seed = format!(
        "accounts:\n  - name: Master\n  - name: a\n    id: {}\n    whitelabel: {{company_name: old}}\n",
        id('a')
    );
    let platform = Platform::new(&seed, &[]);
    platform.declare('a', "whitelabel: null");
    let digest = platform.digest(&["--prune"]);
    let output = platform.run(&["apply", "--yes", "--expect", &digest]);
    check_exit(&output, 5);
    let told = stderr(&output);
    let differs = "was approved: the tree, the platform or the options differ";
    assert!(told.contains(differs) && told.contains("--prune"), "{told}");
    assert!(platform.live('a').is_some());
    check_exit(
        &platform.run(&["apply", "--yes", "--prune", "--expect", &digest]),
        0,
    );
    assert_eq!(platform.live('a'), None);
    platform.stop();
}

/// Only the object that moved is left alone.
#[test]
fn what_moved_is_refused_and_the_rest_goes_on() {
    let platform = Platform::renamed("ab", "{}");
    saved(&platform);
    platform.edit('a', "company_name", "by hand");
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 4);
    assert_eq!(platform.key('a', "company_name"), "by hand");
    assert_eq!(platform.key('b', "company_name"), "new");
    platform.stop();
}

#[test]
fn a_plan_from_elsewhere_is_refused_by_name() {
    let platform = Platform::renamed("a", "{}");
    saved(&platform);
    let plan = fs::read_to_string(platform.folder().join("change.plan")).unwrap();
    let refused = |arguments: &[&str], exit: i32, message: &str| {
        let output = platform.run(&[&["apply", "change.plan", "--yes"], arguments].concat());
        check_exit(&output, exit);
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
        assert_eq!(platform.mutating(), 0);
    };
    refused(
        &["--cluster", "staging"],
        5,
        "the plan is for cluster production, not for staging",
    );
    refused(&["--expect", "000000000000"], 5, "was approved");
    forge(&platform, |plan| plan.cluster = ClusterName::new("nowhere"));
    refused(&[], 64, "no cluster nowhere");
    platform.write(
        "change.plan",
        &plan.replace("\"version\":2", "\"version\":7"),
    );
    refused(&[], 5, "format 7");
    platform.write("change.plan", "not a plan");
    refused(&[], 64, "not a plan");
    platform.write("change.plan", &plan);
    platform.declare('a', "whitelabel: {company_name: newer}");
    refused(&[], 5, "made from another tree");
    // What it says to do: the files as they were.
    platform.declare('a', "whitelabel: {company_name: new}");
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    platform.stop();
}

/// The plan finds its tree, assets included, in its commit when the work tree has gone on.
#[test]
fn the_tree_is_found_in_the_plans_commit() {
    let platform = Platform::renamed("a", "{}");
    let git = |arguments: &[&str]| {
        let name = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let status = std::process::Command::new("git")
            .args(name)
            .args(arguments)
            .current_dir(platform.folder())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
    };
    let text = "whitelabel: {company_name: new}\nassets: {logo: logo.png}";
    platform.declare('a', text);
    let logo = image();
    fs::write(platform.folder().join("accounts/a/logo.png"), &logo).unwrap();
    platform.write(".gitignore", ".emblazon/\n*.plan\n");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "Begin"]);
    saved(&platform);
    platform.declare('a', "whitelabel: {company_name: newer}");
    fs::remove_file(platform.folder().join("accounts/a/logo.png")).unwrap();
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    let world = platform.sandbox.world();
    let document = world
        .account_named("a")
        .unwrap()
        .whitelabel
        .as_ref()
        .unwrap();
    let (_, stored) = document.asset(emblazon::model::AssetKind::Logo).unwrap();
    assert_eq!(stored.bytes.to_vec(), logo);
    drop(world);
    platform.stop();
}

fn image() -> Vec<u8> {
    fs::read(crate::source_text::top().join("examples/quickstart/accounts/acme/logo.png")).unwrap()
}

/// It needs neither tree nor platform.
#[test]
fn a_plan_can_always_be_shown() {
    let platform = Platform::renamed("a", "{}");
    saved(&platform);
    let digest = platform.digest(&[]);
    for gone in ["emblazon.yaml", "accounts/a/account.yaml"] {
        fs::remove_file(platform.folder().join(gone)).unwrap();
    }
    let output = platform.run(&["show", "change.plan"]);
    check_exit(&output, 2);
    insta::assert_snapshot!(stdout(&output).replace(&digest[..12], "DIGEST"), @r#"
    a  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      company name
      update, customer-visible
        ~ whitelabel.company_name  "old" -> "new"  (accounts/a/account.yaml:2:28)

    Plan: 1 step on 1 of 1 account; digest DIGEST
    "#);
    let report = platform.report(&["show", "change.plan"]);
    assert_eq!(report["plan"], Value::from(digest));
    assert_eq!(
        report["accounts"][0]["steps"][0]["changes"][0]["after"]["value"],
        "new"
    );
    platform.stop();
}

/// Neither what nobody declared nor a credential is in a plan, whatever it does.
#[test]
fn no_secret_is_in_a_plan() {
    let platform = Platform::renamed("ab", "{}");
    platform.edit('a', "apiToken", "canary-undeclared");
    platform.edit('b', "apiToken", "canary-undeclared");
    platform.declare('b', "ownership: exclusive\nwhitelabel: {company_name: new}");
    saved(&platform);
    let plan = fs::read_to_string(platform.folder().join("change.plan")).unwrap();
    assert!(plan.contains("apiToken"), "its removal is planned");
    assert!(!plan.contains("canary"), "{plan}");
    assert!(!plan.contains(platform.sandbox.api_key()), "{plan}");
    platform.stop();
}

/// A URL changed by hand, or a bit by a disk: neither is applied nor shown.
#[test]
fn a_plan_that_was_edited_is_refused() {
    let platform = Platform::renamed("ab", "{}");
    saved(&platform);
    let plan = fs::read(platform.folder().join("change.plan")).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(platform.folder().join("change.plan"), bytes).unwrap();
        for command in [
            ["apply", "change.plan", "--yes"].as_slice(),
            &["show", "change.plan"],
        ] {
            let output = platform.run(command);
            let code = output.status.code().unwrap();
            assert!(code == 5 || code == 64, "{command:?}: {}", stderr(&output));
            let told = stderr(&output);
            assert!(told.contains("emblazon plan --out FILE"), "{told}");
        }
    };
    let text = String::from_utf8(plan.clone()).unwrap();
    refused(text.replace("\"new\"", "\"evil\"").as_bytes());
    // Every hundredth bit; the unit's own test takes them all.
    for bit in (0..plan.len() * 8).step_by(plan.len() * 8 / 20) {
        let mut flipped = plan.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        refused(&flipped);
    }
    assert_eq!(platform.mutating(), 0);
    fs::write(platform.folder().join("change.plan"), &plan).unwrap();
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 0);
    platform.stop();
}

/// Who can change the file can compute its digest, too. What is carried out follows from the tree.
#[test]
fn a_plan_whose_digest_was_forged_is_refused() {
    let platform = Platform::renamed("ab", "{}");
    let refused = |forgery: &dyn Fn(&mut Plan), message: &str| {
        saved(&platform);
        forge(&platform, forgery);
        let output = platform.run(&["apply", "change.plan", "--yes"]);
        check_exit(&output, 5);
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("plan --out change.plan"),
            "{}",
            stderr(&output)
        );
        assert_eq!(platform.mutating(), 0);
    };
    let evil = |plan: &mut Plan| {
        let key = KeyPath::from("company_name");
        let step = &mut plan.steps[0];
        step.changes[0].after = Side::Value(json!("evil"));
        assert_eq!(step.changes[0].key, ChangeKey::Setting(key.clone()));
        let Action::Update { set, .. } = &mut step.action else {
            panic!("{step:?}");
        };
        set.insert(key, json!("evil"));
    };
    refused(&evil, "what the plan does to a does not follow");
    refused(
        &|plan| plan.steps[1].action = Action::Delete,
        "what the plan does to b does not follow",
    );
    refused(&|plan| plan.scope.accounts = 1, "to cover 1 of 1 accounts");
    // What it says to do.
    saved(&platform);
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    platform.stop();
}

fn deny(platform: &Platform, name: char) {
    let faults = format!(
        "[{{method: GET, path: '/v2/accounts/{}/whitelabel', times: 999, fault: {{status: 403}}}}]",
        id(name)
    );
    let faults = emblazon::sandbox::Fault::parse_list(&faults).unwrap();
    platform.sandbox.set_faults(faults);
}

/// What could not be read is no more in sync in a file than it was when the plan was made.
#[test]
fn a_saved_plan_keeps_its_unknowns() {
    let platform = Platform::renamed("ab", "{}");
    deny(&platform, 'b');
    saved(&platform);
    let output = platform.run(&["show", "change.plan"]);
    check_exit(&output, 2);
    let shown = stdout(&output);
    assert!(
        shown.contains("b: the login may not") && shown.contains("1 not checked"),
        "{shown}"
    );
    let report = platform.report(&["show", "change.plan"]);
    assert_eq!(report["accounts"][1]["name"], "b");
    assert_eq!(report["accounts"][1]["status"], "unknown");
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 6);
    assert_eq!(platform.key('a', "company_name"), "new");
    // As `plan` and `apply` of the tree do.
    check_exit(&platform.run(&["plan", "--out", "change.plan"]), 6);
    check_exit(&platform.run(&["show", "change.plan"]), 6);
    check_exit(&platform.run(&["apply", "--yes"]), 6);
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 6);
    // Whoever takes them out of the file changes nothing.
    forge(&platform, |plan| {
        plan.unknown = emblazon::plan::Unknown::default();
    });
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 6);
    // It can be read now, and differs: nobody was shown that.
    platform.sandbox.set_faults(Vec::new());
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 2);
    assert!(
        stdout(&output).contains("b differs, too, and the plan has no step for it; plan again"),
        "{}",
        stdout(&output)
    );
    assert_eq!(platform.key('b', "company_name"), "old");
    check_exit(&platform.run(&["plan", "--out", "again.plan"]), 2);
    check_exit(&platform.run(&["apply", "again.plan", "--yes"]), 0);
    assert_eq!(platform.key('b', "company_name"), "new");
    platform.stop();
}

/// `show` says the same last line as the `plan` that made the file.
#[test]
fn a_saved_plan_counts_what_was_looked_at() {
    #[track_caller]
    fn check(platform: &Platform, exit: i32, expected: &str) {
        let planned = platform.run(&["plan", "--out", "change.plan"]);
        check_exit(&planned, exit);
        let shown = platform.run(&["show", "change.plan"]);
        check_exit(&shown, exit);
        let [planned, shown] = [planned, shown].map(|output| {
            let text = stdout(&output);
            text[text.rfind("\nPlan: ").unwrap() + 1..].to_owned()
        });
        assert!(planned.starts_with(expected), "{planned}");
        assert_eq!(shown, planned);
        let [planned, shown] = [&["plan"][..], &["show", "change.plan"]]
            .map(|arguments| platform.report(arguments)["summary"].clone());
        assert_eq!(shown, planned);
    }
    let platform = Platform::renamed("abcd", "{}");
    platform.declare('c', "whitelabel: {company_name: old}");
    check(
        &platform,
        2,
        "Plan: 3 steps on 3 of 4 accounts; 1 in sync; ",
    );
    deny(&platform, 'b');
    let expected = "Plan: 2 steps on 2 of 4 accounts; 1 in sync; 1 not checked; ";
    check(&platform, 2, expected);
    let shown = platform.run(&["show", "change.plan"]);
    assert!(stdout(&shown).contains("1 of 4 accounts could not be read"));
    check_exit(&platform.run(&["apply", "--yes"]), 6);
    check(
        &platform,
        6,
        "Plan: nothing that can be done; 3 in sync; 1 not checked",
    );
    let history = stdout(&platform.run(&["history", "show", "last"]));
    assert!(
        history.contains("1 in sync before; 1 not checked"),
        "{history}"
    );
    platform.stop();
}

/// The same where an account left the tree.
#[test]
fn a_saved_plan_counts_who_left_the_tree() {
    let world = World::new();
    world.apply();
    fs::remove_dir_all(world.clone.join("accounts/beta")).unwrap();
    world.commit("beta is gone");
    let line = |arguments: &[&str], exit: i32| {
        let output = world.run(arguments);
        check_exit(&output, exit);
        let text = stdout(&output);
        text[text.rfind("\nPlan: ").unwrap() + 1..].to_owned()
    };
    let planned = line(&["plan", "--out", FILE], 5);
    assert_eq!(
        planned,
        "Plan: nothing that can be done; 1 in sync; 1 refused\n"
    );
    assert_eq!(line(&["show", FILE], 5), planned);
    let planned = line(&["plan", "--prune", "--out", FILE], 2);
    assert!(
        planned.starts_with("Plan: 1 step on 1 of 2 accounts; 1 in sync; "),
        "{planned}"
    );
    assert_eq!(line(&["show", FILE], 2), planned);
    check_exit(&world.run(&["apply", FILE, "--yes"]), 0);
}

/// A command that is printed is one to follow: with the platform that was named.
#[test]
fn what_a_saved_plan_says_next_names_the_same_platform() {
    let platform = Platform::renamed("a", "{}");
    let trust = tempfile::tempdir().unwrap();
    let trust = trust.path().join("trust.yaml");
    fs::write(&trust, "{}\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = platform.command(arguments);
        command.env_remove("EMBLAZON_API").output().unwrap()
    };
    let (url, trust) = (platform.sandbox.url(), trust.to_str().unwrap());
    let arguments = [
        "plan",
        "--api",
        &url,
        "--trust",
        trust,
        "--cluster",
        "production",
        "--out",
        "h.plan",
    ];
    let planned = run(&arguments);
    check_exit(&planned, 2);
    let told = stderr(&planned);
    let (_, next) = told
        .split_once("carry it out with `emblazon ")
        .expect(&told);
    let next = next.split('`').next().unwrap();
    let expected = format!("apply --api {url} --trust {trust} --cluster production h.plan");
    assert_eq!(next, expected);
    let words: Vec<&str> = next.split(' ').chain(["--yes"]).collect();
    check_exit(&run(&words), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    // A guard's way out names it too.
    let output = run(&["apply", "--yes", "--api", &url, "--allow", "freeze"]);
    check_exit(&output, 64);
    let told = stderr(&output);
    let (_, look) = told.split_once("look at `emblazon ").expect(&told);
    let words: Vec<&str> = look.split('`').next().unwrap().split(' ').collect();
    check_exit(&run(&words), 0);
    platform.stop();
}

/// How much could not be read counts as it is, and not as the file says that it was.
#[test]
fn a_plan_cannot_say_that_everything_was_read() {
    let platform = Platform::renamed("abc", "{max_unreadable_percent: 30, share_floor: 1}");
    deny(&platform, 'b');
    check_exit(&platform.run(&["plan", "--out", "change.plan"]), 5);
    forge(&platform, |plan| {
        plan.scope.unreadable = 0;
        plan.refusals.clear();
        plan.unknown = emblazon::plan::Unknown::default();
    });
    let output = platform.run(&["apply", "change.plan", "--yes"]);
    check_exit(&output, 5);
    let told = stdout(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(told.contains("1 of 3 accounts could not be read"), "{told}");
    assert_eq!(platform.mutating(), 0);
    platform.sandbox.set_faults(Vec::new());
    check_exit(&platform.run(&["plan", "--out", "change.plan"]), 2);
    check_exit(&platform.run(&["apply", "change.plan", "--yes"]), 0);
    platform.stop();
}

fn forge_in(world: &World, change: impl FnOnce(&mut Plan)) {
    let file = world.clone.join(".emblazon/change.plan");
    let mut plan = Plan::unsealed(&fs::read(&file).unwrap()).unwrap();
    change(&mut plan);
    fs::write(&file, plan.sealed()).unwrap();
}

const FILE: &str = ".emblazon/change.plan";

/// The base moves when everything that the commit asks for was done, whatever a file says of that.
#[test]
fn the_base_moves_only_after_all_of_a_plan_that_follows() {
    let world = World::new();
    world.apply();
    let first = world.head();
    let plan = || check_exit(&world.run(&["plan", "--out", FILE]), 5);
    // A guard refuses one of two, and the file says that it did not.
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    world.write(
        "accounts/beta/account.yaml",
        &format!("account: {BETA}\nwhitelabel: null\n"),
    );
    let second = world.commit("two");
    plan();
    forge_in(&world, |plan| plan.refusals.clear());
    let output = world.run(&["apply", FILE, "--yes"]);
    check_exit(&output, 5);
    assert!(
        stderr(&output).contains("the base stays as it was"),
        "{}",
        stderr(&output)
    );
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme Two");
    assert!(world.live(BETA).is_some());
    assert_eq!(world.applied(), Some(first.clone()));

    // Only one of two steps is left in the file.
    world.account("acme", ACME, "company_name: Acme Three, brandColor: red");
    world.account("beta", BETA, "company_name: Beta Three");
    let third = world.commit("three");
    check_exit(&world.run(&["plan", "--out", FILE]), 2);
    let all = fs::read(world.clone.join(FILE)).unwrap();
    forge_in(&world, |plan| {
        plan.steps.pop();
    });
    let output = world.run(&["apply", FILE, "--yes"]);
    check_exit(&output, 2);
    assert!(
        stderr(&output).contains("the base stays as it was: beta differs"),
        "{}",
        stderr(&output)
    );
    assert_eq!(world.applied(), Some(first.clone()));

    // Another commit is named: one whose tree is another.
    fs::write(world.clone.join(FILE), all).unwrap();
    forge_in(&world, |plan| plan.commit = Some(second.clone()));
    let output = world.run(&["apply", FILE, "--yes"]);
    check_exit(&output, 5);
    let told = stderr(&output);
    assert!(
        told.contains(&format!("names commit {second}, whose tree is")),
        "{told}"
    );
    assert_eq!(world.applied(), Some(first));

    check_exit(&world.run(&["plan", "--out", FILE]), 2);
    check_exit(&world.run(&["apply", FILE, "--yes"]), 0);
    assert_eq!(world.applied(), Some(third));
}

/// A plan whose commit is not here yet is derived from the same tree where that is checked out.
#[test]
fn a_plan_of_a_commit_that_is_not_here() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    let second = world.commit("two");
    check_exit(&world.run(&["plan", "--out", FILE]), 2);
    let nowhere = "0123456789012345678901234567890123456789";
    forge_in(&world, |plan| plan.commit = Some(nowhere.to_owned()));
    let kept = fs::read(world.clone.join(FILE)).unwrap();
    git(&world.clone, &["checkout", "--quiet", "HEAD~"]);
    let output = world.run(&["apply", FILE, "--yes"]);
    check_exit(&output, 5);
    let told = stderr(&output);
    assert!(told.contains("`git fetch` that commit"), "{told}");
    git(&world.clone, &["checkout", "--quiet", &second]);
    fs::write(world.clone.join(FILE), kept).unwrap();
    check_exit(&world.run(&["apply", FILE, "--yes"]), 0);
    assert_eq!(world.applied(), Some(second));
}

/// What was to be left as it is when the plan was made is left so when it is carried out.
#[test]
fn a_saved_plan_remembers_what_to_forget() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Two");
    let second = world.commit("two");
    let forget = [
        "plan",
        "--out",
        FILE,
        "--forget",
        "acme:whitelabel.brandColor",
    ];
    check_exit(&world.run(&forget), 2);
    check_exit(&world.run(&["apply", FILE, "--yes"]), 0);
    let live = world.live(ACME).unwrap();
    assert_eq!(live["company_name"], "Acme Two");
    assert_eq!(live["brandColor"], "red");
    assert_eq!(world.applied(), Some(second));
}

fn keygen(world: &World, arguments: &[&str]) -> String {
    let output = std::process::Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(&world.clone)
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    stdout(&output)
}

/// Who approves and who applies can be on different machines: what was signed is carried out, and nothing else.
#[test]
fn a_plan_is_signed_and_only_then_carried_out() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    world.commit("two");
    let key = |name: &str| {
        keygen(
            &world,
            &[
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                name,
                "-f",
                &format!(".emblazon/{name}"),
            ],
        );
        let public = fs::read_to_string(world.clone.join(format!(".emblazon/{name}.pub"))).unwrap();
        let words: Vec<&str> = public.split(' ').take(2).collect();
        words.join(" ")
    };
    let (ann, mallory) = (key("ann"), key("mallory"));
    let signers = |text: &str| world.write(".emblazon/signers", text);
    signers(&format!("ann@example.com {ann}\n"));
    let apply = ["apply", FILE, "--yes", "--signed-by", ".emblazon/signers"];
    let refused = |message: &str| {
        let output = world.run(&apply);
        check_exit(&output, 5);
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
        assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme Voice");
        stderr(&output)
    };
    check_exit(&world.run(&["plan", "--out", FILE]), 2);
    let told = refused("change.plan.sig: there is no such file");
    let (_, command) = told
        .split_once("one that is there with `ssh-keygen ")
        .unwrap();
    let command = command.split('`').next().unwrap().to_owned();
    // Somebody else's signature, made as the message says.
    let signed_with = |key: &str| {
        let _ = fs::remove_file(world.clone.join(format!("{FILE}.sig")));
        let words = command.replace("-f KEY", &format!("-f {key}"));
        keygen(&world, &words.split(' ').collect::<Vec<_>>());
    };
    signed_with(".emblazon/mallory");
    refused("not signed by anybody in .emblazon/signers");
    // A signature of another plan, and one that was made for something else.
    let signing = ["plan", "--out", FILE, "--sign", ".emblazon/ann"];
    check_exit(&world.run(&signing), 2);
    forge_in(&world, |plan| plan.steps[0].notes.push("forged".to_owned()));
    refused("not signed by anybody");
    check_exit(&world.run(&signing), 2);
    let _ = fs::remove_file(world.clone.join(format!("{FILE}.sig")));
    keygen(
        &world,
        &["-Y", "sign", "-n", "git", "-f", ".emblazon/ann", FILE],
    );
    refused("not signed by anybody");
    // The key may sign commits and no plans.
    check_exit(&world.run(&signing), 2);
    signers(&format!("ann@example.com namespaces=\"git\" {ann}\n"));
    refused("not signed by anybody");
    // One of several, and by her own.
    signers(&format!(
        "mal@example.com {mallory}\nann@example.com {ann}\n"
    ));
    check_exit(&world.run(&signing), 2);
    let output = world.run(&apply);
    check_exit(&output, 0);
    assert!(
        stderr(&output).contains("signed by ann@example.com"),
        "{}",
        stderr(&output)
    );
    assert_eq!(world.live(ACME).unwrap()["company_name"], "Acme Two");
    // Words that lead nowhere.
    check_exit(
        &world.run(&["apply", "--yes", "--signed-by", ".emblazon/signers"]),
        64,
    );
    check_exit(&world.run(&["plan", "--sign", ".emblazon/ann"]), 64);
    check_exit(
        &world.run(&["plan", "--out", FILE, "--sign", ".emblazon/nobody"]),
        64,
    );
    check_exit(
        &world.run(&["apply", FILE, "--yes", "--signed-by", ".emblazon/none"]),
        64,
    );
}

/// Whoever freezes a cluster, or protects an account, means the plans that were saved before, too; the way out of each
/// refusal works.
#[test]
fn a_plan_obeys_the_guards_that_came_after_it() {
    let world = World::new();
    let planned = world.head();
    check_exit(&world.run(&["plan", "--out", "change.plan"]), 2);
    let tree = "clusters: { production: {} }\nextra_keys: [theirs]\n";
    let always = "policy: {freeze: [{from: 2000-01-01T00:00:00Z, until: 2999-01-01T00:00:00Z, reason: year's end}]}\n";
    world.write("emblazon.yaml", &format!("{tree}{always}"));
    world.commit("freeze");
    let apply = ["apply", "change.plan", "--yes"];
    let output = world.run(&apply);
    check_exit(&output, 5);
    let told = stdout(&output);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("year's end (by commit "), "{told}");
    assert_eq!(world.live(BETA).unwrap()["company_name"], "Beta");

    world.write(
        "emblazon.yaml",
        &format!("{tree}policy: {{protected_accounts: [acme]}}\n"),
    );
    world.commit("protect acme instead");
    check_exit(&world.run(&apply), 5);
    assert_eq!(world.live(BETA).unwrap()["company_name"], "Beta");

    // A policy that cannot be read forbids, too.
    world.write(
        "emblazon.yaml",
        &format!("{tree}policy: {{protected: 7}}\n"),
    );
    world.commit("mistake");
    let output = world.run(&apply);
    check_exit(&output, 5);
    let told = stderr(&output);
    assert!(
        told.contains("came after the plan's, and whether its policy"),
        "{told}"
    );
    let (_, look) = told.split_once("look at `emblazon ").expect(&told);
    let words: Vec<&str> = look.split('`').next().unwrap().split(' ').collect();
    check_exit(&world.run(&words), 3);

    // What the guard says: exactly this plan, with the guard lifted.
    world.write("emblazon.yaml", &format!("{tree}{always}"));
    world.commit("freeze again");
    let output = world.run(&apply);
    let told = stdout(&output);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, digest) = told.split_once("--allow freeze --expect ").expect(&told);
    let digest = &digest[..12];
    check_exit(
        &world.run(&[&apply[..], &["--allow", "freeze", "--expect", digest]].concat()),
        0,
    );
    assert_eq!(world.live(BETA).unwrap()["company_name"], "Beta Voice");
    // A plan of the commit that is checked out has no later one.
    assert_ne!(world.head(), planned);
}

/// Rules of the house, keys, and what of an account is written are no guards that one plan is let through: it is made anew.
#[test]
fn a_plan_is_made_anew_when_who_may_write_changed() {
    let world = World::new();
    check_exit(&world.run(&["plan", "--out", "change.plan"]), 2);
    let tree = "clusters: { production: {} }\nextra_keys: [theirs]\n";
    let refused = |what: &str| {
        world.commit(what);
        let output = world.run(&["apply", "change.plan", "--yes"]);
        check_exit(&output, 5);
        let told = stderr(&output);
        assert!(told.contains(what) && told.contains("plan again"), "{told}");
        assert_eq!(world.live(BETA).unwrap()["company_name"], "Beta");
    };
    let rule = "policy: {rules: {names: {check: '!changes.exists(c, c.key == \"whitelabel.company_name\")', message: names stay}}}\n";
    world.write("emblazon.yaml", &format!("{tree}{rule}"));
    refused("the rules of the house");
    world.write(
        "emblazon.yaml",
        &format!("{tree}policy: {{code: allowed}}\n"),
    );
    refused("policy.code");
    world.write("emblazon.yaml", tree);
    let beta = |more: &str| {
        let text = format!("account: {BETA}\n{more}whitelabel: {{ company_name: Beta Voice }}\n");
        world.write("accounts/beta/account.yaml", &text);
    };
    beta("mode: observe\n");
    refused("what of it is written");
    beta("ignore: [whitelabel.company_name]\n");
    refused("or what of it is written");
    // What it says helps.
    beta("");
    world.commit("as it was");
    check_exit(&world.run(&["plan", "--out", "change.plan"]), 2);
    check_exit(&world.run(&["apply", "change.plan", "--yes"]), 0);
    assert_eq!(world.live(BETA).unwrap()["company_name"], "Beta Voice");
}
