//! Invariant 10: what emblazon itself wrote is never called drift, also where no apply was complete since; what somebody
//! changed on top of it still is.

use std::path::Path;

use camino::Utf8PathBuf;
use emblazon::apply::remote::LocalClone;
use emblazon::apply::{Written, WrittenRef};
use emblazon::diff::{ChangeKey, WrittenParts};
use emblazon::model::{AccountName, ClusterName};
use emblazon::sandbox::Fault;
use jiff::Timestamp;

use crate::base::{ACME, BETA, World, differences};
use crate::cli::{check_exit, stderr, stdout};
use crate::git::git;

const WRITTEN: &str = "refs/emblazon/production/written";

/// Has the platform refuse what is written to an account.
fn refuse(world: &World, account: &str) {
    let faults = format!(
        "[{{method: POST, path: '/v2/accounts/{account}/whitelabel', times: 999, fault: {{status: 400}}}}]"
    );
    world
        .sandbox
        .set_faults(Fault::parse_list(&faults).unwrap());
}

/// A base, and a commit on top of it of which only acme was written.
fn partly() -> World {
    let world = World::new();
    world.apply();
    world.account(
        "acme",
        ACME,
        "company_name: Acme Voice, brandColor: green, hide_powered: true",
    );
    world.account("beta", BETA, "company_name: Beta Two");
    world.commit("two changes");
    refuse(&world, BETA);
    check_exit(&world.run(&["apply", "--yes"]), 4);
    world.sandbox.set_faults(Vec::new());
    world
}

/// Only what was written is counted: not the template, which the base has already.
#[test]
fn a_template_that_was_not_written_is_not_counted() {
    let world = World::new();
    let template = |address: &str| {
        let text =
            format!("template:\n  A:\n    \"us.{{{{domain}}}}\": {{ mapping: [{address}] }}\n");
        world.write("domains.yaml", &text);
    };
    template("192.0.2.1");
    world.commit("a template");
    world.apply();
    let reached = |expected: &str| {
        refuse(&world, BETA);
        check_exit(&world.run(&["apply", "--yes"]), 4);
        world.sandbox.set_faults(Vec::new());
        let told = stdout(&world.run(&["plan"]));
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = format!("which was not applied completely, reached {expected} ");
        assert!(told.contains(&expected), "{told}");
    };
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    world.account("beta", BETA, "company_name: Beta Two");
    world.commit("two");
    reached("1 object");
    // What was written is.
    template("192.0.2.2");
    world.commit("another template");
    reached("2 objects");
    world.apply();
    assert_eq!(world.server.value(WRITTEN), None);
}

/// A nightly job has a clone of its own, and no journal.
fn nightly(world: &World, name: &str) -> std::path::PathBuf {
    world.server.clone_as(name)
}

#[test]
fn what_a_partly_failed_apply_wrote_is_ours() {
    let world = partly();
    assert!(world.server.value(WRITTEN).is_some());
    // What is only not applied yet is no reason to be called at night.
    let clone = nightly(&world, "first-night");
    check_exit(&world.run_in(&clone, &["drift", "--only", "live"]), 0);

    // Somebody's edit on top of it is drift, and Git had no part in it.
    world.edit(ACME, "brandColor", "by hand");
    let drift = world.report_in(&clone, &["drift", "--only", "live"]);
    assert_eq!(differences(&drift), ["acme brandColor live"]);
    world.edit(ACME, "brandColor", "green");

    // The tree goes on: what is live is of the commit before, and nobody else's.
    world.account("acme", ACME, "company_name: Acme Voice, brandColor: blue");
    world.commit("blue, and nothing hidden");
    let clone = nightly(&world, "second-night");
    check_exit(&world.run_in(&clone, &["drift", "--only", "live"]), 0);
    let plan = world.report_in(&clone, &["plan"]);
    assert_eq!(
        differences(&plan),
        [
            "acme brandColor git",
            "acme hide_powered git",
            "beta company_name git"
        ]
    );
    let text = stdout(&world.run_in(&clone, &["plan"]));
    assert!(text.contains("from Git, partly applied"), "{text}");
    assert!(!text.contains("changed on the platform"), "{text}");

    // Both moved: told as such.
    world.edit(ACME, "brandColor", "by hand");
    let drift = world.report_in(&clone, &["drift", "--only", "live"]);
    assert_eq!(differences(&drift), ["acme brandColor both"]);
    world.edit(ACME, "brandColor", "green");

    // Once an apply completes, the base says it all.
    world.apply();
    assert_eq!(world.applied(), Some(world.head()));
    assert_eq!(world.server.value(WRITTEN), None);
    assert_eq!(world.live(ACME).unwrap()["brandColor"], "blue");
    assert_ne!(world.live(ACME).unwrap()["hide_powered"], true);
    check_exit(&world.run(&["drift"]), 0);
}

