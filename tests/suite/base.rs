//! The base from Git, as users meet it: real repositories, a platform, and the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use emblazon::apply::lease::{Attempt, Claim, GitLease, Lease as _, LeaseScope};
use emblazon::apply::remote::Swap;
use emblazon::model::ClusterName;
use emblazon::sandbox::{Options, Profile, Sandbox, Seed};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::{check_exit, emblazon, stderr, stdout};
use crate::git::{Server, environment, git, remote, write};

pub(crate) const ACME: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const BETA: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
pub(crate) const APPLIED: &str = "refs/emblazon/production/applied";
const LEASE: &str = "refs/emblazon/production/lease";

/// A platform, a Git server, and a clone with a tree that is committed and pushed.
pub(crate) struct World {
    runtime: tokio::runtime::Runtime,
    pub(crate) sandbox: Sandbox,
    pub(crate) server: Server,
    pub(crate) clone: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self::seeded(&format!(
            "accounts:
  - name: Master
  - {{ name: Acme, id: {ACME}, realm: acme.sip.example.com, whitelabel: {{ company_name: Acme, theirs: kept }} }}
  - {{ name: Beta, id: {BETA}, realm: beta.sip.example.com, whitelabel: {{ company_name: Beta }} }}
"
        ));
        world.account("acme", ACME, "company_name: Acme Voice, brandColor: red");
        world.account("beta", BETA, "company_name: Beta Voice");
        world.commit("begin");
        world
    }

    /// Begins with some accounts that have no whitelabel, and a tree without accounts.
    pub(crate) fn empty(accounts: usize) -> Self {
        let accounts =
            (0..accounts).map(|number| format!("  - {{ name: B{number}, id: {number:032x} }}\n"));
        let accounts: String = accounts.collect();
        Self::seeded(&format!("accounts:\n  - name: Master\n{accounts}"))
    }

    fn seeded(seed: &str) -> Self {
        Self::seeded_on(Profile::Master, seed)
    }

    /// Begins with a platform of some version, and a tree without accounts.
    pub(crate) fn seeded_on(profile: Profile, seed: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let seed = Seed::parse(seed, Path::new(".")).unwrap();
        let options = Options {
            profile,
            ..Options::seeded(seed)
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let server = Server::new();
        let clone = server.clone_as("ops");
        let world = Self {
            runtime,
            sandbox,
            server,
            clone,
        };
        world.write(
            "emblazon.yaml",
            "clusters: { production: {} }\nextra_keys: [theirs]\n",
        );
        world.write(".gitignore", ".emblazon/\n.cache/\n");
        world
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write(&self.clone, name, text);
    }

    pub(crate) fn account(&self, name: &str, identity: &str, whitelabel: &str) {
        self.write(
            &format!("accounts/{name}/account.yaml"),
            &format!("account: {identity}\nwhitelabel: {{ {whitelabel} }}\n"),
        );
    }

    /// Commits and pushes all that there is, and returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        git(&self.clone, &["add", "--all"]);
        git(&self.clone, &["commit", "--quiet", "-m", message]);
        git(&self.clone, &["push", "--quiet", "origin", "HEAD:main"]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        git(&self.clone, &["rev-parse", "HEAD"])
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_in(&self.clone, arguments)
    }

    pub(crate) fn run_in(&self, clone: &Path, arguments: &[&str]) -> Output {
        self.command(clone, arguments).output().unwrap()
    }

    /// Prepares a command, for processes that run at the same time.
    pub(crate) fn command(&self, clone: &Path, arguments: &[&str]) -> Command {
        let mut command = emblazon(clone);
        command
            .envs(environment(clone))
            .args(arguments)
            .env("EMBLAZON_API", self.sandbox.url())
            .env("EMBLAZON_API_KEY", self.sandbox.api_key());
        command
    }

    pub(crate) fn report(&self, arguments: &[&str]) -> Value {
        self.report_in(&self.clone, arguments)
    }

    pub(crate) fn report_in(&self, clone: &Path, arguments: &[&str]) -> Value {
        let output = self.run_in(clone, &[arguments, &["--format", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}{}", stdout(&output), stderr(&output));
        })
    }

    /// Changes a key as somebody would by hand.
    pub(crate) fn edit(&self, account: &str, key: &str, value: &str) {
        self.sandbox.world().edit_settings(account, |settings| {
            settings.insert(key.to_owned(), json!(value));
        });
    }

    pub(crate) fn live(&self, account: &str) -> Option<Value> {
        let read = async {
            let key = emblazon::live::Credential::ApiKey(emblazon::model::Secret::new(
                self.sandbox.api_key(),
            ));
            let config = emblazon::live::ClientConfig::new(self.sandbox.url(), key);
            let client = emblazon::live::ReadClient::connect(config).await.unwrap();
            let id = emblazon::model::AccountId::parse(account).unwrap();
            client.whitelabel(&id).await.unwrap()
        };
        let document = self.runtime.block_on(read)?;
        Some(Value::Object(document.settings.as_object().clone()))
    }

    /// Takes a lease as somebody elsewhere.
    pub(crate) fn hold(&self, scope: LeaseScope) -> GitLease {
        let remote = remote(&self.server.clone_as("elsewhere"));
        let mut lease = GitLease::new(remote, scope, Arc::new(Timestamp::now));
        let claim = Claim {
            holder: "ann@elsewhere".to_owned(),
            purpose: "apply".to_owned(),
            term: std::time::Duration::from_mins(10),
        };
        let taken = self.runtime.block_on(lease.attempt(&claim)).unwrap();
        assert!(matches!(taken, Attempt::Taken { .. }));
        lease
    }

    pub(crate) fn applied(&self) -> Option<String> {
        self.server.value(APPLIED)
    }

    #[track_caller]
    pub(crate) fn apply(&self) -> Output {
        let output = self.run(&["apply", "--yes"]);
        check_exit(&output, 0);
        output
    }
}

