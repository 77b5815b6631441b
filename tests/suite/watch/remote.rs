//! A tree on a branch of a real bare repository.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use reqwest::StatusCode;
use ring::hmac;
use serde_json::json;

use super::daemon::{Daemon, browser, name_company, platform};
use crate::platform::Platform;

/// Runs `git`, and returns what it printed.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {text}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes the tree a clone of a bare repository beside it, and returns where that is.
pub(super) fn publish(platform: &Platform) -> tempfile::TempDir {
    let bare = tempfile::tempdir().unwrap();
    git(bare.path(), &["init", "-q", "--bare", "-b", "main", "."]);
    let folder = platform.folder();
    git(folder, &["init", "-q", "-b", "main", "."]);
    std::fs::write(
        folder.join(".gitignore"),
        ".emblazon/\n*-state/\nwatch*.yaml\nsigners\nkey*\n",
    )
    .unwrap();
    git(
        folder,
        &["remote", "add", "origin", bare.path().to_str().unwrap()],
    );
    commit(platform, "first", &[]);
    bare
}

/// Commits everything and pushes it; returns the commit.
pub(super) fn commit(platform: &Platform, message: &str, options: &[&str]) -> String {
    let folder = platform.folder();
    git(folder, &["add", "-A"]);
    git(
        folder,
        &[options, &["commit", "-q", "-m", message]].concat(),
    );
    git(folder, &["push", "-q", "origin", "main"]);
    git(folder, &["rev-parse", "HEAD"])
}

/// Starts a daemon that follows the branch.
fn follow(platform: &Platform, bare: &Path, further: &str) -> Daemon {
    follow_as(platform, bare, "daemon", further, "")
}

/// Starts one with a state folder of its own, as on a host of its own.
pub(super) fn follow_as(
    platform: &Platform,
    bare: &Path,
    host: &str,
    source: &str,
    further: &str,
) -> Daemon {
    let often = format!("poll: 1s\ninterval: 2s\nconfirm_after: 1s\n{further}");
    Daemon::start(configured(platform, bare, host, source, &often))
}

/// Starts one that listens.
pub(super) fn serve(platform: &Platform, bare: &Path, source: &str, further: &str) -> Daemon {
    let often = format!("poll: 1s\ninterval: 2s\nconfirm_after: 1s\n{further}");
    Daemon::serving(configured(platform, bare, "daemon", source, &often))
}

/// Starts one that listens, with a state folder of its own, as on a host of its own.
pub(super) fn serve_as(platform: &Platform, bare: &Path, host: &str, further: &str) -> Daemon {
    let often = format!("poll: 1s\ninterval: 2s\nconfirm_after: 1s\n{further}");
    Daemon::serving(configured(platform, bare, host, "", &often))
}

/// Writes the file of a daemon, and builds the command that reads it.
pub(super) fn configured(
    platform: &Platform,
    bare: &Path,
    host: &str,
    source: &str,
    further: &str,
) -> Command {
    let config = format!(
        "source: {{git: \"{}\"{source}}}\nstate: {host}-state\n{further}\n",
        bare.display()
    );
    let file = format!("watch-{host}.yaml");
    platform.write(&file, &config);
    let mut command = platform.command(&["watch", "--config", &file]);
    command
        .env_remove("EMBLAZON_API")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    command
}

#[test]
fn a_push_is_applied_and_becomes_the_base_and_a_bad_one_changes_nothing() {
    let platform = platform("ab", "{heal: auto}");
    let bare = publish(&platform);
    let mut daemon = follow(&platform, bare.path(), "");
    daemon.wait("run", None, "applied");
    name_company(&platform, 'a', "pushed");
    let good = commit(&platform, "rename a", &[]);
    daemon.wait("commit", None, &good);
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "pushed");
    platform.declare('a', "whitelabel: {company_nam: broken}");
    commit(&platform, "break a", &[]);
    let problem = daemon.wait("problem", None, "source");
    assert!(
        problem["message"].as_str().unwrap().contains("has 1 error"),
        "{problem}"
    );
    platform.edit('b', "company_name", "mine");
    daemon.wait("reconciling", Some('b'), "confirming");
    daemon.wait_ready('b');
    assert_eq!(platform.key('b', "company_name"), "new");
    assert_eq!(daemon.stop().code(), Some(0));
    let applied = git(
        bare.path(),
        &["rev-parse", "refs/emblazon/production/applied"],
    );
    assert_eq!(applied, good);
    platform.stop();
}

