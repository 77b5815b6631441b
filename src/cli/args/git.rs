//! What can be said about Git.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration::duration;
use crate::diff::Direction;
use crate::tree::Forgotten;

/// Which remote.
#[derive(Args, Debug)]
pub(crate) struct RemoteArgs {
    /// The Git remote that knows what was applied last and who is writing; origin where there is one
    #[arg(long, value_name = "NAME", help_heading = "Git")]
    pub(crate) remote: Option<String>,
}

/// How to be the only one who writes.
#[derive(Args, Debug)]
pub(crate) struct LeaseArgs {
    /// Push nothing: neither which commit was applied, nor who is writing; only this host is locked
    #[arg(long, help_heading = "Git")]
    pub(crate) no_push: bool,
    /// Be the only one by a Lease of the Kubernetes cluster that this runs in, instead of by the Git remote
    #[arg(long, help_heading = "Git")]
    pub(crate) kubernetes_lease: bool,
    /// How long to wait while somebody else writes to the cluster, such as 30s or 10m
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Git")]
    pub(crate) wait_for_lease: Option<Duration>,
}

/// What is known to have been applied.
#[derive(Args, Debug)]
pub(crate) struct BaseArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// Do not ask the remote; go by what this clone has
    #[arg(long, help_heading = "Git")]
    pub(crate) no_fetch: bool,
    /// Leave something that the tree stopped declaring as it is: an account, or a key such as
    /// acme:whitelabel.nav.help; may be given several times
    #[arg(long, value_name = "ACCOUNT[:KEY]", help_heading = "Git")]
    pub(crate) forget: Vec<Forgotten>,
}

/// Which side moved.
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
