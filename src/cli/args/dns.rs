//! What can be said about DNS.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueHint};

use super::{DnsExportArgs, DnsLetterArgs, OutputArgs, PlatformArgs, TreeChoice};

/// Look at what DNS really answers, and write down what it should
#[derive(Debug, Subcommand)]
pub(crate) enum DnsCommand {
    Check(DnsCheckArgs),
    Export(DnsExportArgs),
    Letter(DnsLetterArgs),
}

/// Compare what DNS answers with the domain template
///
/// Asks every authoritative server of each brand's zone and the recursive resolvers, and gives a verdict on each host:
/// ok, missing, different, extra, propagating, inconsistent or unknown. Changes nothing.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon dns check
  emblazon dns check acme --wait 10m
  emblazon dns check --sandbox --tree examples/quickstart
  emblazon dns check --ask-kazoo --format json

The template is that of domains.yaml; without one, the platform's is read.

Exit codes: 0 right (or right at the source, and propagating), 2 differences, 3 the tree has errors, 6 something could
not be checked and no difference was found.")]
pub(crate) struct DnsCheckArgs {
    /// The accounts, by name; all when none is given
    pub(crate) accounts: Vec<String>,
    /// The folder with emblazon.yaml
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Check again until everything is right, for at most this long, such as 90s, 10m or 1h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait: Option<Duration>,
    /// Also let the platform test the domains, and compare what it sees
    #[arg(long)]
    pub(crate) ask_kazoo: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Whether the records of accounts with `dns: manage` are looked at.
#[derive(Args, Debug)]
pub(crate) struct RecordsArgs {
    /// Leave the records of accounts with `dns: manage` as they are, unread
    #[arg(long)]
    pub(crate) skip_dns: bool,
}

/// Reads a number with `s`, `m` or `h`.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text
        .char_indices()
        .find(|(_, letter)| !letter.is_ascii_digit())
    {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    };
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("write a number and s, m or h, such as 10m".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "write a number first, such as 10m".to_owned())?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        #[track_caller]
        fn check(text: &str, expected: Option<u64>) {
            let got = duration(text).ok();
            assert_eq!(got, expected.map(Duration::from_secs), "{text}");
        }
        check("90s", Some(90));
        check("10m", Some(600));
        check("1h", Some(3600));
        check("10", None);
        check("m", None);
        check("1.5h", None);
        check("10 m", None);
    }
}
