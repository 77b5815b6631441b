//! How much is read.

use clap::Args;

use crate::model::Shard;

/// What is read, and what is known already.
#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    /// Read all of it, also what has not moved since it was read last
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_cache: bool,
    /// Look only at accounts that a change of the tree since this Git revision touches
    #[arg(long, value_name = "REV", help_heading = "Reading")]
    pub(crate) changed_since: Option<String>,
    /// Look only at the accounts of one shard of several, such as 2/3; K+1/N where K counts from 0. The first one has
    /// what is nobody's in particular: the domain template, and what is live outside the tree
    #[arg(
        long,
        value_name = "I/N",
        env = "EMBLAZON_SHARD",
        hide_env_values = true,
        help_heading = "Reading"
    )]
    pub(crate) shard: Option<Shard>,
}
