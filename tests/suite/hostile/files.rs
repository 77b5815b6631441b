//! Paths that would leave the tree, and who may read what a run leaves behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::cli::{check_exit, run, stdout, write};
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
