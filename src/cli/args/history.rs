//! `history`, `show` and `restore`

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueHint};

use super::again::{Again, history_command, tree_option};
use super::git::{LeaseArgs, RemoteArgs};
use super::output::{ListArgs, OutputArgs};
use super::platform::PlatformArgs;
use super::trial::Trial;
use crate::cli::approval::{DigestPrefix, GuardName};
use crate::model::Digest;

/// Show a saved plan
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon show change.plan
  emblazon show change.plan --format json

Exit codes: those of the `plan` that made it.")]
pub(crate) struct ShowArgs {
    /// The file that `plan --out` wrote
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub(crate) plan: Utf8PathBuf,
    // Only the plan is shown, with or without a sandbox.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// The tree whose runs are meant. It is an option, as in `restore`, because the words behind these commands are runs and
/// accounts.
#[derive(Args, Debug)]
pub(crate) struct RunsTreeArgs {
    /// The folder with emblazon.yaml
    #[arg(long = "tree", value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    option: Utf8PathBuf,
    /// The older way of saying --tree
    #[arg(value_name = "TREE", hide = true, conflicts_with = "option", value_hint = ValueHint::DirPath)]
    word: Option<Utf8PathBuf>,
}

impl RunsTreeArgs {
    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Utf8Path {
        self.word.as_deref().unwrap_or(&self.option)
    }
}

/// List the runs that applied this tree, or show one of them
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  emblazon history
  emblazon history show 20261123T210514042Z-64879f7d
  emblazon history --sandbox --state /tmp/trial --tree examples/quickstart")]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) command: Option<HistoryCommand>,
    #[command(flatten)]
    pub(crate) tree: RunsTreeArgs,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    Show(HistoryShowArgs),
}

/// Show what one run changed, and the result of each step
#[derive(Args, Debug)]
pub(crate) struct HistoryShowArgs {
    /// The run, as `history` lists it, or `last`
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) tree: RunsTreeArgs,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Restore what was live before a run
///
/// Plans the way back to the run's snapshot, shows it, asks, and executes it like any plan. What was changed since the
/// run is left alone, unless --moved says otherwise.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon restore last --dry-run
  emblazon restore last
  emblazon restore 20261123T210514042Z-64879f7d
  emblazon restore 20261123T210514042Z-64879f7d acme zenith --yes

Exit codes: 0 done, 2 with --dry-run: something would be restored, 1 nothing could be restored, 4 restored in part: something failed, or was refused, as
what moved since is; 5 refused, and nothing was restored.")]
pub(crate) struct RestoreArgs {
    /// The run, as `history` lists it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The accounts; by default all accounts of the run, and the domain template
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Show what would be restored, with the digest to approve, and write nothing
    #[arg(long, conflicts_with_all = ["yes", "expect"])]
    pub(crate) dry_run: bool,
    /// Also undo changes that were made since the run
    #[arg(long)]
    pub(crate) moved: bool,
    /// Lift a guard for this restore only; requires --expect, or --dry-run, which prints the digest
    #[arg(long, value_name = "GUARD", value_delimiter = ',')]
    pub(crate) allow: Vec<GuardName>,
    /// Execute only the approved plan, which has this digest
    #[arg(long, value_name = "DIGEST")]
    pub(crate) expect: Option<DigestPrefix>,
    /// Do not ask for confirmation; required without a terminal
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl RestoreArgs {
    /// Returns the command that restores these accounts of the run.
    pub(crate) fn together<'a>(&'a self, run: &'a str, accounts: &[&'a str]) -> String {
        let again = Again::on_platform(&self.platform, None);
        let moved = self.moved.then_some("--moved");
        let words = [run].into_iter().chain(accounts.iter().copied());
        again.command("restore", words.chain(moved).chain(tree_option(&self.tree)))
    }

    /// Returns the command that lists the runs.
    pub(crate) fn history(&self) -> String {
        history_command(&self.platform.sandbox, &self.tree)
    }

    /// Returns the command that shows what this one would do.
    pub(crate) fn look(&self) -> String {
        self.with(&["--dry-run"])
    }

    /// Returns what to do for a guard to let the restore through; the digest is that of the plan which is held back as a
    /// whole, and absent where the guard leaves something out of it.
    pub(crate) fn lift(&self, guard: &str, digest: Option<&Digest>) -> String {
        let lift = ["--allow", guard];
        match digest {
            Some(digest) => {
                let approved = self.with(&[lift[0], lift[1], "--expect", digest.short()]);
                format!("allow exactly this with `{approved}`")
            }
            None => format!(
                "look at it with `{}`, and allow exactly that with `{}`",
                self.with(&[lift[0], lift[1], "--dry-run"]),
                self.with(&[lift[0], lift[1], "--expect", "DIGEST"])
            ),
        }
    }

    /// Returns this command with other options at its end.
    fn with<'a>(&'a self, options: &[&'a str]) -> String {
        let accounts = self.accounts.iter().map(String::as_str);
        let words: Vec<&str> = accounts.chain(options.iter().copied()).collect();
        self.together(&self.run, &words)
    }
}
