//! The commands that work on a platform, as their users start them: against the sandbox in their own process, and
//! against one in this process, which they know by its URL only.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use emblazon::sandbox::{Counts, Options, Sandbox, Seed};
use serde_json::{Value, json};

use crate::cli::{check_exit, emblazon, run, stderr, stdout, write};
use crate::git::git;
use crate::platform::Platform;
use crate::source_text::top;

/// A platform in this process and a tree for it.
pub(crate) struct World {
    runtime: tokio::runtime::Runtime,
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) const ACME: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            "emblazon.yaml",
            "clusters:\n  production: { api: \"https://api.example.com\" }\n",
        );
        write(
            folder.path(),
            "accounts/acme/account.yaml",
            &format!(
                "account: {ACME}\nwhitelabel:\n  company_name: Acme Voice\n  domain: acme.example.com\n"
            ),
        );
        let seed = format!(
            "accounts:\n  - name: Master\n  - name: Acme\n    id: {ACME}\n    whitelabel: {{ company_name: Acme, domain: acme.example.com, brandColor: red }}\n"
        );
        let seed = Seed::parse(&seed, folder.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime
            .block_on(Sandbox::start(Options::seeded(seed)))
            .unwrap();
        Self {
            runtime,
            sandbox,
            folder,
        }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_key(self.sandbox.api_key(), arguments)
    }

    fn run_with_key(&self, key: &str, arguments: &[&str]) -> Output {
        emblazon(self.folder.path())
            .args(arguments)
            .env("EMBLAZON_API", self.sandbox.url())
            .env("EMBLAZON_API_KEY", key)
            .output()
            .unwrap()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.sandbox.counts()
    }

    /// Changes a key as somebody would by hand.
    pub(crate) fn edit(&self, key: &str, value: &str) {
        self.sandbox.world().edit_settings(ACME, |settings| {
            settings.insert(key.to_owned(), json!(value));
        });
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.sandbox.stop());
    }
}

pub(crate) fn json_report(output: &Output) -> Value {
    let report: Value = serde_json::from_str(&stdout(output)).unwrap();
    fits("report.schema.json", &report);
    report
}

