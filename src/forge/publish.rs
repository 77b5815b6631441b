//! Finds what an earlier run left, and writes what differs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::client::Forge;
use super::request::{self, PAGE, Things};
use super::{CommitStatus, ForgeError, Kind, Mark, State, Target};
use crate::model::Digest;

/// How often something is tried while the forge is busy.
const ATTEMPTS: u32 = 4;
/// The longest that one try waits for the next, whatever the forge asks for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How many pages are looked through.
const PAGES: usize = 100;

/// What became of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stands there as something new.
    Created,
    /// It took the place of the one before.
    Updated,
    /// It stood there already.
    Unchanged,
    /// The issue was closed.
    Closed,
    /// There was nothing to say, and nothing to take back.
    Nothing,
}

/// Publishes reports on one forge.
pub struct Publisher {
    forge: Forge,
    /// How long the second try waits; the later ones longer.
    pause: Duration,
}

/// Who is speaking, as far as the forge tells.
enum Author {
    /// The user with this number.
    User(u64),
    /// An app, which may not ask who it is.
    App,
}

/// Something of ours that stands there.
struct Found {
    id: u64,
    text: String,
}

impl Publisher {
    /// Prepares for a forge; `pause` is how long to wait before the second try.
    pub fn new(target: Target, pause: Duration) -> Result<Self, ForgeError> {
        let forge = Forge::new(target)?;
        Ok(Self { forge, pause })
    }

    /// Keeps one comment on the pull request up to date. Where there is nothing to do and nothing was said before,
    /// nothing is said.
    pub async fn comment(&self, text: &str) -> Result<Outcome, ForgeError> {
        let number = self.forge.target.number.ok_or(ForgeError::Missing {
            what: "the pull request",
            how: "run it for one, or say --number",
        })?;
        let mark = Mark::of(text)?;
        let silent = mark.state == State::Clean;
        self.patiently(async || {
            self.keep(Things::Comments(number), &mark, "", text, silent)
                .await
        })
        .await
    }

    /// Keeps one issue up to date while something differs, and closes it once nothing does. What could not be
    /// checked neither opens an issue nor closes one.
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

    /// Returns the digest of the plan that our comment on the pull request shows; on the one that brought the commit,
    /// when no number is known. A comment that somebody else wrote counts for nothing.
    pub async fn shown(&self, mark: &Mark) -> Result<Option<Digest>, ForgeError> {
        self.patiently(async || {
            let number = match self.forge.target.number {
                Some(number) => Some(number),
                None => self.pull_request().await?,
            };
            let Some(number) = number else {
                return Ok(None);
            };
            let author = self.author().await?;
            let found = self.find(Things::Comments(number), mark, &author).await?;
            let first = found.first().and_then(|found| Mark::of(&found.text).ok());
            Ok(first.and_then(|mark| mark.digest))
        })
        .await
    }

    fn commit(&self) -> Result<&str, ForgeError> {
        self.forge.target.commit.as_deref().ok_or(ForgeError::Missing {
            what: "the commit",
            how: "say --commit; on a pull request that is its last one, not the merge that the forge made up",
        })
    }

    /// Finds the pull request that brought the commit.
    async fn pull_request(&self) -> Result<Option<u64>, ForgeError> {
        let ask = request::pulls_of(&self.forge.target, self.commit()?);
        let answer = match self.forge.send(&ask).await {
            Ok(answer) => answer,
            // Gitea's way to say that there is none.
            Err(ForgeError::Refused { status: 404, .. })
                if self.forge.target.kind == Kind::Gitea =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let first = match &answer {
            Value::Array(pulls) => pulls.iter().find(|pull| !pull["merged_at"].is_null()),
            pull => Some(pull),
        };
        let name = match self.forge.target.kind {
            Kind::Gitlab => "iid",
            Kind::Github | Kind::Gitea => "number",
        };
        Ok(first.and_then(|pull| pull[name].as_u64()))
    }

    /// Tries from the beginning while the forge is busy: a request whose answer was lost may have been carried out, and
    /// looking again shows whether it was.
    async fn patiently<T>(
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
        if let Some(first) = self.find(things, mark, &author).await?.first() {
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
        self.settle(things, mark, &author, text, mine).await
    }

    /// Looks whether another run made one at the same time; the oldest stays.
    async fn settle(
        &self,
        things: Things,
        mark: &Mark,
        author: &Author,
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
        let found = self.find(Things::Issues, mark, &author).await?;
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

    /// Asks who is speaking. Whoever comments on the pull request can write the mark, too, and would then keep the
    /// right to change what stands below our name: only our own counts.
    async fn author(&self) -> Result<Author, ForgeError> {
        match self.forge.send(&request::whoami()).await {
            Ok(user) => user["id"]
                .as_u64()
                .map(Author::User)
                .ok_or_else(|| ForgeError::Answer("GET /user".to_owned())),
            // GitHub's token of a workflow is an app's, and an app is no user.
            Err(ForgeError::Refused {
                status: 401 | 403, ..
            }) if self.forge.target.kind == Kind::Github => Ok(Author::App),
            Err(error) => Err(error),
        }
    }

    /// Finds what earlier runs left, the oldest first.
    async fn find(
        &self,
        things: Things,
        mark: &Mark,
        author: &Author,
    ) -> Result<Vec<Found>, ForgeError> {
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
                    found.push(Found {
                        id,
                        text: text.to_owned(),
                    });
                }
            }
            // Gitea gives all comments on every page, and an own server may have smaller pages than were asked for.
            if !news || (entries.len() < PAGE && target.kind != Kind::Gitea) {
                break;
            }
        }
        found.sort_by_key(|entry| entry.id);
        found.dedup_by_key(|entry| entry.id);
        Ok(found)
    }
}

fn is_ours(entry: &Value, author: &Author) -> bool {
    // A pull request is an issue to GitHub.
    if entry
        .get("pull_request")
        .is_some_and(|value| !value.is_null())
    {
        return false;
    }
    let user = entry.get("user").or_else(|| entry.get("author"));
    match author {
        Author::User(id) => user.is_some_and(|user| user["id"].as_u64() == Some(*id)),
        Author::App => user.is_some_and(|user| user["type"] == "Bot"),
    }
}

/// Returns what names an entry in a path: issues have numbers of their own beside the id.
fn number(entry: &Value, kind: Kind, things: Things) -> Option<u64> {
    let member = match (kind, things) {
        (_, Things::Comments(_)) => "id",
        (Kind::Gitlab, Things::Issues) => "iid",
        (_, Things::Issues) => "number",
    };
    entry[member].as_u64()
}

fn text(entry: &Value, kind: Kind, things: Things) -> &str {
    let member = match (kind, things) {
        (Kind::Gitlab, Things::Issues) => "description",
        _ => "body",
    };
    entry[member].as_str().unwrap_or_default()
}

/// Compares as a forge keeps texts: without the ends of lines that browsers send, and without the last ones.
fn same(before: &str, after: &str) -> bool {
    before.replace("\r\n", "\n").trim_end() == after.trim_end()
}
