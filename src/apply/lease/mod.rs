//! One writer for each cluster, or for each shard of one.
//!
//! ```text
//! take ──► Taken ──► work, renewed all the while ──► release
//!   │                  └──► lost: what is in hand ends, nothing else begins
//!   └──► Busy ──► wait, or refuse
//! ```
//!
//! On one host the system arbitrates, by a lock on a file; between hosts the Git remote does, by moving a ref
//! only from a value that was seen, so that no further server is needed.
//!
//! A killed process lets go of the lock of its host at once, and of the lease between hosts when that ends. Who comes after it
//! on the same machine, with the same state folder, holds the lock and knows what its predecessor held, so it does not wait.
//!
//! Shards of one split write at the same time, each under a lease of its own. A run for the whole, and shards of another
//! split, exclude them: each takes its own lease first and looks for theirs then, so of two that come at once one sees the
//! other, or both do and give way.

mod both;
mod contend;
mod fence;
mod file;
mod git;
mod guard;
mod hold;
mod holder;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod predecessor;
mod record;
mod scope;
mod shared;

pub use both::Leases;
pub use fence::Fence;
pub use file::FileLease;
pub use git::GitLease;
pub use guard::LeaseGuard;
pub use hold::{Wait, take, while_held};
pub use holder::holder;
#[cfg(feature = "kubernetes")]
pub use kubernetes::KubernetesLease;
pub use record::{Attempt, Claim, Clock, Lease, LeaseError, Record, SKEW};
pub use scope::LeaseScope;
pub use shared::SharedLease;
