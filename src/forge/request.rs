//! The requests, as each forge expects them.
//!
//! | request | GitHub, Gitea | GitLab |
//! | --- | --- | --- |
//! | list comments | `GET /repos/R/issues/N/comments` | `GET /projects/R/merge_requests/N/notes` |
//! | write one | `POST` the same | `POST` the same |
//! | change one | `PATCH /repos/R/issues/comments/ID` | `PUT …/notes/ID` |
//! | delete one | `DELETE` the same | `DELETE` the same |
//! | list open issues | `GET /repos/R/issues?state=open` | `GET /projects/R/issues?state=opened` |
//! | open one | `POST /repos/R/issues` | `POST /projects/R/issues` |
//! | change, close one | `PATCH /repos/R/issues/N` | `PUT /projects/R/issues/N` |
//! | who am I | `GET /user` (an app on GitHub: `POST /graphql`) | `GET /user` |
//! | set a commit's status | `POST /repos/R/statuses/SHA` | `POST /projects/R/statuses/SHA` |
//! | list them | `GET /repos/R/commits/SHA/statuses` | `GET /projects/R/repository/commits/SHA/statuses` |
//! | one pull request | `GET /repos/R/pulls/N` | `GET /projects/R/merge_requests/N` |
//! | keep pictures | GitHub: `…/git/{blobs, trees, commits, refs}`; Gitea: `…/issues/N/assets` | `POST /projects/R/uploads` |
//! | list pull requests of a branch | `GET /repos/R/pulls` (GitHub: of `head`, Gitea: all) | `GET /projects/R/merge_requests?source_branch=B` |
//! | open one | `POST /repos/R/pulls` | `POST /projects/R/merge_requests` |
//! | change, close one | `PATCH /repos/R/pulls/N` | `PUT /projects/R/merge_requests/N` |
//! | whose commit is it | `GET /repos/R/commits/SHA/pulls` (Gitea: `pull`, one) | `GET …/repository/commits/SHA/merge_requests` |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CommitStatus, ForgeKind, PullDraft, Target};

/// How many entries a page has.
pub(super) const PAGE: usize = 100;

/// The kind of entries in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Things {
    /// The comments of a pull request.
    Comments(u64),
    /// The open issues.
    Issues,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// The path below the API's base, and the query.
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

fn request(method: Method, path: String, body: Option<Value>) -> Request {
    Request { method, path, body }
}

/// Returns the path of the repository.
fn repository(target: &Target) -> String {
    match target.kind {
        ForgeKind::Gitlab => format!("/projects/{}", encoded(&target.repository)),
        ForgeKind::Github | ForgeKind::Gitea => {
            let names: Vec<String> = target.repository.split('/').map(encoded).collect();
            format!("/repos/{}", names.join("/"))
        }
    }
}

/// Encodes a text as one segment of a path.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn collection(target: &Target, things: Things) -> String {
    let repository = repository(target);
    match (target.kind, things) {
        (ForgeKind::Gitlab, Things::Comments(number)) => {
            format!("{repository}/merge_requests/{number}/notes")
        }
        (_, Things::Comments(number)) => format!("{repository}/issues/{number}/comments"),
        (_, Things::Issues) => format!("{repository}/issues"),
    }
}

fn item(target: &Target, things: Things, id: u64) -> String {
    match (target.kind, things) {
        (ForgeKind::Github | ForgeKind::Gitea, Things::Comments(_)) => {
            format!("{}/issues/comments/{id}", repository(target))
        }
        _ => format!("{}/{id}", collection(target, things)),
    }
}

fn changing(target: &Target) -> Method {
    match target.kind {
        ForgeKind::Gitlab => Method::PUT,
        ForgeKind::Github | ForgeKind::Gitea => Method::PATCH,
    }
}

