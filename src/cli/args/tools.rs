//! Arguments of the helper commands: explain, init, sandbox, schema, completions, man.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum, ValueHint};

use super::address::listen;
use super::output::ListArgs;
use super::platform::PlatformArgs;
use super::tree::TreeChoice;
use crate::sandbox::Profile;

/// Explain a code, or an account's brand and where each value comes from
///
/// Without a key: the whole brand as customers see it, its assets, the names that DNS should have, and what the tree
/// does not declare. With a key: the value of each layer.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon explain EB0101
  emblazon explain acme
  emblazon explain acme examples/quickstart --sandbox      also asks who is below
  emblazon explain acme whitelabel.nav.help
  emblazon explain acme whitelabel.nav.help examples/quickstart")]
pub(crate) struct ExplainArgs {
    /// The code of a diagnostic, or an account's name in the tree
    #[arg(value_name = "CODE|ACCOUNT")]
    pub(crate) subject: String,
    /// One key, such as whitelabel.nav.help or assets.logo; default: all
    pub(crate) key: Option<String>,
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) choice: TreeChoice,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
}

/// Write a commented starter tree
#[derive(Args, Debug)]
#[command(after_help = "Example:
  emblazon init brands && emblazon plan --sandbox brands")]
pub(crate) struct InitArgs {
    /// The folder; it is created, and no file in it is overwritten
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
}

/// The Kazoo version that a sandbox simulates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// Kazoo 4.3
    #[value(name = "4.3")]
    V43,
    /// Kazoo's main branch
    Master,
    /// Kazoo 5
    #[value(name = "5")]
    V5,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::V43 => Self::V43,
            ProfileName::Master => Self::Master,
            ProfileName::V5 => Self::V5,
        }
    }
}

/// Serve a simulated platform on this machine
///
/// Speaks Kazoo's whitelabel API, with its quirks. Prints its URL and API key once it listens, and runs until it is
/// interrupted.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon sandbox --seed examples/quickstart/sandbox.yaml
  emblazon sandbox --listen 127.0.0.1:8000 --state world --record requests.jsonl
  emblazon sandbox --format json      prints one line: {\"api\": …, \"api_key\": …, \"account_id\": …}")]
pub(crate) struct SandboxArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", value_parser = listen, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Serve the seed's DNS on this port of 127.0.0.1 and of the addresses after it; 0 takes a free port
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) dns_port: u16,
    /// The Kazoo version to simulate: 4.3, master or 5
    #[arg(long, default_value = "master", hide_possible_values = true)]
    pub(crate) profile: ProfileName,
    /// Keep the state in this folder instead of in memory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) state: Option<Utf8PathBuf>,
    /// Answer at most N requests a second, as a real server does; more of them wait
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) capacity: Option<u32>,
    /// Handle N requests at the same time
    #[arg(long, value_name = "N", default_value_t = 2, requires = "capacity", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) workers: u16,
    /// Inject the faults of this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) faults: Option<Utf8PathBuf>,
    /// Start with the state of this sandbox.yaml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) seed: Option<Utf8PathBuf>,
    /// Record each request and its answer to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) record: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

/// Write the JSON Schemas of the tree's files and of the reports
#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// The folder to write to
    #[arg(default_value = "schemas", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Utf8PathBuf,
}

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon completions bash > ~/.local/share/bash-completion/completions/emblazon
  emblazon completions zsh > ~/.zfunc/_emblazon
  emblazon completions fish > ~/.config/fish/completions/emblazon.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page, or write one page per command to a folder
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The folder to write to; without it, the main page is printed
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<Utf8PathBuf>,
}
