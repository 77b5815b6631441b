//! One pull request for a branch: opened, kept up to date, and closed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::publish::{CommentAuthor, Publisher, is_by, same};
use super::pull::{Pull, PullDraft, PullOutcome};
use super::request::{self, PAGES_OF_PULLS, PullState};
use super::{ForgeError, ForgeKind, Mark, State};

/// A pull request that is listed.
struct FoundPull {
    number: u64,
    title: String,
    text: String,
    link: Option<String>,
    is_ours: bool,
    is_merged: bool,
}

impl FoundPull {
    fn ended(self, outcome: PullOutcome) -> Pull {
        Pull {
            outcome,
            number: self.number,
            link: self.link,
        }
    }
}

impl Publisher {
    /// Keeps one pull request for the branch up to date. One that a person closed is not opened again for the same
    /// change, and one of somebody else is left alone.
    pub async fn propose(&self, draft: &PullDraft) -> Result<Pull, ForgeError> {
        let mark = Mark::of(&draft.text)?;
        self.patiently(async || {
            let author = self.author().await?;
            if let Some(kept) = self.keep_open(draft, author).await? {
                return Ok(kept);
            }
            let closed = self.pulls(&draft.branch, PullState::Closed, author).await?;
            let newest = closed.into_iter().rev().find(|pull| pull.is_ours);
            if let Some(closed) = newest
                && !closed.is_merged
                && is_same_change(&closed.text, &mark)
            {
                return Ok(closed.ended(PullOutcome::Declined));
            }
            let target = &self.forge.target;
            let open = request::open_pull(target, draft);
            match self.forge.send(&open).await {
                Ok(made) => {
                    let made = found(&made, target.kind, author)
                        .ok_or_else(|| ForgeError::Answer(open.path.clone()))?;
                    Ok(made.ended(PullOutcome::Opened))
                }
                // A branch has one pull request at most: another run was faster.
                Err(
                    refused @ ForgeError::Refused {
                        status: 409 | 422, ..
                    },
                ) => self.keep_open(draft, author).await?.ok_or(refused),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Closes the pull request of a branch, with a last text; one of somebody else is left alone. Returns it, if one was
    /// open.
    pub async fn withdraw(&self, branch: &str, text: &str) -> Result<Option<u64>, ForgeError> {
        self.patiently(async || {
            let author = self.author().await?;
            let open = self.pulls(branch, PullState::Open, author).await?;
            let Some(ours) = open.into_iter().find(|pull| pull.is_ours) else {
                return Ok(None);
            };
            let close = request::close_pull(&self.forge.target, ours.number, text);
            self.forge.send(&close).await?;
            Ok(Some(ours.number))
        })
        .await
    }

    /// Brings the open pull request of the branch up to date, if there is one.
    async fn keep_open(
        &self,
        draft: &PullDraft,
        author: CommentAuthor,
    ) -> Result<Option<Pull>, ForgeError> {
        let mut open = self.pulls(&draft.branch, PullState::Open, author).await?;
        let ours = open.iter().position(|pull| pull.is_ours);
        let Some(ours) = ours else {
            return Ok(open.pop().map(|theirs| theirs.ended(PullOutcome::Foreign)));
        };
        let ours = open.swap_remove(ours);
        if same(&ours.text, &draft.text) && ours.title == draft.title {
            return Ok(Some(ours.ended(PullOutcome::Unchanged)));
        }
        let change = request::change_pull(&self.forge.target, ours.number, draft);
        self.forge.send(&change).await?;
        Ok(Some(ours.ended(PullOutcome::Updated)))
    }

    /// Lists the pull requests of a branch of this repository, oldest first.
    async fn pulls(
        &self,
        branch: &str,
        state: PullState,
        author: CommentAuthor,
    ) -> Result<Vec<FoundPull>, ForgeError> {
        let target = &self.forge.target;
        let mut pulls = Vec::new();
        let mut seen = BTreeSet::new();
        for page in 1..=PAGES_OF_PULLS {
            let list = request::list_pulls(target, branch, state, page);
            let answer = self.forge.send(&list).await?;
            let entries = answer
                .as_array()
                .ok_or_else(|| ForgeError::Answer(list.path.clone()))?;
            let mut news = false;
            for entry in entries {
                let Some(pull) = found(entry, target.kind, author) else {
                    continue;
                };
                let is_new = seen.insert(pull.number);
                news |= is_new;
                if is_new && is_of(entry, target.kind, branch) {
                    pulls.push(pull);
                }
            }
            // The others list only those of the branch; Gitea lists all, and has smaller pages than asked for.
            if !news || target.kind != ForgeKind::Gitea {
                break;
            }
        }
        pulls.sort_by_key(|pull| pull.number);
        Ok(pulls)
    }
}

/// Returns whether a description was written for the same change, and not when it was closed because nothing is left of it.
fn is_same_change(text: &str, mark: &Mark) -> bool {
    let known = Mark::of(text.split('\r').next().unwrap_or_default());
    known.is_ok_and(|known| known.state != State::Clean && known.digest == mark.digest)
}

/// Returns whether a pull request is from a branch of this repository, and not from one of that name elsewhere.
fn is_of(entry: &Value, kind: ForgeKind, branch: &str) -> bool {
    match kind {
        ForgeKind::Gitlab => {
            entry["source_branch"] == *branch
                && entry["source_project_id"] == entry["target_project_id"]
        }
        ForgeKind::Github | ForgeKind::Gitea => {
            entry["head"]["ref"] == *branch
                && entry["head"]["repo"]["id"] == entry["base"]["repo"]["id"]
        }
    }
}

fn found(entry: &Value, kind: ForgeKind, author: CommentAuthor) -> Option<FoundPull> {
    let (number, text, link) = match kind {
        ForgeKind::Gitlab => ("iid", "description", "web_url"),
        ForgeKind::Github | ForgeKind::Gitea => ("number", "body", "html_url"),
    };
    Some(FoundPull {
        number: entry[number].as_u64()?,
        title: entry["title"].as_str().unwrap_or_default().to_owned(),
        text: entry[text].as_str().unwrap_or_default().to_owned(),
        link: entry[link].as_str().map(str::to_owned),
        is_ours: is_by(entry, author),
        is_merged: !entry["merged_at"].is_null() || entry["merged"] == true,
    })
}
