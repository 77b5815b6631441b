//! Finds what an earlier run left, and writes what differs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::client::Forge;
use super::request::{self, PAGE, Things};
use super::{CommitStatus, ForgeError, ForgeKind, Mark, State, Target};
use crate::model::Digest;

/// How many times an operation is tried while the forge is busy.
const ATTEMPTS: u32 = 4;
/// The longest pause between two tries, whatever the forge asks for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How many pages of a list are read, at most.
const PAGES: usize = 100;

/// The result of publishing a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was published for the first time.
    Created,
    /// It replaced the previous text.
    Updated,
    /// It was already there.
    Unchanged,
    /// The issue was closed.
    Closed,
    /// There was nothing to publish, and nothing to close.
    Nothing,
}

/// Publishes reports on one forge.
pub struct Publisher {
    pub(super) forge: Forge,
    /// The pause before the second try; later pauses are longer.
    pause: Duration,
}

/// The id of the user that the token belongs to; an app has one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommentAuthor(u64);

/// The plan that a pull request showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// There is no pull request, or no comment of ours on it that shows a plan.
    Nothing,
    /// Our comment shows this plan, and so does our status on the last commit of the pull request.
    Plan(Digest),
    /// Our comment shows this plan, but no status of ours confirms it.
    Unwitnessed {
        /// Digest of the plan.
        digest: Digest,
        /// The last commit of the pull request.
        head: String,
    },
}

/// The pull request that a plan was shown on.
struct ShownOn {
    number: u64,
    /// Its last commit.
    head: String,
}

/// A comment or issue that an earlier run left.
pub(super) struct FoundComment {
    id: u64,
    pub(super) text: String,
}

impl Publisher {
    /// Creates a publisher for a forge; `pause` is how long to wait before the second try.
    pub fn new(target: Target, pause: Duration) -> Result<Self, ForgeError> {
        let forge = Forge::new(target)?;
        Ok(Self { forge, pause })
    }

    /// Keeps one comment on the pull request up to date. If there is nothing to do and no comment yet, none is written.
    pub async fn comment(&self, text: &str) -> Result<Outcome, ForgeError> {
        let number = self.number()?;
        let mark = Mark::of(text)?;
        let silent = mark.state == State::Clean;
        self.patiently(async || {
            self.keep(Things::Comments(number), &mark, "", text, silent)
                .await
        })
        .await
    }

    /// Keeps one issue up to date while something differs, and closes it once nothing does. An unknown state neither
    /// opens an issue nor closes one.
    pub async fn issue(&self, title: &str, text: &str) -> Result<Outcome, ForgeError> {
        let mark = Mark::of(text)?;
        self.patiently(async || match mark.state {
            State::Clean => self.close(&mark).await,
            State::Differs | State::Failed => {
                self.keep(Things::Issues, &mark, title, text, false).await
            }
            State::Unknown => self.keep(Things::Issues, &mark, title, text, true).await,
        })
        .await
    }

    /// Sets the status of the commit.
    pub async fn status(&self, status: &CommitStatus) -> Result<(), ForgeError> {
        let set = request::set_status(&self.forge.target, self.commit()?, status);
        self.patiently(async || self.forge.send(&set).await.map(drop))
            .await
    }

    /// Finds the plan that our comment on the pull request shows; if no number is known, on the pull request that
    /// brought the commit.
    ///
    /// Comments by others are ignored. Our comment alone does not count either: anyone who may edit other people's
    /// comments can make it say anything, but cannot give our status another digest.
    pub async fn shown(&self, mark: &Mark) -> Result<Shown, ForgeError> {
        self.patiently(async || {
            let Some(pull) = self.pull_request().await? else {
                return Ok(Shown::Nothing);
            };
            let author = self.author().await?;
            let comments = Things::Comments(pull.number);
            let found = self.find(comments, mark, author).await?;
            let first = found.first().and_then(|found| Mark::of(&found.text).ok());
            let Some(digest) = first.and_then(|mark| mark.digest) else {
                return Ok(Shown::Nothing);
            };
            let head = pull.head;
            Ok(if self.bears_out(&digest, mark, &head, author).await? {
                Shown::Plan(digest)
            } else {
                Shown::Unwitnessed { digest, head }
            })
        })
        .await
    }

