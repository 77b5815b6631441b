//! What can be said to import.

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use super::Trial;
use super::address::address;

/// Bring what is live into the tree
///
/// Reads the platform and writes files, so that a plan has nothing to do. In a folder that is no tree yet, it begins one. In a
/// tree, it changes only what differs, and keeps comments and order; an account is found by its id or
/// realm. Sends no request that writes.
///
/// What the tree's checks would refuse, such as a broken picture or a key that looks like a secret, is left
/// undeclared and stays as it is on the platform; the output says what, why, and what to do.
///
/// It may be interrupted and started again: it goes on, and ends with the same files.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon import --api https://api.example.com:8443 --tree brands
  emblazon import --factor --tree brands       shared values go into layers
  emblazon import 'Acme Voice' beta.sip.example.com --tree brands
  emblazon import --accept acme --dry-run      its drift, into the tree
  emblazon import --accept acme.nav.help --accept beta.logo
  emblazon import --sandbox=examples/quickstart/sandbox.yaml --tree /tmp/brands

With --factor: what every account says alike goes to defaults; what exactly the same three or more accounts say alike, and is two values or more, goes to a brand that these accounts extend. Everything else stays in the account, so that no account gets a value that it did not have.

With --accept: a value goes into the layer that declares it. When other accounts take it from there and have another value, it goes into the account's own file.

Exit codes: 0 done, 1 failed, 3 the tree has errors, 5 something accepted cannot be declared, 6 some accounts could not be read, 64 wrong usage.")]
pub(crate) struct ImportArgs {
    /// The accounts, by id, realm, name or folder; all that have a whitelabel when left out
    #[arg(value_name = "ACCOUNT", conflicts_with = "accept")]
    pub(crate) accounts: Vec<String>,
    /// The folder with emblazon.yaml, or the one to begin a tree in
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    /// The cluster; needed only when emblazon.yaml names several
    #[arg(
        long,
        value_name = "NAME",
        env = "EMBLAZON_CLUSTER",
        hide_env_values = true
    )]
    pub(crate) cluster: Option<String>,
    /// Import this account, by id, realm or name, and those below it
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) root: Option<String>,
    /// Move what accounts share into defaults and brands
    #[arg(long)]
    pub(crate) factor: bool,
    /// Take an account's drift into the tree, or one key of it; may be given several times
    #[arg(long, value_name = "ACCOUNT[.KEY]", conflicts_with = "factor")]
    pub(crate) accept: Vec<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    /// Use the API at this URL, with the key in `EMBLAZON_API_KEY` or the token in `EMBLAZON_TOKEN`
    #[arg(long, value_name = "URL", env = "EMBLAZON_API", hide_env_values = true, conflicts_with = "sandbox", value_parser = address, value_hint = ValueHint::Url)]
    pub(crate) api: Option<String>,
    /// The file that says what the tree may name: platforms, primaries, commands, files; ~/.config/emblazon/trust.yaml
    /// when left out
    #[arg(long, value_name = "FILE", env = "EMBLAZON_TRUST", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) trust: Option<String>,
    /// Never have more than N requests under way; fewer, where more would only wait
    #[arg(long, value_name = "N", default_value_t = 32, hide_default_value = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_requests: u16,
}