/// Holds a value against a schema of the repository.
#[track_caller]
pub(crate) fn fits(schema: &str, value: &Value) {
    let schema = fs::read_to_string(top().join("schemas").join(schema)).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

/// Invariant 2: 2 with changes pending, 0 without, and in both cases not one mutating request.
#[test]
fn plan_sends_no_mutating_request() {
    let world = World::new();
    let output = world.run(&["plan"]);
    check_exit(&output, 2);
    assert!(
        stdout(&output).contains("\"Acme\" -> \"Acme Voice\""),
        "{}",
        stdout(&output)
    );
    assert_eq!(world.counts().mutating, 0);
    world.edit("company_name", "Acme Voice");
    check_exit(&world.run(&["plan"]), 0);
    check_exit(&world.run(&["drift"]), 0);
    assert_eq!(world.counts().mutating, 0);
    world.stop();
}

/// A hand edit is found, and told with account, key and both values.
#[test]
fn drift_after_a_hand_edit() {
    let world = World::new();
    check_exit(&world.run(&["apply", "--yes"]), 0);
    world.edit("company_name", "Hacked\u{1b}[2J");
    let written = world.counts().mutating;
    let output = world.run(&["drift"]);
    check_exit(&output, 2);
    insta::assert_snapshot!(stdout(&output), @r#"
    acme  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      Acme Voice · acme.example.com: company name
      ~ whitelabel.company_name  live "Hacked\u{1b}[2J"  tree "Acme Voice"
          (accounts/acme/account.yaml:3:17)

    base: --api names another platform than the tree, which no commit was applied to
    note: no applied commit is known: what the tree no longer declares cannot be determined, and is kept

    Drift: 1 account on production not matching the tree
    "#);
    let report = json_report(&world.run(&["drift", "--format", "json"]));
    let change = &report["accounts"][0]["changes"][0];
    assert_eq!(report["accounts"][0]["name"], "acme");
    assert_eq!(change["key"], "company_name");
    assert_eq!(change["before"]["value"], "Hacked\u{1b}[2J");
    assert_eq!(change["after"]["value"], "Acme Voice");
    assert_eq!(world.counts().mutating, written);
    world.stop();
}

/// Somebody deleted a whole whitelabel: its keys and assets are not told one by one.
#[test]
fn drift_after_a_deletion_by_hand() {
    let platform = Platform::renamed("ab", "{}");
    let api = platform.sandbox.url();
    let config = format!("clusters: {{production: {{api: \"{api}\"}}}}\n");
    platform.write("emblazon.yaml", &config);
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "x"]] {
        git(platform.folder(), arguments);
    }
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    let id = platform
        .sandbox
        .world()
        .account_named("a")
        .unwrap()
        .id
        .clone();
    platform.sandbox.world().delete_whitelabel(&id);
    let drift = platform.run(&["drift", "--skip-dns"]);
    check_exit(&drift, 2);
    insta::assert_snapshot!(stdout(&drift), @"
    a  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      brand missing
      ! The brand is missing: its customers see the platform's own brand.
      ~ whitelabel  the whole whitelabel is gone
          changed on the platform  (accounts/a/account.yaml:1:10)

    Drift: 1 account on production not matching the tree; 1 in sync
    ");
    platform.stop();
}

/// Warnings about accounts that stay as they are are counted, and `-v` shows them.
#[test]
fn a_plan_warns_of_what_changes() {
    let platform = Platform::renamed("ab", "{}");
    for name in ['a', 'b'] {
        platform.declare(name, "whitelabel: {company_name: new, brandColor: tomatoe}");
    }
    check_exit(&platform.run(&["apply", "--yes"]), 0);
    platform.declare(
        'b',
        "whitelabel: {company_name: newer, brandColor: tomatoe}",
    );
    let plan = platform.run(&["plan", "--skip-dns"]);
    check_exit(&plan, 2);
    let plan = stdout(&plan);
    assert!(plan.contains("accounts/b/account.yaml:2:"), "{plan}");
    assert_eq!(plan.matches("is not a colour").count(), 1, "{plan}");
    let note = "note: 1 warning about what does not differ; `-v` shows it\n";
    assert!(plan.contains(note), "{plan}");
    let whole = stdout(&platform.run(&["plan", "--skip-dns", "-v"]));
    assert_eq!(whole.matches("is not a colour").count(), 2, "{whole}");
    platform.stop();
}

#[test]
fn apply_then_plan_is_empty() {
    let world = World::new();
    let output = world.run(&["apply", "--yes", "--format", "json"]);
    check_exit(&output, 0);
    let report = json_report(&output);
    assert_eq!(report["accounts"][0]["status"], "done");
    let plan = world.run(&["plan"]);
    check_exit(&plan, 0);
    let public = world.sandbox.world().document(ACME).unwrap().public();
    assert_eq!(public["brandColor"], "red");
    assert_eq!(public["company_name"], "Acme Voice");
    assert!(
        world.folder.path().join(".emblazon").is_dir(),
        "what was there before is kept"
    );
    world.stop();
}

/// Where nobody can be asked, nothing is applied without `--yes`.
#[test]
fn apply_does_not_guess_consent() {
    let world = World::new();
    let output = world.run(&["apply"]);
    check_exit(&output, 64);
    assert!(stderr(&output).contains("--yes"));
    assert_eq!(world.counts().total, 0);
    world.stop();
}

/// A login that is refused is a failure with advice, and the key is in no output.
#[test]
fn a_refused_login_fails() {
    let world = World::new();
    let canary = "canary-0123456789-0123456789-0123456789-0123456789-0123456789-012";
    for command in ["plan", "drift"] {
        let output = world.run_with_key(canary, &[command, "-vvv"]);
        check_exit(&output, 1);
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).contains("error: "), "{}", stderr(&output));
        let origin = "; it came from environment variable EMBLAZON_API_KEY";
        assert!(stderr(&output).contains(origin), "{}", stderr(&output));
        assert!(!stderr(&output).contains("canary"), "{}", stderr(&output));
    }
    world.stop();
}

