//! Git remotes: refs that are moved only by compare-and-swap, and repositories that only the daemon uses.

mod ending;
mod group;
mod mirror;
mod remote;

pub use ending::Ending;
pub use mirror::Mirror;
pub use remote::{GitError, LocalClone, Remote, SECRETS, Swap};
