//! Two hosts, each with a clone and a state folder of its own, and one Git remote between them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command};

use emblazon::apply::interrupted_runs;
use emblazon::apply::lease::{LeaseScope, Record};
use emblazon::model::ClusterName;
use emblazon::sandbox::{Fault, FaultKind};
use jiff::Timestamp;

use crate::cli::{check_exit, stderr, stdout};
use crate::git::{Server, git};
use crate::platform::Platform;
use crate::race::{LEASE, declare};

fn apply(clone: &Path, platform: &Platform, arguments: &[&str]) -> Command {
    let mut command = crate::race::apply(clone, platform.sandbox.api_key());
    command.args(arguments);
    command
}

/// Starts an apply on one host, and kills it while its second write waits for an answer.
fn killed(platform: &Platform, clone: &Path) {
    let hang = Fault::new("POST", "*/whitelabel", FaultKind::Hang).nth(2);
    platform.sandbox.set_faults(vec![hang]);
    let mut child = apply(clone, platform, &[]).spawn().unwrap();
    while platform.mutating() < 2 {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    platform.sandbox.set_faults(Vec::new());
}

/// Returns what the lease of the server says.
fn lease(clone: &Path) -> Record {
    git(clone, &["fetch", "--quiet", "origin", LEASE]);
    let message = git(clone, &["log", "-1", "--format=%B", "FETCH_HEAD"]);
    serde_json::from_str(&message).unwrap()
}

/// Lets time pass, as far as the lease tells of it.
fn expire(clone: &Path) {
    let record = Record {
        expires: Some(Timestamp::UNIX_EPOCH),
        ..lease(clone)
    };
    let message = serde_json::to_string(&record).unwrap();
    let tree = git(clone, &["mktree"]);
    let commit = git(clone, &["commit-tree", &tree, "-m", &message]);
    let refspec = format!("{commit}:{LEASE}");
    git(clone, &["push", "--quiet", "--force", "origin", &refspec]);
}

/// Reads what a process says until it says some words, and gives back what it says in all.
fn after_words(mut child: Child, words: &str, then: impl FnOnce()) -> (Option<i32>, String) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let mut then = Some(then);
    for line in lines.by_ref() {
        said += &(line.unwrap() + "\n");
        if said.contains(words)
            && let Some(then) = then.take()
        {
            then();
        }
    }
    let output = child.wait_with_output().unwrap();
    assert!(then.is_none(), "it never said {words:?}: {said}");
    (output.status.code(), said)
}

/// The other host is refused while the lease of the killed process holds, or waits as it is told; once it has
/// expired, the other host takes it over, says so, and ends the work. What the first host had in hand is looked at
/// when it runs again.
#[test]
fn a_killed_holder_is_taken_over_by_the_other_host() {
    let platform = Platform::renamed("abc", "{}");
    let server = Server::new();
    let [one, two] = ["one", "two"].map(|name| server.clone_as(name));
    declare(&one, platform.sandbox.url().as_str(), "new");
    git(&one, &["push", "--quiet", "origin", "HEAD:main"]);
    git(&two, &["pull", "--quiet", "origin", "main"]);
    killed(&platform, &one);
    let holder = lease(&two).holder;
    // Its third write may have been on the way when it was killed.
    let begun = platform.mutating();

    let refused = apply(&two, &platform, &[]).output().unwrap();
    check_exit(&refused, 5);
    let said = stderr(&refused);
    assert!(
        said.contains(&format!(
            "somebody else is writing to this cluster: {holder}"
        )),
        "{said}"
    );
    assert!(
        said.contains(&format!("`git push origin :{LEASE}` removes its lease")),
        "{said}"
    );
    assert_eq!(platform.mutating(), begun, "nothing was written");

    let waiting = apply(&two, &platform, &["--wait-for-lease", "10m"])
        .spawn()
        .unwrap();
    let (code, said) = after_words(waiting, "waiting for", || expire(&two));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("waiting for {holder}")), "{said}");
    assert!(
        said.contains(&format!("took over the lease of {holder}")),
        "{said}"
    );
    for name in "abc".chars() {
        assert_eq!(platform.key(name, "company_name"), "new");
        assert_eq!(platform.key(name, "brandColor"), "red");
    }
    assert_eq!(server.value(LEASE), None);

    let cluster = ClusterName::new("production");
    let state = |clone: &Path| camino::Utf8PathBuf::from_path_buf(clone.join(".emblazon")).unwrap();
    assert_eq!(
        interrupted_runs(&state(&one), &cluster, None)
            .unwrap()
            .len(),
        1
    );
    let written = platform.mutating();
    let again = apply(&one, &platform, &[]).output().unwrap();
    check_exit(&again, 0);
    assert!(
        stderr(&again).contains("never ended"),
        "{}\n{}",
        stdout(&again),
        stderr(&again)
    );
    assert_eq!(platform.mutating(), written, "there was nothing left to do");
    assert_eq!(interrupted_runs(&state(&one), &cluster, None).unwrap(), []);
    platform.stop();
}

/// One that expired long ago is no reason to wait.
#[test]
fn an_expired_lease_is_taken_over_at_once() {
    let platform = Platform::renamed("abc", "{}");
    let server = Server::new();
    let [one, two] = ["one", "two"].map(|name| server.clone_as(name));
    declare(&one, platform.sandbox.url().as_str(), "new");
    git(&one, &["push", "--quiet", "origin", "HEAD:main"]);
    git(&two, &["pull", "--quiet", "origin", "main"]);
    killed(&platform, &one);
    let holder = lease(&two).holder;
    expire(&two);
    let output = apply(&two, &platform, &[]).output().unwrap();
    check_exit(&output, 0);
    let said = stderr(&output);
    assert!(
        said.contains(&format!("took over the lease of {holder}")),
        "{said}"
    );
    assert_eq!(server.value(LEASE), None);
    platform.stop();
}

/// A daemon that `--api` sends to a platform holds the same lease as every other writer there.
#[test]
fn a_daemon_on_a_named_platform_waits_for_the_lease() {
    let world = crate::base::World::new();
    let scope = LeaseScope::new(&ClusterName::new("production"), None);
    let lease = world.hold(scope);
    let before = world.sandbox.counts().mutating;
    let mut daemon = world
        .command(&world.clone, &["watch", "--interval", "5h"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let said = lines.find(|line| line.contains("role: "));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(
        said.as_ref()
            .is_some_and(|line| line.contains("ann@elsewhere")),
        "{said:?}"
    );
    assert_eq!(world.sandbox.counts().mutating, before);
    drop(lease);
}
