//! `apply`

use std::num::NonZeroUsize;

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use super::dns::RecordsArgs;
use super::git::{BaseArgs, LeaseArgs};
use super::output::OutputArgs;
use super::plan::PruneArgs;
use super::platform::PlatformArgs;
use super::scope::ScopeArgs;
use super::tree::TreeChoice;
use crate::cli::approval::DigestPrefix;

/// Apply the tree to the platform
///
/// Plans, shows the plan, asks, and executes it: each object is read again, backed up, written and read back. An object
/// that changed in between is left alone, and the others go on. The records of accounts with `dns: manage` are written
/// to the primary that `dns: push` in emblazon.yaml names.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon apply
  emblazon apply --yes --cluster production
  emblazon apply --sandbox examples/quickstart
  emblazon apply --sandbox --state /tmp/trial examples/quickstart     and what is live then stays
  emblazon apply --yes --expect 3f9a1c0b7d52         only the plan that was approved
  emblazon apply change.plan --tree brands           a plan that `plan --out` saved
  emblazon apply change.plan --signed-by signers     and that one of these signed
  emblazon apply --canary acme --max-failures 3      one first, then the others

What was there before each write is kept below .emblazon/ in the tree; `emblazon history` lists it.

The steps of a saved plan are derived again from the commit that it names and from what is live, and only
what is in both is carried out.

Exit codes: 0 done, 1 nothing could be applied, 2 done, and what the saved plan does not have differs too,
3 the tree has errors, 4 applied in part, 5 refused by a guard or because everything had moved, 6 something
could not be read.")]
pub(crate) struct ApplyArgs {
    /// The folder with emblazon.yaml, or a saved plan
    #[arg(value_name = "TREE|PLAN", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) target: Utf8PathBuf,
    /// The folder with emblazon.yaml, for a saved plan
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(flatten)]
    pub(crate) prune: PruneArgs,
    #[command(flatten)]
    pub(crate) records: RecordsArgs,
    /// Execute only the approved plan, which has this digest
    #[arg(long, value_name = "DIGEST")]
    pub(crate) expect: Option<DigestPrefix>,
    /// Execute a saved plan only if it is signed by somebody in this file (`allowed_signers`, as Git reads it)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signed_by: Option<Utf8PathBuf>,
    /// Apply these accounts first, and the others only if that succeeds
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    pub(crate) canary: Vec<String>,
    /// Start no further account after this many failures; 1 after a canary
    #[arg(long, value_name = "N")]
    pub(crate) max_failures: Option<NonZeroUsize>,
    /// Do not ask for confirmation; required without a terminal
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,
    /// Allow applying a commit that comes before the one that was applied last
    #[arg(long, help_heading = "Git")]
    pub(crate) rollback: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
