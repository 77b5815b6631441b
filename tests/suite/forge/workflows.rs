//! The workflows of `examples/github`, run step by step: real bash, the real command, a platform, and a forge's
//! stand-in.

use std::fs;
use std::path::PathBuf;

use emblazon::forge::ForgeKind;
use serde_json::json;
use tokio::runtime::Runtime;

use super::runner::Runner;
use super::server::{ME, Server};
use crate::base::{ACME, BETA, World};
use crate::cli::check_exit;
use crate::git::git;

struct Stage {
    world: World,
    forge: Server,
    _runtime: Runtime,
}

impl Stage {
    /// A tree that was applied, and a forge that knows of nothing.
    fn new() -> Self {
        Self::on(ForgeKind::Github)
    }

    fn on(kind: ForgeKind) -> Self {
        let world = World::new();
        check_exit(&world.run(&["apply", "--yes"]), 0);
        let runtime = Runtime::new().unwrap();
        let forge = runtime.block_on(Server::start(kind));
        Self {
            world,
            forge,
            _runtime: runtime,
        }
    }

    /// Commits what changed as pull request 12.
    fn push(&self) -> String {
        git(&self.world.clone, &["add", "--all"]);
        git(&self.world.clone, &["commit", "--quiet", "-m", "change"]);
        git(
            &self.world.clone,
            &[
                "push",
                "--quiet",
                "--force",
                "origin",
                "HEAD:refs/pull/12/head",
            ],
        );
        let head = self.world.head();
        self.forge.world().head.clone_from(&head);
        head
    }

    fn merge(&self) {
        git(
            &self.world.clone,
            &["push", "--quiet", "origin", "HEAD:main"],
        );
        self.forge.world().merged = Some(12);
    }

