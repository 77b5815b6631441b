//! `audit` and `audit verify`

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueHint};

use super::git::RemoteArgs;
use super::output::ListArgs;
use super::trial::Trial;

/// List who wrote what on whose behalf, or verify that nothing of it was changed
///
/// Each write to the platform, and to DNS, is in audit.jsonl beside the journal: the commit, its author, who approved
/// it, the run, the host, the key, and the digests of the object before and after. Each line names the digest of the
/// line before, and Git keeps the digest of the last one.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  emblazon audit
  emblazon audit --format json
  emblazon audit verify
  emblazon audit verify --log /var/lib/emblazon/audit.jsonl

Exit codes: 0 listed, or all is as it was written; 1 something was edited, cut or moved, or cannot be read; 6 what Git
keeps could not be compared.")]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    #[command(flatten)]
    pub(crate) place: AuditPlaceArgs,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    Verify(AuditVerifyArgs),
}

/// Verify that no line was edited, cut or moved
///
/// Follows the chain from the first line to the last, and compares it with the heads that Git keeps in
/// refs/emblazon/CLUSTER/audit: without them, a log that was cut at its end or written anew would not be told.
#[derive(Args, Debug)]
pub(crate) struct AuditVerifyArgs {
    #[command(flatten)]
    pub(crate) place: AuditPlaceArgs,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// Do not contact the remote; use the refs of this clone
    #[arg(long, help_heading = "Git")]
    pub(crate) no_fetch: bool,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

/// Which log is meant.
#[derive(Args, Debug)]
pub(crate) struct AuditPlaceArgs {
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    /// The file of another log, such as audit.jsonl in the state folder of a daemon
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox", value_hint = ValueHint::FilePath)]
    log: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
}

impl AuditPlaceArgs {
    /// Returns the file that is named, if one is.
    pub(crate) fn log(&self) -> Option<&Utf8Path> {
        self.log.as_deref()
    }
}
