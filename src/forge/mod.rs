//! Publishes to the forge: one comment on a pull request, kept up to date, one issue for drift,
//! commit statuses, and pull requests for branches that emblazon pushed.
//!
//! GitHub, GitLab and Gitea differ in paths and in a few words; `request.rs` has them in one table. Everything
//! else is the same: find what an earlier run left, by an invisible mark, and write only what differs.
//!
//! Two concurrent runs may both find nothing and both write. So each looks again after it has created something: the
//! oldest stays and gets the newest text, and a run deletes its own if it is not the oldest.

mod client;
mod error;
mod kind;
mod mark;
mod picture;
mod propose;
mod publish;
mod pull;
mod request;
mod signature;
mod status;
mod target;
mod upload;

pub use error::ForgeError;
pub use kind::ForgeKind;
pub(crate) use kind::Proof;
pub use mark::{Mark, State};
pub use picture::{CommentPicture, picture_links, without_pictures};
pub use publish::{Outcome, Publisher, Shown};
pub use pull::{Pull, PullDraft, PullOutcome};
pub(crate) use signature::{is_same, is_signature, signed};
pub use status::{CommitStatus, Progress};
pub use target::{Environment, Target};