#[test]
fn what_was_changed_by_hand_while_no_daemon_ran_is_drift_and_no_change_of_the_tree() {
    let platform = platform("a", "{heal: report}");
    let bare = publish(&platform);
    let mut daemon = follow(&platform, bare.path(), "");
    daemon.wait("run", None, "applied");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.edit('a', "company_name", "mine");
    let mut daemon = follow(&platform, bare.path(), "");
    daemon.wait("stalled", Some('a'), "drift_reported");
    assert_eq!(platform.key('a', "company_name"), "mine");
    platform.stop();
}

/// Makes a key that counts, another that does not, and the file that says so.
pub(super) fn make_keys(platform: &Platform) {
    let folder = platform.folder();
    for name in ["key", "key-of-nobody"] {
        let made = Command::new("ssh-keygen")
            .current_dir(folder)
            .args(["-q", "-t", "ed25519", "-N", "", "-f", name])
            .status();
        assert!(made.unwrap().success());
    }
    let public = std::fs::read_to_string(folder.join("key.pub")).unwrap();
    platform.write("signers", &format!("ada@example.com {public}"));
}

/// Returns what makes `git commit` sign with a key, given as `user.signingKey=FILE`.
pub(super) fn signed(key: &str) -> [&str; 6] {
    [
        "-c",
        "gpg.format=ssh",
        "-c",
        key,
        "-c",
        "commit.gpgSign=true",
    ]
}

/// Needs `ssh-keygen`, as whoever signs with SSH has it.
#[test]
fn a_commit_that_nobody_signed_is_not_applied() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        eprintln!("skipped: there is no ssh-keygen");
        return;
    }
    let platform = platform("a", "{heal: auto}");
    make_keys(&platform);
    let bare = publish(&platform);
    let mut daemon = follow(&platform, bare.path(), ", signers: signers");
    let problem = daemon.wait("problem", None, "source");
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("no signature"),
        "{problem}"
    );
    assert_eq!(platform.key('a', "company_name"), "old");
    name_company(&platform, 'a', "nobody");
    commit(
        &platform,
        "signed by nobody",
        &signed("user.signingKey=key-of-nobody"),
    );
    daemon.wait("problem", None, "source");
    assert_eq!(platform.key('a', "company_name"), "old");
    name_company(&platform, 'a', "signed");
    let good = commit(&platform, "signed by Ada", &signed("user.signingKey=key"));
    daemon.wait("commit", None, &good);
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('a', "company_name"), "signed");
    platform.stop();
}

/// The service manager starts it again at once; its own lease of two minutes does not keep it from leading.
#[test]
fn a_daemon_that_was_killed_goes_on_at_once() {
    let platform = platform("a", "{heal: auto}");
    let bare = publish(&platform);
    let mut daemon = follow(&platform, bare.path(), "");
    daemon.wait("run", None, "applied");
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    name_company(&platform, 'a', "newer");
    commit(&platform, "rename a", &[]);
    let mut daemon = follow(&platform, bare.path(), "");
    daemon.wait("run", None, "applied");
    assert!(!daemon.has_said("role", "standby"));
    assert_eq!(platform.key('a', "company_name"), "newer");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}

/// The secret that the forge and the daemon share.
const HOOK: &str = "a secret of the forge and the daemon";

/// Tells a daemon of a push, as GitHub does.
struct Forge<'p> {
    platform: &'p Platform,
    client: reqwest::Client,
    url: String,
}

impl Forge<'_> {
    fn tell(&self, delivery: &str, commit: &str, before: &str) -> (StatusCode, String) {
        let body = json!({"ref": "refs/heads/main", "before": before, "after": commit}).to_string();
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, HOOK.as_bytes()),
            body.as_bytes(),
        );
        let digits: Vec<String> = (tag.as_ref().iter())
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let request = (self.client.post(&self.url))
            .header("content-type", "application/json")
            .header("x-github-event", "push")
            .header("x-github-delivery", delivery)
            .header("x-hub-signature-256", format!("sha256={}", digits.concat()))
            .body(body);
        self.platform.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        })
    }
}

