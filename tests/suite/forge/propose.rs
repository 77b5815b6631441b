//! One pull request for a branch, on each forge.

use std::fmt::Write as _;
use std::time::Duration;

use emblazon::forge::{ForgeKind, Publisher, PullDraft, PullOutcome, Target};
use emblazon::model::Secret;
use serde_json::json;

use super::server::{ME, Server};

const FORGES: [ForgeKind; 3] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea];
const BRANCH: &str = "emblazon/production/keep-acme";
const DIGESTS: [&str; 2] = [
    "64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525",
    "74879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525",
];

fn publisher(server: &Server, kind: ForgeKind) -> Publisher {
    let target = Target::new(kind, &server.url(), "acme/brands", Secret::new("canary"));
    Publisher::new(target.unwrap(), Duration::ZERO).unwrap()
}

fn draft(digest: &str, words: &str) -> PullDraft {
    PullDraft {
        branch: BRANCH.to_owned(),
        into: "main".to_owned(),
        title: "Keep what is live for acme".to_owned(),
        text: format!("<!-- emblazon keep production differs {digest} -->\n{words}\n"),
    }
}

const GONE: &str = "<!-- emblazon keep production clean -->\nnothing is left\n";

#[tokio::test]
async fn a_pull_request_is_opened_once_kept_up_to_date_and_closed() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        let propose = async |digest: &str, words: &str| {
            let pull = publisher.propose(&draft(digest, words)).await.unwrap();
            (pull.outcome, pull.number)
        };
        // A pull request of somebody else, for another branch of that name elsewhere.
        server.world().add_pull(ME, BRANCH, "elsewhere")["head"]["repo"]["id"] = json!(2);
        server.world().pulls[0]["source_project_id"] = json!(2);
        server.world().pulls[0]["state"] = json!("closed");
        let (outcome, number) = propose(DIGESTS[0], "one").await;
        assert_eq!(outcome, PullOutcome::Opened, "{kind:?}");
        let at = |outcome| (outcome, number);
        assert_eq!(propose(DIGESTS[0], "one").await, at(PullOutcome::Unchanged));
        assert_eq!(propose(DIGESTS[1], "two").await, at(PullOutcome::Updated));
        let closed = publisher.withdraw(BRANCH, GONE).await.unwrap();
        assert_eq!(closed, Some(number));
        assert_eq!(publisher.withdraw(BRANCH, GONE).await.unwrap(), None);
        // The very same drift comes again: what emblazon closed is no decision of a person.
        let (outcome, again) = propose(DIGESTS[1], "two").await;
        assert_eq!((outcome, again > number), (PullOutcome::Opened, true));
        let world = server.world();
        let states: Vec<&str> = (world.pulls.iter())
            .map(|pull| pull["state"].as_str().unwrap())
            .collect();
        assert_eq!(states, ["closed", "closed", "open"], "{kind:?}");
        assert_eq!(world.pulls[2]["into"], "main");
    }
}

#[tokio::test]
async fn what_a_person_closed_stays_closed_until_it_is_another_change() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        let propose = async |digest: &str| {
            let pull = publisher.propose(&draft(digest, "x")).await.unwrap();
            pull.outcome
        };
        assert_eq!(propose(DIGESTS[0]).await, PullOutcome::Opened);
        server.world().pulls[0]["state"] = json!("closed");
        assert_eq!(propose(DIGESTS[0]).await, PullOutcome::Declined, "{kind:?}");
        assert_eq!(propose(DIGESTS[1]).await, PullOutcome::Opened, "{kind:?}");
        // One that was merged, and then changed back by hand.
        server.world().pulls[1]["state"] = json!("closed");
        server.world().pulls[1]["merged_at"] = json!("2026-11-25T12:00:00Z");
        assert_eq!(propose(DIGESTS[1]).await, PullOutcome::Opened, "{kind:?}");
    }
}