    /// A runner in a checkout of its own.
    fn runner(&self, name: &str, reference: &str, event: &str) -> Runner {
        let checkout: PathBuf = self.world.server.clone_as(name);
        git(&checkout, &["fetch", "--quiet", "origin", reference]);
        git(
            &checkout,
            &["checkout", "--quiet", "--detach", "FETCH_HEAD"],
        );
        let head = git(&checkout, &["rev-parse", "HEAD"]);
        let mut runner = Runner::new(&checkout);
        for (name, value) in [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", &self.forge.url()),
            ("GITHUB_REPOSITORY", "acme/brands"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", &reference.replace("/head", "/merge")),
            ("GITHUB_SHA", &head),
            ("EMBLAZON_API", &self.world.sandbox.url()),
        ] {
            runner.environment.insert(name.to_owned(), value.to_owned());
        }
        for (name, value) in [
            ("secrets.KAZOO_API_KEY", self.world.sandbox.api_key()),
            ("github.token", "canary-token"),
            ("vars.EMBLAZON_TRUST", ""),
            ("github.event.pull_request.head.sha", &head),
            ("github.event.workflow_run.head_sha", &head),
        ] {
            runner.names.insert(name.to_owned(), value.to_owned());
        }
        runner
    }

    /// Returns the folder of another clone.
    fn folder(&self, name: &str) -> PathBuf {
        self.world.clone.with_file_name(name)
    }

    fn pull(&self, name: &str) -> Runner {
        self.runner(name, "refs/pull/12/head", "pull_request")
    }

    fn merged(&self, name: &str) -> Runner {
        self.runner(name, "refs/heads/main", "push")
    }

    fn statuses(&self) -> Vec<String> {
        let world = self.forge.world();
        let statuses = world.statuses.iter().map(|(commit, status)| {
            let text = |name: &str| status[name].as_str().unwrap().to_owned();
            let description = text("description");
            let description = description.split("; digest ").next().unwrap();
            let commit = if *commit == self.world.head() {
                "head"
            } else {
                "other"
            };
            format!(
                "{commit} {} {}: {description}",
                text("context"),
                text("state")
            )
        });
        statuses.collect()
    }

    fn company(&self, account: &str) -> serde_json::Value {
        let world = self.world.sandbox.world();
        world.document(account).unwrap().public()["company_name"].clone()
    }
}

#[test]
fn a_change_is_shown_approved_and_applied() {
    let stage = Stage::new();
    let world = &stage.world;
    world.edit(BETA, "company_name", "By Hand");
    world.account("acme", ACME, "company_name: Acme Group, brandColor: red");
    stage.push();

    // Only what the pull request touches is read, and the push after it brings the one comment up to date.
    let before = world.sandbox.counts();
    let mut plan = stage.pull("plan");
    plan.run("emblazon-plan.yml");
    assert!(!plan.failed, "{}", plan.log);
    let counts = world.sandbox.counts();
    assert_eq!(
        counts.of("GET", "whitelabel") - before.of("GET", "whitelabel"),
        1
    );
    assert_eq!(counts.mutating, before.mutating);
    let texts = stage.forge.texts();
    assert_eq!(texts.len(), 1);
    assert!(
        texts[0].contains("Acme Group") && !texts[0].contains("By Hand"),
        "{}",
        texts[0]
    );
    assert!(plan.summary().contains("Acme Group"));
    assert_eq!(
        stage.statuses(),
        ["head emblazon/plan/production success: changes are pending"]
    );
    let page = &plan.used["actions/upload-artifact"]["path"];
    let page = fs::read_to_string(stage.folder("plan").join(page)).unwrap();
    assert!(page.contains("Acme Group"));
    let sarif = &plan.used["github/codeql-action/upload-sarif"]["sarif_file"];
    assert!(stage.folder("plan").join(sarif).exists());
    assert!(
        plan.commands()
            .iter()
            .any(|line| line.starts_with("::notice file=accounts/acme/account.yaml"))
    );
    assert!(!plan.log.contains("canary"));

    world.account("acme", ACME, "company_name: Acme Holding, brandColor: red");
    stage.push();
    let mut plan = stage.pull("plan-again");
    plan.run("emblazon-plan.yml");
    let texts = stage.forge.texts();
    assert!(
        texts.len() == 1 && texts[0].contains("Acme Holding"),
        "{texts:?}"
    );

    // The merge carries out what was shown, and nothing else.
    stage.merge();
    let before = stage.statuses().len();
    let mut apply = stage.merged("apply");
    apply.run("emblazon-apply.yml");
    assert!(!apply.failed, "{}", apply.log);
    assert_eq!(stage.company(ACME), json!("Acme Holding"));
    assert_eq!(stage.company(BETA), json!("By Hand"));
    assert_eq!(
        stage.statuses()[before..],
        [
            "head emblazon/plan/production pending: not carried out yet",
            "head emblazon/plan/production success: changes are pending",
            "head emblazon/apply/production success: nothing to do",
        ]
    );
    assert_eq!(world.applied(), Some(world.head()));

    // Nothing is left, which needs nobody's approval.
    let mut again = stage.merged("apply-again");
    again.run("emblazon-apply.yml");
    assert!(!again.failed, "{}", again.log);
}

/// The action takes the release of exactly that digest, once a job, and nothing else.
#[test]
fn the_action_takes_the_released_binary_by_digest() {
    let stage = Stage::new();
    stage
        .world
        .account("acme", ACME, "company_name: Acme Group, brandColor: red");
    stage.push();
    let mut plan = stage.pull("plan");
    plan.run("emblazon-plan.yml");
    assert!(!plan.failed, "{}", plan.log);
    let folder = format!("emblazon-{}/emblazon-", plan.release);
    assert!(
        plan.environment["PATH"].contains(&folder),
        "{}",
        plan.environment["PATH"]
    );

    let mut other = stage.pull("plan-of-another-digest");
    let wrong = "ab".repeat(32);
    other
        .names
        .insert("env.EMBLAZON_DIGEST".to_owned(), wrong.clone());
    other.run("emblazon-plan.yml");
    let refusal = format!("has the digest {}, and not {wrong}", other.release);
    assert!(
        other.failed && other.log.contains(&refusal),
        "{}",
        other.log
    );
    assert!(!other.log.contains("emblazon 0"), "{}", other.log);

    let mut other = stage.pull("plan-on-another-machine");
    other
        .environment
        .insert("RUNNER_OS".to_owned(), "Windows".to_owned());
    other.run("emblazon-plan.yml");
    assert!(
        other.failed && other.log.contains("leave out `digest`"),
        "{}",
        other.log
    );
}

#[test]
fn what_nobody_approved_is_not_applied() {
    let stage = Stage::new();
    let world = &stage.world;
    world.account("acme", ACME, "company_name: Acme Group, brandColor: red");
    stage.push();
    let mut plan = stage.pull("plan");
    plan.run("emblazon-plan.yml");
    stage.merge();
    // The platform moved between the approval and the merge …
    world.edit(ACME, "brandColor", "blue");
    let mut apply = stage.merged("apply");
    apply.run("emblazon-apply.yml");
    assert!(
        apply.failed && apply.log.contains("the pull request showed the plan"),
        "{}",
        apply.log
    );
    assert_eq!(stage.company(ACME), json!("Acme Voice"));
    let statuses = stage.statuses();
    assert_eq!(statuses.len(), 1, "only the pull request's: {statuses:?}");
    // … nobody was ever shown the plan, or somebody else says so …
    stage.forge.world().comments.clear();
    let forged = forged(&apply);
    stage.forge.comment(99, &forged);
    let mut apply = stage.merged("apply-unseen");
    apply.run("emblazon-apply.yml");
    assert!(
        apply.failed && apply.log.contains("no comment of ours"),
        "{}",
        apply.log
    );
    assert_eq!(stage.company(ACME), json!("Acme Voice"));
    // … or the comment was made to say so, which the status beside it does not …
    let digest = apply.names["steps.plan.outputs.digest"].clone();
    stage.forge.comment(ME, &forged);
    let mut apply = stage.merged("apply-unwitnessed");
    apply.run("emblazon-apply.yml");
    assert!(
        apply.failed && apply.log.contains("nothing vouches for the comment"),
        "{}",
        apply.log
    );
    assert_eq!(stage.company(ACME), json!("Acme Voice"));
    // … and then somebody looks at it, and starts it with the digest.
    let mut apply = stage.merged("apply-approved");
    apply.names.insert("inputs.expect".to_owned(), digest);
    apply.run("emblazon-apply.yml");
    assert!(!apply.failed, "{}", apply.log);
    assert_eq!(stage.company(ACME), json!("Acme Group"));
}

/// What the refusal of a comment that nothing vouches for says, done: the status that it names is set, and then the merge
/// carries out what was shown.
#[test]
fn the_status_that_the_refusal_asks_for_helps() {
    let stage = Stage::new();
    let world = &stage.world;
    world.account("acme", ACME, "company_name: Acme Group, brandColor: red");
    stage.push();
    let mut plan = stage.pull("plan");
    plan.run("emblazon-plan.yml");
    stage.merge();
    stage.forge.world().statuses.clear();
    let mut apply = stage.merged("apply");
    apply.run("emblazon-apply.yml");
    assert!(apply.failed, "{}", apply.log);
    let (_, told) = apply.log.split_once("set it where").unwrap();
    let command = told.split('`').nth(1).unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let output = apply.command(&words);
    assert!(output.status.success(), "{command}: {output:?}");
    let mut apply = stage.merged("apply-again");
    apply.run("emblazon-apply.yml");
    assert!(!apply.failed, "{}", apply.log);
    assert_eq!(stage.company(ACME), json!("Acme Group"));
}

/// A comment that somebody else wrote for the plan that the runner was refused.
fn forged(runner: &Runner) -> String {
    let digest = &runner.names["steps.plan.outputs.digest"];
    format!("<!-- emblazon plan production differs {digest} -->\nApproved.\n")
}

#[test]
fn drift_opens_an_issue_and_its_end_closes_it() {
    let stage = Stage::new();
    let world = &stage.world;
    // What somebody types into the platform must not become a command to the runner.
    world.edit(BETA, "company_name", "x\n::error::pwned\n::add-mask::a");
    let mut drift = stage.merged("drift");
    drift.run("emblazon-drift.yml");
    assert!(!drift.failed, "{}", drift.log);
    let open = || {
        let world = stage.forge.world();
        let open = world.issues.iter().filter(|issue| issue["open"] == true);
        (world.issues.len(), open.count())
    };
    assert_eq!(open(), (1, 1));
    let commands = drift.commands();
    assert!(!commands.is_empty());
    for command in commands {
        assert!(command.starts_with("::warning file="), "{command}");
    }
    world.edit(BETA, "company_name", "Beta Voice");
    let mut drift = stage.merged("drift-again");
    drift.run("emblazon-drift.yml");
    assert!(!drift.failed, "{}", drift.log);
    assert_eq!(open(), (1, 0));
}

/// No request, no credential, and no command that the fork's tree names.
#[test]
fn a_fork_gets_a_plan_without_secrets() {
    let stage = Stage::new();
    let world = &stage.world;
    let trap = world.clone.join("trap");
    let auth = format!(
        "auth: {{ api_key: {{ command: [touch, {}] }} }}",
        trap.display()
    );
    world.write(
        "emblazon.yaml",
        &format!("clusters: {{ production: {{ {auth} }} }}\nextra_keys: [theirs]\n"),
    );
    world.account("acme", ACME, "company_name: Acme Group");
    world.edit(ACME, "company_name", "By Hand");
    stage.push();
    let before = world.sandbox.counts();
    let mut plan = stage.pull("fork");
    plan.names.remove("secrets.KAZOO_API_KEY");
    plan.run("emblazon-fork.yml");
    assert!(!plan.failed, "{}", plan.log);
    assert!(plan.summary().contains("the live platform was not read"));
    let page = &plan.used["actions/upload-artifact"]["path"];
    let page = fs::read_to_string(stage.folder("fork").join(page)).unwrap();
    let top = page.split("</header>").next().unwrap();
    assert!(top.contains("the live platform was not read"), "{top}");
    assert_eq!(stage.forge.world().requests.len(), 0);

    let mut comment = stage.runner("base", "refs/heads/main", "workflow_run");
    comment.names.remove("secrets.KAZOO_API_KEY");
    let head = world.head();
    comment
        .names
        .insert("github.event.workflow_run.head_sha".to_owned(), head);
    comment.run("emblazon-fork-comment.yml");
    assert!(!comment.failed, "{}", comment.log);
    let texts = stage.forge.texts();
    assert_eq!(texts.len(), 1);
    assert!(
        texts[0].contains("the live platform was not read"),
        "{}",
        texts[0]
    );
    assert!(
        texts[0].contains("Acme Group") && texts[0].contains("brandColor"),
        "{}",
        texts[0]
    );
    assert!(
        !texts[0].contains("By Hand") && !texts[0].contains("--expect"),
        "{}",
        texts[0]
    );
    assert_eq!(
        world.sandbox.counts().total,
        before.total,
        "nothing was asked"
    );
    assert!(!trap.exists());
}

#[test]
fn gitlab_plans_applies_and_looks_for_drift() {
    let stage = Stage::on(ForgeKind::Gitlab);
    let world = &stage.world;
    let runner = |name: &str, reference: &str| {
        let mut runner = stage.runner(name, reference, "");
        let head = runner.environment["GITHUB_SHA"].clone();
        runner
            .environment
            .retain(|name, _| !name.starts_with("GITHUB_"));
        for (name, value) in [
            ("GITLAB_CI", "true"),
            ("GITLAB_TOKEN", "canary-token"),
            ("CI_API_V4_URL", &stage.forge.url()),
            ("CI_PROJECT_ID", "acme/brands"),
            ("CI_COMMIT_SHA", &head),
            ("KAZOO_API_KEY", world.sandbox.api_key()),
            ("KAZOO_API_KEY_READ", world.sandbox.api_key()),
        ] {
            runner.environment.insert(name.to_owned(), value.to_owned());
        }
        runner
    };
    world.account("acme", ACME, "company_name: Acme Group, brandColor: red");
    stage.push();
    let mut plan = runner("plan", "refs/pull/12/head");
    let iid = ("CI_MERGE_REQUEST_IID".to_owned(), "12".to_owned());
    plan.environment.extend([iid]);
    plan.run_job("plan");
    assert!(!plan.failed, "{}", plan.log);
    for file in plan.used.keys() {
        assert!(stage.folder("plan").join(file).exists(), "{file}");
    }
    let texts = stage.forge.texts();
    assert!(
        texts.len() == 1 && texts[0].contains("Acme Group"),
        "{texts:?}"
    );

    stage.merge();
    let mut apply = runner("apply", "refs/heads/main");
    apply.run_job("apply");
    assert!(!apply.failed, "{}", apply.log);
    assert_eq!(stage.company(ACME), json!("Acme Group"));
    let states: Vec<_> = (stage.forge.world().statuses.iter())
        .map(|(_, status)| status["state"].clone())
        .collect();
    assert_eq!(states, ["success", "pending", "success", "success"]);

    world.edit(BETA, "company_name", "By Hand");
    let mut drift = runner("drift", "refs/heads/main");
    drift.run_job("drift");
    assert!(drift.failed, "drift is a failed pipeline, with an issue");
    assert_eq!(stage.forge.world().issues.len(), 1);
}

#[test]
fn a_fork_on_gitlab_asks_nobody() {
    let stage = Stage::on(ForgeKind::Gitlab);
    let world = &stage.world;
    world.account("acme", ACME, "company_name: Acme Group, brandColor: red");
    stage.push();
    let before = world.sandbox.counts().total;
    let mut plan = stage.runner("fork", "refs/pull/12/head", "");
    let project = stage.folder("server");
    let url = project.to_str().unwrap().to_owned();
    plan.environment
        .insert("CI_MERGE_REQUEST_PROJECT_URL".to_owned(), url);
    plan.run_job("plan-of-a-fork");
    assert!(!plan.failed, "{}", plan.log);
    assert!(plan.log.contains("Acme Group"), "{}", plan.log);
    assert_eq!(world.sandbox.counts().total, before);
}
