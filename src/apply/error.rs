//! Errors that prevent a run from beginning.

use thiserror::Error;

use super::journal::JournalError;
use crate::model::{AccountName, Digest};
use crate::plan::{FORMAT_VERSION, Refusal, StepId};

/// Why a run could not begin; nothing was written.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The plan was made by another version of emblazon.
    #[error("the plan has format {found}, this version carries out {FORMAT_VERSION}; plan again")]
    Version {
        /// The format version of the plan.
        found: u32,
    },
    /// The plan's steps are not numbered from 0.
    #[error("step {place} of the plan has the number {}; it was changed by hand, plan again", .found.0)]
    Numbering {
        /// The position of the step, from 0.
        place: u32,
        /// The number that the step has.
        found: StepId,
    },
    /// The plan was made for another tree than the one whose policy applies.
    #[error("the plan was made from tree {}, this is {}; plan again", planned.short(), found.short())]
    OtherTree {
        /// The digest of the plan's tree.
        planned: Digest,
        /// The digest of the given tree.
        found: Digest,
    },
    /// A guard holds the plan.
    #[error("{}", told(.0))]
    Held(Vec<Refusal>),
    /// An account that is to go first is not written, so nothing vouches for the others.
    #[error(
        "{0} is to go first, and is not written: {1}; name another account, or let none go first"
    )]
    Canary(AccountName, &'static str),
    /// The journal could not be started.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn told(held: &[Refusal]) -> String {
    let told: Vec<String> = held
        .iter()
        .map(|refusal| format!("{}; {}", refusal.message, refusal.help))
        .collect();
    told.join("; ")
}
