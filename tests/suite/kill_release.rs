//! `kill -9` of the real process at every request of a run that releases a domain and deletes a whitelabel; then the
//! next run is with the same tree, or with one that says nothing of the brand any more. Nobody's brand stays under a
//! parked name unseen.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8PathBuf;
use emblazon::apply::interrupted_runs;
use emblazon::model::{AccountId, ClusterName, parked_domain};
use emblazon::sandbox::{Fault, FaultKind, Profile};
use serde_json::Value;

use crate::base::{ACME, BETA, World};
use crate::cli::{check_exit, stderr, stdout};

const DOMAIN: &str = "x.example.com";

/// What the run that is killed was to do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scene {
    /// The whitelabel is deleted.
    Deletion,
    /// It is deleted, and another account gets its domain.
    HandedOn,
    /// It is gone already, and still reserves the domain that another account gets: one is made, and deleted again.
    Reserved,
}

/// What the tree says when the next run begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    /// The same.
    Same,
    /// The account is not in the tree, and no base says that it was.
    WithoutAccount,
    /// The account is in the tree, without a `whitelabel` key.
    WithoutKey,
    /// The account is not in the tree, which was applied with it.
    Departed,
    /// Likewise, and it is forgotten.
    Forgotten,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    profile: Profile,
    scene: Scene,
    next: Next,
    point: Option<(u64, FaultKind)>,
}

impl Case {
    fn world(self) -> World {
        let acme = match self.scene {
            Scene::Reserved => format!("reserved_domain: {DOMAIN}"),
            Scene::Deletion | Scene::HandedOn => {
                format!("whitelabel: {{ company_name: Acme, domain: {DOMAIN}, theirs: kept }}")
            }
        };
        let world = World::seeded_on(
            self.profile,
            &format!(
                "accounts:
  - name: Master
  - {{ name: Acme, id: {ACME}, realm: acme.sip.example.com, {acme} }}
  - {{ name: Beta, id: {BETA}, realm: beta.sip.example.com, whitelabel: {{ company_name: Beta }} }}
"
            ),
        );
        world.account("beta", BETA, "company_name: Beta");
        if matches!(self.next, Next::Departed | Next::Forgotten) {
            world.account("acme", ACME, &format!("domain: {DOMAIN}"));
            world.commit("with acme");
            world.apply();
        }
        world.write(
            "accounts/acme/account.yaml",
            &format!("account: {ACME}\nwhitelabel: null\n"),
        );
        if self.scene != Scene::Deletion {
            world.account(
                "beta",
                BETA,
                &format!("company_name: Beta, domain: {DOMAIN}"),
            );
        }
        world.commit("acme goes");
        world
    }

