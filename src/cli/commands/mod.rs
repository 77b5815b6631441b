//! One file a command.

mod completions;
mod man;

pub(super) use completions::completions;
pub(super) use man::man;
