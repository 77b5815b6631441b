//! The command line as a whole: the commands and their common options.

use std::fmt::Write as _;
use std::sync::LazyLock;

use clap::{CommandFactory as _, Parser, Subcommand};

use super::apply::ApplyArgs;
use super::audit::AuditArgs;
use super::comment::CommentArgs;
use super::diff::{DiffArgs, PromoteArgs};
use super::dns::DnsCommand;
use super::drift::DriftArgs;
use super::events::EventsCommand;
use super::fmt::FmtArgs;
use super::global::Common;
use super::history::{HistoryArgs, RestoreArgs, ShowArgs};
use super::import::ImportArgs;
use super::plan::PlanArgs;
use super::policy::PolicyCommand;
use super::probe::ProbeArgs;
use super::report::ReportCommand;
use super::status::StatusArgs;
use super::tools::{CompletionsArgs, ExplainArgs, InitArgs, ManArgs, SandboxArgs, SchemaArgs};
use super::validate::ValidateArgs;
use super::watch::WatchArgs;
use crate::report::text::fill;

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
    Diff(DiffArgs),
    Promote(PromoteArgs),
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Drift(DriftArgs),
    Status(StatusArgs),
    Probe(ProbeArgs),
    #[command(subcommand)]
    Policy(PolicyCommand),
    Show(ShowArgs),
    #[command(subcommand)]
    Report(ReportCommand),
    Comment(CommentArgs),
    History(HistoryArgs),
    Audit(AuditArgs),
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

/// The commands by what somebody is about to do.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "Every day",
        &[
            "validate", "fmt", "plan", "apply", "drift", "status", "diff", "promote",
        ],
    ),
    (
        "To begin",
        &["init", "import", "sandbox", "completions", "man"],
    ),
    (
        "To find out, and to go back",
        &[
            "explain", "policy", "probe", "dns", "show", "history", "audit", "restore",
        ],
    ),
    (
        "For machines",
        &["watch", "events", "comment", "report", "schema"],
    ),
];

/// Columns of the longest name of a command, with the space around it.
const NAMES: usize = 15;
/// Columns for what a command does.
const ABOUTS: usize = 80;

impl Cli {
    /// Returns the command line, whose help lists the commands by group.
    pub(crate) fn grouped() -> clap::Command {
        let command = Self::command();
        let mut groups = String::new();
        for (title, names) in GROUPS {
            let _ = writeln!(groups, "{title}:");
            for name in names {
                let about = command
                    .find_subcommand(name)
                    .and_then(clap::Command::get_about);
                let about = about.map(ToString::to_string).unwrap_or_default();
                let about = fill(&about, ABOUTS)
                    .trim_end()
                    .replace('\n', &format!("\n{:NAMES$}", ""));
                let _ = writeln!(groups, "  {name:<width$}{about}", width = NAMES - 2);
            }
            groups.push('\n');
        }
        command.help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}{{after-help}}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Each command is in one group of the help.
    #[test]
    fn every_command_has_a_group() {
        let grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        let set: BTreeSet<&str> = grouped.iter().copied().collect();
        assert_eq!(set.len(), grouped.len(), "{grouped:?}");
        let command = Cli::command();
        let known: BTreeSet<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(set, known);
        let help = Cli::grouped().render_help().to_string();
        for (title, _) in GROUPS {
            assert!(help.contains(&format!("{title}:\n  ")), "{help}");
        }
        assert!(
            help.contains("  fmt          Bring the tree's YAML files"),
            "{help}"
        );
        assert!(
            help.contains("--deadline") && help.contains("Exit codes:"),
            "{help}"
        );
    }

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