    /// Returns whether the newest of our statuses on a commit names the plan.
    async fn bears_out(
        &self,
        digest: &Digest,
        mark: &Mark,
        commit: &str,
        author: CommentAuthor,
    ) -> Result<bool, ForgeError> {
        let target = &self.forge.target;
        let context = CommitStatus::context(mark);
        let mut newest: Option<(u64, bool)> = None;
        let mut seen = BTreeSet::new();
        for page in 1..=PAGES {
            let list = request::statuses(target, commit, page);
            let answer = self.forge.send(&list).await?;
            let entries = answer
                .as_array()
                .ok_or_else(|| ForgeError::Answer(list.path.clone()))?;
            let mut news = false;
            for entry in entries {
                let Some(id) = entry["id"].as_u64() else {
                    continue;
                };
                news |= seen.insert(id);
                let is_about = entry[request::status_name(target.kind)] == *context;
                if is_about && is_by(entry, author) {
                    let description = entry["description"].as_str().unwrap_or_default();
                    let named = CommitStatus::digest_in(description);
                    newest = newest.max(Some((id, named == Some(digest.as_str()))));
                }
            }
            if !news || entries.len() < PAGE {
                break;
            }
        }
        Ok(newest.is_some_and(|(_, is_named)| is_named))
    }

    /// Returns the number of the pull request.
    pub(super) fn number(&self) -> Result<u64, ForgeError> {
        self.forge.target.number.ok_or(ForgeError::Missing {
            what: "the pull request",
            how: "run it for one, or set --number",
        })
    }

    fn commit(&self) -> Result<&str, ForgeError> {
        self.forge.target.commit.as_deref().ok_or(ForgeError::Missing {
            what: "the commit",
            how: "set --commit; for a pull request, use its last commit, not the forge's synthetic merge commit",
        })
    }