/// Lists what differs as `account key direction`.
pub(crate) fn differences(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let accounts = report["accounts"].as_array().unwrap();
    accounts
        .iter()
        .flat_map(|account| {
            let changes = account["changes"].as_array().unwrap();
            changes.iter().map(|change| {
                let key = text(&change["key"]);
                format!(
                    "{} {key} {}",
                    text(&account["name"]),
                    text(&change["direction"])
                )
            })
        })
        .collect()
}

#[test]
fn the_ref_moves_after_a_complete_apply_only() {
    let world = World::new();
    let first = world.head();
    let plan = world.report(&["plan"]);
    assert_eq!(plan["base"]["state"], "no_ref");
    assert_eq!(differences(&plan)[0], "acme brandColor -");
    let output = world.apply();
    assert!(
        stderr(&output).contains("is the base from now on"),
        "{}",
        stderr(&output)
    );
    assert_eq!(world.applied(), Some(first.clone()));
    assert_eq!(world.server.value(LEASE), None, "the lease is given back");
    let plan = world.report(&["plan"]);
    assert_eq!(plan["base"]["state"], "known");
    assert_eq!(plan["base"]["commit"], json!(first));

    // Not from a work tree that is no commit's …
    world.account("acme", ACME, "company_name: Not committed, brandColor: red");
    let output = world.apply();
    assert!(
        stderr(&output).contains("commit the changes"),
        "{}",
        stderr(&output)
    );
    // It is said before anybody agrees to it, too.
    let plan = stdout(&output);
    assert!(plan.contains("does not become the base"), "{plan}");
    assert_eq!(world.applied(), Some(first.clone()));
    // … but from the commit that is named, whatever the work tree holds.
    let second = world.commit("change");
    world.account(
        "acme",
        ACME,
        "company_name: Something else, brandColor: red",
    );
    check_exit(&world.run(&["apply", "--yes", "--rev", "HEAD"]), 0);
    assert_eq!(world.applied(), Some(second.clone()));
    git(&world.clone, &["checkout", "--quiet", "."]);

    // Not when a guard refused something.
    world.write(
        "accounts/beta/account.yaml",
        &format!("account: {BETA}\nwhitelabel: null\n"),
    );
    world.commit("delete beta");
    check_exit(&world.run(&["apply", "--yes"]), 5);
    assert_eq!(world.applied(), Some(second.clone()));
    // Not on a sandbox, which is nobody's cluster.
    world.write("sandbox.yaml", "accounts: [{ name: Master }]\n");
    world.run(&["apply", "--sandbox"]);
    assert_eq!(world.applied(), Some(second.clone()));
    // Not on another platform than the tree's.
    world.write(
        "emblazon.yaml",
        "clusters: { production: { api: \"https://kazoo.example.com\" } }\n",
    );
    world.commit("declare the API");
    check_exit(&world.run(&["apply", "--yes", "--prune"]), 0);
    assert_eq!(world.applied(), Some(second));
    assert_eq!(world.report(&["plan"])["base"]["state"], "other_platform");
}