#[test]
fn going_back_to_the_base_is_a_change_from_git() {
    let world = partly();
    git(&world.clone, &["revert", "--no-edit", "HEAD"]);
    git(&world.clone, &["push", "--quiet", "origin", "HEAD:main"]);
    check_exit(&world.run(&["drift", "--only", "live"]), 0);
    let plan = world.report(&["plan"]);
    let told = ["acme brandColor git", "acme hide_powered git"];
    assert_eq!(differences(&plan), told);
    world.apply();
    assert_eq!(world.live(ACME).unwrap()["brandColor"], "red");
    assert_eq!(world.server.value(WRITTEN), None);
}

/// In CI the clone is shallow.
#[test]
fn a_shallow_clone_knows_what_was_written() {
    let world = partly();
    let clone = world.server.shallow_clone_as("shallow");
    let output = world.run_in(&clone, &["drift", "--only", "live"]);
    check_exit(&output, 0);
    assert!(
        !stdout(&output).contains("is not trusted"),
        "{}",
        stdout(&output)
    );
}

/// The first apply of all leaves the records out: there is no base, and what it wrote is known all the same.
#[test]
fn what_an_apply_without_records_wrote_is_ours() {
    let world = World::new();
    world.write(
        "domains.yaml",
        "template:\n  A:\n    \"us.{{domain}}\": { mapping: [192.0.2.1] }\n",
    );
    let acme = |company: &str| {
        world.write(
            "accounts/acme/account.yaml",
            &format!("account: {ACME}\nwhitelabel: {{ company_name: {company}, domain: acme.example.com }}\ndns: manage\n"),
        );
        world.commit(company)
    };
    acme("First");
    let output = world.run(&["apply", "--yes", "--skip-dns"]);
    check_exit(&output, 0);
    let told = stderr(&output);
    assert!(
        told.contains(
            "the base stays as it was: the records of managed accounts were left out (--skip-dns)"
        ),
        "{told}"
    );
    assert!(!told.contains("could not be read"), "{told}");
    assert_eq!(world.applied(), None);
    check_exit(&world.run(&["drift", "--only", "live", "--skip-dns"]), 0);

    acme("Second");
    let drift = world.run(&["drift", "--only", "live", "--skip-dns"]);
    check_exit(&drift, 0);
    check_exit(&world.run(&["apply", "--yes", "--skip-dns"]), 0);
    acme("Third");
    check_exit(&world.run(&["drift", "--only", "live", "--skip-dns"]), 0);
    world.edit(ACME, "company_name", "By hand");
    check_exit(&world.run(&["drift", "--only", "live", "--skip-dns"]), 2);
}

/// A job that is killed tells nobody what it wrote; but it said before what it was about to write.
#[test]
fn what_a_killed_run_may_have_written_is_ours_where_it_is_live() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Voice, brandColor: green");
    let killed = world.commit("green");
    announce(&world, &killed);
    // It came to the write before it was killed.
    world.edit(ACME, "brandColor", "green");
    world.account("acme", ACME, "company_name: Acme Voice, brandColor: blue");
    world.commit("blue");
    check_exit(&world.run(&["drift", "--only", "live"]), 0);
    // It never wrote this.
    world.edit(ACME, "brandColor", "by hand");
    let drift = world.report(&["drift", "--only", "live"]);
    assert_eq!(differences(&drift), ["acme brandColor both"]);
    // It did not come to the write: what is live is of the base.
    world.edit(ACME, "brandColor", "red");
    let plan = world.report(&["plan"]);
    assert_eq!(differences(&plan), ["acme brandColor git"]);
}

