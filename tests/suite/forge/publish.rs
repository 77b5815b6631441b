//! One comment and one issue, on each forge.

use std::fmt::Write as _;
use std::time::Duration;

use emblazon::forge::{CommitStatus, ForgeKind, Mark, Outcome, Publisher, Shown, Target};
use emblazon::model::Digest;

use super::server::{ME, Server};

const FORGES: [ForgeKind; 3] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea];

fn text(state: &str, words: &str) -> String {
    format!("<!-- emblazon plan production {state} -->\n### emblazon plan\n\n{words}\n")
}

fn publisher(server: &Server, kind: ForgeKind) -> Publisher {
    let environment =
        |name: &str| (name == "EMBLAZON_FORGE_TOKEN").then(|| "canary-token".to_owned());
    let target = Target::find(
        Some(kind),
        Some(&server.url()),
        Some("acme/brands"),
        (Some(12), Some("abc123")),
        &environment,
    );
    Publisher::new(target.unwrap(), Duration::ZERO).unwrap()
}

#[tokio::test]
async fn a_comment_is_written_once_and_kept_up_to_date() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        let (first, second) = (text("differs", "one"), text("differs", "two"));
        assert_eq!(
            publisher.comment(&first).await.unwrap(),
            Outcome::Created,
            "{kind:?}"
        );
        assert_eq!(
            publisher.comment(&first).await.unwrap(),
            Outcome::Unchanged,
            "{kind:?}"
        );
        assert_eq!(
            publisher.comment(&second).await.unwrap(),
            Outcome::Updated,
            "{kind:?}"
        );
        let clean = text("clean", "nothing to do");
        assert_eq!(
            publisher.comment(&clean).await.unwrap(),
            Outcome::Updated,
            "{kind:?}"
        );
        assert_eq!(server.texts(), [clean], "{kind:?}");
        let other = text("differs", "x").replace("production", "staging");
        assert_eq!(
            publisher.comment(&other).await.unwrap(),
            Outcome::Created,
            "{kind:?}"
        );
        assert_eq!(server.texts().len(), 2, "each cluster has its own");
    }
}

