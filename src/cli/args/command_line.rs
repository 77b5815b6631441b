//! What can be said on the command line.

mod address;
mod comment;
mod dns;
mod duration;
mod git;
mod import;
mod output;
mod records;
mod report;
mod scope;
mod tools;
mod trial;
mod watch;

use std::num::NonZeroUsize;
use std::time::Duration;

use address::address;
pub(crate) use comment::{CommentArgs, StatusName};
pub(crate) use dns::{DnsCheckArgs, DnsCommand, RecordsArgs};
use duration::duration;
pub(crate) use git::{BaseArgs, LeaseArgs, RemoteArgs, Side};
pub(crate) use import::ImportArgs;
pub(crate) use output::{Format, ListFormat, OutputArgs};
pub(crate) use records::{DnsExportArgs, DnsLetterArgs, ExportFormat, LetterFormat};
pub(crate) use report::{ReportCommand, ReportMergeArgs};
pub(crate) use scope::ScopeArgs;
pub(crate) use tools::{CompletionsArgs, ExplainArgs, InitArgs, ManArgs, SandboxArgs, SchemaArgs};
pub(crate) use trial::{Trial, in_a_shell};
pub(crate) use watch::WatchArgs;

use super::approval::{DigestPrefix, GuardName};
use super::tree::Several;
use crate::live::Reach;
use crate::plan::RefusalKind;
use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// GitOps for the branding of a Kazoo telephony platform.
///
/// A tree of YAML files declares whitelabel settings, brand assets and the domain template. emblazon
/// compares it with the platform, shows the difference, and applies it.
#[derive(Debug, Parser)]
#[command(name = "emblazon", version, max_term_width = 100)]
#[command(
    after_help = "Try it on a platform of its own, which `--sandbox` starts:
  emblazon init brands
  emblazon plan --sandbox brands
  emblazon apply --sandbox brands

Exit codes: 0 done or in sync, 1 failed, 2 differences, 3 the tree has errors, 4 applied in part,
5 refused, 6 could not check everything, 64 wrong usage."
)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How to talk.
#[derive(Args, Debug)]
pub(crate) struct Common {
    /// Say more; twice and three times: even more
    #[arg(short, long, global = true, help_heading = "Talk", action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say only what was asked for, and errors
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Talk",
        conflicts_with = "verbose"
    )]
    pub(crate) quiet: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        help_heading = "Talk",
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    #[arg(help = "When to use colours: auto, always, never")]
    pub(crate) color: ColourChoice,
    /// End after so long, such as 10m; what is being written comes to its end first. 1h when left out, and `watch` and
    /// `sandbox` go on for ever
    #[arg(long, global = true, help_heading = "Limits", value_name = "DURATION", value_parser = duration)]
    pub(crate) deadline: Option<Duration>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(ValidateArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Drift(DriftArgs),
    Show(ShowArgs),
    #[command(subcommand)]
    Report(ReportCommand),
    Comment(CommentArgs),
    History(HistoryArgs),
    Restore(RestoreArgs),
    Watch(WatchArgs),
    #[command(subcommand)]
    Dns(DnsCommand),
    Explain(ExplainArgs),
    Init(InitArgs),
    Import(ImportArgs),
    Sandbox(SandboxArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Which tree.
#[derive(Args, Debug)]
pub(crate) struct TreeArgs {
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
}

/// Which cluster and which state of the tree.
#[derive(Args, Debug)]
pub(crate) struct TreeChoice {
    /// The cluster; needed only when emblazon.yaml names several
    #[arg(
        long,
        value_name = "NAME",
        env = "EMBLAZON_CLUSTER",
        hide_env_values = true
    )]
    pub(crate) cluster: Option<String>,
    /// Read the tree from this Git revision instead of from the files
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
}