#[test]
fn drift_tells_who_moved() {
    let world = World::new();
    world.apply();
    world.edit(ACME, "brandColor", "blue");
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    world.account("beta", BETA, "company_name: Beta Two");
    world.edit(BETA, "company_name", "By hand");
    world.commit("rename both");
    let all = [
        "acme brandColor live",
        "acme company_name git",
        "beta company_name both",
    ];
    assert_eq!(differences(&world.report(&["plan"])), all);
    assert_eq!(differences(&world.report(&["drift"])), all);
    let live = world.report(&["drift", "--only", "live"]);
    assert_eq!(
        differences(&live),
        ["acme brandColor live", "beta company_name both"]
    );
    let git_only = world.report(&["drift", "--only", "git"]);
    assert_eq!(
        differences(&git_only),
        ["acme company_name git", "beta company_name both"]
    );
    let text = stdout(&world.run(&["drift"]));
    for words in [
        "changed on the platform",
        "in Git, not applied yet",
        "and in Git",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // What is only not applied yet is no reason to be called at night.
    world.edit(ACME, "brandColor", "red");
    world.edit(BETA, "company_name", "Beta Voice");
    check_exit(&world.run(&["drift", "--only", "live"]), 0);
    check_exit(&world.run(&["drift", "--only", "git"]), 2);
    // Without a base nothing is left out, and that is said.
    let blind = world.run(&["drift", "--only", "live", "--rev", "HEAD", "--no-fetch"]);
    check_exit(&blind, 0);
    git(&world.clone, &["update-ref", "-d", APPLIED]);
    let blind = world.run(&["drift", "--only", "live", "--no-fetch"]);
    check_exit(&blind, 2);
    assert!(
        stdout(&blind).contains("--only has no effect"),
        "{}",
        stdout(&blind)
    );
}

#[test]
fn what_the_tree_drops_is_removed_when_the_base_proves_it() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Voice");
    world.commit("drop the colour");
    // Without a base it is kept.
    git(&world.clone, &["update-ref", "-d", APPLIED]);
    check_exit(&world.run(&["plan", "--no-fetch"]), 0);
    assert_eq!(
        differences(&world.report(&["plan"])),
        ["acme brandColor git"]
    );
    // It can be let go of.
    let forget = ["plan", "--forget", "acme:whitelabel.brandColor"];
    check_exit(&world.run(&forget), 0);
    check_exit(
        &world.run(&["plan", "--forget", "acme:whitelabel.company_name"]),
        64,
    );
    check_exit(&world.run(&["plan", "--forget", "nobody"]), 64);
    world.apply();
    let live = world.live(ACME).unwrap();
    assert_eq!(live.get("brandColor"), None);
    assert_eq!(live["theirs"], "kept");
}