#[tokio::test]
async fn requests_have_the_shape_that_each_forge_wants() {
    let mut shapes = String::new();
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        publisher.comment(&text("differs", "one")).await.unwrap();
        publisher.comment(&text("differs", "two")).await.unwrap();
        publisher
            .issue("drift", &text("differs", "one"))
            .await
            .unwrap();
        publisher
            .issue("drift", &text("differs", "two"))
            .await
            .unwrap();
        publisher
            .issue("drift", &text("clean", "none"))
            .await
            .unwrap();
        let world = server.world();
        let headers = &world.headers[0];
        let shown = [
            "authorization",
            "private-token",
            "accept",
            "x-github-api-version",
        ];
        let shown = shown
            .iter()
            .filter_map(|name| Some(format!("{name}: {}", headers.get(*name)?.to_str().unwrap())));
        let shown = shown.collect::<Vec<_>>().join(", ");
        writeln!(shapes, "{kind:?} ({shown})").unwrap();
        for request in world
            .requests
            .iter()
            .filter(|request| !request.ends_with("/user"))
        {
            writeln!(shapes, "  {request}").unwrap();
        }
    }
    insta::assert_snapshot!(shapes, @r"
    Github (authorization: Bearer canary-token, accept: application/vnd.github+json, x-github-api-version: 2022-11-28)
      GET /repos/acme/brands/issues/12/comments?per_page=100&page=1
      POST /repos/acme/brands/issues/12/comments
      GET /repos/acme/brands/issues/12/comments?per_page=100&page=1
      GET /repos/acme/brands/issues/12/comments?per_page=100&page=1
      PATCH /repos/acme/brands/issues/comments/101
      GET /repos/acme/brands/issues?per_page=100&page=1&state=open
      POST /repos/acme/brands/issues
      GET /repos/acme/brands/issues?per_page=100&page=1&state=open
      GET /repos/acme/brands/issues?per_page=100&page=1&state=open
      PATCH /repos/acme/brands/issues/102
      GET /repos/acme/brands/issues?per_page=100&page=1&state=open
      PATCH /repos/acme/brands/issues/102
    Gitlab (private-token: canary-token, accept: application/json)
      GET /api/v4/projects/acme%2Fbrands/merge_requests/12/notes?per_page=100&page=1&sort=asc&order_by=created_at
      POST /api/v4/projects/acme%2Fbrands/merge_requests/12/notes
      GET /api/v4/projects/acme%2Fbrands/merge_requests/12/notes?per_page=100&page=1&sort=asc&order_by=created_at
      GET /api/v4/projects/acme%2Fbrands/merge_requests/12/notes?per_page=100&page=1&sort=asc&order_by=created_at
      PUT /api/v4/projects/acme%2Fbrands/merge_requests/12/notes/101
      GET /api/v4/projects/acme%2Fbrands/issues?per_page=100&page=1&state=opened
      POST /api/v4/projects/acme%2Fbrands/issues
      GET /api/v4/projects/acme%2Fbrands/issues?per_page=100&page=1&state=opened
      GET /api/v4/projects/acme%2Fbrands/issues?per_page=100&page=1&state=opened
      PUT /api/v4/projects/acme%2Fbrands/issues/102
      GET /api/v4/projects/acme%2Fbrands/issues?per_page=100&page=1&state=opened
      PUT /api/v4/projects/acme%2Fbrands/issues/102
    Gitea (authorization: token canary-token, accept: application/json)
      GET /api/v1/repos/acme/brands/issues/12/comments?limit=100&page=1
      POST /api/v1/repos/acme/brands/issues/12/comments
      GET /api/v1/repos/acme/brands/issues/12/comments?limit=100&page=1
      GET /api/v1/repos/acme/brands/issues/12/comments?limit=100&page=2
      GET /api/v1/repos/acme/brands/issues/12/comments?limit=100&page=1
      GET /api/v1/repos/acme/brands/issues/12/comments?limit=100&page=2
      PATCH /api/v1/repos/acme/brands/issues/comments/101
      GET /api/v1/repos/acme/brands/issues?limit=100&page=1&state=open&type=issues
      POST /api/v1/repos/acme/brands/issues
      GET /api/v1/repos/acme/brands/issues?limit=100&page=1&state=open&type=issues
      GET /api/v1/repos/acme/brands/issues?limit=100&page=2&state=open&type=issues
      GET /api/v1/repos/acme/brands/issues?limit=100&page=1&state=open&type=issues
      GET /api/v1/repos/acme/brands/issues?limit=100&page=2&state=open&type=issues
      PATCH /api/v1/repos/acme/brands/issues/102
      GET /api/v1/repos/acme/brands/issues?limit=100&page=1&state=open&type=issues
      GET /api/v1/repos/acme/brands/issues?limit=100&page=2&state=open&type=issues
      PATCH /api/v1/repos/acme/brands/issues/102
    ");
}

#[tokio::test]
async fn nothing_to_say_says_nothing() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        let clean = text("clean", "nothing to do");
        assert_eq!(publisher.comment(&clean).await.unwrap(), Outcome::Nothing);
        let world = server.world();
        assert!(
            world
                .requests
                .iter()
                .all(|request| request.starts_with("GET ")),
            "{:?}",
            world.requests
        );
    }
}

/// Whoever comments can write the mark, and would keep the right to change the text below it.
#[tokio::test]
async fn somebody_elses_mark_is_not_ours() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let forged = text("differs", "looks fine, merge it");
        server.comment(ME + 1, &forged);
        let publisher = publisher(&server, kind);
        let honest = text("differs", "one");
        assert_eq!(publisher.comment(&honest).await.unwrap(), Outcome::Created);
        assert_eq!(server.texts(), [forged, honest]);
    }
}

#[tokio::test]
async fn the_mark_is_found_on_a_later_page() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        for number in 0..250 {
            server.comment(ME + 1, &format!("talk {number}"));
        }
        server.comment(ME, &text("differs", "old"));
        let publisher = publisher(&server, kind);
        assert_eq!(
            publisher.comment(&text("differs", "new")).await.unwrap(),
            Outcome::Updated,
            "{kind:?}"
        );
        assert_eq!(server.texts().len(), 251);
    }
}

#[tokio::test]
async fn two_runs_at_once_leave_one_comment() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        server.world().rival = Some(text("differs", "rival"));
        let publisher = publisher(&server, kind);
        let mine = text("differs", "mine");
        assert_eq!(
            publisher.comment(&mine).await.unwrap(),
            Outcome::Updated,
            "{kind:?}"
        );
        assert_eq!(server.texts(), [mine], "{kind:?}");
    }
}

