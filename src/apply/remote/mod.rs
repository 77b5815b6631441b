//! Git remotes: refs that are moved only by compare-and-swap, branches of proposed changes, and repositories that only
//! the daemon uses.

mod branch;
mod ending;
mod group;
mod local_clone;
mod mirror;
mod text;

pub use branch::{BranchOutcome, ProposedCommit, ProposedFile};
pub use ending::Ending;
pub use local_clone::{GitError, LocalClone, Remote, SECRETS, Swap};
pub use mirror::Mirror;