#[tokio::test]
async fn somebody_elses_pull_request_is_left_alone() {
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        server.world().add_pull(ME + 1, BRANCH, "theirs");
        let pull = publisher.propose(&draft(DIGESTS[0], "ours")).await.unwrap();
        assert_eq!(pull.outcome, PullOutcome::Foreign, "{kind:?}");
        assert_eq!(publisher.withdraw(BRANCH, GONE).await.unwrap(), None);
        let world = server.world();
        assert_eq!(world.pulls.len(), 1);
        assert_eq!(world.pulls[0]["body"], "theirs");
        assert_eq!(world.pulls[0]["state"], "open");
    }
}

#[tokio::test]
async fn requests_about_pull_requests_have_the_shape_that_each_forge_wants() {
    let mut shapes = String::new();
    for kind in FORGES {
        let server = Server::start(kind).await;
        let publisher = publisher(&server, kind);
        publisher.propose(&draft(DIGESTS[0], "one")).await.unwrap();
        publisher.propose(&draft(DIGESTS[0], "two")).await.unwrap();
        publisher.withdraw(BRANCH, GONE).await.unwrap();
        let world = server.world();
        writeln!(shapes, "{kind:?}").unwrap();
        let requests = world.requests.iter();
        for request in requests.filter(|request| !request.ends_with("/user")) {
            writeln!(shapes, "  {request}").unwrap();
        }
    }
    insta::assert_snapshot!(shapes, @r"
    Github
      GET /repos/acme/brands/pulls?per_page=100&page=1&state=open&head=acme%3Aemblazon%2Fproduction%2Fkeep-acme
      GET /repos/acme/brands/pulls?per_page=100&page=1&state=closed&head=acme%3Aemblazon%2Fproduction%2Fkeep-acme
      POST /repos/acme/brands/pulls
      GET /repos/acme/brands/pulls?per_page=100&page=1&state=open&head=acme%3Aemblazon%2Fproduction%2Fkeep-acme
      PATCH /repos/acme/brands/pulls/101
      GET /repos/acme/brands/pulls?per_page=100&page=1&state=open&head=acme%3Aemblazon%2Fproduction%2Fkeep-acme
      PATCH /repos/acme/brands/pulls/101
    Gitlab
      GET /api/v4/projects/acme%2Fbrands/merge_requests?per_page=100&page=1&state=opened&source_branch=emblazon%2Fproduction%2Fkeep-acme
      GET /api/v4/projects/acme%2Fbrands/merge_requests?per_page=100&page=1&state=closed&source_branch=emblazon%2Fproduction%2Fkeep-acme
      POST /api/v4/projects/acme%2Fbrands/merge_requests
      GET /api/v4/projects/acme%2Fbrands/merge_requests?per_page=100&page=1&state=opened&source_branch=emblazon%2Fproduction%2Fkeep-acme
      PUT /api/v4/projects/acme%2Fbrands/merge_requests/101
      GET /api/v4/projects/acme%2Fbrands/merge_requests?per_page=100&page=1&state=opened&source_branch=emblazon%2Fproduction%2Fkeep-acme
      PUT /api/v4/projects/acme%2Fbrands/merge_requests/101
    Gitea
      GET /api/v1/repos/acme/brands/pulls?limit=100&page=1&state=open&sort=recentupdate
      GET /api/v1/repos/acme/brands/pulls?limit=100&page=1&state=closed&sort=recentupdate
      POST /api/v1/repos/acme/brands/pulls
      GET /api/v1/repos/acme/brands/pulls?limit=100&page=1&state=open&sort=recentupdate
      GET /api/v1/repos/acme/brands/pulls?limit=100&page=2&state=open&sort=recentupdate
      PATCH /api/v1/repos/acme/brands/pulls/101
      GET /api/v1/repos/acme/brands/pulls?limit=100&page=1&state=open&sort=recentupdate
      GET /api/v1/repos/acme/brands/pulls?limit=100&page=2&state=open&sort=recentupdate
      PATCH /api/v1/repos/acme/brands/pulls/101
    ");
}
