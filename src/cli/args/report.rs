//! What can be said about reports that were made before.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueHint};

use super::OutputArgs;

/// Put reports together
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    Merge(ReportMergeArgs),
}

/// Make one report of those of all shards
///
/// The result is what one run for the whole tree would have said, in every format and with its exit code; only pictures
/// are left out. Reports of different trees, clusters or commands are refused, and so is a shard that is there twice or
/// not at all.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon drift --shard 2/3 --output json=drift-2.json
  emblazon report merge drift-1.json drift-2.json drift-3.json
  emblazon report merge drift-*.json --output html=drift.html --output sarif=drift.sarif

Exit codes: those of the command whose reports they are; 5 the reports do not belong together.")]
pub(crate) struct ReportMergeArgs {
    /// The JSON reports of the shards
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<Utf8PathBuf>,
    /// Merge what is there, when a shard's report is missing
    #[arg(long)]
    pub(crate) partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
