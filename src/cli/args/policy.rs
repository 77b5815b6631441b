//! `policy test`

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueHint};

use super::output::ListArgs;
use super::tree::TreeArgs;

/// Try the rules of `policy.rules`
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Test(PolicyTestArgs),
}

/// Try the rules of `policy.rules` on the cases of a file, without a platform
///
/// Each case has a change as data and says whether it is refused. The data are what `plan` shows the rules; what a case
/// leaves out is empty, and the schema `policy-tests.schema.json` describes all of it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon policy test
  emblazon policy test brands --cases brands/policy-tests.yaml --format json

Exit codes: 0 every case ends as it expects, 1 one does not, 3 the tree has errors.")]
pub(crate) struct PolicyTestArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    /// The file with the cases; default: policy-tests.yaml in the tree's folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    cases: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

impl PolicyTestArgs {
    /// Returns the file with the cases.
    pub(crate) fn cases(&self, folder: &Utf8Path) -> Utf8PathBuf {
        let usual = || folder.join("policy-tests.yaml");
        self.cases.clone().unwrap_or_else(usual)
    }
}
