//! `import --accept … --pull-request`: a branch and a pull request, and the same change as a patch.

use std::path::PathBuf;
use std::process::Output;

use camino::Utf8Path;
use emblazon::forge::ForgeKind;
use emblazon::import::{FileChange, patch};
use emblazon::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use super::accept::{ACME, BETA, agreed};
use super::platform::{Platform, picture};
use crate::cli::{check_exit, emblazon, stderr, stdout};
use crate::forge::server::Server;
use crate::git::{self, git, try_git};

const BRANCH: &str = "emblazon/production/keep-acme";

/// A platform that agrees with a tree in a folder of a repository, a server with it, and a forge.
struct House {
    platform: Platform,
    remote: git::Server,
    work: PathBuf,
    forge: Server,
    kind: ForgeKind,
}

impl House {
    fn new(kind: ForgeKind) -> Self {
        let platform = agreed();
        let remote = git::Server::new();
        let work = remote.clone_as("work");
        for (path, bytes) in platform.files("tree") {
            let file = work.join("tree").join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        git(&work, &["add", "."]);
        git(&work, &["commit", "--quiet", "-m", "the tree"]);
        git(&work, &["push", "--quiet", "origin", "HEAD:main"]);
        let forge = platform.block_on(Server::start(kind));
        Self {
            platform,
            remote,
            work,
            forge,
            kind,
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let tree = ["import", "--tree", "tree", "--accept", "acme"];
        emblazon(&self.work)
            .args(tree)
            .args(arguments)
            .args(["--forge", self.kind.as_str(), "--repository", "acme/brands"])
            .args(["--url", &self.forge.url()])
            .env("EMBLAZON_API", self.platform.sandbox.url())
            .env("EMBLAZON_API_KEY", self.platform.sandbox.api_key())
            .env("EMBLAZON_FORGE_TOKEN", "canary-token")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn proposes(&self, exit: i32, said: &str) {
        let output = self.run(&["--pull-request"]);
        check_exit(&output, exit);
        let heard = stderr(&output);
        assert!(heard.contains(said), "{said} in {heard}");
        let dirty = git(&self.work, &["status", "--porcelain", "tree"]);
        assert_eq!(dirty, "", "the work tree stays as it is");
    }

    fn names(&self, key: &str) -> Value {
        let world = self.forge.world();
        world.pulls.last().unwrap()[key].clone()
    }

    fn head(&self) -> Option<String> {
        let path = self.remote.path();
        let (found, id) = try_git(&path, &["rev-parse", &format!("refs/heads/{BRANCH}")]);
        found.then(|| id.trim().to_owned())
    }

    fn plans_empty_at(&self, commit: &str) {
        git(&self.work, &["fetch", "--quiet", "origin", commit]);
        let output = emblazon(&self.work)
            .args(["drift", "tree", "--rev", commit])
            .env("EMBLAZON_API", self.platform.sandbox.url())
            .env("EMBLAZON_API_KEY", self.platform.sandbox.api_key())
            .output()
            .unwrap();
        check_exit(&output, 0);
    }

    fn put_logo(&self, bytes: &[u8]) {
        let mut world = self.platform.sandbox.world();
        world.put_attachment(ACME, "logo-seed.png", "image/png", bytes);
    }
}

#[test]
fn drift_is_proposed_kept_up_to_date_and_withdrawn() {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea] {
        let house = House::new(kind);
        house.proposes(0, "nothing to write: the tree says it already");
        house
            .platform
            .edit(ACME, &["company_name"], json!("Acme Voice"));
        house.put_logo(&picture(9, 9, 9));
        house.proposes(0, "opened: https://forge.example/");
        let first = house.head().unwrap();
        house.plans_empty_at(&first);
        let told = ["show", "--format=%an <%ae>%n%B", "--name-only", &first];
        let told = git(&house.work, &told);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @r"
            emblazon <emblazon@localhost>
            Keep what is live for acme: logo and company name

            The live values were made by hand. Whoever merges this keeps them: the tree then
            declares what is live.

            - acme: whitelabel.company_name
            - acme: assets.logo


            tree/accounts/acme/account.yaml
            tree/accounts/acme/logo.png
            ");
        }
        let described = house.names(match kind {
            ForgeKind::Gitlab => "description",
            ForgeKind::Github | ForgeKind::Gitea => "body",
        });
        let described = described.as_str().unwrap();
        let (mark, described) = described.split_once('\n').unwrap();
        assert!(
            mark.starts_with("<!-- emblazon keep production differs "),
            "{mark}"
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(described, @r#"
            ### Keep what is live on `production`

            **Somebody changed this on the platform. Merging keeps it: the tree then declares what is live.**

            #### What is live

            `acme.example.com` · `acme`

            - Logo is not the declared one.
            - Company name is “Acme Voice”; declared is “acme”.

            <details><summary>Technical details</summary>

            | Key | Live | Tree | |
            | --- | --- | --- | --- |
            | `whitelabel.company_name` | `"Acme Voice"` | `"acme"` | `accounts/acme/account.yaml:4` |
            | `assets.logo` | `PNG 64×24 198 B c9512309fb67` | `PNG 64×24 196 B f8784c7b045e` | `accounts/acme/account.yaml:7` |

            </details>

            To put the declared values back instead: `emblazon apply --account acme --cluster production`

            <sub>emblazon keeps this up to date while it differs, and closes it when nothing of it is left. Once somebody else commits to the branch, it stays as it is.</sub>
            "#);
        }
        assert_eq!(house.names("state"), "open");
        house.proposes(0, "left alone: it says the same");
        assert_eq!(house.head().unwrap(), first);
        // Main moves on elsewhere: no reason to push again.
        git(
            &house.work,
            &["commit", "--quiet", "--allow-empty", "-m", "on"],
        );
        git(&house.work, &["push", "--quiet", "origin", "HEAD:main"]);
        house.proposes(0, "left alone: it says the same");
        assert_eq!(house.head().unwrap(), first);
        // Other drift: the same branch, on top of main.
        house.platform.edit(ACME, &["company_name"], json!("Acme"));
        house.proposes(0, "brought up to date");
        let second = house.head().unwrap();
        assert_ne!(first, second);
        house.plans_empty_at(&second);
        let main = git(&house.remote.path(), &["rev-parse", "main"]);
        let below = git(&house.remote.path(), &["rev-parse", &format!("{second}^")]);
        assert_eq!(below, main);
        // Somebody puts it right.
        house.platform.edit(ACME, &["company_name"], json!("acme"));
        house.put_logo(&picture(1, 1, 1));
        house.proposes(0, "closed: nothing of it is left");
        assert_eq!(house.head(), None);
        assert_eq!(house.names("state"), "closed");
        assert_eq!(house.forge.world().pulls.len(), 1);
        assert_eq!(house.platform.counts().mutating, 0);
        house.platform.stop();
    }
}

#[test]
fn a_branch_with_somebody_elses_commit_is_never_moved() {
    let house = House::new(ForgeKind::Github);
    house
        .platform
        .edit(ACME, &["company_name"], json!("Acme Voice"));
    house.proposes(0, "opened");
    git(&house.work, &["fetch", "--quiet", "origin", BRANCH]);
    let on_top = |how: &[&str]| {
        git(
            &house.work,
            &["checkout", "--quiet", "--detach", "FETCH_HEAD"],
        );
        git(&house.work, how);
        git(
            &house.work,
            &[
                "push",
                "--quiet",
                "--force",
                "origin",
                &format!("HEAD:refs/heads/{BRANCH}"),
            ],
        );
        git(&house.work, &["checkout", "--quiet", "-"]);
        house.head().unwrap()
    };
    for how in [
        ["commit", "--quiet", "--allow-empty", "-m", "a review"].as_slice(),
        ["commit", "--quiet", "--amend", "-m", "in other words"].as_slice(),
    ] {
        let theirs = on_top(how);
        house
            .platform
            .edit(ACME, &["company_name"], json!("Acme 2"));
        house.proposes(5, "by A, which is not emblazon's, so it stays as it is");
        assert_eq!(house.head().unwrap(), theirs);
        house.platform.edit(ACME, &["company_name"], json!("acme"));
        house.proposes(5, "by A, which is not emblazon's, so it stays as it is");
        assert_eq!(house.head().unwrap(), theirs);
        assert_eq!(house.names("state"), "open");
    }
    // The remedy that it names: without the branch, the next run opens another one.
    git(
        &house.work,
        &["push", "--quiet", "origin", "--delete", BRANCH],
    );
    house.forge.world().pulls[0]["state"] = json!("closed");
    house
        .platform
        .edit(ACME, &["company_name"], json!("Acme 3"));
    house.proposes(0, "opened");
    house.platform.stop();
}

#[test]
fn what_cannot_be_read_withdraws_nothing() {
    let house = House::new(ForgeKind::Github);
    house.put_logo(&picture(9, 9, 9));
    house.proposes(0, "opened");
    let head = house.head();
    house.platform.sandbox.set_faults(vec![Fault {
        times: 99,
        ..Fault::new("GET", "*/whitelabel/logo", FaultKind::Status(403))
    }]);
    house.proposes(6, "");
    assert_eq!(house.head(), head);
    assert_eq!(house.names("state"), "open");
    house.platform.stop();
}

#[test]
fn a_dry_run_asks_no_forge_and_pushes_nothing() {
    let house = House::new(ForgeKind::Github);
    house
        .platform
        .edit(ACME, &["company_name"], json!("Acme Voice"));
    let output = house.run(&["--pull-request", "--dry-run"]);
    check_exit(&output, 0);
    assert!(stdout(&output).contains("+  company_name: Acme Voice"));
    assert_eq!(house.head(), None);
    assert_eq!(house.forge.world().requests, [""; 0]);
    house.platform.stop();
}

/// What is accepted as a patch, applied by `git apply`, gives the files that `--accept` writes; drift is silent then.
#[test]
fn the_patch_of_what_is_accepted_is_one_for_git_apply() {
    let house = House::new(ForgeKind::Github);
    house
        .platform
        .edit(ACME, &["company_name"], json!("Acme Voice"));
    house.put_logo(&picture(9, 9, 9));
    house.platform.edit(BETA, &["brandColor"], json!("#ff0000"));
    let before = |path: &str| std::fs::read(house.work.join(path)).unwrap();
    let [account, logo] = [
        "tree/accounts/acme/account.yaml",
        "tree/accounts/acme/logo.png",
    ];
    let old = [before(account), before(logo)];
    check_exit(&house.run(&[]), 0);
    let new = [before(account), before(logo)];
    git(&house.work, &["checkout", "--quiet", "."]);
    let changes: Vec<FileChange> = [account, logo]
        .into_iter()
        .zip(old.into_iter().zip(new.clone()))
        .map(|(path, (before, after))| FileChange {
            path: path.strip_prefix("tree/").unwrap().into(),
            before: Some(before),
            after,
        })
        .collect();
    let text = patch(Utf8Path::new("tree"), &changes);
    std::fs::write(house.work.join("../keep.patch"), &text).unwrap();
    git(
        &house.work,
        &["apply", "--whitespace=error-all", "../keep.patch"],
    );
    assert_eq!([before(account), before(logo)], new);
    let output = house.run(&["--dry-run"]);
    assert!(stderr(&output).contains("the tree says it already"));
    git(&house.work, &["apply", "--reverse", "../keep.patch"]);
    assert_eq!(git(&house.work, &["status", "--porcelain", "tree"]), "");
    house.platform.stop();
}

/// Patches of odd files, through `git apply`.
#[test]
fn every_change_of_a_file_is_a_patch() {
    #[track_caller]
    fn check(path: &str, before: Option<&[u8]>, after: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "--quiet", "."]);
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        if let Some(before) = before {
            std::fs::write(&file, before).unwrap();
        }
        let change = FileChange {
            path: path.into(),
            before: before.map(<[u8]>::to_vec),
            after: after.to_vec(),
        };
        let text = patch(Utf8Path::new(""), &[change]);
        std::fs::write(folder.path().join("a.patch"), &text).unwrap();
        git(folder.path(), &["apply", "a.patch"]);
        assert_eq!(std::fs::read(&file).unwrap(), after, "{text}");
    }
    let lines = (0..40).map(|number| format!("line {number}"));
    let lines = lines.collect::<Vec<_>>().join("\n");
    check("a.yaml", Some(b"a: 1\nb: 2\n"), b"a: 1\nb: 3\n");
    check("a.yaml", Some(b"a: 1"), b"a: 2");
    check("a.yaml", Some(b"a: 1\n"), b"a: 1\nb: 2");
    check("a.yaml", Some(b""), b"b: 2\n");
    check("a.yaml", Some(b"b: 2\n"), b"");
    check("new/a b.yaml", None, b"b: 2\n");
    check(
        "accounts/B\u{e4}ckerei \"1\"\\x/a.yaml",
        Some(b"a: 1\n"),
        b"a: 2\n",
    );
    check(
        "a b.yaml",
        Some(lines.as_bytes()),
        lines.replace("line 20", "x").as_bytes(),
    );
    check("w.html", Some(b"a\r\nb\r\n"), b"a\r\nc\r\n");
    check("w.html", Some(b"a\rb\n"), b"a\rc\n");
    check("w.html", Some(b"a\n"), b"a\0b\n");
    check("a.png", None, &picture(1, 2, 3));
    check("a.png", Some(&picture(1, 2, 3)), &picture(3, 2, 1));
    let mut bytes = Vec::new();
    for length in 0..120_u8 {
        bytes.push(length.wrapping_mul(37) | 0x80);
        check("a.bin", None, &bytes);
    }
}