/// Invariant 9: neither the key nor a token leaves, whatever is asked for.
#[test]
fn no_secret_leaves() {
    let world = World::new();
    let key = world.sandbox.api_key().to_owned();
    for arguments in [
        ["plan", "-vvv"].as_slice(),
        &["apply", "--yes", "-vvv", "--output", "json=apply.json"],
        &["drift", "-vvv", "--format", "json"],
    ] {
        let output = world.run(arguments);
        check_exit(&output, if arguments[0] == "plan" { 2 } else { 0 });
        for text in [stdout(&output), stderr(&output)] {
            assert!(!text.contains(&key), "{arguments:?}: {text}");
            assert!(!text.contains("eyJ"), "a token in {arguments:?}: {text}");
        }
    }
    for (path, text) in files(world.folder.path()) {
        assert!(!text.contains(&key), "{path}");
        assert!(!text.contains("eyJ"), "{path}");
    }
    world.stop();
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            found.insert(path.display().to_string(), text);
        }
    }
    found
}

/// What could not be read is unknown: no change, no success either.
#[test]
fn an_unreadable_account_is_6() {
    let world = World::new();
    world.edit("company_name", "Acme Voice");
    let faults = "- { method: GET, path: \"/v2/accounts/*/whitelabel\", times: 1000, fault: { status: 500 } }\n";
    world
        .sandbox
        .set_faults(emblazon::sandbox::Fault::parse_list(faults).unwrap());
    let output = world.run(&["plan"]);
    check_exit(&output, 6);
    assert!(
        stdout(&output).contains("could not be checked\n  acme: "),
        "{}",
        stdout(&output)
    );
    world.stop();
}

/// Deleting a whitelabel is refused unless it is asked for by name.
#[test]
fn a_guard_is_5() {
    let world = World::new();
    write(
        world.folder.path(),
        "accounts/acme/account.yaml",
        &format!("account: {ACME}\nwhitelabel: null\n"),
    );
    let output = world.run(&["plan"]);
    check_exit(&output, 5);
    assert!(stdout(&output).contains("help: "), "{}", stdout(&output));
    check_exit(&world.run(&["apply", "--yes"]), 5);
    assert_eq!(world.counts().mutating, 0);
    check_exit(&world.run(&["plan", "--prune"]), 2);
    check_exit(&world.run(&["apply", "--prune", "--yes"]), 0);
    assert!(world.sandbox.world().document(ACME).is_none());
    world.stop();
}

/// The README's command: plan shown, applied, read back, second plan empty.
#[test]
fn the_quickstart_is_applied_on_the_sandbox() {
    let output = run(&top(), &["apply", "--sandbox", "examples/quickstart"]);
    check_exit(&output, 0);
    let text = stdout(&output);
    let steps: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("done "))
        .collect();
    assert!(steps.len() > 10, "{text}");
    assert!(
        text.contains(&format!("Applied: {0} of {0} steps", steps.len())),
        "{text}"
    );
    assert!(
        text.ends_with("Planned again:\nPlan: nothing to do; 6 in sync\n"),
        "{text}"
    );
    assert!(!top().join("examples/quickstart/.emblazon").exists());
}

#[test]
fn a_plan_on_the_sandbox_sends_nothing_that_writes() {
    let output = run(
        &top(),
        &[
            "plan",
            "--sandbox",
            "--format",
            "json",
            "examples/quickstart",
        ],
    );
    check_exit(&output, 2);
    let report = json_report(&output);
    assert_eq!(report["requests"]["writing"], 0);
    assert_eq!(report["cluster"], "production");
    assert_eq!(report["unmanaged"]["accounts"][0]["name"], "Echo Labs");
    assert_eq!(report["unmanaged"]["covered_percent"], 83);
}
