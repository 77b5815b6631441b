//! How much of tree and platform is read.

use clap::Args;

use crate::model::Shard;

/// How much of tree and platform is read.
#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    /// Read everything, including what has not changed since it was last read
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_cache: bool,
    /// Consider only this account: its folder's name, its domain, or its id or realm as the tree writes it; may be repeated.
    /// Everything else, including the domain template, is left alone
    #[arg(
        long = "account",
        value_name = "ACCOUNT",
        value_delimiter = ',',
        conflicts_with_all = ["changed_since", "shard"],
        help_heading = "Reading"
    )]
    pub(crate) accounts: Vec<String>,
    /// Consider only the accounts that extend this brand, directly or through another one; may be repeated, and adds to
    /// --account
    #[arg(
        long = "brand",
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with_all = ["changed_since", "shard"],
        help_heading = "Reading"
    )]
    pub(crate) brands: Vec<String>,
    /// Consider only accounts affected by changes of the tree since this Git revision
    #[arg(long, value_name = "REV", help_heading = "Reading")]
    pub(crate) changed_since: Option<String>,
    /// Consider only the accounts of one shard, such as 2/3; K+1/N where K counts from 0. The first shard also has what
    /// belongs to no account of the tree: the domain template, and what is live outside the tree
    #[arg(
        long,
        value_name = "I/N",
        env = "EMBLAZON_SHARD",
        hide_env_values = true,
        help_heading = "Reading"
    )]
    pub(crate) shard: Option<Shard>,
}

impl ScopeArgs {
    /// Returns whether only some accounts are considered, by name or by brand.
    pub(crate) fn chooses(&self) -> bool {
        !(self.accounts.is_empty() && self.brands.is_empty())
    }

    /// Returns the words with which another command reads the same part.
    pub(super) fn words(&self) -> Vec<String> {
        let accounts = self.accounts.iter();
        let accounts = accounts.flat_map(|name| ["--account".to_owned(), name.clone()]);
        let brands = self.brands.iter();
        let brands = brands.flat_map(|name| ["--brand".to_owned(), name.clone()]);
        let since = self.changed_since.clone();
        let since = since.map(|since| ["--changed-since".to_owned(), since]);
        let shard = self
            .shard
            .map(|shard| ["--shard".to_owned(), shard.to_string()]);
        let rest = since.into_iter().chain(shard).flatten();
        accounts.chain(brands).chain(rest).collect()
    }
}
