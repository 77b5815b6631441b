//! One bit of what a run left behind is another: in its journal, its snapshot, its plan, and in what Git knows of what was
//! applied last. Nothing may be lost and nothing wrong be written; what cannot be believed is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Map, Value};

use crate::base::{ACME, World};
use crate::cli::{stderr, stdout};
use crate::git::git;
use crate::platform::Platform;

/// How many bits are flipped in each kind of file in a sample, and how many times that in full number.
const TENFOLD: u64 = 10;

/// Lists the files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::metadata(&path).unwrap().len() > 0 {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Flips one bit of one of some files, and says which.
fn flip(random: &mut fastrand::Rng, files: &[PathBuf]) -> String {
    let file = &files[random.usize(..files.len())];
    let mut bytes = fs::read(file).unwrap();
    let at = random.usize(..bytes.len());
    let bit = random.u8(..8);
    bytes[at] ^= 1 << bit;
    let mut permissions = fs::metadata(file).unwrap().permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    fs::set_permissions(file, permissions).unwrap();
    fs::write(file, bytes).unwrap();
    format!("bit {bit} of byte {at} of {}", file.display())
}

/// Sees that a command ended as commands end, and said why when it did not do all.
#[track_caller]
fn check_said(output: &Output, what: &str) {
    let talk = stderr(output);
    let code = output.status.code();
    assert!(
        code.is_some_and(|code| matches!(code, 0..=6 | 64)),
        "{what}: {code:?} {talk}"
    );
    assert!(!talk.contains("panicked"), "{what}: {talk}");
    assert!(
        code == Some(0) || !talk.trim().is_empty() || !stdout(output).trim().is_empty(),
        "{what}: nothing was said"
    );
}

type Live = [Option<Map<String, Value>>; 2];

fn live(platform: &Platform) -> Live {
    [platform.live('a'), platform.live('b')]
}

/// Applies, flips a bit of what was left behind, and runs something; each account must be as it was before or after.
fn check(
    seed: u64,
    spoil: impl Fn(&mut fastrand::Rng, &[PathBuf]) -> String,
    command: impl Fn(&str) -> Vec<String>,
) -> (i32, bool) {
    let mut random = fastrand::Rng::with_seed(seed);
    let platform = Platform::renamed("ab", "{}");
    let before = live(&platform);
    let applied = platform.run(&["apply", "--yes"]);
    assert_eq!(applied.status.code(), Some(0));
    let after = live(&platform);
    let run = platform.runs().remove(0);
    let what = format!(
        "seed {seed}: {}",
        spoil(&mut random, &files(platform.state().as_std_path()))
    );
    let command = command(&run);
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let output = platform.run(&arguments);
    check_said(&output, &what);
    let now = live(&platform);
    for (index, now) in now.iter().enumerate() {
        assert!(
            *now == before[index] || *now == after[index],
            "{what}: {now:?} is neither what was before nor after; {}",
            stderr(&output)
        );
    }
    let code = output.status.code().unwrap();
    if command[0] == "restore" && code == 0 {
        assert_eq!(now, before, "{what}: it says that it is done");
    }
    if command[0] == "apply" {
        assert_eq!(now, after, "{what}: the tree says so");
    }
    platform.stop();
    (code, now == before)
}

fn a_bit_of_what_a_run_left_is_another_and_restore_writes_nothing_wrong_in(rounds: u64) {
    let mut restored = 0;
    for seed in 0..rounds {
        let (_, is_before) = check(seed, flip, |run| {
            ["restore", run, "--yes"].map(str::to_owned).to_vec()
        });
        restored += usize::from(is_before);
    }
    println!("{rounds} bits flipped: {restored} restored all the same, the others refused");
    assert!(restored > 0, "some bits do not matter");
}

fn a_bit_of_what_a_run_left_is_another_and_apply_writes_nothing_wrong_in(rounds: u64) {
    for seed in 0..rounds {
        check(seed, flip, |_| {
            ["apply", "--yes"].map(str::to_owned).to_vec()
        });
    }
}

