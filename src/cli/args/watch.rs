//! `watch`

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use super::address::listen;
use super::duration::duration;
use super::output::ListFormat;
use super::platform::PlatformArgs;
use crate::model::Shard;

/// Watch a tree and its platform, and keep them in sync by the tree's policy
///
/// Reads the tree whenever it changes and each account once per interval, applies changes of the tree, and heals or
/// reports manual changes on the platform, as `watch` in emblazon.yaml says.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options of the command line, which do not depend on each other"
)]
pub(crate) struct WatchArgs {
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath, conflicts_with = "config")]
    pub(crate) tree: Utf8PathBuf,
    /// The daemon's own file: source, state folder, interval, lease
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<Utf8PathBuf>,
    /// The cluster; required only when emblazon.yaml has several
    #[arg(
        long,
        value_name = "NAME",
        env = "EMBLAZON_CLUSTER",
        hide_env_values = true
    )]
    pub(crate) cluster: Option<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Watch only the accounts of one shard, such as 2/3; K+1/N where K counts from 0. The first shard also has the
    /// domain template
    #[arg(
        long,
        value_name = "I/N",
        env = "EMBLAZON_SHARD",
        hide_env_values = true
    )]
    pub(crate) shard: Option<Shard>,
    /// Reconcile until nothing is left to do automatically, then exit
    #[arg(long)]
    pub(crate) once: bool,
    /// How often each account is read, such as 10m
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "config")]
    pub(crate) interval: Option<Duration>,
    /// Delay before drift is read again to confirm it, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "config")]
    pub(crate) confirm_after: Option<Duration>,
    /// Push neither the applied commit nor the lease; only this host is locked
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_push: bool,
    /// Serve the dashboard at this address of this machine, such as 127.0.0.1:8642
    #[arg(long, value_name = "ADDRESS", value_parser = listen, conflicts_with = "once")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Let the platform tell of its changes: the daemon creates webhooks there, and removes them at its end
    #[arg(long, requires = "listen", conflicts_with_all = ["config", "once"])]
    pub(crate) events: bool,
    /// Look at each brand as a customer's browser does, every ten minutes
    #[arg(long, conflicts_with = "config")]
    pub(crate) probe: bool,
    /// The format of events, one per line: text or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: ListFormat,
}
