//! A tree on a branch of a real bare repository.

use std::path::Path;
use std::process::Command;

use super::daemon::{Daemon, name_company, platform};
use crate::platform::Platform;

/// Runs `git`, and returns what it printed.
fn git(folder: &Path, arguments: &[&str]) -> String {
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
    let config = format!(
        "source: {{git: \"{}\"{source}}}\nstate: {host}-state\npoll: 1s\ninterval: 2s\nconfirm_after: 1s\n{further}\n",
        bare.display()
    );
    let file = format!("watch-{host}.yaml");
    platform.write(&file, &config);
    let mut command = platform.command(&["watch", "--config", &file]);
    command
        .env_remove("EMBLAZON_API")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    Daemon::start(command)
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

/// Needs `ssh-keygen`, as whoever signs with SSH has it.
#[test]
fn a_commit_that_nobody_signed_is_not_applied() {
    if Command::new("ssh-keygen").arg("-?").output().is_err() {
        eprintln!("skipped: there is no ssh-keygen");
        return;
    }
    let platform = platform("a", "{heal: auto}");
    let folder = platform.folder().to_owned();
    for name in ["key", "key-of-nobody"] {
        let made = Command::new("ssh-keygen")
            .current_dir(&folder)
            .args(["-q", "-t", "ed25519", "-N", "", "-f", name])
            .status();
        assert!(made.unwrap().success());
    }
    let public = std::fs::read_to_string(folder.join("key.pub")).unwrap();
    platform.write("signers", &format!("ada@example.com {public}"));
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
    let signed = |key: &'static str| {
        [
            "-c",
            "gpg.format=ssh",
            "-c",
            key,
            "-c",
            "commit.gpgSign=true",
        ]
    };
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
