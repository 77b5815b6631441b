//! `probe`

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;

use super::duration::duration;
use super::output::ListFormat;
use super::records::AccountsArgs;
use super::trial::Trial;
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
  emblazon probe acme --resolve portal.acme.example.com:443:192.0.2.80
  emblazon probe --sandbox --tree examples/quickstart

Exit codes: 0 customers see the declared brands, 2 something is broken, 3 the tree has errors, 6 something could not be
looked at and nothing is broken.")]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    pub(crate) accounts: AccountsArgs,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    /// Connect to this address instead of asking DNS, as curl does; ADDR may have a port of its own; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    pub(crate) resolve: Vec<Pin>,
    /// Connect from this address of this machine
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<IpAddr>,
    /// Probe again until everything is visible, for at most this time, such as 90s, 10m or 1h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait: Option<Duration>,
    /// Ask the API at most N times a second; for a platform with a limit of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// What to print: text or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: ListFormat,
}
