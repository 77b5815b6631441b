//! `validate`

use clap::Args;

use super::output::OutputArgs;
use super::severity::SeverityArgs;
use super::tree::TreeArgs;
use super::trial::Trial;

/// Check the tree, without contacting a platform
///
/// Shows every mistake in one run, each with a code, its location and a fix.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon validate
  emblazon validate --rev origin/main brands
  emblazon validate --severity warning        for CI: warnings end with 2
  emblazon validate --format json --output text=report.txt

Exit codes: 0 valid (warnings or none), 2 warnings with --severity warning, 3 errors.")]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    /// Inspect all pictures, including those that were inspected before
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_cache: bool,
    // The seed of the sandbox is checked too.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    #[command(flatten)]
    pub(crate) severity: SeverityArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
