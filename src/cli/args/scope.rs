//! How much of tree and platform is read.

use clap::Args;

use super::selection::SelectionArgs;
use crate::model::Shard;

/// How much of tree and platform is read.
#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    /// Read everything, including what has not changed since it was last read
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Consider only accounts affected by changes of the tree since this Git revision
    #[arg(
        long,
        value_name = "REV",
        conflicts_with_all = ["accounts", "brands", "below", "labels"],
        help_heading = "Reading"
    )]
    pub(crate) changed_since: Option<String>,
    /// Consider only the accounts of one shard, such as 2/3; K+1/N where K counts from 0. The first shard also has what
    /// belongs to no account of the tree: the domain template, and what is live outside the tree
    #[arg(
        long,
        value_name = "I/N",
        env = "EMBLAZON_SHARD",
        hide_env_values = true,
        conflicts_with_all = ["accounts", "brands", "below", "labels"],
        help_heading = "Reading"
    )]
    pub(crate) shard: Option<Shard>,
}

impl ScopeArgs {
    /// Returns the words with which another command reads the same part.
    pub(super) fn words(&self) -> Vec<String> {
        let chosen = self.selection.words().into_iter().flatten();
        let since = self.changed_since.clone();
        let since = since.map(|since| ["--changed-since".to_owned(), since]);
        let shard = self
            .shard
            .map(|shard| ["--shard".to_owned(), shard.to_string()]);
        let rest = since.into_iter().chain(shard).flatten();
        chosen.chain(rest).collect()
    }
}
