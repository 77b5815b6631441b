//! `probe`

use std::net::IpAddr;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::duration::duration;
use super::output::{Format, Output, OutputArgs};
use super::platform::PlatformArgs;
use super::records::AccountsArgs;
use super::selection::SelectionArgs;
use crate::probe::Pin;

/// Look at each brand as a customer's browser does
///
/// Opens the host of each brand: names, TLS, the page, its js/config.js, and what the page asks the API for. Says whether
/// customers see the declared brand, and if not, what is broken and what to do. Logs in nowhere and changes nothing; keeps
/// below the platform's limit for anonymous callers.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon probe
  emblazon probe acme --wait 10m
  emblazon probe --label tier=gold
  emblazon probe --output junit=probe.xml --format github
  emblazon probe --screenshot pictures --output html=probe.html
  emblazon probe acme --resolve portal.acme.example.com:443:192.0.2.80
  emblazon probe --sandbox --tree examples/quickstart

Exit codes: 0 customers see the declared brands, 2 something is broken, 3 the tree has errors, 6 something could not be
looked at and nothing is broken.")]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    pub(crate) accounts: AccountsArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    // Only --below asks the platform.
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Connect to this address instead of asking DNS, as curl does; ADDR may have a port of its own; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    pub(crate) resolve: Vec<Pin>,
    /// Connect from this address of this machine
    #[arg(long, value_name = "ADDRESS", value_parser = own_address)]
    pub(crate) from: Option<IpAddr>,
    /// Probe again until everything is visible, for at most this time, such as 90s, 10m or 1h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait: Option<Duration>,
    /// Ask the API at most N times a second; for a platform with a limit of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Also have a Chromium of this machine take a picture of each brand's page, into this folder; the HTML shows them
    #[arg(long, value_name = "FOLDER")]
    pub(crate) screenshot: Option<Utf8PathBuf>,
    /// What to print: text, json, markdown, sarif, junit, html or github
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: ProbeFormat,
    /// Also write the results to a file; may be repeated
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(crate) output: Vec<Output<ProbeFormat>>,
}

/// The format of the results of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbeFormat {
    /// For people, on a terminal
    Text,
    /// For programs
    Json,
    /// For people, as a comment on a forge
    Markdown,
    /// For code scanning
    Sarif,
    /// For test reports
    Junit,
    /// For people, as a page with pictures
    Html,
    /// For the log of a GitHub workflow, as annotations
    Github,
}

impl From<ProbeFormat> for Format {
    fn from(format: ProbeFormat) -> Self {
        match format {
            ProbeFormat::Text => Self::Text,
            ProbeFormat::Json => Self::Json,
            ProbeFormat::Markdown => Self::Markdown,
            ProbeFormat::Sarif => Self::Sarif,
            ProbeFormat::Junit => Self::Junit,
            ProbeFormat::Html => Self::Html,
            ProbeFormat::Github => Self::Github,
        }
    }
}

impl ProbeArgs {
    /// Returns whether a page with pictures is wanted.
    pub(crate) fn has_pictures(&self) -> bool {
        let formats = self.output.iter().map(|output| output.format);
        formats
            .chain([self.format])
            .any(|format| format == ProbeFormat::Html)
    }

    /// Returns where a report goes that takes the place of the results, such as one of mistakes in the tree.
    pub(crate) fn report(&self) -> OutputArgs {
        let outputs = self.output.iter().map(|output| Output {
            format: output.format.into(),
            file: output.file.clone(),
        });
        OutputArgs {
            pictures: None,
            format: self.format.into(),
            output: outputs.collect(),
        }
    }
}

/// Parses an address of this machine.
fn own_address(text: &str) -> Result<IpAddr, String> {
    let example = "write an address of this machine, such as 192.0.2.7 or 2001:db8::7";
    text.parse().map_err(|_| example.to_owned())
}