/// Says what a run of a commit may write, as it does before its first write.
fn announce(world: &World, commit: &str) {
    let mut written = reference(&world.clone);
    let keys = [ChangeKey::Setting("brandColor".into())];
    let parts = WrittenParts {
        perhaps: [(AccountName::new("acme"), keys.into())].into(),
        ..WrittenParts::default()
    };
    let base = Written {
        base: world.applied(),
        at: Vec::new(),
    };
    let announced = base.and(commit, parts);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime
        .block_on(written.announce(None, &announced, Timestamp::now(), true))
        .unwrap();
}

fn reference(folder: &Path) -> WrittenRef {
    let folder = Utf8PathBuf::from_path_buf(folder.to_path_buf()).unwrap();
    let clone = LocalClone::find(&folder).unwrap().unwrap();
    let remote = clone.remote(None).unwrap();
    WrittenRef::new(&folder, &ClusterName::new("production"), clone, remote)
}

/// A spoilt record says nothing: it is not believed, that is told, and a complete apply takes it away.
#[test]
fn a_spoilt_record_is_told_and_taken_away() {
    let world = partly();
    let spoil = |message: &str| {
        let tree = git(&world.clone, &["mktree"]);
        let id = git(&world.clone, &["commit-tree", &tree, "-m", message]);
        let refspec = format!("+{id}:{WRITTEN}");
        git(&world.clone, &["push", "--quiet", "origin", &refspec]);
    };
    let check = |why: &str| {
        let output = world.run(&["plan"]);
        check_exit(&output, 2);
        let text = stdout(&output).replace('\n', " ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains(&format!("{WRITTEN} is not trusted")),
            "{text}"
        );
        assert!(text.contains(why), "{text}");
    };
    spoil("nothing that anybody understands");
    check("expected ident");
    // What was never on the branch was never applied: nobody makes it so by pushing a ref.
    git(
        &world.clone,
        &["checkout", "--quiet", "--orphan", "elsewhere"],
    );
    world.account("acme", ACME, "company_name: Acme, theirs: kept");
    git(&world.clone, &["add", "--all"]);
    git(&world.clone, &["commit", "--quiet", "-m", "elsewhere"]);
    let orphan = world.head();
    git(&world.clone, &["checkout", "--quiet", "main"]);
    let forged = format!(
        "{{\"version\":1,\"cluster\":\"production\",\"base\":\"{}\",\"written\":[{{\"commit\":\"{orphan}\",\"accounts\":[\"acme\"]}}]}}",
        world.applied().unwrap()
    );
    spoil(&forged);
    check("history of commit");
    world.apply();
    assert_eq!(world.live(ACME).unwrap()["theirs"], "kept");
    assert_eq!(world.server.value(WRITTEN), None);
}

/// A restore writes what the tree does not say. It is emblazon's all the same, on every host, until the next apply;
/// what somebody changes on top of it is drift.
#[test]
fn what_a_restore_wrote_is_ours() {
    let world = World::new();
    let template = |address: &str| {
        let text =
            format!("template:\n  A:\n    \"us.{{{{domain}}}}\": {{ mapping: [{address}] }}\n");
        world.write("domains.yaml", &text);
    };
    template("192.0.2.1");
    world.commit("a template");
    world.apply();
    world.account(
        "acme",
        ACME,
        "company_name: Acme Two, brandColor: red, hide_powered: true",
    );
    world.write("accounts/beta/account.yaml", &format!("account: {BETA}\nwhitelabel: {{ company_name: Beta Two }}\nassets: {{ welcome: welcome.html }}\n"));
    world.write("accounts/beta/welcome.html", "<p>welcome</p>");
    template("192.0.2.2");
    world.commit("two");
    world.apply();
    let restore = ["restore", "last", "--yes"];
    check_exit(&world.run(&restore), 0);
    assert!(world.server.value(WRITTEN).is_some());

    let clone = nightly(&world, "first-night");
    check_exit(&world.run_in(&clone, &["drift", "--only", "live"]), 0);
    let plan = world.report_in(&clone, &["plan"]);
    let all = [
        "acme company_name git",
        "acme hide_powered git",
        "beta company_name git",
        "beta welcome git",
    ];
    assert_eq!(differences(&plan), all);
    let text = stdout(&world.run_in(&clone, &["plan"]));
    assert!(text.contains("a restore wrote 3 objects since"), "{text}");
    assert!(!text.contains("changed on the platform"), "{text}");

    // Somebody's edit on top of it is theirs, and no other key's matter.
    world.edit(ACME, "company_name", "By hand");
    let plan = world.report_in(&clone, &["plan"]);
    assert_eq!(
        differences(&plan),
        ["acme company_name live", all[1], all[2], all[3]]
    );

    // What the note says happens: the next apply writes it again, and nothing is remembered.
    world.apply();
    assert_eq!(world.server.value(WRITTEN), None);
    check_exit(&world.run(&["plan"]), 0);
    world.edit(ACME, "company_name", "Acme Voice");
    assert_eq!(
        differences(&world.report(&["plan"])),
        ["acme company_name live"],
        "whoever brings the old name back by hand is not the restore"
    );
}