    /// Finds the pull request that was named, or that brought the commit.
    async fn pull_request(&self) -> Result<Option<ShownOn>, ForgeError> {
        let target = &self.forge.target;
        let ask = match target.number {
            Some(number) => request::pull(target, number),
            None => request::pulls_of(target, self.commit()?),
        };
        let answer = match self.forge.send(&ask).await {
            Ok(answer) => answer,
            // Gitea reports a missing pull request this way.
            Err(ForgeError::Refused { status: 404, .. })
                if target.kind == ForgeKind::Gitea && target.number.is_none() =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let first = match &answer {
            Value::Array(pulls) => pulls.iter().find(|pull| !pull["merged_at"].is_null()),
            pull => Some(pull),
        };
        let Some(first) = first else {
            return Ok(None);
        };
        let (number, head) = match target.kind {
            ForgeKind::Gitlab => (&first["iid"], &first["sha"]),
            ForgeKind::Github | ForgeKind::Gitea => (&first["number"], &first["head"]["sha"]),
        };
        match (number.as_u64(), head.as_str()) {
            (Some(number), Some(head)) => Ok(Some(ShownOn {
                number,
                head: head.to_owned(),
            })),
            _ => Err(ForgeError::Answer(ask.path)),
        }
    }

    /// Retries the whole operation while the forge is busy: a request whose answer was lost may have been carried out,
    /// and looking again shows whether it was.
    pub(super) async fn patiently<T>(
        &self,
        work: impl AsyncFn() -> Result<T, ForgeError>,
    ) -> Result<T, ForgeError> {
        let mut pause = self.pause;
        for _ in 1..ATTEMPTS {
            match work().await {
                Err(error) if error.is_passing() => {
                    let asked = match &error {
                        ForgeError::Busy { after, .. } => *after,
                        _ => None,
                    };
                    tokio::time::sleep(asked.unwrap_or(pause).min(LONGEST_PAUSE)).await;
                    pause *= 3;
                }
                ended => return ended,
            }
        }
        work().await
    }

    async fn keep(
        &self,
        things: Things,
        mark: &Mark,
        title: &str,
        text: &str,
        silent: bool,
    ) -> Result<Outcome, ForgeError> {
        let author = self.author().await?;
        let target = &self.forge.target;
        if let Some(first) = self.find(things, mark, author).await?.first() {
            if same(&first.text, text) {
                return Ok(Outcome::Unchanged);
            }
            let change = request::change(target, things, first.id, text);
            self.forge.send(&change).await?;
            return Ok(Outcome::Updated);
        }
        if silent {
            return Ok(Outcome::Nothing);
        }
        let create = request::create(target, things, title, text);
        let made = self.forge.send(&create).await?;
        let mine = number(&made, target.kind, things)
            .ok_or_else(|| ForgeError::Answer(create.path.clone()))?;
        self.settle(things, mark, author, text, mine).await
    }

    /// Checks whether another run created one at the same time; the oldest stays.
    async fn settle(
        &self,
        things: Things,
        mark: &Mark,
        author: CommentAuthor,
        text: &str,
        mine: u64,
    ) -> Result<Outcome, ForgeError> {
        let found = self.find(things, mark, author).await?;
        match found.first() {
            Some(first) if first.id < mine => {
                let target = &self.forge.target;
                if !same(&first.text, text) {
                    let change = request::change(target, things, first.id, text);
                    self.forge.send(&change).await?;
                }
                self.forge
                    .send(&request::remove(target, things, mine))
                    .await?;
                Ok(Outcome::Updated)
            }
            _ => Ok(Outcome::Created),
        }
    }

    async fn close(&self, mark: &Mark) -> Result<Outcome, ForgeError> {
        let author = self.author().await?;
        let found = self.find(Things::Issues, mark, author).await?;
        for issue in &found {
            let close = request::remove(&self.forge.target, Things::Issues, issue.id);
            self.forge.send(&close).await?;
        }
        Ok(if found.is_empty() {
            Outcome::Nothing
        } else {
            Outcome::Closed
        })
    }

    /// Looks up the user of the token.
    ///
    /// Anyone who may comment on the pull request can write the mark, too, and could later change the text. So only our
    /// own comments count; two apps are different users.
    pub(super) async fn author(&self) -> Result<CommentAuthor, ForgeError> {
        let (id, call) = match self.forge.send(&request::whoami()).await {
            Ok(user) => (user["id"].as_u64(), "GET /user"),
            // GitHub's workflow token belongs to an app, which can look itself up only through this other API.
            Err(ForgeError::Refused {
                status: 401 | 403, ..
            }) if self.forge.target.kind == ForgeKind::Github => {
                let answer = self.forge.send(&request::viewer()).await?;
                let id = answer["data"]["viewer"]["databaseId"].as_u64();
                (id, "POST /graphql")
            }
            Err(error) => return Err(error),
        };
        id.map(CommentAuthor)
            .ok_or_else(|| ForgeError::Answer(call.to_owned()))
    }

    /// Finds what earlier runs left, oldest first.
    pub(super) async fn find(
        &self,
        things: Things,
        mark: &Mark,
        author: CommentAuthor,
    ) -> Result<Vec<FoundComment>, ForgeError> {
        let target = &self.forge.target;
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for page in 1..=PAGES {
            let list = request::list(target, things, page);
            let answer = self.forge.send(&list).await?;
            let entries = answer
                .as_array()
                .ok_or_else(|| ForgeError::Answer(list.path.clone()))?;
            let mut news = false;
            for entry in entries {
                let Some(id) = number(entry, target.kind, things) else {
                    continue;
                };
                news |= seen.insert(id);
                let text = text(entry, target.kind, things);
                if is_ours(entry, author) && text.starts_with(&mark.subject) {
                    found.push(FoundComment {
                        id,
                        text: text.to_owned(),
                    });
                }
            }
            // Gitea returns all comments on every page, and a self-hosted server may have smaller pages than asked for.
            if !news || (entries.len() < PAGE && target.kind != ForgeKind::Gitea) {
                break;
            }
        }
        found.sort_by_key(|entry| entry.id);
        found.dedup_by_key(|entry| entry.id);
        Ok(found)
    }
}

fn is_ours(entry: &Value, author: CommentAuthor) -> bool {
    // GitHub lists pull requests as issues.
    let is_pull = entry.get("pull_request");
    is_pull.is_none_or(Value::is_null) && is_by(entry, author)
}

/// Returns whether a user wrote a comment, opened an issue, or set a status; the forges' member names differ.
pub(super) fn is_by(entry: &Value, CommentAuthor(id): CommentAuthor) -> bool {
    let names = ["user", "author", "creator"];
    let found = names.into_iter().find_map(|name| entry.get(name));
    found.is_some_and(|user| user["id"].as_u64() == Some(id))
}

/// Returns what identifies an entry in a path: issues have numbers besides their ids.
fn number(entry: &Value, kind: ForgeKind, things: Things) -> Option<u64> {
    let member = match (kind, things) {
        (_, Things::Comments(_)) => "id",
        (ForgeKind::Gitlab, Things::Issues) => "iid",
        (_, Things::Issues) => "number",
    };
    entry[member].as_u64()
}

fn text(entry: &Value, kind: ForgeKind, things: Things) -> &str {
    let member = match (kind, things) {
        (ForgeKind::Gitlab, Things::Issues) => "description",
        _ => "body",
    };
    entry[member].as_str().unwrap_or_default()
}

/// Returns whether two texts are equal, ignoring the browsers' CRLF line ends and white space at the end.
pub(super) fn same(before: &str, after: &str) -> bool {
    before.replace("\r\n", "\n").trim_end() == after.trim_end()
}
