//! Parts of the `import` command: selecting accounts, writing files, proposing them as a
//! pull request, printing the summary.

mod files;
mod proposal;
mod selection;
mod summary;

pub(crate) use files::write;
pub(crate) use proposal::ProposalDesk;
pub(crate) use selection::{accepted, check_key, chosen, named};
pub(crate) use summary::tell;
