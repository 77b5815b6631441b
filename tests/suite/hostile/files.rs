//! Paths that would leave the tree, and who may read what a run leaves behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::bounded;
use crate::cli::{check_exit, run, stderr, stdout, write};
use crate::git::git;
use crate::platform::Platform;

const ID: &str = "account: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
const SECRET: &str = "what lies beside the tree";

/// Declares an asset or a layer; neither the work tree nor the commit leads out, and nothing is shown of what lies there.
#[track_caller]
fn check(account: &str, link: Option<(&str, &str)>, code: &str) {
    let around = tempfile::tempdir().unwrap();
    let tree = around.path().join("tree");
    write(around.path(), "outside.png", SECRET);
    write(around.path(), "outside.yaml", SECRET);
    write(
        &tree,
        "emblazon.yaml",
        "clusters: {production: {api: \"https://api.example.com\"}}\n",
    );
    write(
        &tree,
        "accounts/acme/account.yaml",
        &format!("{ID}{account}\n"),
    );
    if let Some((at, to)) = link {
        let at = tree.join(at);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(to, at).unwrap();
    }
    git(&tree, &["init", "--quiet"]);
    git(&tree, &["add", "--all"]);
    git(&tree, &["commit", "--quiet", "--message", "tree"]);
    for arguments in [&["validate"][..], &["validate", "--rev", "HEAD"]] {
        let output = run(&tree, arguments);
        check_exit(&output, 3);
        let said = stdout(&output);
        assert!(said.contains(code), "{account}: {said}");
        assert!(!said.contains(SECRET), "{account}: {said}");
    }
}

#[test]
fn nothing_outside_the_tree_is_read() {
    let outside = |path: &str| format!("assets: {{logo: \"{path}\"}}");
    let absolute = tempfile::NamedTempFile::new().unwrap();
    for path in [
        "../../../outside.png",
        "x/../../../../outside.png",
        "..\\\\..\\\\..\\\\outside.png",
        "/etc/passwd",
        "C:\\\\outside.png",
        "//outside.png",
        "file:///etc/passwd",
        absolute.path().to_str().unwrap(),
    ] {
        check(&outside(path), None, "EB0");
    }
    check(&outside("../../../outside.png"), None, "EB0113");
    for name in ["../../outside", "/etc/passwd", "..", "a/../../../outside"] {
        check(&format!("extends: [\"{name}\"]"), None, "EB0");
    }
    let logo = outside("logo.png");
    check(
        &logo,
        Some(("accounts/acme/logo.png", "../../../outside.png")),
        "EB0112",
    );
    check(
        &logo,
        Some(("accounts/acme/logo.png", "/etc/passwd")),
        "EB0112",
    );
    let inside = outside("pictures/outside.png");
    check(
        &inside,
        Some(("accounts/acme/pictures", "../../..")),
        "EB0112",
    );
    check(
        "extends: [gold]",
        Some(("brands/gold.yaml", "../../outside.yaml")),
        "EB0112",
    );
    check("extends: [gold]", Some(("brands", "..")), "EB0112");
}

/// Returns everything below a folder that somebody else could read.
fn readable(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
        let allowed = if path.is_dir() { 0o700 } else { 0o600 };
        if mode & !allowed != 0 {
            found.push(format!("{} {mode:o}", path.display()));
        }
        if path.is_dir() {
            found.extend(readable(&path));
        }
    }
    found
}

