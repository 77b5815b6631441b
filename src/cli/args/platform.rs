//! Which platform.

use clap::{Args, ValueHint};

use super::address::address;
use super::tree::Several;
use super::trial::Trial;
use crate::live::Reach;

/// Which platform.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlatformArgs {
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

impl PlatformArgs {
    /// Names no platform, whatever the environment says: for commands that contact none.
    pub(crate) fn nowhere() -> Self {
        Self {
            sandbox: Trial::default(),
            api: None,
            trust: None,
            max_requests: 1,
        }
    }

    /// Returns whether the tree or the command line names the platform.
    pub(crate) fn reach(&self) -> Reach {
        match self.api {
            Some(_) => Reach::Elsewhere,
            None => Reach::Declared,
        }
    }

    /// Returns what to do with a tree of several clusters: a sandbox can stand in for any of them.
    pub(crate) fn several(&self) -> Several {
        if self.sandbox.is_wanted() {
            Several::First
        } else {
            Several::Refuse
        }
    }
}
