//! The ref that carries a pause to the next leader, on whichever host that is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::status::Pause;
use crate::apply::remote::{GitError, Remote, Swap};
use crate::model::{ClusterName, Shard};
use crate::tree::paused_ref;

/// A ref on the Git remote that holds the last pause, or that somebody resumed.
#[derive(Debug)]
pub(super) struct PauseRef {
    remote: Remote,
    reference: String,
}

/// What the ref holds.
#[derive(Debug, Serialize, Deserialize)]
struct PauseRecord {
    /// When it was written; makes each record a value of its own, also when the same is said again.
    at: Timestamp,
    /// The pause; absent when somebody resumed.
    pause: Option<Pause>,
}

impl PauseRef {
    /// Names the ref of the daemon of a cluster, or of one shard; reads nothing yet.
    pub(super) fn new(remote: Remote, cluster: &ClusterName, shard: Option<Shard>) -> Self {
        Self {
            remote,
            reference: paused_ref(cluster, shard),
        }
    }

    /// Reads the value of the ref, and the pause that it holds; no value when nobody ever paused.
    ///
    /// # Errors
    /// When the remote does not answer, or the ref holds something else.
    pub(super) async fn read(&self) -> Result<(Option<String>, Option<Pause>), GitError> {
        let Some(id) = self.remote.value(&self.reference).await? else {
            return Ok((None, None));
        };
        let text = self.remote.text(&self.reference, &id).await?;
        let text = text.ok_or(GitError::Moved)?;
        let record: PauseRecord = serde_json::from_str(&text).map_err(|error| {
            let (name, reference) = (self.remote.name(), &self.reference);
            GitError::Repository(format!(
                "{reference} holds no pause that this version understands: {error}; `git push {name} :{reference}` removes it"
            ))
        })?;
        Ok((Some(id), record.pause))
    }

    /// Replaces what the ref holds, and returns its new value.
    ///
    /// # Errors
    /// When the remote does not accept it, or somebody else wrote since `seen` was read.
    pub(super) async fn write(
        &self,
        seen: Option<&str>,
        pause: Option<&Pause>,
    ) -> Result<String, GitError> {
        let record = PauseRecord {
            at: Timestamp::now(),
            pause: pause.cloned(),
        };
        let text = serde_json::to_string(&record)
            .map_err(|error| GitError::Repository(error.to_string()))?;
        let new = self.remote.clone_of().write_text(&text, record.at)?;
        match self.remote.swap(&self.reference, seen, Some(&new)).await? {
            Swap::Done => Ok(new),
            Swap::Moved => Err(GitError::Moved),
        }
    }
}
