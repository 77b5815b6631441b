//! `import`

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use super::address::address;
use super::again::{Again, tree_word};
use super::forge::ForgeArgs;
use super::trial::Trial;

/// Import the live state into the tree
///
/// Reads the platform and writes files, so that the next plan is empty. In a folder without a tree, it creates one. In
/// a tree, it changes only what differs, and keeps comments and order; accounts are matched by id or realm. Sends no
/// request that writes.
///
/// What the tree's checks would refuse, such as a broken picture or a key that looks like a secret, is left undeclared
/// and stays as it is on the platform; the output lists it with the reason and what to do.
///
/// It may be interrupted and restarted: it goes on, and ends with the same files.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon import --api https://api.example.com:8443 --tree brands
  emblazon import --factor --tree brands       shared values go into layers
  emblazon import 'Acme Voice' beta.sip.example.com --tree brands
  emblazon import --accept acme --dry-run      its drift, into the tree
  emblazon import --accept acme.nav.help --accept beta.logo
  emblazon import --accept acme --pull-request
  emblazon import --sandbox=examples/quickstart/sandbox.yaml --tree /tmp/brands

With --factor: values that all accounts share go to defaults; two or more values that exactly the same three or more accounts share go to a brand that these accounts extend. Everything else stays in the account, so that no account gets a value that it did not have.

With --accept: a value goes into the layer that declares it. When other accounts take it from there and have another value, it goes into the account's own file.

With --pull-request: reads the tree as --into has it at the remote, and leaves the work tree alone. The same accounts have the same branch and pull request, which the next run updates, and closes when nothing of it is left. A branch on which somebody else has a commit stays as it is. The forge's token comes from EMBLAZON_FORGE_TOKEN, else from GITHUB_TOKEN, GITLAB_TOKEN or GITEA_TOKEN; git uses your own credentials.

Exit codes: 0 done, 1 failed, 3 the tree has errors, 5 something accepted cannot be declared, 6 something could not be read, 64 wrong usage.")]
pub(crate) struct ImportArgs {
    /// The accounts, by id, realm, name or folder; default: all that have a whitelabel
    #[arg(value_name = "ACCOUNT", conflicts_with = "accept")]
    pub(crate) accounts: Vec<String>,
    /// The folder with emblazon.yaml, or the folder for a new tree
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) tree: Utf8PathBuf,
    /// The cluster; required only when emblazon.yaml has several
    #[arg(
        long,
        value_name = "NAME",
        env = "EMBLAZON_CLUSTER",
        hide_env_values = true
    )]
    pub(crate) cluster: Option<String>,
    /// Import this account, by id, realm or name, and its descendants
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) root: Option<String>,
    /// Move shared values into defaults and brands
    #[arg(long)]
    pub(crate) factor: bool,
    /// Accept an account's drift, or one key of it, into the tree; may be repeated
    #[arg(long, value_name = "ACCOUNT[.KEY]", conflicts_with = "factor")]
    pub(crate) accept: Vec<String>,
    /// Propose it as a pull request, instead of writing files; a branch gets one commit on top of --into
    #[arg(long, requires = "accept", help_heading = "Pull request")]
    pub(crate) pull_request: bool,
    /// The branch that the pull request is for; default: the main branch of the remote
    #[arg(
        long,
        value_name = "BRANCH",
        requires = "pull_request",
        help_heading = "Pull request"
    )]
    pub(crate) into: Option<String>,
    /// The Git remote to push to; default: origin
    #[arg(
        long,
        value_name = "NAME",
        requires = "pull_request",
        help_heading = "Pull request"
    )]
    pub(crate) remote: Option<String>,
    #[command(flatten, next_help_heading = "Pull request")]
    pub(crate) forge: ForgeArgs,
    /// Show what would be written, without writing it
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sandbox: Trial,
    /// Use the API at this URL, with the key in `EMBLAZON_API_KEY` or the token in `EMBLAZON_TOKEN`
    #[arg(long, value_name = "URL", env = "EMBLAZON_API", hide_env_values = true, conflicts_with = "sandbox", value_parser = address, value_hint = ValueHint::Url)]
    pub(crate) api: Option<String>,
    /// The file with what the tree may name: platforms, primaries, commands, files. Default:
    /// ~/.config/emblazon/trust.yaml
    #[arg(long, value_name = "FILE", env = "EMBLAZON_TRUST", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) trust: Option<String>,
    /// Maximum number of concurrent requests; fewer are sent where more would only queue
    #[arg(long, value_name = "N", default_value_t = 32, hide_default_value = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_requests: u16,
}

impl ImportArgs {
    /// Returns the command that plans from the imported tree.
    pub(crate) fn next(&self) -> String {
        let (api, trust) = (self.api.as_deref(), self.trust.as_deref());
        let again = Again::on(&self.sandbox, (api, trust, self.cluster.as_deref()));
        again.command("plan", tree_word(&self.tree))
    }
}
