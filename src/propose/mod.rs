//! Proposes live values for the tree: a branch with one commit, and a pull request for it.
//!
//! The command line and the daemon propose in the same way. [`Proposal`] is what [`crate::import`] made of the live
//! values, as a commit and a description; [`Desk`] pushes it with the user's own `git`, and keeps the pull request up to
//! date. The branch's name follows from the accounts, so that the next run finds what an earlier one proposed, and
//! withdraws it when nothing of it is left. Nobody merges by machine.

mod desk;
mod proposal;

pub use desk::{Desk, ProposeError, Proposed, Withdrawn};
pub use proposal::Proposal;
