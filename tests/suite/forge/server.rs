//! A server that keeps comments and issues as the three forges do, and writes down what it was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use emblazon::forge::ForgeKind;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The user that the tests' token belongs to.
pub(crate) const ME: u64 = 7;

/// What the server has and was asked.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) comments: Vec<Value>,
    pub(crate) issues: Vec<Value>,
    /// The pull requests for branches.
    pub(crate) pulls: Vec<Value>,
    /// `METHOD path?query`, one for each request, in order.
    pub(crate) requests: Vec<String>,
    pub(crate) headers: Vec<HeaderMap>,
    /// Statuses to answer with before anything is done, first one first.
    pub(crate) faults: Vec<u16>,
    /// Each status that was set: the commit, and the body.
    pub(crate) statuses: Vec<(String, Value)>,
    /// Who set some of them; the others are by [`ME`].
    pub(crate) creators: BTreeMap<usize, u64>,
    /// Whether the token is an app's, which GitHub does not tell who it is where it tells users.
    pub(crate) is_app: bool,
    /// The last commit of the pull request.
    pub(crate) head: String,
    /// The pull request that brought every commit, once it is merged.
    pub(crate) merged: Option<u64>,
    /// Another run's comment, to appear with the next one that is written.
    pub(crate) rival: Option<String>,
    /// The pictures that were uploaded: name and bytes.
    pub(crate) pictures: Vec<(String, Vec<u8>)>,
    /// The commit that the ref of the pictures names, on GitHub.
    pub(crate) pictures_ref: Option<String>,
    next: u64,
}

/// A forge on loopback.
pub(crate) struct Server {
    address: SocketAddr,
    kind: ForgeKind,
    world: Arc<Mutex<World>>,
}