/// Which platform.
#[derive(Args, Debug)]
pub(crate) struct PlatformArgs {
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    /// Use the API at this URL, with the key in `EMBLAZON_API_KEY` or the token in `EMBLAZON_TOKEN`
    #[arg(long, value_name = "URL", env = "EMBLAZON_API", hide_env_values = true, conflicts_with = "sandbox", value_parser = address, value_hint = ValueHint::Url)]
    pub(crate) api: Option<String>,
    /// The file that says what the tree may name: platforms, primaries, commands, files; ~/.config/emblazon/trust.yaml
    /// when left out
    #[arg(long, value_name = "FILE", env = "EMBLAZON_TRUST", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) trust: Option<String>,
    /// Never have more than N requests under way; fewer, where more would only wait
    #[arg(long, value_name = "N", default_value_t = 32, hide_default_value = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_requests: u16,
}

impl PlatformArgs {
    /// Says whether it is the tree that names the platform.
    pub(crate) fn reach(&self) -> Reach {
        match self.api {
            Some(_) => Reach::Elsewhere,
            None => Reach::Declared,
        }
    }

    /// Says what to do with a tree of several clusters: a sandbox stands in for any of them.
    pub(crate) fn several(&self) -> Several {
        if self.sandbox.is_wanted() {
            Several::First
        } else {
            Several::Refuse
        }
    }
}

/// Check the tree without asking any platform
///
/// Shows every mistake in one run, each with a code, its place and how to mend it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon validate
  emblazon validate --rev origin/main brands
  emblazon validate --format json --output text=report.txt

Exit codes: 0 valid (warnings or none), 3 errors.")]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    /// Look at all pictures, also those that were seen before
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_cache: bool,
    // What the sandbox is made of is checked, too.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Show what an apply would change, and change nothing
///
/// Reads the platform, compares it with the tree, and shows every difference with the place in the
/// tree that asks for it. Sends no request that writes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon plan
  emblazon plan --sandbox examples/quickstart
  emblazon plan --cluster staging --format json
  emblazon plan --output json=report.json --output text=report.txt
  emblazon plan --out change.plan && emblazon apply change.plan
  emblazon plan --out change.plan --sign ~/.ssh/id_ed25519
  emblazon plan --recorded --rev refs/pull/7/head       what a stranger's branch would change

The credentials come from where emblazon.yaml says; when it says nothing, from EMBLAZON_API_KEY or
EMBLAZON_TOKEN.

Exit codes: 0 nothing to do, 2 changes are pending, 3 the tree has errors, 5 a guard refused
something, 6 something could not be read and no difference was found.")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(flatten)]
    pub(crate) prune: PruneArgs,
    #[command(flatten)]
    pub(crate) records: RecordsArgs,
    /// Compare with what was applied last instead of with a platform; needs no credentials, sends nothing
    #[arg(long, conflicts_with_all = ["sandbox", "out"], help_heading = "Reading")]
    pub(crate) recorded: bool,
    /// Save the plan, to be approved and carried out later with `apply FILE`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<Utf8PathBuf>,
    /// Sign the saved plan with this SSH key, as Git signs commits; the signature is FILE.sig
    #[arg(long, value_name = "KEY", requires = "out", value_hint = ValueHint::FilePath)]
    pub(crate) sign: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What may be deleted, and what else is let through.
#[derive(Args, Debug)]
pub(crate) struct PruneArgs {
    /// Delete whitelabels that the tree declares as `whitelabel: null`
    #[arg(long)]
    pub(crate) prune: bool,
    /// Put the declared domain template in the place of one that the server cannot serve, so that nobody can read it
    #[arg(long)]
    pub(crate) repair_template: bool,
    /// Lift a guard for this plan only; `apply` wants --expect with it
    #[arg(long, value_name = "GUARD", value_delimiter = ',')]
    pub(crate) allow: Vec<GuardName>,
}

impl PruneArgs {
    /// Returns the guards that have an option of their own, and that are lifted by it.
    pub(crate) fn asked(&self) -> Vec<RefusalKind> {
        let prune = self.prune.then_some(RefusalKind::Prune);
        let repair = self.repair_template.then_some(RefusalKind::RepairTemplate);
        prune.into_iter().chain(repair).collect()
    }
}

