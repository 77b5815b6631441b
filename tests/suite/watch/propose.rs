//! Drift that is kept: as a patch on the dashboard, and as a pull request by the policy or by a person.

use emblazon::forge::ForgeKind;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::daemon::{Daemon, browser, platform};
use super::orders::{serve, until};
use super::remote::{configured, git, publish};
use crate::forge::server::Server;
use crate::platform::Platform;

const BRANCH: &str = "emblazon/production/keep-a";
const OFTEN: &str = "poll: 1s\ninterval: 2s\nconfirm_after: 1s\nhttp: {listen: \"127.0.0.1:0\"}\n";

/// Starts a daemon that follows a branch and may open pull requests.
fn propose(platform: &Platform, bare: &std::path::Path, forge: &Server, host: &str) -> Daemon {
    let further = format!(
        "{OFTEN}forge: {{kind: github, api: \"{}\", repository: acme/brands, token: {{env: FORGE_TOKEN}}}}\n",
        forge.url()
    );
    let mut command = configured(platform, bare, host, "", &further);
    command.env("FORGE_TOKEN", "canary-token");
    Daemon::serving(command)
}

/// Waits until what is said of keeping account `a` is as looked for.
fn keep(daemon: &Daemon, platform: &Platform, is_it: impl Fn(&Value) -> bool) -> Value {
    until(daemon, platform, "/api/v1/accounts/a", |account| {
        Some(account["keep"].clone()).filter(&is_it)
    })
}

fn page(daemon: &Daemon, platform: &Platform, path: &str) -> (StatusCode, String) {
    let url = format!("{}{path}", daemon.url());
    platform.block_on(async {
        let answer = browser().get(url).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    })
}

#[test]
fn drift_is_proposed_by_policy_kept_up_to_date_and_withdrawn() {
    let platform = platform("ab", "{heal: propose}");
    let bare = publish(&platform);
    let forge = platform.block_on(Server::start(ForgeKind::Github));
    let mut daemon = propose(&platform, bare.path(), &forge, "daemon");
    daemon.wait("run", None, "applied");
    platform.edit('a', "company_name", "mine");
    let told = daemon.wait("stalled", Some('a'), "drift_reported");
    let message = told["message"].as_str().unwrap();
    assert!(
        message.contains("merge its pull request to keep it"),
        "{message}"
    );
    let is_open = |keep: &Value| keep["pull_request"].is_number();
    let kept = keep(&daemon, &platform, is_open);
    assert_eq!(kept["problem"], Value::Null, "{kept:#}");
    let file = git(bare.path(), &["diff", "--name-only", "main", BRANCH]);
    let declared = |at: &str| git(bare.path(), &["show", &format!("{at}:{file}")]);
    assert!(
        declared(BRANCH).contains("company_name: mine"),
        "{}",
        declared(BRANCH)
    );
    {
        let world = forge.world();
        let text = world.pulls[0]["body"].as_str().unwrap();
        assert!(
            text.starts_with("<!-- emblazon keep production differs "),
            "{text}"
        );
        assert!(text.contains("mine"), "{text}");
        assert_eq!(world.pulls[0]["into"], "main");
    }
    // It changes again: the same pull request.
    let first = git(bare.path(), &["rev-parse", BRANCH]);
    platform.edit('a', "company_name", "theirs");
    let is_newer = |found: &Value| found["digest"] != kept["digest"] && is_open(found);
    keep(&daemon, &platform, is_newer);
    assert!(declared(BRANCH).contains("company_name: theirs"));
    assert_ne!(git(bare.path(), &["rev-parse", BRANCH]), first);
    assert_eq!(forge.world().pulls.len(), 1);
    // The daemon ends, somebody puts it right, and the next daemon finds what was proposed.
    assert_eq!(daemon.stop().code(), Some(0));
    platform.edit('a', "company_name", "new");
    let mut daemon = propose(&platform, bare.path(), &forge, "other");
    daemon.wait_ready('a');
    daemon.wait_for_log("the pull request was closed: its drift is gone");
    assert_eq!(forge.world().pulls[0]["state"], "closed");
    assert_eq!(git(bare.path(), &["branch", "--list", BRANCH]), "");
    assert_eq!(daemon.stop().code(), Some(0));
    let all = format!("{:?}", forge.world().pulls);
    assert!(!all.contains("canary-token"));
    platform.stop();
}

