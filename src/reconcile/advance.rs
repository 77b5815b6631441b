//! What became of the base after a commit was applied completely.

use std::fmt;

use crate::apply::remote::GitError;
use crate::model::Shard;
use crate::tree::short_commit;

/// The result of advancing the base after a commit was applied completely.
#[derive(Debug)]
pub enum Advance {
    /// The commit is the base from now on.
    Base {
        /// The commit.
        commit: String,
    },
    /// The commit becomes the base once other shards have applied it, too.
    Waits {
        /// The commit.
        commit: String,
        /// The shards that have not applied it yet.
        shards: Vec<Shard>,
    },
    /// Another apply moved the base in the meantime.
    Moved,
    /// The ref could not be moved.
    Failed(GitError),
}

impl fmt::Display for Advance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base { commit } => {
                write!(f, "commit {} is the base from now on", short_commit(commit))
            }
            Self::Waits { commit, shards } => {
                let shards: Vec<String> = shards.iter().map(ToString::to_string).collect();
                let (commit, shards) = (short_commit(commit), shards.join(", "));
                write!(
                    f,
                    "commit {commit} is still to be applied by shard {shards}"
                )
            }
            Self::Moved => f.write_str("another apply moved it in the meantime"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}
