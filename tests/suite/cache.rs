//! What is remembered of the platform between runs: it saves requests, and never decides what is written.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use emblazon::model::Digest;
use image::{Rgba, RgbaImage};
use serde_json::{Value, json};

use crate::cli::{check_exit, emblazon, stdout, write};
use crate::cli_platform::{ACME, World};

impl World {
    /// Runs a command and returns how many whitelabels it read, and how many of them had not moved.
    fn reads(&self, arguments: &[&str], exit: i32) -> (u64, u64) {
        let before = self.counts();
        check_exit(&self.run(arguments), exit);
        let after = self.counts();
        (
            after.of("GET", "whitelabel") - before.of("GET", "whitelabel"),
            after.not_modified - before.not_modified,
        )
    }

    fn cached(&self) -> PathBuf {
        let top = self.folder.path().join(".cache/emblazon");
        let clusters = fs::read_dir(top).unwrap().map(|found| found.unwrap());
        let mut clusters = clusters.filter(|found| found.file_name() != "pictures");
        let cluster = clusters.next().unwrap();
        let file = fs::read_dir(cluster.path()).unwrap().next().unwrap();
        file.unwrap().path()
    }

    /// Rewrites the kept line of the one account, with a checksum that fits.
    fn lie(&self, change: impl FnOnce(&mut Value)) {
        let file = self.cached();
        let text = fs::read_to_string(&file).unwrap();
        let (_, json) = text.trim_end().split_once(' ').unwrap();
        let mut entry: Value = serde_json::from_str(json).unwrap();
        change(&mut entry);
        let cluster = format!("{}/\n{}", self.sandbox.url(), self.sandbox.account_id());
        let cluster = Digest::of(cluster.as_bytes());
        let sum = Digest::of(format!("emblazon cache 1\n{cluster}\n{entry}").as_bytes());
        fs::write(&file, format!("{sum} {entry}\n")).unwrap();
    }
}

/// The root, which is not in the tree, is looked at as well; the account itself is asked for once, and not sent again.
#[test]
fn a_repeated_look_reads_nothing_again() {
    let world = World::new();
    assert_eq!(world.reads(&["plan"], 2), (2, 0));
    assert_eq!(world.reads(&["plan"], 2), (2, 1));
    assert_eq!(world.reads(&["drift"], 2), (2, 1));
    assert_eq!(world.reads(&["plan", "--no-cache"], 2), (2, 0));
    world.edit("company_name", "Acme Voice");
    assert_eq!(world.reads(&["plan"], 0), (2, 0));
    assert_eq!(world.reads(&["plan"], 0), (2, 1));
    assert_eq!(world.counts().mutating, 0);
    world.stop();
}

/// What stands in the cache is not what stands on the platform, under the same revision: the plan to look at is wrong
/// then, and the one that is carried out, or saved to be, is not.
#[test]
fn a_lying_cache_cannot_write() {
    let world = World::new();
    check_exit(&world.run(&["apply", "--yes"]), 0);
    check_exit(&world.run(&["plan"]), 0);
    let written = world.counts().mutating;
    world.lie(|entry| entry["settings"]["company_name"] = json!("Somebody else"));
    let plan = world.run(&["plan"]);
    check_exit(&plan, 2);
    assert!(stdout(&plan).contains("Somebody else"), "the lie is told");
    check_exit(&world.run(&["apply", "--yes"]), 0);
    assert_eq!(world.counts().mutating, written);
    world.lie(|entry| entry["settings"]["company_name"] = json!("Somebody else"));
    check_exit(&world.run(&["plan", "--out", "saved.plan"]), 0);
    assert_eq!(world.counts().mutating, written);
    world.stop();
}

/// A real difference is written into the document that is really there: what the cache leaves out survives, what it
/// makes up does not come to be.
#[test]
fn a_lying_cache_cannot_write_along() {
    let world = World::new();
    check_exit(&world.run(&["plan"]), 2);
    world.lie(|entry| {
        let settings = entry["settings"].as_object_mut().unwrap();
        settings.remove("brandColor");
        settings.insert("made_up".to_owned(), json!("by nobody"));
        settings.insert("company_name".to_owned(), json!("Somebody else"));
    });
    check_exit(&world.run(&["apply", "--yes"]), 0);
    let public = world.sandbox.world().document(ACME).unwrap().public();
    assert_eq!(public["company_name"], "Acme Voice");
    assert_eq!(public["brandColor"], "red");
    assert_eq!(public.get("made_up"), None);
    world.stop();
}

/// Several at once share one folder; each says what is true, and the next finds what one of them kept.
#[test]
fn several_at_once() {
    let world = World::new();
    let start = || {
        emblazon(world.folder.path())
            .args(["plan"])
            .env("EMBLAZON_API", world.sandbox.url())
            .env("EMBLAZON_API_KEY", world.sandbox.api_key())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<_> = (0..4).map(|_| start()).collect();
    for process in running {
        check_exit(&process.wait_with_output().unwrap(), 2);
    }
    assert_eq!(world.reads(&["plan"], 2), (2, 1));
    world.stop();
}

/// The cache holds what the platform answered, so it is for the user's eyes only, and holds no credential.
#[test]
fn nothing_secret_is_kept() {
    let world = World::new();
    check_exit(&world.run(&["plan"]), 2);
    let text = fs::read_to_string(world.cached()).unwrap();
    assert!(text.contains("brandColor"));
    assert!(!text.contains(world.sandbox.api_key()));
    assert!(!text.contains("auth_token"));
    world.stop();
}

/// What was seen in pictures is kept for the next run by the digest of their bytes, and tells the same warnings; a file that
/// somebody spoilt says nothing.
#[test]
fn pictures_are_remembered() {
    let tree = tempfile::tempdir().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let pale = RgbaImage::from_pixel(400, 100, Rgba([250, 250, 250, 255]));
    let logo = tree.path().join("accounts/acme/logo.png");
    write(tree.path(), "emblazon.yaml", "clusters: {production: {}}\n");
    let account = format!("account: {ACME}\nassets: {{logo: logo.png}}\n");
    write(tree.path(), "accounts/acme/account.yaml", &account);
    pale.save(&logo).unwrap();
    let validate = |arguments: &[&str]| {
        let mut command = emblazon(tree.path());
        command
            .env("EMBLAZON_CACHE_DIR", cache.path())
            .arg("validate");
        let output = command.args(arguments).output().unwrap();
        check_exit(&output, 0);
        stdout(&output)
    };
    let unremembered = validate(&["--no-cache"]);
    assert!(unremembered.contains("EB0616"), "{unremembered}");
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    assert_eq!(validate(&[]), unremembered);
    let kept = cache.path().join("pictures");
    let file = fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&file).unwrap();
    let digest = Digest::of(&fs::read(&logo).unwrap());
    assert!(text.contains(digest.as_str()), "{text}");
    assert_eq!(validate(&[]), unremembered);
    fs::write(&file, text.replace(" fafafa ", " 000000 ")).unwrap();
    assert_eq!(
        validate(&[]),
        unremembered,
        "the spoilt file is not believed"
    );
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        text,
        "and is written anew"
    );
}