/// The run was killed, and one bit of what it wrote down until then is another.
fn a_bit_of_what_a_killed_run_left_is_another_and_apply_writes_nothing_wrong_in(rounds: u64) {
    let spoil = |random: &mut fastrand::Rng, files: &[PathBuf]| {
        let is_journal = |file: &&PathBuf| file.to_str().unwrap().contains("journal");
        let journal = files.iter().find(is_journal).expect("a journal");
        let text = fs::read_to_string(journal).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let kept = random.usize(1..lines.len());
        let text = lines[..kept].join("\n") + "\n";
        fs::write(journal, text).unwrap();
        format!("{kept} lines, {}", flip(random, files))
    };
    for seed in 0..rounds {
        check(seed, spoil, |_| {
            ["apply", "--yes"].map(str::to_owned).to_vec()
        });
    }
}

/// What Git knows of what was applied last has another bit: what is removed is what the branch stopped declaring, or nothing.
fn a_bit_of_the_base_is_another_and_nothing_undeclared_is_lost_in(rounds: u64) {
    let world = World::new();
    world.apply();
    world.account("acme", ACME, "company_name: Acme Two");
    world.commit("drop the colour");
    let pristine = world.live(ACME).unwrap();
    for seed in 0..rounds {
        let mut random = fastrand::Rng::with_seed(seed);
        let clone = world.server.copy_as(&format!("clone-{seed}"));
        git(
            &clone,
            &[
                "fetch",
                "--quiet",
                "origin",
                "+refs/emblazon/*:refs/emblazon/*",
            ],
        );
        let mut spoilt = files(&clone.join(".git/objects"));
        spoilt.extend(files(&clone.join(".git/refs/emblazon")));
        let what = format!("seed {seed}: {}", flip(&mut random, &spoilt));
        let output = world.run_in(
            &clone,
            &["apply", "--yes", "--no-fetch", "--no-push", "--no-cache"],
        );
        check_said(&output, &what);
        let live = world.live(ACME).unwrap();
        assert_eq!(live["theirs"], "kept", "{what}");
        let company = live["company_name"].as_str().unwrap();
        assert!(
            ["Acme Voice", "Acme Two"].contains(&company),
            "{what}: {company}"
        );
        world.edit(ACME, "company_name", "Acme Voice");
        world.edit(ACME, "brandColor", "red");
    }
    assert_eq!(world.live(ACME).unwrap(), pristine);
}

#[test]
fn a_bit_of_what_a_run_left_is_another_and_restore_writes_nothing_wrong() {
    a_bit_of_what_a_run_left_is_another_and_restore_writes_nothing_wrong_in(40);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn a_bit_of_what_a_run_left_is_another_and_restore_writes_nothing_wrong_tenfold() {
    a_bit_of_what_a_run_left_is_another_and_restore_writes_nothing_wrong_in(40 * TENFOLD);
}

#[test]
fn a_bit_of_what_a_run_left_is_another_and_apply_writes_nothing_wrong() {
    a_bit_of_what_a_run_left_is_another_and_apply_writes_nothing_wrong_in(20);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn a_bit_of_what_a_run_left_is_another_and_apply_writes_nothing_wrong_tenfold() {
    a_bit_of_what_a_run_left_is_another_and_apply_writes_nothing_wrong_in(20 * TENFOLD);
}

#[test]
fn a_bit_of_what_a_killed_run_left_is_another_and_apply_writes_nothing_wrong() {
    a_bit_of_what_a_killed_run_left_is_another_and_apply_writes_nothing_wrong_in(20);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn a_bit_of_what_a_killed_run_left_is_another_and_apply_writes_nothing_wrong_tenfold() {
    a_bit_of_what_a_killed_run_left_is_another_and_apply_writes_nothing_wrong_in(20 * TENFOLD);
}

#[test]
fn a_bit_of_the_base_is_another_and_nothing_undeclared_is_lost() {
    a_bit_of_the_base_is_another_and_nothing_undeclared_is_lost_in(20);
}

#[test]
#[ignore = "takes minutes; run `cargo test --test suite -- --ignored`, as .ci/run does"]
fn a_bit_of_the_base_is_another_and_nothing_undeclared_is_lost_tenfold() {
    a_bit_of_the_base_is_another_and_nothing_undeclared_is_lost_in(20 * TENFOLD);
}
