//! `dns`

use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration::duration;
use super::output::OutputArgs;
use super::platform::PlatformArgs;
use super::records::{AccountsArgs, DnsExportArgs, DnsLetterArgs};
use super::selection::SelectionArgs;

/// Check what DNS answers, and export what it should answer
#[derive(Debug, Subcommand)]
pub(crate) enum DnsCommand {
    Check(DnsCheckArgs),
    Export(DnsExportArgs),
    Letter(DnsLetterArgs),
}

/// Compare what DNS answers with the domain template
///
/// Asks every authoritative server of each brand's zone and the recursive resolvers, and gives a verdict on each host:
/// ok, missing, different, extra, propagating, inconsistent, bogus or unknown. Changes nothing.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon dns check
  emblazon dns check acme --wait 10m
  emblazon dns check --label tier=gold
  emblazon dns check --sandbox --tree examples/quickstart
  emblazon dns check --ask-kazoo --format json

The template is that of domains.yaml; without one, the platform's is read.

Exit codes: 0 right (or right at the source, and propagating), 2 differences, 3 the tree has errors, 6 something could
not be checked and no difference was found.")]
pub(crate) struct DnsCheckArgs {
    #[command(flatten)]
    pub(crate) accounts: AccountsArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Check again until everything is right, for at most this time, such as 90s, 10m or 1h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait: Option<Duration>,
    /// Also ask what is seldom wrong: each name server over TCP
    #[arg(long)]
    pub(crate) thorough: bool,
    /// Also let the platform test the domains, and compare its result
    #[arg(long)]
    pub(crate) ask_kazoo: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Whether the records of accounts with `dns: manage` are read.
#[derive(Args, Debug)]
pub(crate) struct RecordsArgs {
    /// Neither read nor write the records of accounts with `dns: manage`
    #[arg(long)]
    pub(crate) skip_dns: bool,
}