/// Nothing else can have called it: the branch and the accounts are looked at once an hour.
#[test]
fn a_push_is_told_by_the_forge_and_live_at_once() {
    let platform = platform("ab", "{heal: auto}");
    let bare = publish(&platform);
    let hourly = "poll: 1h\ninterval: 1h\nhttp: {listen: \"127.0.0.1:0\", webhook: {forge: github, secret: {env: HOOK}}}";
    let mut command = configured(&platform, bare.path(), "daemon", "", hourly);
    command.env("HOOK", HOOK);
    let mut daemon = Daemon::serving(command);
    daemon.wait("run", None, "applied");
    let last_run = |daemon: &Daemon| {
        let (_, status) = daemon.ask(&platform, "/api/v1/status", None);
        status["last_run"].clone()
    };
    let writes = platform.sandbox.counts().mutating;
    let forge = Forge {
        platform: &platform,
        client: browser(),
        url: format!("{}/webhook", daemon.url()),
    };

    name_company(&platform, 'a', "pushed");
    let pushing = Instant::now();
    let commit = commit(&platform, "rename a", &[]);
    let pushed = Instant::now();
    let told = forge.tell("1", &commit, "first");
    assert_eq!(told, (StatusCode::ACCEPTED, "accepted\n".to_owned()));
    while platform.key('a', "company_name") != "pushed" {
        std::thread::yield_now();
    }
    println!(
        "commit and push {:.2} s; from there until it was live {:.2} s",
        (pushed - pushing).as_secs_f64(),
        pushed.elapsed().as_secs_f64()
    );
    daemon.wait("run", None, "applied");
    let run = last_run(&daemon);
    assert_eq!(run["commit"], commit);
    assert!(
        run["triggers"]
            .as_array()
            .unwrap()
            .contains(&json!("webhook")),
        "{run}"
    );
    assert_eq!(run["objects"], 1, "only what the commit touched: {run}");

    // What came before is not heard again; neither is its body under another name.
    for delivery in ["1", "2"] {
        let told = forge.tell(delivery, &commit, "first");
        assert_eq!(told, (StatusCode::ACCEPTED, "seen before\n".to_owned()));
    }

    // However often the forge tells of it, it is one run.
    let turns = run["number"].as_u64().unwrap();
    name_company(&platform, 'b', "stormy");
    let commit = self::commit(&platform, "rename b", &[]);
    for delivery in 10..30 {
        let told = forge.tell(&delivery.to_string(), &commit, &delivery.to_string());
        assert_eq!(told.1, "accepted\n");
    }
    daemon.wait("run", None, "applied");
    assert_eq!(platform.key('b', "company_name"), "stormy");
    let storm = last_run(&daemon)["number"].as_u64().unwrap();
    assert!(storm <= turns + 2, "{turns} runs became {storm}");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(platform.sandbox.counts().mutating, writes + 2);
    platform.stop();
}

/// The remote takes the connection and never says a word; `ssh` stands for that here, with a process of its own.
#[test]
fn a_hung_remote_does_not_hold_up_the_end_and_leaves_no_process() {
    let platform = platform("a", "{heal: auto}");
    let pids = platform.folder().join("pids");
    let file = pids.display();
    let script = format!("sleep 1000 & echo $$ $! > {file}.new; mv {file}.new {file}; wait");
    platform.write(
        "watch.yaml",
        "source: {git: \"ssh://git@git.example.com/x.git\"}\nstate: daemon-state\n",
    );
    let mut command = platform.command(&["watch", "--config", "watch.yaml"]);
    command
        .env_remove("EMBLAZON_API")
        .env("GIT_SSH_COMMAND", format!("sh -c '{script}' --"))
        .env("GIT_SSH_VARIANT", "simple")
        .stderr(std::process::Stdio::piped());
    let mut daemon = Daemon::start(command);
    while !pids.exists() {
        std::thread::yield_now();
    }
    let log = daemon.child.stderr.take().unwrap();
    assert_eq!(daemon.stop().code(), Some(0));
    let log = std::io::read_to_string(log).unwrap();
    assert!(
        log.contains("git ls-remote was cut short: the program is about to end"),
        "{log}"
    );
    for pid in std::fs::read_to_string(&pids).unwrap().split_whitespace() {
        let is_over = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            stat.map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
        };
        for _ in 0..1_000_000 {
            if is_over() {
                break;
            }
            std::thread::yield_now();
        }
        assert!(is_over(), "{pid} goes on");
    }
    platform.stop();
}
