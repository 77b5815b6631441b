//! What a daemon and an apply keep is their owner's, whatever the umask says that they were started with.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::daemon::platform;
use super::remote::{configured, publish};
use crate::cli::check_exit;

/// Starts a command with nothing taken from what it makes.
fn open_to_all(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}

/// Lists what others than the owner may read or write. What Git keeps by its digest is also kept from them by the folders above.
fn exposed(path: &Path, found: &mut Vec<String>) {
    if path.ends_with(".git/objects") {
        return;
    }
    let about = std::fs::symlink_metadata(path).unwrap();
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        found.push(format!("{} {mode:o}", path.display()));
    }
    if about.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            exposed(&entry.unwrap().path(), found);
        }
    }
}

#[test]
fn state_is_its_owners_whatever_the_umask() {
    let platform = platform("a", "{heal: auto}");
    let bare = publish(&platform);
    let daemon = configured(&platform, bare.path(), "daemon", "", "");
    let mut once = open_to_all(&daemon);
    check_exit(&once.arg("--once").output().unwrap(), 0);
    platform.edit('a', "company_name", "mine");
    let apply = platform.command(&["apply", "--yes", "--no-push"]);
    check_exit(&open_to_all(&apply).output().unwrap(), 0);
    assert_eq!(platform.key('a', "company_name"), "new");
    for state in ["daemon-state", ".emblazon"] {
        let state = platform.folder().join(state);
        assert!(state.is_dir());
        let mut found = Vec::new();
        exposed(&state, &mut found);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    platform.stop();
}