pub(super) fn list(target: &Target, things: Things, page: usize) -> Request {
    let size = match target.kind {
        ForgeKind::Gitea => format!("limit={PAGE}"),
        ForgeKind::Github | ForgeKind::Gitlab => format!("per_page={PAGE}"),
    };
    let filter = match (target.kind, things) {
        (ForgeKind::Gitlab, Things::Comments(_)) => "&sort=asc&order_by=created_at",
        (_, Things::Comments(_)) => "",
        (ForgeKind::Gitlab, Things::Issues) => "&state=opened",
        (ForgeKind::Github, Things::Issues) => "&state=open",
        (ForgeKind::Gitea, Things::Issues) => "&state=open&type=issues",
    };
    let path = format!("{}?{size}&page={page}{filter}", collection(target, things));
    request(Method::GET, path, None)
}

pub(super) fn create(target: &Target, things: Things, title: &str, text: &str) -> Request {
    let body = match (target.kind, things) {
        (_, Things::Comments(_)) => json!({"body": text}),
        (ForgeKind::Gitlab, Things::Issues) => json!({"title": title, "description": text}),
        (_, Things::Issues) => json!({"title": title, "body": text}),
    };
    request(Method::POST, collection(target, things), Some(body))
}

pub(super) fn change(target: &Target, things: Things, id: u64, text: &str) -> Request {
    let body = match (target.kind, things) {
        (ForgeKind::Gitlab, Things::Issues) => json!({"description": text}),
        _ => json!({"body": text}),
    };
    request(changing(target), item(target, things, id), Some(body))
}

/// Deletes a comment, or closes an issue, which stays readable.
pub(super) fn remove(target: &Target, things: Things, id: u64) -> Request {
    let path = item(target, things, id);
    match (target.kind, things) {
        (_, Things::Comments(_)) => request(Method::DELETE, path, None),
        (ForgeKind::Gitlab, Things::Issues) => request(
            changing(target),
            path,
            Some(json!({"state_event": "close"})),
        ),
        (_, Things::Issues) => request(changing(target), path, Some(json!({"state": "closed"}))),
    }
}

pub(super) fn whoami() -> Request {
    request(Method::GET, "/user".to_owned(), None)
}

/// The path of GitHub's GraphQL API, next to the one that [`Target::api`] names.
pub(super) const GRAPHQL: &str = "/graphql";

/// Looks up the user of the token if it is an app.
pub(super) fn viewer() -> Request {
    let query = json!({"query": "query { viewer { login databaseId } }"});
    request(Method::POST, GRAPHQL.to_owned(), Some(query))
}

/// Returns the whole URL of a request.
pub(super) fn url(target: &Target, request: &Request) -> String {
    let api = target.api.as_str().trim_end_matches('/');
    // On a self-hosted server the base is `…/api/v3`, and the other API is `…/api/graphql`.
    let api = match request.path.as_str() {
        GRAPHQL => api.strip_suffix("/v3").unwrap_or(api),
        _ => api,
    };
    format!("{api}{}", request.path)
}

/// Returns the member that holds a status's context.
pub(super) fn status_name(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::Github | ForgeKind::Gitea => "context",
        ForgeKind::Gitlab => "name",
    }
}

/// Lists a commit's statuses.
pub(super) fn statuses(target: &Target, commit: &str, page: usize) -> Request {
    let (repository, commit) = (repository(target), encoded(commit));
    let path = match target.kind {
        ForgeKind::Github => {
            format!("{repository}/commits/{commit}/statuses?per_page={PAGE}&page={page}")
        }
        ForgeKind::Gitea => {
            format!("{repository}/commits/{commit}/statuses?limit={PAGE}&page={page}")
        }
        ForgeKind::Gitlab => {
            format!("{repository}/repository/commits/{commit}/statuses?per_page={PAGE}&page={page}")
        }
    };
    request(Method::GET, path, None)
}

