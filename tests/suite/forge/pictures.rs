//! The pictures of a comment, from the plan to the forge.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use emblazon::forge::ForgeKind;
use emblazon::model::Digest;

use super::server::Server;
use crate::cli::{check_exit, emblazon, stderr};

const FORGES: [(ForgeKind, &str); 3] = [
    (ForgeKind::Github, "github"),
    (ForgeKind::Gitlab, "gitlab"),
    (ForgeKind::Gitea, "gitea"),
];

/// A copy of the quickstart with its plan in Markdown, and the pictures that it links to.
fn planned() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/.");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(quickstart)
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    let plan = [
        "plan",
        "--sandbox",
        "--output",
        "markdown=out/plan.md",
        "--pictures",
        "out/pictures",
    ];
    fs::create_dir(folder.path().join("out")).unwrap();
    check_exit(&emblazon(folder.path()).args(plan).output().unwrap(), 2);
    folder
}

fn comment(folder: &Path, server: &Server, forge: &str) -> Output {
    let url = server.url();
    let target = [
        "--url",
        &url,
        "--repository",
        "acme/brands",
        "--number",
        "12",
    ];
    let mut command = emblazon(folder);
    command
        .args(["comment", "out/plan.md", "--forge", forge])
        .args(target)
        .env("EMBLAZON_FORGE_TOKEN", "canary-token");
    command.output().unwrap()
}

/// Whoever reviews the pull request sees what customers will see: each picture is there once, and a second run sends none.
#[tokio::test(flavor = "multi_thread")]
async fn a_comment_shows_what_customers_will_see() {
    let folder = planned();
    let text = fs::read_to_string(folder.path().join("out/plan.md")).unwrap();
    let links: Vec<&str> = emblazon::forge::picture_links(&text).collect();
    assert!(links.len() >= 2, "{text}");
    for link in &links {
        let picture = image::open(folder.path().join("out").join(link)).unwrap();
        assert_eq!((picture.width(), picture.height()), (984, 494), "{link}");
    }
    for (kind, name) in FORGES {
        let server = Server::start(kind).await;
        let output = comment(folder.path(), &server, name);
        check_exit(&output, 0);
        assert_eq!(stderr(&output).trim(), "comment written", "{name}");
        let sent = server.world().pictures.clone();
        assert_eq!(sent.len(), links.len(), "{name}");
        for (file, bytes) in &sent {
            let digest = Digest::of(bytes);
            assert!(
                file.ends_with(&format!("-{}.png", digest.short())),
                "{name}: {file}"
            );
        }
        let [shown] = <[String; 1]>::try_from(server.texts()).unwrap();
        let shown: Vec<&str> = shown
            .lines()
            .filter(|line| line.starts_with("!["))
            .collect();
        assert_eq!(shown.len(), links.len(), "{name}");
        let place = match kind {
            ForgeKind::Github => "/acme/brands/blob/0123456789abcdef0123456789abcdef01234567/",
            ForgeKind::Gitlab => "](/uploads/0/",
            ForgeKind::Gitea => "](https://gitea.example/uploads/0/",
        };
        assert!(shown[0].contains(place), "{name}: {}", shown[0]);
        // What the comment shows already is not sent again, and so the comment stays.
        let output = comment(folder.path(), &server, name);
        assert_eq!(
            stderr(&output).trim(),
            "comment left alone: it says the same",
            "{name}"
        );
        assert_eq!(server.world().pictures.len(), links.len(), "{name}");
    }
}

/// A token that may write comments and no pictures: the words arrive, and why the pictures do not is said.
#[tokio::test(flavor = "multi_thread")]
async fn words_arrive_without_their_pictures() {
    let folder = planned();
    for (kind, name) in FORGES {
        let server = Server::start(kind).await;
        // Who am I, what is there, and then the first picture.
        server.world().faults = vec![0, 0, 403];
        let output = comment(folder.path(), &server, name);
        check_exit(&output, 0);
        let told = stderr(&output);
        assert!(
            told.contains("the comment has no pictures"),
            "{name}: {told}"
        );
        assert!(told.contains("contents: write"), "{name}: {told}");
        let [shown] = <[String; 1]>::try_from(server.texts()).unwrap();
        assert!(!shown.contains("!["), "{name}: {shown}");
        assert!(shown.contains("Technical details"), "{name}: {shown}");
    }
    // A file that somebody put in a picture's place is not sent.
    let text = fs::read_to_string(folder.path().join("out/plan.md")).unwrap();
    let link = emblazon::forge::picture_links(&text).next().unwrap();
    fs::write(folder.path().join("out").join(link), "secret").unwrap();
    let server = Server::start(ForgeKind::Gitlab).await;
    let output = comment(folder.path(), &server, "gitlab");
    check_exit(&output, 0);
    assert!(
        stderr(&output).contains("plan again with it"),
        "{}",
        stderr(&output)
    );
    assert!(server.world().pictures.is_empty());
}

/// Pictures lie below the folder of the report that links to them.
#[test]
fn pictures_elsewhere_are_refused() {
    let folder = planned();
    let plan = [
        "plan",
        "--sandbox",
        "--output",
        "markdown=out/plan.md",
        "--pictures",
        "elsewhere",
    ];
    let output = emblazon(folder.path()).args(plan).output().unwrap();
    check_exit(&output, 64);
    assert!(
        stderr(&output).contains("name a folder below out"),
        "{}",
        stderr(&output)
    );
}