#[test]
fn a_removed_account_is_deleted_with_prune_and_proof_only() {
    let world = World::new();
    let first = world.head();
    world.apply();
    std::fs::remove_dir_all(world.clone.join("accounts/beta")).unwrap();
    let second = world.commit("beta leaves");
    // Without a base nobody can tell that it was ours.
    check_exit(
        &world.run(&["plan", "--prune", "--no-fetch", "--remote", "origin"]),
        2,
    );
    git(&world.clone, &["update-ref", "-d", APPLIED]);
    check_exit(&world.run(&["plan", "--prune", "--no-fetch"]), 0);

    let output = world.run(&["plan"]);
    check_exit(&output, 5);
    let text = stdout(&output);
    for words in [
        "the whitelabel of beta would be deleted",
        "--prune",
        "--forget beta",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    check_exit(&world.run(&["apply", "--yes"]), 5);
    assert!(world.live(BETA).is_some());
    assert_eq!(world.applied(), Some(first));
    check_exit(&world.run(&["plan", "--forget", "beta"]), 0);
    check_exit(&world.run(&["apply", "--yes", "--prune"]), 0);
    assert_eq!(world.live(BETA), None);
    assert!(world.live(ACME).is_some());
    assert_eq!(world.applied(), Some(second));
    check_exit(&world.run(&["plan", "--prune"]), 0);
}

/// An account that only changed its folder and the way it is named is the same account.
#[test]
fn a_renamed_account_is_not_a_removed_one() {
    let world = World::new();
    world.apply();
    std::fs::remove_dir_all(world.clone.join("accounts/beta")).unwrap();
    world.write(
        "accounts/zeta/account.yaml",
        "realm: beta.sip.example.com\nwhitelabel: { company_name: Beta Voice }\n",
    );
    world.commit("rename beta");
    check_exit(&world.run(&["plan", "--prune"]), 0);
    check_exit(&world.run(&["apply", "--yes", "--prune"]), 0);
    assert!(world.live(BETA).is_some());
}

#[test]
fn an_emptied_tree_deletes_nothing() {
    let world = World::new();
    world.apply();
    std::fs::remove_dir_all(world.clone.join("accounts")).unwrap();
    world.commit("all gone");
    check_exit(&world.run(&["apply", "--yes", "--prune"]), 5);
    assert!(world.live(ACME).is_some() && world.live(BETA).is_some());
}

#[test]
fn each_way_in_which_a_base_can_be_missing_is_told() {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    world.commit("change");

    // A shallow clone, as CI makes it: with the remote it knows, without it says what gets it.
    let shallow = world.server.shallow_clone_as("ci");
    let blind = world.report_in(&shallow, &["plan", "--no-fetch"]);
    assert_eq!(blind["base"]["state"], "shallow_missing");
    let message = blind["base"]["message"].as_str().unwrap();
    let command = message.split('`').nth(1).unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    git(&shallow, &words);
    let seen = world.report_in(&shallow, &["plan", "--no-fetch"]);
    assert_eq!(seen["base"]["state"], "known", "{seen}");
    assert_eq!(differences(&seen), ["acme company_name git"]);
    let fresh = world.server.shallow_clone_as("ci2");
    let seen = world.report_in(&fresh, &["plan"]);
    assert_eq!(seen["base"]["state"], "known");
    let depth = git(&fresh, &["rev-list", "--count", "HEAD"]);
    assert_eq!(depth, "1", "the clone is as shallow as before");

    // A whole clone stays whole.
    let whole = world.server.clone_as("whole");
    assert_eq!(world.report_in(&whole, &["plan"])["base"]["state"], "known");
    assert_eq!(
        git(&whole, &["rev-parse", "--is-shallow-repository"]),
        "false"
    );

    // The ref names something that is no tree any more.
    let empty = git(&world.clone, &["rev-parse", "HEAD~2"]);
    git(
        &world.clone,
        &[
            "push",
            "--quiet",
            "--force",
            "origin",
            &format!("{empty}:{APPLIED}"),
        ],
    );
    let broken = world.report(&["plan"]);
    assert_eq!(broken["base"]["state"], "no_longer_parses");
    assert_eq!(differences(&broken), ["acme company_name -"]);
    // A complete apply fixes it.
    world.apply();
    assert_eq!(world.applied(), Some(world.head()));

    // The ref was lost on the remote: what this clone remembers may be old, so nothing is removed by it.
    git(
        &world.clone,
        &["push", "--quiet", "origin", &format!(":{APPLIED}")],
    );
    assert_eq!(world.report(&["plan"])["base"]["state"], "no_ref");
    world.apply();
    assert_eq!(world.applied(), Some(world.head()));

    // The remote cannot be asked.
    let url = git(&world.clone, &["remote", "get-url", "origin"]);
    git(
        &world.clone,
        &["remote", "set-url", "origin", "file:///nowhere.git"],
    );
    assert_eq!(world.report(&["plan"])["base"]["state"], "not_fetched");
    check_exit(&world.run(&["apply", "--yes"]), 1);
    check_exit(&world.run(&["plan", "--remote", "nobody"]), 64);
    // A lease of this host alone does not need the remote, but without the base a change by hand would be overwritten.
    let unasked = world.run(&["apply", "--yes", "--no-push"]);
    check_exit(&unasked, 5);
    let told = stderr(&unasked);
    assert!(
        told.contains("the remote could not be asked for the last applied commit"),
        "{told}"
    );
    assert!(
        told.contains("`--no-fetch` relies on what this clone has"),
        "{told}"
    );
    check_exit(
        &world.run(&["apply", "--yes", "--no-push", "--no-fetch"]),
        0,
    );
    git(&world.clone, &["remote", "set-url", "origin", &url]);

    // No repository, and nothing to say about it.
    let plain = tempfile::tempdir().unwrap();
    write(
        plain.path(),
        "emblazon.yaml",
        "clusters: { production: {} }\n",
    );
    let acme = format!("account: {ACME}\nwhitelabel: {{ company_name: Acme Two }}\n");
    write(plain.path(), "accounts/acme/account.yaml", &acme);
    let report = world.report_in(plain.path(), &["plan"]);
    assert_eq!(report["base"]["state"], "not_a_git_repository");
    let text = stdout(&world.run_in(plain.path(), &["plan"]));
    assert!(!text.contains("base:"), "{text}");
}

/// A branch that was rewritten does no harm: the ref keeps the commit that was applied, which is not in the new history.
#[test]
fn a_force_pushed_branch_does_no_harm() {
    let world = World::new();
    let first = world.head();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Two, brandColor: red");
    git(&world.clone, &["add", "--all"]);
    git(
        &world.clone,
        &["commit", "--quiet", "--amend", "-m", "another history"],
    );
    git(
        &world.clone,
        &["push", "--quiet", "--force", "origin", "HEAD:main"],
    );
    let other = world.server.clone_as("other");
    let plan = world.report_in(&other, &["plan"]);
    assert_eq!(plan["base"]["commit"], json!(first));
    assert_eq!(plan["base"]["state"], "not_in_history");
    assert_eq!(differences(&plan), ["acme company_name -"]);
    check_exit(&world.run_in(&other, &["apply", "--yes"]), 0);
    assert_eq!(world.applied(), Some(world.head()));
}

#[test]
fn a_ref_moves_only_from_where_it_was_seen() {
    let world = World::new();
    let first = world.head();
    world.account("acme", ACME, "company_name: Acme Two");
    let second = world.commit("change");
    let clone = remote(&world.clone);
    let swap = |old, new| {
        world
            .runtime
            .block_on(clone.swap(APPLIED, old, new))
            .unwrap()
    };
    assert_eq!(swap(None, Some(first.as_str())), Swap::Done);
    assert_eq!(swap(None, Some(second.as_str())), Swap::Moved);
    assert_eq!(swap(Some(second.as_str()), None), Swap::Moved);
    assert_eq!(
        swap(Some(first.as_str()), Some(second.as_str())),
        Swap::Done
    );
    // Back again, as after a rollback; and an answer that was lost is found out.
    assert_eq!(
        swap(Some(second.as_str()), Some(first.as_str())),
        Swap::Done
    );
    assert_eq!(
        swap(Some(second.as_str()), Some(first.as_str())),
        Swap::Done
    );
    assert_eq!(swap(Some(first.as_str()), None), Swap::Done);
    assert_eq!(world.applied(), None);
}

#[test]
fn without_pushing_the_ref_stays_in_the_clone() {
    let world = World::new();
    check_exit(
        &world.run(&["apply", "--yes", "--no-push", "--no-fetch"]),
        0,
    );
    assert_eq!(world.applied(), None);
    assert_eq!(git(&world.clone, &["rev-parse", APPLIED]), world.head());
}

#[test]
fn one_writer_at_a_time() {
    let world = World::new();
    let cluster = ClusterName::new("production");
    let claim = Claim {
        holder: "ann@elsewhere".to_owned(),
        purpose: "apply".to_owned(),
        term: std::time::Duration::from_mins(10),
    };
    let lease = |name: &str, now: fn() -> Timestamp| {
        GitLease::new(
            remote(&world.server.clone_as(name)),
            LeaseScope::new(&cluster, None),
            Arc::new(now),
        )
    };
    let mut theirs = lease("elsewhere", Timestamp::now);
    let taken = world.runtime.block_on(theirs.attempt(&claim)).unwrap();
    assert!(matches!(taken, Attempt::Taken { .. }));
    let output = world.run(&["apply", "--yes"]);
    check_exit(&output, 5);
    assert!(
        stderr(&output).contains("ann@elsewhere (apply) since"),
        "{}",
        stderr(&output)
    );
    assert_eq!(world.sandbox.counts().mutating, 0);
    check_exit(&world.run(&["plan"]), 2);
    world.runtime.block_on(theirs.release()).unwrap();

    // One that expired is taken over, and that is said.
    let mut dead = lease("dead", || Timestamp::UNIX_EPOCH);
    world.runtime.block_on(dead.attempt(&claim)).unwrap();
    let output = world.apply();
    let talk = stderr(&output);
    assert!(
        talk.contains("took over the lease of ann@elsewhere"),
        "{talk}"
    );
    assert_eq!(world.server.value(LEASE), None);
}