    /// Begins the run, and ends it at the point. Returns whether it was killed.
    fn kill(self, world: &World) -> bool {
        let begun = world.sandbox.counts().total;
        let Some((nth, kind)) = self.point else {
            return false;
        };
        let fault = Fault::new("*", "*", kind).nth(u32::try_from(nth).unwrap());
        world.sandbox.set_faults(vec![fault]);
        let mut child = world
            .command(&world.clone, &["apply", "--yes", "--prune"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while world.sandbox.counts().total < begun + nth {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::yield_now();
        }
        child.kill().unwrap();
        let was_killed = child.wait().unwrap().code().is_none();
        world.sandbox.set_faults(Vec::new());
        was_killed
    }

    /// Changes the tree, and returns the arguments of the next apply.
    fn change(self, world: &World) -> Vec<&'static str> {
        let file = world.clone.join("accounts/acme");
        match self.next {
            Next::Same => return vec!["apply", "--yes", "--prune"],
            Next::WithoutKey => {
                world.write("accounts/acme/account.yaml", &format!("account: {ACME}\n"));
            }
            Next::WithoutAccount | Next::Departed | Next::Forgotten => {
                std::fs::remove_dir_all(file).unwrap();
            }
        }
        if self.scene != Scene::Deletion {
            world.account("beta", BETA, "company_name: Beta");
        }
        world.commit("acme is not spoken of");
        match self.next {
            Next::Forgotten => vec!["apply", "--yes", "--forget", "acme"],
            _ => vec!["apply", "--yes"],
        }
    }

    /// Kills a run, and says what is wrong after the next one. Returns whether it was killed.
    fn check(self) -> Result<bool, String> {
        let world = self.world();
        let was_killed = self.kill(&world);
        let left = world.live(ACME);
        let is_handed_on = world.live(BETA).unwrap()["domain"] == DOMAIN;
        let arguments = self.change(&world);
        let wrong = |what: String| Err(format!("{self:?}, left {left:?}: {what}"));
        if let Err(what) = told(&world, left.as_ref(), &arguments[2..]) {
            return wrong(what);
        }
        let output = world.run(&arguments);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        let is_refused = self.next == Next::Departed && left.is_some();
        let expected = if is_refused { 5 } else { 0 };
        if output.status.code() != Some(expected) {
            return wrong(format!("{:?} {told}", output.status.code()));
        }
        let live = world.live(ACME);
        // Whoever has the domain by now keeps it, and the other is told of.
        let is_told = is_handed_on && told.contains("nobody reaches");
        if is_parked(live.as_ref()) && !is_told {
            return wrong(format!("still parked: {told}"));
        }
        if let Some(live) = &live {
            if self.next == Next::Same || self.scene == Scene::Reserved {
                return wrong(format!("it is there: {live} {told}"));
            }
            if !is_told && live["domain"] != DOMAIN {
                return wrong(format!("it is not as it was: {live} {told}"));
            }
            if live["theirs"] != "kept" {
                return wrong(format!("it lost a key: {live}"));
            }
        } else if left.is_some() && self.next != Next::Same && self.scene != Scene::Reserved {
            return wrong(format!("it is gone: {told}"));
        }
        let cluster = ClusterName::new("production");
        let open = interrupted_runs(&state(&world), &cluster, None).unwrap();
        if !open.is_empty() {
            return wrong(format!("still open: {open:?}"));
        }
        Ok(was_killed)
    }

    /// Lets a request of a run fail, and says what is wrong after the remedy that the next plan names. Returns whether
    /// the run left the brand parked.
    fn check_failed(self) -> Result<bool, String> {
        let world = self.world();
        let begun = world.sandbox.counts().total;
        let (nth, kind) = self.point.unwrap();
        // The same write fails again, so that no retry helps.
        let fault = Fault::new("*", "*", kind).nth(u32::try_from(nth).unwrap());
        world.sandbox.set_faults(vec![fault]);
        let first = world.run(&["apply", "--yes", "--prune"]);
        world.sandbox.set_faults(Vec::new());
        let first = format!("{}{}", stdout(&first), stderr(&first));
        let left = world.live(ACME);
        let wrong = |what: String| Err(format!("{self:?}, left {left:?} {first}: {what}"));
        assert!(world.sandbox.counts().total > begun, "nothing was sent");
        if !is_parked(left.as_ref()) {
            return Ok(false);
        }
        let arguments = self.change(&world);
        if let Err(what) = told(&world, left.as_ref(), &arguments[2..]) {
            return wrong(what);
        }
        let runs = emblazon::apply::runs(&state(&world)).unwrap();
        let run = runs.last().unwrap().to_string();
        let output = world.run(&["restore", &run, "--yes"]);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        if output.status.code() != Some(0) {
            return wrong(format!("restore: {:?} {told}", output.status.code()));
        }
        match (self.scene, world.live(ACME)) {
            (Scene::Reserved, None) => Ok(true),
            (Scene::Deletion | Scene::HandedOn, Some(live)) if live["domain"] == DOMAIN => Ok(true),
            (_, live) => wrong(format!("{live:?} after the restore: {told}")),
        }
    }
}

/// Says what plan and drift do not tell of what a run left: a parked name must be in both.
fn told(world: &World, left: Option<&Value>, options: &[&str]) -> Result<(), String> {
    let parked = parked();
    if !is_parked(left) {
        return Ok(());
    }
    let without: Vec<&str> = (options.iter().copied())
        .filter(|option| *option != "--prune")
        .collect();
    for what in [
        [&["plan"], options].concat(),
        [&["drift", "--skip-dns"], &without[..]].concat(),
    ] {
        let output = world.run(&what);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        if !told.contains(&parked) {
            return Err(format!("{what:?} says nothing of the parked name: {told}"));
        }
    }
    Ok(())
}

fn parked() -> String {
    parked_domain(&AccountId::parse(ACME).unwrap())
}

fn is_parked(live: Option<&Value>) -> bool {
    live.is_some_and(|live| live["domain"] == *parked())
}

fn state(world: &World) -> Utf8PathBuf {
    Utf8PathBuf::from_path_buf(world.clone.join(".emblazon")).unwrap()
}

/// How many requests an undisturbed run sends.
fn requests(case: Case) -> u64 {
    let world = case.world();
    let before = world.sandbox.counts().total;
    check_exit(&world.run(&["apply", "--yes", "--prune"]), 0);
    world.sandbox.counts().total - before
}

/// Returns a case for each request of each scene and each tree after it.
fn cases(profile: Profile, nexts: &[Next], kinds: &[FaultKind]) -> Vec<Case> {
    let mut cases = Vec::new();
    for scene in [Scene::Deletion, Scene::HandedOn, Scene::Reserved] {
        for next in nexts.iter().copied() {
            let was_applied = matches!(next, Next::Departed | Next::Forgotten);
            if scene == Scene::Reserved && was_applied {
                continue;
            }
            let case = Case {
                profile,
                scene,
                next,
                point: None,
            };
            for nth in 1..=requests(case) {
                cases.extend(kinds.iter().map(|kind| Case {
                    point: Some((nth, *kind)),
                    ..case
                }));
            }
        }
    }
    cases
}

/// Works through cases side by side; returns how many were what they were to be.
fn work_through(cases: &[Case], check: impl Fn(Case) -> Result<bool, String> + Sync) -> usize {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            results.push(check(*case));
        }
        results
    };
    let results: Vec<Result<bool, String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        (workers.into_iter())
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let wrong: Vec<&String> = results.iter().filter_map(|it| it.as_ref().err()).collect();
    let hits = results.iter().filter(|it| matches!(it, Ok(true))).count();
    println!(
        "{} cases, {hits} hits, {} wrong",
        results.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    hits
}