/// Snapshots, journal, lock, plans: for their owner only, however open the shell's mask is.
#[test]
fn what_a_run_keeps_is_its_owners() {
    let platform = Platform::renamed("ab", "{}");
    let plan = platform.folder().join("change.plan");
    fs::write(&plan, "an older file that everybody can read").unwrap();
    let open = |arguments: &str| {
        let script = format!(
            "umask 0; exec {} {arguments}",
            env!("CARGO_BIN_EXE_emblazon")
        );
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &script])
            .current_dir(platform.folder())
            .env("HOME", platform.folder())
            .env("EMBLAZON_API", platform.sandbox.url())
            .env("EMBLAZON_API_KEY", platform.sandbox.api_key())
            .output()
            .unwrap()
    };
    check_exit(&open("plan --out change.plan"), 2);
    check_exit(&open("plan --out new.plan"), 2);
    check_exit(&open("apply --yes change.plan"), 0);
    let run = platform.runs().pop().unwrap();
    platform.declare('a', "whitelabel: {company_name: third}");
    check_exit(&open("apply --yes"), 0);
    check_exit(&open(&format!("restore {run} --moved --yes")), 0);
    let state = platform.state();
    assert_eq!(readable(state.as_std_path()), [""; 0]);
    assert_eq!(
        fs::metadata(&state).unwrap().permissions().mode() & 0o777,
        0o700
    );
    for plan in ["change.plan", "new.plan"] {
        let mode = fs::metadata(platform.folder().join(plan))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{plan}");
    }
    platform.stop();
}

/// Makes a pipe that nobody ever writes to.
fn pipe(at: &Path) {
    let made = std::process::Command::new("mkfifo").arg(at).status();
    assert!(made.unwrap().success());
}

/// Writes a tree of one account; the cluster has some further lines.
fn tree(folder: &Path, cluster: &str) {
    let config = format!("clusters: {{production: {{api: \"https://127.0.0.1:9\", {cluster}}}}}\n");
    write(folder, "emblazon.yaml", &config);
    write(folder, "accounts/acme/account.yaml", ID);
}

/// What the tree names is read only when it is a plain file: the run ends, within its memory, and says what is wrong. Were one
/// of these opened as it is, the run would hang, or take memory until it is killed.
#[test]
fn only_plain_files_hold_secrets() {
    #[track_caller]
    fn check(file: &str, cluster: &str, said: &str) {
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path(), cluster);
        // Even where the operator lets the tree name whatever it likes.
        let ca_file = folder.path().join(file);
        let trust = format!("{{files: [/], ca_files: [{ca_file:?}]}}");
        pipe(&folder.path().join("pipe"));
        write(folder.path(), "long", &"x".repeat(2 << 20));
        write(folder.path(), "key", "a key");
        for name in ["long", "key"] {
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(folder.path().join(name), mode).unwrap();
        }
        symlink("/dev/zero", folder.path().join("zero")).unwrap();
        symlink("/proc/self/environ", folder.path().join("environ")).unwrap();
        let variables = [
            ("EMBLAZON_API_KEY", "canary-key"),
            ("EMBLAZON_TRUST", trust.as_str()),
        ];
        let output = bounded(folder.path(), &variables, &["plan", "--no-cache"]);
        check_exit(&output, 1);
        let told = stderr(&output);
        assert!(told.contains(said), "{cluster}: {told}");
        assert!(!told.contains("canary"), "{cluster}: {told}");
    }
    for (file, said) in [
        ("/dev/zero", "it is a device; name a regular file"),
        ("zero", "it is a device; name a regular file"),
        ("pipe", "it is a pipe; name a regular file"),
        ("accounts", "it is a folder; name a regular file"),
        ("long", "bytes, which are not read; name another file"),
        (
            "/proc/self/environ",
            "such as /proc or /sys; copy its content into a regular file",
        ),
        (
            "environ",
            "such as /proc or /sys; copy its content into a regular file",
        ),
    ] {
        check(file, &format!("ca_file: {file}"), said);
        for kind in ["api_key", "token"] {
            check(file, &format!("auth: {{{kind}: {{file: {file}}}}}"), said);
        }
    }
}