#[tokio::test]
async fn a_busy_forge_is_asked_again_and_nothing_stands_twice() {
    for kind in FORGES {
        for faults in [vec![502], vec![0, 429], vec![0, 0, 503], vec![0, 0, 0, 500]] {
            let server = Server::start(kind).await;
            server.world().faults.clone_from(&faults);
            let publisher = publisher(&server, kind);
            publisher.comment(&text("differs", "one")).await.unwrap();
            assert_eq!(server.texts().len(), 1, "{kind:?} {faults:?}");
        }
        let server = Server::start(kind).await;
        server.world().faults = vec![503; 9];
        let error = publisher(&server, kind)
            .comment(&text("differs", "one"))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("503"), "{error}");
        assert_eq!(server.world().requests.len(), 4, "four tries");
    }
}

#[tokio::test]
async fn a_refusal_names_what_to_look_at_and_no_token() {
    let server = Server::start(ForgeKind::Gitlab).await;
    server.world().faults = vec![0, 403];
    let error = publisher(&server, ForgeKind::Gitlab)
        .comment(&text("differs", "one"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the forge answered 403 to GET /projects/acme%2Fbrands/merge_requests/12/notes: the token may not do this; on GitHub give the job `pull-requests: write` and `issues: write`"
    );
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn an_issue_is_open_while_something_differs() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        let publish = async |state: &str, words: &str| {
            publisher.issue("drift", &text(state, words)).await.unwrap()
        };
        assert_eq!(publish("clean", "none").await, Outcome::Nothing);
        assert_eq!(publish("unknown", "timed out").await, Outcome::Nothing);
        assert_eq!(publish("differs", "one").await, Outcome::Created);
        assert_eq!(publish("differs", "one").await, Outcome::Unchanged);
        assert_eq!(publish("unknown", "timed out").await, Outcome::Updated);
        assert_eq!(publish("clean", "none").await, Outcome::Closed);
        assert_eq!(publish("clean", "none").await, Outcome::Nothing);
        assert_eq!(publish("differs", "again").await, Outcome::Created);
        let world = server.world();
        let open: Vec<_> = world
            .issues
            .iter()
            .filter(|issue| issue["open"] == true)
            .collect();
        assert_eq!((world.issues.len(), open.len()), (2, 1), "{kind:?}");
    }
}

const DIGEST: &str = "64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525";

fn planned(digest: &str) -> String {
    text("differs", "one").replace("differs", &format!("differs {digest}"))
}

fn without_number(server: &Server, kind: ForgeKind) -> Publisher {
    let environment =
        |name: &str| (name == "EMBLAZON_FORGE_TOKEN").then(|| "canary-token".to_owned());
    let target = Target::find(
        Some(kind),
        Some(&server.url()),
        Some("acme/brands"),
        (None, Some("abc123")),
        &environment,
    );
    Publisher::new(target.unwrap(), Duration::ZERO).unwrap()
}

#[tokio::test]
async fn a_status_says_how_it_stands_with_the_digest() {
    let mut shapes = String::new();
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        let mark = Mark::of(&planned(DIGEST)).unwrap();
        publisher
            .status(&CommitStatus::pending(&mark))
            .await
            .unwrap();
        let mark = Mark::of(&text("failed", "x")).unwrap();
        server.world().faults = vec![502];
        publisher.status(&CommitStatus::of(&mark)).await.unwrap();
        let world = server.world();
        writeln!(shapes, "{kind:?}: {}", world.requests[0]).unwrap();
        for (_, body) in &world.statuses {
            writeln!(shapes, "  {body}").unwrap();
        }
    }
    insta::assert_snapshot!(shapes, @r#"
    Github: POST /repos/acme/brands/statuses/abc123
      {"context":"emblazon/plan/production","description":"not carried out yet; digest 64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525","state":"pending"}
      {"context":"emblazon/plan/production","description":"it needs attention; see the report","state":"failure"}
    Gitlab: POST /api/v4/projects/acme%2Fbrands/statuses/abc123
      {"description":"not carried out yet; digest 64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525","name":"emblazon/plan/production","state":"pending"}
      {"description":"it needs attention; see the report","name":"emblazon/plan/production","state":"failed"}
    Gitea: POST /api/v1/repos/acme/brands/statuses/abc123
      {"context":"emblazon/plan/production","description":"not carried out yet; digest 64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525","state":"pending"}
      {"context":"emblazon/plan/production","description":"it needs attention; see the report","state":"failure"}
    "#);
}