fn kill(profiles: &[Profile], step: usize) {
    let nexts = [
        Next::Same,
        Next::WithoutAccount,
        Next::WithoutKey,
        Next::Departed,
        Next::Forgotten,
    ];
    let kinds = [FaultKind::Hang, FaultKind::Silence];
    let cases: Vec<Case> = (profiles.iter())
        .flat_map(|profile| cases(*profile, &nexts, &kinds))
        .step_by(step)
        .collect();
    let kills = work_through(&cases, Case::check);
    assert!(kills * 10 > cases.len() * 8, "only {kills} kills");
}

fn fail(profiles: &[Profile], kinds: &[FaultKind], step: usize) {
    let nexts = [Next::WithoutAccount, Next::Departed];
    let cases: Vec<Case> = (profiles.iter())
        .flat_map(|profile| cases(*profile, &nexts, kinds))
        .step_by(step)
        .collect();
    let parked = work_through(&cases, Case::check_failed);
    assert!(parked > 0, "no brand was left parked");
}

#[test]
fn a_run_killed_between_release_and_deletion_leaves_no_brand_parked() {
    kill(&[Profile::V43], 7);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn a_run_killed_at_every_request_leaves_no_brand_parked() {
    kill(&[Profile::V43, Profile::Master], 1);
}

#[test]
fn a_run_that_failed_after_a_release_is_told_and_undone() {
    fail(&[Profile::V43], &[FaultKind::Status(403)], 3);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn a_run_that_failed_at_any_request_is_told_and_undone() {
    let kinds = [
        FaultKind::Status(403),
        FaultKind::Status(409),
        FaultKind::LostAnswer,
        FaultKind::SkipAccountWrite,
        FaultKind::StaleRead,
    ];
    fail(&[Profile::V43, Profile::Master], &kinds, 1);
}