/// Bring the platform to what the tree says
///
/// Plans, shows the plan, asks, and carries it out: each object is read again, saved, written, and
/// read back. An object that moved in between is left alone, and the others go on. The records of
/// accounts with `dns: manage` are written to the primary that `dns: push` in emblazon.yaml names.
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
    /// The folder with emblazon.yaml, or a plan that was saved
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
    /// Carry out only the plan with this digest, which was approved
    #[arg(long, value_name = "DIGEST")]
    pub(crate) expect: Option<DigestPrefix>,
    /// Carry out a saved plan only when somebody in this file signed it (`allowed_signers`, as Git reads it)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signed_by: Option<Utf8PathBuf>,
    /// Carry out these accounts first, and the others only if that succeeds
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    pub(crate) canary: Vec<String>,
    /// Begin no further account once so many did not succeed; 1 after a canary
    #[arg(long, value_name = "N")]
    pub(crate) max_failures: Option<NonZeroUsize>,
    /// Do not ask; needed where nobody can answer
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,
    /// Apply a commit that comes before the one that was applied last
    #[arg(long, help_heading = "Git")]
    pub(crate) rollback: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Show a plan that was saved
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon show change.plan
  emblazon show change.plan --format json

Exit codes: those of the `plan` that made it.")]
pub(crate) struct ShowArgs {
    /// The file that `plan --out` wrote
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub(crate) plan: Utf8PathBuf,
    // The plan alone is shown, on a sandbox as elsewhere.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// List what was applied from this tree, or show one run
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  emblazon history
  emblazon history show 20261123T210514042Z-64879f7d
  emblazon history --sandbox --state /tmp/trial examples/quickstart")]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) command: Option<HistoryCommand>,
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    /// What to print: text or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: ListFormat,
}

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    Show(HistoryShowArgs),
}

/// Show what one run changed, and what became of each step
#[derive(Args, Debug)]
pub(crate) struct HistoryShowArgs {
    /// The run, as `history` names it, or `last`
    pub(crate) run: String,
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Bring back what was live before a run
///
/// Plans the way back to the run's snapshot, shows it, asks, and carries it out like any plan. What
/// somebody changed since the run is left alone, unless --moved says otherwise.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon restore last
  emblazon restore 20261123T210514042Z-64879f7d
  emblazon restore 20261123T210514042Z-64879f7d acme zenith --yes

Exit codes: 0 done, 1 nothing could be restored, 4 restored in part, 5 refused, because something moved
since.")]
pub(crate) struct RestoreArgs {
    /// The run, as `history` names it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// The accounts; all of the run, and the domain template, when left out
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Also undo what somebody changed since the run
    #[arg(long)]
    pub(crate) moved: bool,
    /// Lift a guard for this way back only; wants --expect with it
    #[arg(long, value_name = "GUARD", value_delimiter = ',')]
    pub(crate) allow: Vec<GuardName>,
    /// Carry out only the way back with this digest, which was approved
    #[arg(long, value_name = "DIGEST")]
    pub(crate) expect: Option<DigestPrefix>,
    /// Do not ask; needed where nobody can answer
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    #[command(flatten)]
    pub(crate) lease: LeaseArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Find what somebody changed on the platform by hand
///
/// Compares like `plan`, and names both values of each difference. Sends no request that writes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon drift
  emblazon drift --only live
  emblazon drift --format json --output text=drift.txt
  emblazon drift --skip-dns

DNS is compared too, unless --skip-dns says otherwise or the account has dns: ignore.

In a Git repository, each difference says which side moved since the last complete apply.

Exit codes: 0 none, 2 drift, 3 the tree has errors, 5 a guard would refuse to mend it,
6 something could not be read and no drift was found.")]
pub(crate) struct DriftArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Show only what somebody changed on the platform, or only what is in Git and not applied yet
    #[arg(long, value_name = "SIDE", hide_possible_values = true)]
    #[arg(help = "Show one side only: live (changed on the platform), git (not applied yet)")]
    pub(crate) only: Option<Side>,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Do not look at DNS
    #[arg(long)]
    pub(crate) skip_dns: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
