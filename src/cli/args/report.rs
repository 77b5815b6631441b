//! `report`

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueHint};

use super::output::OutputArgs;

/// Work with existing reports
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    Merge(ReportMergeArgs),
}

/// Merge the reports of all shards into one
///
/// The result is the report that one run for the whole tree would have made, in every format and with its exit code;
/// only pictures are left out. Reports of different trees, clusters or commands are refused, and so are missing and
/// duplicate shards.
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
    /// Merge the given reports even if that of a shard is missing
    #[arg(long)]
    pub(crate) partial: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
