//! What can be said about the records that accounts need.

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum, ValueHint};

use super::{TreeChoice, Trial};

/// Which accounts of which tree.
#[derive(Args, Debug)]
pub(crate) struct AccountsArgs {
    /// The accounts, by name; all when none is given
    pub(crate) accounts: Vec<String>,
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
}

/// Write the records that accounts need as a file for other tools
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon dns export acme
  emblazon dns export --format octodns --folder zones
  emblazon dns export --format json

Exit codes: 0 written, 3 the tree has errors.")]
pub(crate) struct DnsExportArgs {
    #[command(flatten)]
    pub(crate) accounts: AccountsArgs,
    /// What to write: zone, octodns or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "zone",
        hide_possible_values = true
    )]
    pub(crate) format: ExportFormat,
    /// Write one file a zone here instead of to standard output (octodns)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<Utf8PathBuf>,
    /// The zone that the records are entered in, when it is not each account's own domain
    #[arg(long, value_name = "NAME")]
    pub(crate) zone: Option<String>,
    /// The time to live of the records, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) ttl: u32,
    // The records follow from the tree, on a sandbox as elsewhere.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
}

/// What records are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A fragment of a zone file
    Zone,
    /// YAML for octoDNS
    Octodns,
    /// For machines
    Json,
}

/// Write to a reseller what to enter at the registrar
///
/// Asks DNS first, so that the letter says what is right already and what stands there instead.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon dns letter acme
  emblazon dns letter acme --format markdown > letter.md
  emblazon dns letter acme --skip-dns
  emblazon dns letter acme --sandbox --tree examples/quickstart

Exit codes: 0 written, 3 the tree has errors.")]
pub(crate) struct DnsLetterArgs {
    /// The account, by name
    pub(crate) account: String,
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
    /// What to write: text or markdown
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: LetterFormat,
    /// Do not ask DNS: list everything
    #[arg(long)]
    pub(crate) skip_dns: bool,
    // Its DNS is asked.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
}

/// What a letter is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LetterFormat {
    /// For a mail
    Text,
    /// For a ticket
    Markdown,
}
