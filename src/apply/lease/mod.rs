//! One writer per cluster, or per shard of one.
//!
//! ```text
//! take ──► Taken ──► work, renewed meanwhile ──► release
//!   │                  └──► lost: steps in flight finish, nothing else begins
//!   └──► Busy ──► wait, or refuse
//! ```
//!
//! On one host, the system arbitrates with a file lock; between hosts, the Git remote does with a compare-and-swap of a
//! ref, so no further server is needed.
//!
//! A killed process releases the lock of its host at once, and the lease between hosts when that expires. Its successor
//! on the same machine, with the same state directory, holds the lock and knows what its predecessor held, so it does
//! not wait.
//!
//! Shards of one split write at the same time, each under its own lease. A run over the whole cluster, and shards of
//! another split, exclude them: each takes its own lease first and then looks for conflicting ones, so of two
//! concurrent runs one sees the other, or both do and give way.

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
mod unchanged;

pub use both::Leases;
pub use fence::{Fence, Moment};
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