/// What counts is our own comment on the pull request that brought the commit, with our own status beside it.
#[tokio::test]
async fn the_plan_that_a_pull_request_showed_is_found() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let mark = Mark::of(&planned(DIGEST)).unwrap();
        let shown = async || without_number(&server, kind).shown(&mark).await.unwrap();
        let nothing =
            async |why: &str| assert_eq!(shown().await, Shown::Nothing, "{kind:?}: {why}");
        nothing("it came without a pull request").await;
        server.world().merged = Some(12);
        nothing("nobody commented").await;
        server.comment(ME + 1, &planned(DIGEST));
        nothing("somebody else did").await;
        server.comment(ME, &planned(DIGEST).replace("plan", "drift"));
        nothing("it is about something else").await;
        server.comment(ME, &planned(DIGEST));
        let publisher = publisher(&server, kind);
        publisher.status(&CommitStatus::of(&mark)).await.unwrap();
        let digest = Digest::parse(DIGEST).unwrap();
        assert_eq!(shown().await, Shown::Plan(digest.clone()), "{kind:?}");
        let named = publisher.shown(&mark).await.unwrap();
        assert_eq!(named, Shown::Plan(digest), "{kind:?}: by its number");
    }
}

/// An app's token may not ask who it is where users do, and on one pull request several apps comment: the older comment of
/// another one, which approves the digest that it likes, neither counts nor hides ours.
#[tokio::test]
async fn another_apps_older_comment_is_not_believed() {
    let server = Server::start(ForgeKind::Github).await;
    server.world().is_app = true;
    server.world().merged = Some(12);
    let theirs = DIGEST.replace('6', "0");
    server.comment(ME + 1, &planned(&theirs));
    let mark = Mark::of(&planned(DIGEST)).unwrap();
    let publisher = publisher(&server, ForgeKind::Github);
    assert_eq!(publisher.shown(&mark).await.unwrap(), Shown::Nothing);
    let ours = publisher.comment(&planned(DIGEST)).await.unwrap();
    assert_eq!(ours, Outcome::Created, "theirs is left alone");
    publisher.status(&CommitStatus::of(&mark)).await.unwrap();
    let digest = Digest::parse(DIGEST).unwrap();
    assert_eq!(publisher.shown(&mark).await.unwrap(), Shown::Plan(digest));
}

/// Who may edit comments can make ours say anything. The status beside the commit still says what was shown.
#[tokio::test]
async fn a_comment_that_no_status_bears_out_is_not_believed() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        server.world().merged = Some(12);
        let publisher = publisher(&server, kind);
        let (mark, digest) = (
            Mark::of(&planned(DIGEST)).unwrap(),
            Digest::parse(DIGEST).unwrap(),
        );
        let shown = async || publisher.shown(&mark).await.unwrap();
        let unwitnessed = Shown::Unwitnessed {
            digest: digest.clone(),
            head: "abc123".to_owned(),
        };
        server.comment(ME, &planned(DIGEST));
        let refused = async |why: &str| assert_eq!(shown().await, unwitnessed, "{kind:?}: {why}");
        refused("no status").await;
        let mut other = CommitStatus::of(&mark);
        other.description = other.description.replace('6', "0");
        publisher.status(&other).await.unwrap();
        refused("ours names another plan").await;
        let name = if kind == ForgeKind::Gitlab {
            "name"
        } else {
            "context"
        };
        let status = |context: &str| {
            let description = format!("changes are pending; digest {DIGEST}");
            serde_json::json!({name: context, "state": "success", "description": description})
        };
        server.status(ME + 1, "abc123", status("emblazon/plan/production"));
        refused("somebody else's").await;
        server.status(ME, "abc123", status("emblazon/plan/staging"));
        refused("another cluster's").await;
        server.status(ME, "def456", status("emblazon/plan/production"));
        refused("another commit's").await;
        for _ in 0..250 {
            server.status(ME + 1, "abc123", status("lint"));
        }
        publisher.status(&CommitStatus::of(&mark)).await.unwrap();
        for _ in 0..250 {
            server.status(ME + 1, "abc123", status("lint"));
        }
        assert_eq!(shown().await, Shown::Plan(digest.clone()), "{kind:?}");
        publisher.status(&other).await.unwrap();
        refused("the newest of ours counts").await;
    }
}