/// The patch on the page, applied by `git apply` and pushed: the tree agrees with the platform, and drift is over.
#[test]
fn the_patch_on_the_dashboard_is_one_for_git_apply() {
    let platform = platform("ab", "{heal: report}");
    let bare = publish(&platform);
    let mut daemon = super::remote::serve(
        &platform,
        bare.path(),
        "",
        "http: {listen: \"127.0.0.1:0\"}",
    );
    daemon.wait("run", None, "applied");
    assert_eq!(
        page(&daemon, &platform, "/accounts/a/keep.patch").0,
        StatusCode::NOT_FOUND
    );
    platform.edit('a', "company_name", "mine");
    daemon.wait("stalled", Some('a'), "drift_reported");
    let kept = keep(&daemon, &platform, |keep| keep["patch"].is_string());
    let (status, patch) = page(&daemon, &platform, kept["patch"].as_str().unwrap());
    assert_eq!(status, StatusCode::OK);
    let (_, shown) = page(&daemon, &platform, "/accounts/a");
    assert!(
        shown.contains(&patch),
        "the page has the patch as it is: {shown}"
    );
    assert!(shown.contains("emblazon import --accept a --cluster production"));
    assert!(
        !shown.contains("action=\"/propose\""),
        "no forge is configured"
    );
    let order = json!({"account": "a", "by": "ada"});
    let (status, answer) = daemon.ask(&platform, "/api/v1/propose", Some(&order));
    assert_eq!(status, StatusCode::CONFLICT);
    let why = answer["error"].as_str().unwrap();
    assert!(why.contains("import --accept a --pull-request"), "{why}");
    let clone = tempfile::tempdir().unwrap();
    git(
        clone.path(),
        &["clone", "-q", bare.path().to_str().unwrap(), "."],
    );
    std::fs::write(clone.path().join("keep.patch"), patch).unwrap();
    git(clone.path(), &["apply", "keep.patch"]);
    let silent = platform
        .command(&["drift", clone.path().to_str().unwrap()])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&silent.stdout).into_owned();
    assert_eq!(silent.status.code(), Some(0), "{told}");
    git(clone.path(), &["commit", "-q", "-a", "-m", "keep it"]);
    git(clone.path(), &["push", "-q", "origin", "HEAD:main"]);
    daemon.wait_ready('a');
    keep(&daemon, &platform, Value::is_null);
    assert_eq!(platform.key('a', "company_name"), "mine");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

#[test]
fn a_person_has_drift_proposed() {
    let platform = platform("ab", "{heal: report}");
    let bare = publish(&platform);
    let forge = platform.block_on(Server::start(ForgeKind::Github));
    let mut daemon = propose(&platform, bare.path(), &forge, "daemon");
    daemon.wait("run", None, "applied");
    let order = json!({"account": "a", "by": "ada", "reason": "agreed"});
    let ask = |order: &Value| daemon.ask(&platform, "/api/v1/propose", Some(order));
    let (status, answer) = ask(&order);
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    let (status, _) = ask(&json!({"account": "nobody", "by": "ada"}));
    assert_eq!(status, StatusCode::NOT_FOUND);
    platform.edit('a', "company_name", "mine");
    keep(&daemon, &platform, |keep| keep["patch"].is_string());
    assert_eq!(forge.world().requests, [""; 0], "nobody asked yet");
    let (_, shown) = page(&daemon, &platform, "/accounts/a");
    assert!(shown.contains("action=\"/propose\""), "{shown}");
    let (status, answer) = ask(&json!({"account": "a"}));
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    let stale = json!({"account": "a", "by": "ada", "digest": "0".repeat(64)});
    let (status, answer) = ask(&stale);
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    let (status, answer) = ask(&order);
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let last = until(&daemon, &platform, "/api/v1/history", |history| {
        let last = history["interventions"][0].clone();
        last["outcome"].is_object().then_some(last)
    });
    assert_eq!(
        (&last["kind"], &last["by"]),
        (&json!("propose"), &json!("ada"))
    );
    let number = forge.world().pulls[0]["number"].clone();
    let message = format!("proposed as pull request {number}");
    assert_eq!(last["outcome"]["message"], message);
    let (_, shown) = page(&daemon, &platform, "/accounts/a");
    assert!(
        shown.contains(&format!("https://forge.example/{number}")),
        "{shown}"
    );
    // Somebody else's commit on the branch: it stays as it is, and that is said.
    let clone = tempfile::tempdir().unwrap();
    git(
        clone.path(),
        &[
            "clone",
            "-q",
            "-b",
            BRANCH,
            bare.path().to_str().unwrap(),
            ".",
        ],
    );
    git(
        clone.path(),
        &["commit", "-q", "--allow-empty", "-m", "a review"],
    );
    git(clone.path(), &["push", "-q", "origin", BRANCH]);
    let theirs = git(bare.path(), &["rev-parse", BRANCH]);
    platform.edit('a', "company_name", "theirs");
    let kept = keep(&daemon, &platform, |keep| keep["problem"].is_string());
    let problem = kept["problem"].as_str().unwrap();
    assert!(
        problem.contains("which is not emblazon's, so it stays as it is"),
        "{problem}"
    );
    assert_eq!(git(bare.path(), &["rev-parse", BRANCH]), theirs);
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// A folder that is no repository can have a patch, and no pull request.
#[test]
fn a_folder_without_a_repository_has_a_patch() {
    let platform = platform("a", "{heal: report}");
    let mut daemon = serve(&platform, "1s");
    daemon.wait("run", None, "applied");
    platform.edit('a', "company_name", "mine");
    let kept = keep(&daemon, &platform, |keep| keep["patch"].is_string());
    assert_eq!(kept["files"], 1);
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
