//! How much is read.

use clap::Args;

/// What is read, and what is known already.
#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    /// Read all of it, also what has not moved since it was read last
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_cache: bool,
    /// Look only at accounts that a change of the tree since this Git revision touches
    #[arg(long, value_name = "REV", help_heading = "Reading")]
    pub(crate) changed_since: Option<String>,
}
