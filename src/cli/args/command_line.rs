//! The command line as a whole: the commands and their common options.

use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use super::apply::ApplyArgs;
use super::comment::CommentArgs;
use super::dns::DnsCommand;
use super::drift::DriftArgs;
use super::events::EventsCommand;
use super::fmt::FmtArgs;
use super::global::Common;
use super::history::{HistoryArgs, RestoreArgs, ShowArgs};
use super::import::ImportArgs;
use super::plan::PlanArgs;
use super::probe::ProbeArgs;
use super::report::ReportCommand;
use super::status::StatusArgs;
use super::tools::{CompletionsArgs, ExplainArgs, InitArgs, ManArgs, SandboxArgs, SchemaArgs};
use super::validate::ValidateArgs;
use super::watch::WatchArgs;

/// What was built: version, commit, features.
static BUILD: LazyLock<String> = LazyLock::new(|| {
    // Whoever builds names the commit: a build script that asked Git would tell two builds of the same files apart.
    let commit = option_env!("EMBLAZON_COMMIT").filter(|commit| !commit.is_empty());
    let commit = commit.unwrap_or("not recorded");
    let features = if cfg!(feature = "kubernetes") {
        "kubernetes"
    } else {
        "none"
    };
    let version = env!("CARGO_PKG_VERSION");
    format!("{version}\ncommit: {commit}\nfeatures: {features}")
});

/// GitOps for the branding of a Kazoo telephony platform.
///
/// A tree of YAML files declares whitelabel settings, brand assets and the domain template. emblazon
/// compares it with the platform, shows the difference, and applies it.
#[derive(Debug, Parser)]
#[command(name = "emblazon", version, long_version = BUILD.as_str(), max_term_width = 100)]
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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(ValidateArgs),
    Fmt(FmtArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Drift(DriftArgs),
    Status(StatusArgs),
    Probe(ProbeArgs),
    Show(ShowArgs),
    #[command(subcommand)]
    Report(ReportCommand),
    Comment(CommentArgs),
    History(HistoryArgs),
    Restore(RestoreArgs),
    Watch(WatchArgs),
    #[command(subcommand)]
    Events(EventsCommand),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
