//! One writer for each cluster.
//!
//! ```text
//! take ──► Taken ──► work, renewed all the while ──► release
//!   │                  └──► lost: what is in hand ends, nothing else begins
//!   └──► Busy ──► wait, or refuse
//! ```
//!
//! On one host the system arbitrates, by a lock on a file; between hosts the Git remote does, by moving a ref
//! only from a value that was seen, so that no further server is needed.

mod both;
mod file;
mod git;
mod hold;
mod holder;
mod record;
mod tenure;

pub use both::Leases;
pub use file::FileLease;
pub use git::GitLease;
pub use hold::{Wait, take, while_held};
pub use holder::holder;
pub use record::{Attempt, Claim, Clock, Lease, LeaseError, Record, SKEW};
pub use tenure::Tenure;
