//! What the daemon keeps of itself, spoilt bit by bit, through a restart: it is said, never believed, and nothing wrong is
//! written.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;

use super::daemon::{Daemon, command, platform};
use crate::cli::{stderr, stdout};
use crate::platform::Platform;

/// Lists the files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if std::fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Copies a folder as it is.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([from, to])
        .status();
    assert!(copied.unwrap().success());
}

fn once(platform: &Platform) -> Output {
    command(platform, &["--once", "-v"]).output().unwrap()
}

/// Flips a bit at some places of each file of the state, and starts the daemon on that each time; returns what it said of
/// which file.
fn flipped(platform: &Platform, check: impl Fn(&Path, usize, &Output)) {
    let state = platform.state().into_std_path_buf();
    let kept = platform.folder().join("state-as-it-was");
    copy(&state, &kept);
    let mut tried = 0;
    for file in files(&kept) {
        let name = file.strip_prefix(&kept).unwrap().to_owned();
        let whole = std::fs::read(&file).unwrap();
        for at in [whole.len() / 5, whole.len() / 2, whole.len() - 2] {
            copy(&kept, &state);
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(state.join(&name), bytes).unwrap();
            check(&name, at, &once(platform));
            tried += 1;
        }
    }
    assert!(tried >= 9, "only {tried} were tried");
}

#[track_caller]
fn says(name: &Path, at: usize, output: &Output, part: &str) {
    let said = stderr(output) + &stdout(output);
    assert!(said.contains(part), "{} at {at}: {said}", name.display());
}

/// A pause whose file is spoilt is still a pause: what differs is not written.
#[test]
fn a_flipped_bit_does_not_end_a_pause() {
    let platform = platform("ab", "{heal: auto}");
    let mut daemon = Daemon::serving(command(&platform, &["--listen", "127.0.0.1:0"]));
    daemon.wait("run", None, "applied");
    let pause = json!({"reason": "migration", "by": "ada", "minutes": 600});
    daemon.ask(&platform, "/api/v1/pause", Some(&pause));
    daemon.wait("pause", None, "paused");
    assert_eq!(daemon.stop().code(), Some(0));
    super::daemon::name_company(&platform, 'a', "newer");
    platform.edit('b', "company_name", "mine");
    let before = platform.mutating();
    flipped(&platform, |name, at, output| {
        let file = name.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            platform.mutating(),
            before,
            "{} at {at}: {}",
            name.display(),
            stderr(output)
        );
        assert!(
            output.status.code().is_some(),
            "{}: it died",
            name.display()
        );
        match file {
            "pause.json" => says(name, at, output, "pause.json"),
            "history.jsonl" => says(name, at, output, "history.jsonl"),
            "production.jsonl" => says(name, at, output, "production.jsonl"),
            _ => {}
        }
    });
    assert_eq!(platform.key('a', "company_name"), "new");
    assert_eq!(platform.key('b', "company_name"), "mine");
    platform.stop();
}

/// What was changed by hand is not taken for the tree's change because the record of what was applied is spoilt.
#[test]
fn a_flipped_bit_overwrites_no_hand_edit() {
    let platform = platform("ab", "{heal: report}");
    let mut daemon = Daemon::serving(command(&platform, &["--listen", "127.0.0.1:0"]));
    daemon.wait("run", None, "applied");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.edit('b', "company_name", "mine");
    let before = platform.mutating();
    flipped(&platform, |name, at, output| {
        let said = stderr(output);
        assert_eq!(
            platform.mutating(),
            before,
            "{} at {at}: {said}",
            name.display()
        );
        if name.ends_with("production.jsonl") {
            says(name, at, output, "production.jsonl");
        }
    });
    assert_eq!(platform.key('b', "company_name"), "mine");
    platform.stop();
}

/// The remedy that is told for a spoilt pause is to resume; then it goes on.
#[test]
fn who_resumes_a_spoilt_pause_goes_on() {
    let platform = platform("a", "{heal: auto}");
    let state = platform.state();
    std::fs::create_dir_all(state.join("watch")).unwrap();
    std::fs::write(state.join("watch/pause.json"), "rubbish").unwrap();
    let mut daemon = Daemon::serving(command(&platform, &["--listen", "127.0.0.1:0"]));
    daemon.wait("stalled", Some('a'), "paused");
    let status = daemon.ask(&platform, "/api/v1/status", None).1;
    let told = status.to_string();
    assert!(told.contains("state_spoilt"), "{status:#}");
    assert!(told.contains("until somebody resumes"), "{status:#}");
    assert_eq!(platform.mutating(), 0);
    daemon.ask(&platform, "/api/v1/resume", Some(&json!({"by": "ada"})));
    daemon.wait("run", None, "applied");
    let status = daemon.ask(&platform, "/api/v1/status", None).1;
    assert!(!status.to_string().contains("state_spoilt"), "{status:#}");
    assert_eq!(daemon.stop().code(), Some(0));
    platform.stop();
}