/// The same for a whitelabel that the run made: it is gone again.
#[test]
fn a_whitelabel_that_a_restore_removed_is_ours() {
    let world = World::empty(2);
    let (first, second) = ("0".repeat(32), format!("{:032x}", 1));
    world.account("b0", &first, "company_name: One");
    world.commit("one");
    world.apply();
    world.account("b1", &second, "company_name: Two");
    world.commit("two");
    world.apply();
    check_exit(&world.run(&["restore", "last", "--yes"]), 0);
    assert_eq!(world.live(&second), None);
    check_exit(&world.run(&["drift", "--only", "live"]), 0);
    let plan = world.report(&["plan"]);
    let told = differences(&plan);
    assert!(
        told.iter()
            .all(|line| line.starts_with("b1 ") && line.ends_with(" git")),
        "{told:?}"
    );
    world.apply();
    check_exit(&world.run(&["plan"]), 0);
}

/// What the tree had dropped comes back by a restore, and goes again with the next apply, as the restore says.
#[test]
fn what_a_restore_brought_back_goes_again() {
    let world = World::new();
    world.account(
        "acme",
        ACME,
        "company_name: Acme, brandColor: red, nav: { help: \"https://acme.example\" }",
    );
    world.commit("with help");
    world.apply();
    world.account("acme", ACME, "company_name: Acme, brandColor: red");
    world.commit("without help");
    world.apply();
    check_exit(&world.run(&["restore", "last", "--yes"]), 0);
    assert_eq!(
        world.live(ACME).unwrap()["nav"]["help"],
        "https://acme.example"
    );
    check_exit(&world.run(&["drift", "--only", "live"]), 0);
    assert_eq!(differences(&world.report(&["plan"])), ["acme nav.help git"]);
    world.apply();
    assert_eq!(world.live(ACME).unwrap().get("nav"), None);
    assert_eq!(
        world.live(ACME).unwrap()["theirs"],
        "kept",
        "what is not ours stays"
    );
    check_exit(&world.run(&["plan"]), 0);
}

/// A value that the tree only mentioned, beside `ignore`, was never applied: it is a change from Git once it counts, and
/// what runs code then needs an approval.
#[test]
fn what_was_ignored_was_not_applied() {
    let world = World::new();
    world.apply();
    let declare = |ignore: &str| {
        let text = format!(
            "account: {BETA}\n{ignore}whitelabel: {{ company_name: Beta Two, includes: [\"https://evil.example/x.js\"] }}\n"
        );
        world.write("accounts/beta/account.yaml", &text);
    };
    declare("ignore: [whitelabel.includes, whitelabel.company_name]\n");
    world.commit("mention");
    world.apply();
    declare("");
    world.commit("count");
    let all = ["beta company_name git", "beta includes git"];
    assert_eq!(differences(&world.report(&["plan"])), all);
    check_exit(&world.run(&["drift", "--only", "live"]), 0);
    check_exit(&world.run(&["apply", "--yes"]), 5);
    assert_eq!(world.live(BETA).unwrap().get("includes"), None);
}