fn pulls(target: &Target) -> String {
    let things = match target.kind {
        ForgeKind::Github | ForgeKind::Gitea => "pulls",
        ForgeKind::Gitlab => "merge_requests",
    };
    format!("{}/{things}", repository(target))
}

/// Asks for one pull request.
pub(super) fn pull(target: &Target, number: u64) -> Request {
    request(Method::GET, format!("{}/{number}", pulls(target)), None)
}

/// How many pages of pull requests are read at most, the most recent first: Gitea cannot list those of one branch.
pub(super) const PAGES_OF_PULLS: usize = 20;

/// Which pull requests are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PullState {
    /// Those that are open.
    Open,
    /// Those that were closed; GitHub and Gitea count merged ones among them.
    Closed,
}

/// Lists the pull requests of a branch; on Gitea, of all branches.
pub(super) fn list_pulls(target: &Target, branch: &str, state: PullState, page: usize) -> Request {
    let state = match (state, target.kind) {
        (PullState::Open, ForgeKind::Gitlab) => "opened",
        (PullState::Open, ForgeKind::Github | ForgeKind::Gitea) => "open",
        (PullState::Closed, _) => "closed",
    };
    let query = match target.kind {
        ForgeKind::Github => {
            let owner = target.repository.split('/').next().unwrap_or_default();
            let head = encoded(&format!("{owner}:{branch}"));
            format!("per_page={PAGE}&page={page}&state={state}&head={head}")
        }
        ForgeKind::Gitlab => {
            let branch = encoded(branch);
            format!("per_page={PAGE}&page={page}&state={state}&source_branch={branch}")
        }
        ForgeKind::Gitea => format!("limit={PAGE}&page={page}&state={state}&sort=recentupdate"),
    };
    request(Method::GET, format!("{}?{query}", pulls(target)), None)
}

/// Opens a pull request.
pub(super) fn open_pull(target: &Target, draft: &PullDraft) -> Request {
    let body = match target.kind {
        ForgeKind::Github | ForgeKind::Gitea => json!({
            "title": draft.title, "body": draft.text, "head": draft.branch, "base": draft.into,
        }),
        ForgeKind::Gitlab => json!({
            "title": draft.title, "description": draft.text,
            "source_branch": draft.branch, "target_branch": draft.into,
        }),
    };
    request(Method::POST, pulls(target), Some(body))
}

/// Returns the member that holds a pull request's description.
fn description(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::Github | ForgeKind::Gitea => "body",
        ForgeKind::Gitlab => "description",
    }
}

/// Changes the title and the description of a pull request.
pub(super) fn change_pull(target: &Target, number: u64, draft: &PullDraft) -> Request {
    let body = json!({"title": draft.title, description(target.kind): draft.text});
    let path = format!("{}/{number}", pulls(target));
    request(changing(target), path, Some(body))
}

/// Closes a pull request with a last description.
pub(super) fn close_pull(target: &Target, number: u64, text: &str) -> Request {
    let path = format!("{}/{number}", pulls(target));
    let body = match target.kind {
        ForgeKind::Gitlab => json!({"description": text, "state_event": "close"}),
        ForgeKind::Github | ForgeKind::Gitea => json!({"body": text, "state": "closed"}),
    };
    request(changing(target), path, Some(body))
}

/// Sets a commit's status.
pub(super) fn set_status(target: &Target, commit: &str, status: &CommitStatus) -> Request {
    let path = format!("{}/statuses/{}", repository(target), encoded(commit));
    let name = status_name(target.kind);
    let mut body = json!({
        "state": status.progress.word(target.kind),
        name: status.context,
        "description": status.description,
    });
    if let Some(link) = &target.link {
        body["target_url"] = json!(link);
    }
    request(Method::POST, path, Some(body))
}

