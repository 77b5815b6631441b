//! `dns export` and `dns letter`

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum, ValueHint};

use super::selection::SelectionArgs;
use super::tree::TreeChoice;
use super::trial::Trial;

/// Which accounts of which tree.
#[derive(Args, Debug)]
pub(crate) struct AccountsArgs {
    /// The accounts: a folder's name, a domain, or an id or realm as the tree writes it; default: all
    #[arg(value_name = "ACCOUNT")]
    pub(crate) names: Vec<String>,
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
}

impl AccountsArgs {
    /// Returns a selection with the named accounts in it.
    pub(crate) fn and(&self, selection: &SelectionArgs) -> SelectionArgs {
        let mut asked = selection.clone();
        asked.accounts.extend(self.names.iter().cloned());
        asked
    }
}

/// Export the records that accounts need, for other tools
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
    /// Write one file per zone here instead of to standard output, and a processor that keeps the zones' other records
    /// (octodns)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<Utf8PathBuf>,
    /// The zone of the records, when it is not each account's own domain
    #[arg(long, value_name = "NAME")]
    pub(crate) zone: Option<String>,
    /// The TTL of the records, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) ttl: u32,
    // The records follow from the tree, with or without a sandbox.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
}

/// The format of exported records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A fragment of a zone file
    Zone,
    /// YAML for octoDNS
    Octodns,
    /// For machines
    Json,
}

/// Write a letter that tells a reseller what to enter at the registrar
///
/// Checks DNS first, so that the letter can say which records are right and what the others are now.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon dns letter acme
  emblazon dns letter acme --format markdown > letter.md
  emblazon dns letter acme --format html > letter.html
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
    /// What to write: text, markdown or html
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: LetterFormat,
    /// The TTL of the records, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) ttl: u32,
    /// Do not check DNS; list everything
    #[arg(long)]
    pub(crate) skip_dns: bool,
    // Its DNS is checked.
    #[command(flatten)]
    pub(crate) sandbox: Trial,
}

/// The format of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LetterFormat {
    /// For an email
    Text,
    /// For a ticket
    Markdown,
    /// For a mail with the brand's logo and name above it
    Html,
}
