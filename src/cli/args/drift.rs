//! `drift`

use clap::Args;

use super::git::{BaseArgs, Side};
use super::output::OutputArgs;
use super::platform::PlatformArgs;
use super::scope::ScopeArgs;
use super::severity::SeverityArgs;
use super::tree::TreeArgs;

/// Find manual changes on the platform
///
/// Compares like `plan`, and shows both values of each difference. Sends no request that writes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon drift
  emblazon drift --only live
  emblazon drift --format json --output text=drift.txt
  emblazon drift --skip-dns

DNS is compared too, unless --skip-dns says otherwise or the account has dns: ignore.

In a Git repository, each difference says which side moved since the last complete apply.

Exit codes: 0 none, 2 drift, 3 the tree has errors, 5 a guard would refuse to fix it,
6 something could not be read and no drift was found.")]
pub(crate) struct DriftArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Show only changes on the platform, or only changes in Git that are not applied yet
    #[arg(long, value_name = "SIDE", hide_possible_values = true)]
    #[arg(help = "Show one side only: live (changed on the platform), git (not applied yet)")]
    pub(crate) only: Option<Side>,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Do not check DNS
    #[arg(long)]
    pub(crate) skip_dns: bool,
    #[command(flatten)]
    pub(crate) severity: SeverityArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