/// Lists the pull requests that brought a commit.
pub(super) fn pulls_of(target: &Target, commit: &str) -> Request {
    let (repository, commit) = (repository(target), encoded(commit));
    let path = match target.kind {
        ForgeKind::Github => format!("{repository}/commits/{commit}/pulls"),
        ForgeKind::Gitea => format!("{repository}/commits/{commit}/pull"),
        ForgeKind::Gitlab => format!("{repository}/repository/commits/{commit}/merge_requests"),
    };
    request(Method::GET, path, None)
}

/// The ref that keeps the pictures of comments on GitHub, below `refs/`.
const PICTURES: &str = "emblazon/pictures";

/// Returns the path of GitLab's uploads.
pub(super) fn uploads(target: &Target) -> String {
    format!("{}/uploads", repository(target))
}

/// Returns the path of the attachments of a pull request on Gitea.
pub(super) fn attachments(target: &Target, number: u64) -> String {
    format!("{}/issues/{number}/assets", repository(target))
}

fn git_object(target: &Target, kind: &str, body: Value) -> Request {
    let path = format!("{}/git/{kind}", repository(target));
    request(Method::POST, path, Some(body))
}

/// Stores the content of a file.
pub(super) fn blob(target: &Target, bytes: &[u8]) -> Request {
    let body = json!({"content": STANDARD.encode(bytes), "encoding": "base64"});
    git_object(target, "blobs", body)
}

/// Makes a folder of files, each with its name and the id of its content.
pub(super) fn tree(target: &Target, files: &[(&str, String)]) -> Request {
    let entry = |(name, blob): &(&str, String)| json!({"path": name, "mode": "100644", "type": "blob", "sha": blob});
    let entries: Vec<Value> = files.iter().map(entry).collect();
    git_object(target, "trees", json!({"tree": entries}))
}

/// Commits a folder.
pub(super) fn commit(target: &Target, tree: &str, parents: &[&str]) -> Request {
    let message = "Pictures of brands, for the comments of emblazon";
    let body = json!({"message": message, "tree": tree, "parents": parents});
    git_object(target, "commits", body)
}

/// Asks for the ref of the pictures.
pub(super) fn pictures_ref(target: &Target) -> Request {
    let path = format!("{}/git/ref/{}", repository(target), encoded(PICTURES));
    request(Method::GET, path, None)
}

/// Moves the ref of the pictures forward, or creates it.
pub(super) fn move_pictures_ref(target: &Target, commit: &str, is_there: bool) -> Request {
    let repository = repository(target);
    if is_there {
        let body = json!({"sha": commit, "force": false});
        return request(
            Method::PATCH,
            format!("{repository}/git/refs/{}", encoded(PICTURES)),
            Some(body),
        );
    }
    let body = json!({"ref": format!("refs/{PICTURES}"), "sha": commit});
    request(Method::POST, format!("{repository}/git/refs"), Some(body))
}

/// Returns where GitHub shows a file of a commit to whoever may see the repository.
pub(super) fn page_of(target: &Target, commit: &str, name: &str) -> String {
    let mut site = target.api.clone();
    site.set_query(None);
    site.set_path("");
    if site.host_str() == Some("api.github.com") {
        // The host is valid, so this does not fail; if it did, the address would lead nowhere.
        let _ = site.set_host(Some("github.com"));
    }
    let (site, repository) = (site.as_str().trim_end_matches('/'), &target.repository);
    format!("{site}/{repository}/blob/{commit}/{name}?raw=true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn githubs_other_api_stands_beside_the_first() {
        #[track_caller]
        fn check(api: &str, expected: &str) {
            let target = Target {
                kind: ForgeKind::Github,
                api: api.parse().unwrap(),
                repository: "acme/brands".to_owned(),
                number: None,
                commit: None,
                link: None,
                token: Secret::new("canary"),
            };
            assert_eq!(url(&target, &viewer()), expected);
        }
        check("https://api.github.com", "https://api.github.com/graphql");
        check(
            "https://git.example/api/v3",
            "https://git.example/api/graphql",
        );
    }
}
