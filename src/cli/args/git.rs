//! Options about Git.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration::duration;
use crate::diff::Direction;
use crate::tree::Forgotten;

/// Which remote.
#[derive(Args, Clone, Debug)]
pub(crate) struct RemoteArgs {
    /// The Git remote that records what was applied last and who is writing; default: origin, if it exists
    #[arg(long, value_name = "NAME", help_heading = "Git")]
    pub(crate) remote: Option<String>,
}

/// Options of the lease.
#[derive(Args, Clone, Debug)]
pub(crate) struct LeaseArgs {
    /// Push neither the applied commit nor the lease; only this host is locked
    #[arg(long, help_heading = "Git")]
    pub(crate) no_push: bool,
    /// Use a Lease of the Kubernetes cluster that this runs in, instead of the Git remote
    #[arg(long, help_heading = "Git")]
    pub(crate) kubernetes_lease: bool,
    /// How long to wait while another process writes to the cluster, such as 30s or 10m
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Git")]
    pub(crate) wait_for_lease: Option<Duration>,
}

/// Options of the base.
#[derive(Args, Debug)]
pub(crate) struct BaseArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// Do not contact the remote; use the refs of this clone
    #[arg(long, help_heading = "Git")]
    pub(crate) no_fetch: bool,
    /// Keep an account or a key that the tree no longer declares, such as acme:whitelabel.nav.help; may be repeated
    #[arg(long, value_name = "ACCOUNT[:KEY]", help_heading = "Git")]
    pub(crate) forget: Vec<Forgotten>,
}

impl BaseArgs {
    /// Returns the words with which another command has the same base.
    pub(super) fn words(&self) -> Vec<String> {
        let remote = self.remote.remote.clone();
        let remote = remote.map(|remote| ["--remote".to_owned(), remote]);
        let no_fetch = self.no_fetch.then(|| "--no-fetch".to_owned());
        let forget = self.forget.iter();
        let forget = forget.flat_map(|it| ["--forget".to_owned(), it.to_string()]);
        let remote = remote.into_iter().flatten();
        remote.chain(no_fetch).chain(forget).collect()
    }
}

/// The side that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The platform
    Live,
    /// The tree
    Git,
}

impl From<Side> for Direction {
    fn from(side: Side) -> Self {
        match side {
            Side::Live => Self::Live,
            Side::Git => Self::Git,
        }
    }
}
