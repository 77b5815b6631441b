//! What is sent to forges and taken from them, judged by what they publish.
//!
//! Prism stands between a publisher and the suite's stand-in, and lets nothing through that the description of the forge's
//! API does not have: path, method, members, their types. GitHub's description is the one that GitHub publishes.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use axum::http::HeaderMap;
use emblazon::dashboard::webhook::{Heard, Hook, Rejection, judge};
use emblazon::forge::{
    CommentPicture, CommitStatus, ForgeKind, Mark, Outcome, Publisher, PullDraft, PullOutcome,
    Shown, Target,
};
use emblazon::model::{Digest, Secret};
use ring::hmac;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::formats::installed;
use crate::process::{self, free_port};

#[path = "../suite/forge/server.rs"]
#[allow(dead_code, reason = "the suite uses more of it")]
mod server;

use server::Server;

const DIGEST: &str = "64879f7d6b960a01909762d911a32d4582c20010c5641ee90278b644a9e3b525";

/// What a publisher may ask of each forge, and no more. GitHub's other API, which tells an app who it is, is
/// not described like this.
const GITHUB: [(&str, &str); 21] = [
    ("GET", "/user"),
    (
        "GET",
        "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    ),
    (
        "POST",
        "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    ),
    (
        "PATCH",
        "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    ),
    (
        "DELETE",
        "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    ),
    ("GET", "/repos/{owner}/{repo}/issues"),
    ("POST", "/repos/{owner}/{repo}/issues"),
    ("PATCH", "/repos/{owner}/{repo}/issues/{issue_number}"),
    ("POST", "/repos/{owner}/{repo}/statuses/{sha}"),
    ("GET", "/repos/{owner}/{repo}/commits/{ref}/statuses"),
    ("GET", "/repos/{owner}/{repo}/pulls"),
    ("POST", "/repos/{owner}/{repo}/pulls"),
    ("GET", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("PATCH", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls"),
    ("POST", "/repos/{owner}/{repo}/git/blobs"),
    ("POST", "/repos/{owner}/{repo}/git/trees"),
    ("POST", "/repos/{owner}/{repo}/git/commits"),
    ("GET", "/repos/{owner}/{repo}/git/ref/{ref}"),
    ("POST", "/repos/{owner}/{repo}/git/refs"),
    ("PATCH", "/repos/{owner}/{repo}/git/refs/{ref}"),
];

/// Pages of comments: Gitea does not have them, and gives all comments whatever is asked.
const GITEAS_UNKNOWN: [&str; 2] = ["limit", "page"];

/// A description of an API, without what it says of answers.
struct Description(Value);

impl Description {
    /// GitHub's, where npm has installed it: only the operations that count, and in requests only the members that it names.
    fn github() -> Option<Self> {
        let mut whole = Self::githubs()?;
        for operation in whole.operations() {
            let operation = whole.operation_mut(&operation);
            for answer in operation["responses"].as_object_mut().unwrap().values_mut() {
                *answer = json!({"description": "not looked at"});
            }
            let schema = operation.pointer_mut("/requestBody/content/application~1json/schema");
            if let Some(schema) = schema {
                assert!(schema["properties"].is_object(), "{schema}");
                schema["additionalProperties"] = json!(false);
            }
        }
        Some(whole)
    }

    /// As GitHub publishes it, with the operations that count.
    fn githubs() -> Option<Self> {
        let file = installed("@octokit/openapi/generated/api.github.com.json")?;
        let mut whole: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let all = whole["paths"].take();
        let mut paths = json!({});
        for (method, path) in GITHUB {
            let method = method.to_lowercase();
            let operation = &all[path][&method];
            assert!(operation.is_object(), "GitHub has no {method} {path}");
            paths[path][&method] = operation.clone();
        }
        whole["paths"] = paths;
        Some(Self(whole))
    }

    fn gitea() -> Self {
        let text = include_str!("../formats/gitea.openapi.json");
        Self(serde_json::from_str(text).unwrap())
    }

    /// Every operation: its method in capitals, and its path.
    fn operations(&self) -> BTreeSet<(String, String)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            let methods = methods.filter(|name| *name != "parameters");
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        });
        operations.collect()
    }

    fn operation_mut(&mut self, (method, path): &(String, String)) -> &mut Value {
        &mut self.0["paths"][path][method.to_lowercase()]
    }

    /// Finds the operation of a request, such as `GET /user?page=1`, and the parts of its query that it does not have.
    fn asked(&self, request: &str) -> ((String, String), Vec<String>) {
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let fits = |template: &str| {
            let (parts, given) = (template.split('/'), path.split('/'));
            template.split('/').count() == path.split('/').count()
                && parts
                    .zip(given)
                    .all(|(part, given)| part.starts_with('{') || part == given)
        };
        let operation = self.operations().into_iter();
        let operation = operation
            .filter(|(known, template)| known == method && fits(template))
            .collect::<Vec<_>>();
        let [operation] = <[_; 1]>::try_from(operation)
            .unwrap_or_else(|found| panic!("{request} is one operation, and not {found:?}"));
        let names = query.split('&').filter(|pair| !pair.is_empty());
        let names = names.map(|pair| pair.split('=').next().unwrap().to_owned());
        let known = self.parameters(&operation);
        let unknown = names.filter(|name| !known.contains(name)).collect();
        (operation, unknown)
    }

    /// The names of what a query may have.
    fn parameters(&self, (method, path): &(String, String)) -> Vec<String> {
        let operation = &self.0["paths"][path][method.to_lowercase()];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|parameter| match parameter["$ref"].as_str() {
            Some(place) => self.0.pointer(place.trim_start_matches('#')).unwrap(),
            None => parameter,
        });
        let parameters = parameters.filter(|parameter| parameter["in"] == "query");
        parameters
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Prism, as a process.
struct Prism {
    _process: process::Server,
    _folder: tempfile::TempDir,
    url: String,
}

impl Prism {
    /// Starts it, in front of a server, or to answer with the description's own examples.
    fn start(description: &Description, server: Option<&str>) -> Option<Self> {
        let program = installed("@stoplight/prism-cli/dist/index.js")?;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("api.json");
        std::fs::write(&file, description.0.to_string()).unwrap();
        let port = free_port();
        let mut command = Command::new("node");
        command.arg(program);
        match server {
            Some(_) => command.args(["proxy", "--errors"]),
            // Some of the examples are not as the description itself says.
            None => command.arg("mock"),
        };
        command
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(&file)
            .args(server);
        let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        Some(Self {
            _process: process::start(command, &folder.path().join("log"), answers),
            _folder: folder,
            url: format!("http://127.0.0.1:{port}"),
        })
    }
}

fn publisher(kind: ForgeKind, url: &str, number: Option<u64>) -> Publisher {
    let environment = |name: &str| {
        let value = match name {
            "EMBLAZON_FORGE_TOKEN" => "canary-token",
            "GITHUB_SERVER_URL" => "https://github.com",
            "GITHUB_REPOSITORY" => "acme/brands",
            "GITHUB_RUN_ID" => "7",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let place = (number, Some("abc123"));
    let target = Target::find(
        Some(kind),
        Some(url),
        Some("acme/brands"),
        place,
        &environment,
    );
    Publisher::new(target.unwrap(), Duration::ZERO).unwrap()
}

fn text(cluster: &str, state: &str, words: &str) -> String {
    format!("<!-- emblazon plan {cluster} {state} -->\n### emblazon plan\n\n{words}\n")
}

/// Does everything that there is to do, at the stand-in.
async fn publish(kind: ForgeKind, url: &str, stand_in: &Server) {
    let one = publisher(kind, url, Some(12));
    let shown = format!("differs {DIGEST}");
    let shown = text("production", &shown, "one");
    let comment = async |words: &str| one.comment(words).await.unwrap();
    assert_eq!(
        comment(&text("production", "differs", "old")).await,
        Outcome::Created
    );
    assert_eq!(comment(&shown).await, Outcome::Updated);
    // Another run that comments at the same time: one of both comments is deleted.
    stand_in.world().rival = Some(text("staging", "differs", "rival"));
    assert_eq!(
        comment(&text("staging", "differs", "ours")).await,
        Outcome::Updated
    );
    let issue = async |state: &str, words: &str| {
        let text = text("production", state, words);
        one.issue("drift", &text).await.unwrap()
    };
    assert_eq!(issue("differs", "one").await, Outcome::Created);
    assert_eq!(issue("differs", "two").await, Outcome::Updated);
    assert_eq!(issue("clean", "none").await, Outcome::Closed);
    let mark = Mark::of(&shown).unwrap();
    one.status(&CommitStatus::pending(&mark)).await.unwrap();
    let failed = Mark::of(&text("production", "failed", "x")).unwrap();
    one.status(&CommitStatus::of(&failed)).await.unwrap();
    one.status(&CommitStatus::of(&mark)).await.unwrap();
    let draft = |words: &str| PullDraft {
        branch: "emblazon/production/keep-acme".to_owned(),
        into: "main".to_owned(),
        title: "Keep what is live for acme".to_owned(),
        text: format!("<!-- emblazon keep production differs {DIGEST} -->\n{words}\n"),
    };
    let propose = async |words: &str| one.propose(&draft(words)).await.unwrap().outcome;
    assert_eq!(propose("one").await, PullOutcome::Opened);
    assert_eq!(propose("two").await, PullOutcome::Updated);
    let gone = "<!-- emblazon keep production clean -->\n";
    let closed = one.withdraw(&draft("two").branch, gone).await.unwrap();
    assert!(closed.is_some());
    for content in ["first", "second"] {
        let bytes = [b"\x89PNG\r\n\x1a\n", content.as_bytes()].concat();
        let link = format!("pictures/acme-{}.png", Digest::of(&bytes).short());
        let text = format!("{shown}\n![Live | After]({link})\n");
        let picture = CommentPicture::new(&link, bytes).unwrap();
        let shown = one.illustrate(&text, &[picture]).await.unwrap();
        assert!(!shown.contains(&format!("]({link})")), "{shown}");
    }
    stand_in.world().merged = Some(12);
    for number in [Some(12), None] {
        let found = publisher(kind, url, number).shown(&mark).await.unwrap();
        assert!(matches!(found, Shown::Plan(_)), "{found:?}");
    }
}

/// What nobody describes does not pass: without this, everything might.
async fn refuses(prism: &Prism) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let statuses = format!("{}/repos/acme/brands/statuses/abc123", prism.url);
    for body in [
        json!({"state": "done"}),
        json!({"state": "success", "colour": "red"}),
    ] {
        let answer = client.post(&statuses).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 422, "{body}");
    }
    let unknown = format!("{}/repos/acme/brands/nothing", prism.url);
    let answer = client.get(unknown).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}

/// Runs a publisher against a forge whose description is obeyed to the letter.
fn check(kind: ForgeKind, description: &Description) {
    let runtime = Runtime::new().unwrap();
    let stand_in = runtime.block_on(Server::start(kind));
    let Some(prism) = Prism::start(description, Some(&stand_in.url())) else {
        return;
    };
    runtime.block_on(refuses(&prism));
    assert_eq!(stand_in.world().requests, [""; 0], "{kind:?}");
    runtime.block_on(publish(kind, &prism.url, &stand_in));
    let mut asked = BTreeSet::new();
    for request in &stand_in.world().requests {
        let request = request.replace("/api/v1/", "/");
        let (operation, unknown) = description.asked(&request);
        let is_known = kind == ForgeKind::Gitea
            && operation.1.ends_with("/comments")
            && unknown == GITEAS_UNKNOWN;
        assert!(unknown.is_empty() || is_known, "{request}: {unknown:?}");
        asked.insert(operation);
    }
    assert_eq!(asked, description.operations(), "{kind:?}");
}

#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn github_and_gitea_get_what_they_describe() {
    if let Some(description) = Description::github() {
        check(ForgeKind::Github, &description);
    }
    check(ForgeKind::Gitea, &Description::gitea());
}

/// Whole documents as GitHub shows them, of which the stand-in has only what is read.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn githubs_own_answers_are_understood() {
    let Some(mut description) = Description::githubs() else {
        return;
    };
    // What is asked for is the media type that GitHub's documentation recommends; the description has only the general one.
    for operation in description.operations() {
        let operation = description.operation_mut(&operation);
        for answer in operation["responses"].as_object_mut().unwrap().values_mut() {
            if let Some(content) = answer["content"].as_object_mut()
                && let Some(json) = content.remove("application/json")
            {
                content.insert("application/vnd.github+json".to_owned(), json);
            }
        }
    }
    let Some(prism) = Prism::start(&description, None) else {
        return;
    };
    Runtime::new().unwrap().block_on(async {
        let text = text("production", "differs", "one");
        let mark = Mark::of(&text).unwrap();
        let one = publisher(ForgeKind::Github, &prism.url, Some(12));
        assert_eq!(one.comment(&text).await.unwrap(), Outcome::Created);
        assert_eq!(one.issue("drift", &text).await.unwrap(), Outcome::Created);
        one.status(&CommitStatus::of(&mark)).await.unwrap();
        for number in [Some(12), None] {
            let one = publisher(ForgeKind::Github, &prism.url, number);
            assert_eq!(one.shown(&mark).await.unwrap(), Shown::Nothing);
        }
    });
}

/// Every event that GitHub can send, as it was sent once: a push to the branch counts, and nothing else.
#[test]
#[ignore = "needs BIND, Knot, PowerDNS, Chromium and checkers of formats; .ci/run installs them and runs it with --ignored"]
fn githubs_webhooks_are_told_apart() {
    let Some(file) = installed("@octokit/webhooks-examples/api.github.com/index.json") else {
        return;
    };
    let events: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let secret = "the secret that nobody guesses";
    let hook = Hook {
        forge: ForgeKind::Github,
        secret: Secret::new(secret),
        branch: Some("master".to_owned()),
    };
    let mut heard = [0, 0];
    for event in events.as_array().unwrap() {
        let name = event["name"].as_str().unwrap();
        for example in event["examples"].as_array().unwrap() {
            let body = example.to_string();
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&key, body.as_bytes());
            let tag: Vec<String> = (tag.as_ref().iter())
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let tag = tag.concat();
            let mut headers = HeaderMap::new();
            for (header, value) in [
                ("content-type", "application/json"),
                ("x-github-event", name),
                ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
                ("x-hub-signature-256", &format!("sha256={tag}")),
            ] {
                headers.insert(header, value.parse().unwrap());
            }
            let is_ours = name == "push" && example["ref"] == "refs/heads/master";
            match judge(&hook, &headers, body.as_bytes()).unwrap().heard {
                Heard::Push { commit } => {
                    assert!(is_ours, "{name}: {body}");
                    assert_eq!(example["after"], *commit);
                    heard[0] += 1;
                }
                Heard::Ignored(why) => {
                    assert!(!is_ours, "{why}: {body}");
                    heard[1] += 1;
                }
            }
            let other = body.replacen('{', "{ ", 1);
            let rejection = judge(&hook, &headers, other.as_bytes()).unwrap_err();
            assert!(matches!(rejection, Rejection::WrongProof(_)), "{rejection}");
        }
    }
    assert!(heard[0] >= 2 && heard[1] > 50, "{heard:?}");
}