/// A sandbox's file, and the files that it names, are the tree's too.
#[test]
fn a_sandbox_begins_with_plain_files() {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path(), "");
    let seed = folder.path().join("sandbox.yaml");
    pipe(&seed);
    let output = bounded(folder.path(), &[], &["plan", "--sandbox"]);
    check_exit(&output, 1);
    assert!(
        stderr(&output).contains("it is a pipe"),
        "{}",
        stderr(&output)
    );
    fs::remove_file(&seed).unwrap();
    let logo = "accounts: [{name: Master, whitelabel: {}, assets: {logo: /dev/zero}}]\n";
    fs::write(&seed, logo).unwrap();
    let output = bounded(folder.path(), &[], &["plan", "--sandbox"]);
    check_exit(&output, 1);
    assert!(
        stderr(&output).contains("it is a device"),
        "{}",
        stderr(&output)
    );
}

/// Fourteen objects that name a thousand million files: the reader gives up at its limit, within its memory.
#[test]
fn a_commit_names_no_more_than_is_read() {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path(), "");
    let repository = git2::Repository::init(folder.path()).unwrap();
    let blob = repository.blob(ID.as_bytes()).unwrap();
    let layer = |inner: git2::Oid, mode: i32| {
        let mut builder = repository.treebuilder(None).unwrap();
        for name in 'a'..='j' {
            builder.insert(name.to_string(), inner, mode).unwrap();
        }
        builder.write().unwrap()
    };
    let mut bomb = layer(blob, 0o100_644);
    for _ in 0..8 {
        bomb = layer(bomb, 0o040_000);
    }
    let config = repository.blob(b"clusters: {production: {}}\n").unwrap();
    let mut builder = repository.treebuilder(None).unwrap();
    builder.insert("emblazon.yaml", config, 0o100_644).unwrap();
    builder.insert("accounts", bomb, 0o040_000).unwrap();
    let top = repository.find_tree(builder.write().unwrap()).unwrap();
    let who = git2::Signature::now("a", "a@example.com").unwrap();
    let empty = repository.treebuilder(None).unwrap().write().unwrap();
    let empty = repository.find_tree(empty).unwrap();
    let first = repository
        .commit(None, &who, &who, "empty", &empty, &[])
        .unwrap();
    let first = repository.find_commit(first).unwrap();
    let (head, parents) = (Some("HEAD"), [&first]);
    repository
        .commit(head, &who, &who, "bomb", &top, &parents)
        .unwrap();
    for arguments in [
        &["validate", "--rev", "HEAD"][..],
        &[
            "plan",
            "--sandbox",
            "--rev",
            "HEAD",
            "--changed-since",
            "HEAD~1",
        ],
        &["plan", "--sandbox", "--changed-since", "HEAD"],
    ] {
        let output = bounded(folder.path(), &[], arguments);
        check_exit(&output, 1);
        let told = stderr(&output);
        assert!(
            told.contains("more than 1000000 files and folders"),
            "{arguments:?}: {told}"
        );
    }
}

/// A disk that is full leaves the old report, and no half of a new one; `ulimit -f` stands for the disk.
#[test]
fn a_full_disk_leaves_the_old_report() {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path(), "");
    let accounts = |number: usize| format!("accounts/a{number}/account.yaml");
    for number in 0..20 {
        write(
            folder.path(),
            &accounts(number),
            "whitelabel: {nothing: known}\n",
        );
    }
    let run = |limit: &str| {
        let script = format!(
            "trap '' XFSZ; ulimit -f {limit}; exec {} validate --output json=report.json",
            env!("CARGO_BIN_EXE_emblazon")
        );
        std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .output()
            .unwrap()
    };
    check_exit(&run("unlimited"), 3);
    let report = folder.path().join("report.json");
    let whole = fs::read_to_string(&report).unwrap();
    assert!(whole.len() > 2048, "{}", whole.len());
    let output = run("1");
    check_exit(&output, 1);
    assert!(
        stderr(&output).contains("report.json: "),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read_to_string(&report).unwrap(), whole);
    fs::remove_file(&report).unwrap();
    check_exit(&run("1"), 1);
    let left = fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    let ours = |name: &&std::ffi::OsString| {
        name.to_string_lossy().contains("report")
            || name.to_string_lossy().starts_with(".emblazon-")
    };
    assert_eq!(names.iter().find(ours), None, "{names:?}");
}
