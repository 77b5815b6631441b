//! `status`

use clap::Args;

use super::git::RemoteArgs;
use super::output::ListArgs;
use super::tree::TreeArgs;

/// Show where a cluster stands: what is applied, what waits, who writes, and the last run
///
/// Reads Git and the runs that are kept here. It asks no platform and needs no credentials; `drift` compares with the
/// platform.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon status
  emblazon status --cluster staging --format json

Exit codes: 0 nothing waits, 2 changes of the tree wait to be applied, 3 the tree has errors, 6 it is not known
what is applied.")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// Do not contact the remote; use the refs of this clone, and do not ask who writes
    #[arg(long, help_heading = "Git")]
    pub(crate) no_fetch: bool,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}
