//! `fmt`

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

/// Bring the tree's YAML files into one form
///
/// Puts known keys in their usual order and takes away quotes that nothing needs; comments and blank lines stay, and no
/// value changes. A file that is not valid YAML is left as it is. Prints the files that it changes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon fmt
  emblazon fmt --diff brands
  emblazon fmt --check          for CI: changes nothing

Exit codes: 0 done, 2 with --check: files are not formatted, 3 a file is not valid YAML.")]
pub(crate) struct FmtArgs {
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    /// Change no file; end with 2 if one is not formatted
    #[arg(long)]
    pub(crate) check: bool,
    /// Print what changes instead of the names of the files
    #[arg(long)]
    pub(crate) diff: bool,
}