impl Server {
    pub(crate) async fn start(kind: ForgeKind) -> Self {
        let world = Arc::new(Mutex::new(World {
            next: 100,
            head: "abc123".to_owned(),
            ..World::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .fallback(answer)
            .with_state((kind, world.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            kind,
            world,
        }
    }

    pub(crate) fn url(&self) -> String {
        let path = match self.kind {
            ForgeKind::Github => "",
            ForgeKind::Gitlab => "/api/v4",
            ForgeKind::Gitea => "/api/v1",
        };
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Puts a comment there, as if somebody had written it.
    pub(crate) fn comment(&self, user: u64, text: &str) -> u64 {
        let mut world = self.world();
        world.add_comment(user, text)
    }

    /// Puts a status beside a commit, as if somebody had set it.
    pub(crate) fn status(&self, user: u64, commit: &str, status: Value) {
        let mut world = self.world();
        let place = world.statuses.len();
        world.creators.insert(place, user);
        world.statuses.push((commit.to_owned(), status));
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        let world = self.world();
        let texts = world
            .comments
            .iter()
            .map(|comment| comment["body"].as_str().unwrap().to_owned());
        texts.collect()
    }
}

impl World {
    fn add_comment(&mut self, user: u64, text: &str) -> u64 {
        let id = self.number();
        let kind = if self.is_app { "Bot" } else { "User" };
        let user = json!({"id": user, "type": kind});
        self.comments
            .push(json!({"id": id, "body": text, "user": user, "author": user}));
        id
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

type Shared = (ForgeKind, Arc<Mutex<World>>);

async fn answer(
    State((kind, world)): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = world.lock().unwrap();
    world.requests.push(format!("{method} {uri}"));
    world.headers.push(headers);
    if !world.faults.is_empty() {
        let status = world.faults.remove(0);
        if status > 0 {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
    }
    let path = uri
        .path()
        .trim_start_matches("/api/v4")
        .trim_start_matches("/api/v1")
        .to_owned();
    if let Some((status, answer)) = world.picture(kind, &method, &path, &body) {
        return (status, answer.to_string()).into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) =
        world.handle(kind, &method, &path, uri.query().unwrap_or_default(), &body);
    (status, answer.to_string()).into_response()
}

impl World {
    fn handle(
        &mut self,
        kind: ForgeKind,
        method: &Method,
        path: &str,
        query: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let missing = (StatusCode::NOT_FOUND, Value::Null);
        if path == "/user" {
            return if self.is_app {
                (StatusCode::FORBIDDEN, Value::Null)
            } else {
                (StatusCode::OK, json!({"id": ME}))
            };
        }
        if path == "/graphql" && kind == ForgeKind::Github && *method == Method::POST {
            let viewer = json!({"login": "emblazon[bot]", "databaseId": ME});
            return (StatusCode::OK, json!({"data": {"viewer": viewer}}));
        }
        let (comments, comment, issues) = match kind {
            ForgeKind::Gitlab => (
                "/projects/acme%2Fbrands/merge_requests/12/notes",
                "/projects/acme%2Fbrands/merge_requests/12/notes/",
                "/projects/acme%2Fbrands/issues",
            ),
            ForgeKind::Github | ForgeKind::Gitea => (
                "/repos/acme/brands/issues/12/comments",
                "/repos/acme/brands/issues/comments/",
                "/repos/acme/brands/issues",
            ),
        };
        let changing = if kind == ForgeKind::Gitlab {
            Method::PUT
        } else {
            Method::PATCH
        };
        if let Some(answer) = self.beside(kind, method, path, query, body) {
            return answer;
        }
        if path == comments && method == Method::GET {
            return (StatusCode::OK, page(kind, &self.comments, query));
        }
        if path == comments && method == Method::POST {
            if let Some(rival) = self.rival.take() {
                self.add_comment(ME, &rival);
            }
            let id = self.add_comment(ME, body["body"].as_str().unwrap());
            return (StatusCode::CREATED, json!({"id": id}));
        }
        if let Some(id) = path
            .strip_prefix(comment)
            .and_then(|id| id.parse::<u64>().ok())
        {
            let Some(index) = self.comments.iter().position(|comment| comment["id"] == id) else {
                return missing;
            };
            if *method == changing {
                self.comments[index]["body"] = body["body"].clone();
                return (StatusCode::OK, self.comments[index].clone());
            }
            if method == Method::DELETE {
                self.comments.remove(index);
                return (StatusCode::NO_CONTENT, Value::Null);
            }
        }
        if path == issues && method == Method::GET {
            let open: Vec<Value> = self
                .issues
                .iter()
                .filter(|issue| issue["open"] == true)
                .cloned()
                .collect();
            return (StatusCode::OK, page(kind, &open, query));
        }
        if path == issues && method == Method::POST {
            let number = self.number();
            let user = json!({"id": ME});
            let text = if kind == ForgeKind::Gitlab {
                "description"
            } else {
                "body"
            };
            let issue = json!({"number": number, "iid": number, "title": body["title"], text: body[text], "open": true, "user": user, "author": user});
            self.issues.push(issue.clone());
            return (StatusCode::CREATED, issue);
        }
        if let Some(number) = path
            .strip_prefix(&format!("{issues}/"))
            .and_then(|n| n.parse::<u64>().ok())
            && *method == changing
            && let Some(issue) = self
                .issues
                .iter_mut()
                .find(|issue| issue["number"] == number)
        {
            for text in ["body", "description"] {
                if let Some(new) = body.get(text) {
                    issue[text] = new.clone();
                }
            }
            if body["state"] == "closed" || body["state_event"] == "close" {
                issue["open"] = json!(false);
            }
            return (StatusCode::OK, issue.clone());
        }
        missing
    }

    /// Answers what is about neither comments nor issues.
    fn beside(
        &mut self,
        kind: ForgeKind,
        method: &Method,
        path: &str,
        query: &str,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let answer = self.pull_requests(kind, method, path, query, body);
        answer.or_else(|| self.commit(kind, method, path, query, body))
    }

    /// Lists, opens and changes pull requests for branches.
    fn pull_requests(
        &mut self,
        kind: ForgeKind,
        method: &Method,
        path: &str,
        query: &str,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let all = match kind {
            ForgeKind::Gitlab => "/projects/acme%2Fbrands/merge_requests",
            ForgeKind::Github | ForgeKind::Gitea => "/repos/acme/brands/pulls",
        };
        let rest = path.strip_prefix(all)?;
        if rest.is_empty() && method == Method::GET {
            let given = |name: &str| {
                let pairs = url::form_urlencoded::parse(query.as_bytes());
                let mut values = pairs.filter(|(known, _)| known == name);
                values.next().map(|(_, value)| value.into_owned())
            };
            let state = given("state").unwrap();
            let wanted = given("source_branch")
                .or_else(|| Some(given("head")?.strip_prefix("acme:")?.to_owned()));
            let is_wanted = |pull: &&Value| {
                let known = pull["state"].as_str().unwrap();
                let branch = pull["head"]["ref"].as_str();
                state.starts_with(known)
                    && wanted
                        .as_deref()
                        .is_none_or(|wanted| Some(wanted) == branch)
            };
            let found: Vec<Value> = self.pulls.iter().filter(is_wanted).rev().cloned().collect();
            return Some((StatusCode::OK, page(kind, &found, query)));
        }
        if rest.is_empty() && method == Method::POST {
            let (head, text) = match kind {
                ForgeKind::Gitlab => ("source_branch", "description"),
                ForgeKind::Github | ForgeKind::Gitea => ("head", "body"),
            };
            let branch = &body[head];
            let is_open = |pull: &Value| pull["state"] == "open" && pull["head"]["ref"] == *branch;
            if self.pulls.iter().any(is_open) {
                let status = match kind {
                    ForgeKind::Github => StatusCode::UNPROCESSABLE_ENTITY,
                    ForgeKind::Gitlab | ForgeKind::Gitea => StatusCode::CONFLICT,
                };
                return Some((status, Value::Null));
            }
            let pull = self.add_pull(ME, branch.as_str().unwrap(), body[text].as_str().unwrap());
            let into = body.get("base").or_else(|| body.get("target_branch"));
            pull["title"] = body["title"].clone();
            pull["into"] = into.unwrap().clone();
            return Some((StatusCode::CREATED, pull.clone()));
        }
        let number: u64 = rest.strip_prefix('/')?.parse().ok()?;
        let pull = self
            .pulls
            .iter_mut()
            .find(|pull| pull["number"] == number)?;
        if *method != Method::PATCH && *method != Method::PUT {
            return None;
        }
        for (name, value) in body.as_object().unwrap() {
            match name.as_str() {
                "state_event" => pull["state"] = json!("closed"),
                name => pull[name] = value.clone(),
            }
        }
        Some((StatusCode::OK, pull.clone()))
    }

    /// Puts a pull request there, as if a user had opened it.
    pub(crate) fn add_pull(&mut self, user: u64, branch: &str, text: &str) -> &mut Value {
        let number = self.number();
        let user = json!({"id": user});
        let repository = json!({"ref": branch, "repo": {"id": 1}});
        self.pulls.push(json!({
            "number": number, "iid": number, "title": "", "body": text, "description": text,
            "state": "open", "merged_at": null, "head": repository, "base": repository,
            "source_branch": branch, "source_project_id": 1, "target_project_id": 1,
            "user": user, "author": user,
            "html_url": format!("https://forge.example/{number}"),
            "web_url": format!("https://forge.example/{number}"),
        }));
        self.pulls.last_mut().unwrap()
    }

    /// Answers what is asked about a commit or a pull request: a status is set, statuses are listed, or the pull request
    /// is shown that the commit came from.
    fn commit(
        &mut self,
        kind: ForgeKind,
        method: &Method,
        path: &str,
        query: &str,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        if let Some((_, commit)) = path.split_once("/statuses/")
            && method == Method::POST
        {
            self.statuses.push((commit.to_owned(), body.clone()));
            return Some((StatusCode::CREATED, json!({"id": 1})));
        }
        let pull = |number: u64| {
            let head = &self.head;
            json!({"number": number, "iid": number, "merged_at": "2026-11-25T12:00:00Z", "head": {"sha": head}, "sha": head})
        };
        if path.ends_with("/pulls/12") || path.ends_with("/merge_requests/12") {
            return Some((StatusCode::OK, pull(12)));
        }
        let (_, commit) = path
            .split_once("/commits/")
            .filter(|_| method == Method::GET)?;
        if let Some(commit) = commit.strip_suffix("/statuses") {
            return Some((StatusCode::OK, self.statuses_of(kind, commit, query)));
        }
        let pull = self.merged.map(pull);
        Some(match pull {
            Some(pull) if kind == ForgeKind::Gitea => (StatusCode::OK, pull),
            None if kind == ForgeKind::Gitea => (StatusCode::NOT_FOUND, Value::Null),
            pull => (StatusCode::OK, pull.into_iter().collect()),
        })
    }

    /// Lists the statuses of a commit in the forge's words, the newest first.
    fn statuses_of(&self, kind: ForgeKind, commit: &str, query: &str) -> Value {
        let set = self.statuses.iter().enumerate();
        let of_commit = set.filter(|(_, (known, _))| known == commit);
        let entries: Vec<Value> = of_commit
            .map(|(place, (_, body))| {
                let user = json!({"id": self.creators.get(&place).unwrap_or(&ME)});
                let mut entry = body.clone();
                entry["id"] = json!(place + 1);
                let whose = if kind == ForgeKind::Gitlab {
                    "author"
                } else {
                    "creator"
                };
                entry[whose] = user;
                entry
            })
            .rev()
            .collect();
        // Gitea gives pages of statuses as the others do.
        let kind = if kind == ForgeKind::Gitea {
            ForgeKind::Github
        } else {
            kind
        };
        page(kind, &entries, &query.replace("limit=", "per_page="))
    }
}

/// Gives one page; Gitea gives everything on each.
fn page(kind: ForgeKind, entries: &[Value], query: &str) -> Value {
    let number = |name: &str| {
        let found = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.and_then(|value| value.parse::<usize>().ok())
    };
    if kind == ForgeKind::Gitea {
        return Value::from(entries.to_vec());
    }
    let size = number("per_page").unwrap_or(20).min(100);
    let before = (number("page").unwrap_or(1) - 1) * size;
    entries.iter().skip(before).take(size).cloned().collect()
}

/// The commit of the first pictures, as an object's id.
const OBJECT: &str = "0123456789abcdef0123456789abcdef01234567";

impl World {
    /// Takes pictures as each forge does: GitHub as objects of Git, the others as a file in a form.
    fn picture(
        &mut self,
        kind: ForgeKind,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Option<(StatusCode, Value)> {
        if kind != ForgeKind::Github {
            let is_form = path.ends_with("/uploads") || path.ends_with("/issues/12/assets");
            if !is_form || *method != Method::POST {
                return None;
            }
            let (name, bytes) = form(body);
            let address = format!("/uploads/{}/{name}", self.pictures.len());
            self.pictures.push((name, bytes));
            let answer = match kind {
                ForgeKind::Gitlab => json!({"url": address}),
                _ => {
                    json!({"id": 1, "browser_download_url": format!("https://gitea.example{address}")})
                }
            };
            return Some((StatusCode::CREATED, answer));
        }
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let made = |status| Some((status, json!({"sha": OBJECT})));
        match (
            method.as_str(),
            path.strip_prefix("/repos/acme/brands/git/")?,
        ) {
            ("POST", "blobs") => {
                let content = json["content"].as_str().unwrap();
                let bytes = base64::engine::general_purpose::STANDARD.decode(content);
                self.pictures.push((String::new(), bytes.unwrap()));
                made(StatusCode::CREATED)
            }
            ("POST", "trees") => {
                let entries = json["tree"].as_array().unwrap().iter();
                let names = entries.map(|entry| entry["path"].as_str().unwrap().to_owned());
                let unnamed = self.pictures.iter_mut().filter(|(name, _)| name.is_empty());
                for ((name, _), given) in unnamed.zip(names) {
                    *name = given;
                }
                made(StatusCode::CREATED)
            }
            ("POST", "commits") => made(StatusCode::CREATED),
            ("GET", "ref/emblazon%2Fpictures") => Some(match &self.pictures_ref {
                Some(commit) => (StatusCode::OK, json!({"object": {"sha": commit}})),
                None => (StatusCode::NOT_FOUND, Value::Null),
            }),
            ("POST", "refs") if self.pictures_ref.is_none() => {
                assert_eq!(json["ref"], "refs/emblazon/pictures");
                self.pictures_ref = json["sha"].as_str().map(str::to_owned);
                Some((StatusCode::CREATED, json!({"object": {"sha": OBJECT}})))
            }
            ("PATCH", "refs/emblazon%2Fpictures") if self.pictures_ref.is_some() => {
                assert_eq!(json["force"], false);
                Some((StatusCode::OK, json!({"object": {"sha": OBJECT}})))
            }
            ("POST", "refs") => Some((StatusCode::UNPROCESSABLE_ENTITY, Value::Null)),
            _ => None,
        }
    }
}

/// Returns the name and the bytes of the only file in a form.
fn form(body: &[u8]) -> (String, Vec<u8>) {
    let find = |what: &[u8]| body.windows(what.len()).position(|found| found == what);
    let start = find(b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&body[..start]);
    let boundary = head.split("\r\n").next().unwrap();
    let end = find(format!("\r\n{boundary}--\r\n").as_bytes()).unwrap();
    let (_, name) = head.split_once("filename=\"").unwrap();
    let name = name.split('"').next().unwrap().to_owned();
    (name, body[start..end].to_vec())
}
