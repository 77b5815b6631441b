//! `diff` and `promote`: the clusters of one tree.

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use super::output::ListArgs;
use super::selection::SelectionArgs;
use super::tree::TreeChoice;

/// Show what two clusters of a tree declare differently
///
/// Compares what the tree declares for the first cluster with what it declares for the second one, account by account and
/// key by key. Contacts no platform.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon diff --cluster staging --cluster production
  emblazon diff --cluster staging --cluster production --account acme --format json

Exit codes: 0 they declare the same, 2 they differ, 3 the tree has errors.")]
pub(crate) struct DiffArgs {
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    /// A cluster; give two: the one to start from, and the one to compare with it
    #[arg(long = "cluster", value_name = "NAME", required = true)]
    pub(crate) clusters: Vec<String>,
    /// Read the tree from this Git revision instead of from the files
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

impl DiffArgs {
    /// Returns the choice of a cluster at the asked revision.
    pub(crate) fn choice(&self, cluster: &str) -> TreeChoice {
        TreeChoice {
            cluster: Some(cluster.to_owned()),
            rev: self.rev.clone(),
        }
    }
}

/// Make a cluster of the tree declare what another one declares
///
/// Finds the smallest edit of the accounts' files, shows it, and writes it with --yes. Files that accounts share, other
/// clusters and domains stay as they are. Contacts no platform: plan and apply come after.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon promote staging production
  emblazon promote staging production acme --yes

Exit codes: 0 nothing to do, or written, 2 shown, and not written without --yes, 3 the tree has errors,
5 something cannot be brought over.")]
pub(crate) struct PromoteArgs {
    /// The cluster that has it already
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    /// The cluster that is to have it
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    /// The accounts: a folder's name, a domain, or an id or realm as the tree writes it; default: all
    #[arg(value_name = "ACCOUNT")]
    pub(crate) names: Vec<String>,
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    /// Write the edit
    #[arg(short, long)]
    pub(crate) yes: bool,
}
