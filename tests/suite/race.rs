//! Two real `apply` processes for one cluster, each in a clone of its own, with one Git remote between them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::cli::emblazon;
use crate::git::{Server, git};
use crate::platform::{Platform, id};
use crate::stand_in::{StandIn, port, relay};

pub(crate) const LEASE: &str = "refs/emblazon/production/lease";

/// Writes what one of the two wants, and commits it.
pub(crate) fn declare(clone: &Path, api: &str, value: &str) {
    let config = format!("clusters: {{production: {{api: \"{api}\"}}}}\n");
    crate::cli::write(clone, "emblazon.yaml", &config);
    for name in "abc".chars() {
        let text = format!(
            "account: {}\nwhitelabel: {{company_name: {value}}}\n",
            id(name)
        );
        crate::cli::write(clone, &format!("accounts/{name}/account.yaml"), &text);
    }
    crate::cli::write(clone, ".gitignore", ".emblazon/\n");
    git(clone, &["add", "--all"]);
    git(clone, &["commit", "--quiet", "-m", value]);
}

pub(crate) fn apply(clone: &Path, key: &str) -> Command {
    let mut command = emblazon(clone);
    command
        .args(["apply", "--yes", "--rollback", "--no-cache"])
        .env("EMBLAZON_API_KEY", key)
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Tells whether the runs wrote one after the other: each name stands in one piece.
fn is_in_turn(runs: &[String]) -> bool {
    let mut pieces = runs.to_vec();
    pieces.dedup();
    let count = pieces.len();
    pieces.sort();
    pieces.dedup();
    pieces.len() == count
}

#[test]
fn turns_are_told_from_interleaving() {
    let runs = |text: &str| -> Vec<String> { text.chars().map(String::from).collect() };
    assert!(is_in_turn(&runs("aaabbb")));
    assert!(is_in_turn(&runs("")));
    assert!(!is_in_turn(&runs("aabab")));
}

#[test]
fn two_processes_race_and_never_both_write() {
    race(6);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn two_processes_race_a_hundred_times() {
    race(100);
}

fn race(rounds: usize) {
    let platform = Platform::renamed("abc", "{}");
    let sandbox = port(&platform.sandbox.url());
    // Each write carries the name of its run.
    let writes: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&writes);
    let server = StandIn::start(move |asked, stream| {
        if asked.method != "GET" && !asked.path.contains("_auth") {
            let request = asked.header("x-request-id").unwrap();
            let (run, _) = request.rsplit_once('-').unwrap();
            seen.lock().unwrap().push(run.to_owned());
        }
        let (head, body) = relay(sandbox, asked);
        stream.send(&[head.as_bytes(), &body].concat());
    });
    let git_server = Server::new();
    let clones: [PathBuf; 2] = ["left", "right"].map(|name| git_server.clone_as(name));
    let key = platform.sandbox.api_key().to_owned();
    let (mut both, mut one, mut refused) = (0, 0, 0);
    for round in 0..rounds {
        writes.lock().unwrap().clear();
        for (clone, side) in clones.iter().zip(["left", "right"]) {
            declare(clone, &server.url(), &format!("{side}-{round}"));
        }
        let children = [0, 1].map(|side| apply(&clones[side], &key).spawn().unwrap());
        let outputs = children.map(|child| child.wait_with_output().unwrap());
        let codes = outputs
            .each_ref()
            .map(|output| output.status.code().unwrap());
        for (code, output) in codes.iter().zip(&outputs) {
            assert!(
                matches!(code, 0 | 5),
                "round {round}: {code}\n{}\n{}",
                crate::cli::stdout(output),
                crate::cli::stderr(output)
            );
            let said = crate::cli::stderr(output);
            if *code == 5 {
                assert!(said.contains("is writing to this cluster"), "{said}");
                refused += 1;
            }
        }
        let writes = writes.lock().unwrap().clone();
        assert!(is_in_turn(&writes), "round {round}: {writes:?}");
        let done = codes.iter().filter(|code| **code == 0).count();
        assert_eq!(writes.len(), 3 * done, "round {round}: {codes:?}");
        match done {
            1 => one += 1,
            2 => both += 1,
            _ => panic!("round {round}: nobody wrote, {codes:?}"),
        }
        // All accounts are one's or the other's.
        let names: Vec<_> = "abc"
            .chars()
            .map(|name| platform.key(name, "company_name"))
            .collect();
        assert!(
            names.iter().all(|name| *name == names[0]),
            "round {round}: {names:?}"
        );
        assert_eq!(git_server.value(LEASE), None, "round {round}");
    }
    println!(
        "{rounds} races of two processes: {one} times one wrote, {both} times one after the other, {refused} refused, 0 at once"
    );
    platform.stop();
}
