//! What can be said about the daemon.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use super::duration::duration;
use super::{ListFormat, PlatformArgs};
use crate::model::Shard;

/// Watch a tree and its platform, and keep them in sync by the tree's policy
///
/// Reads the tree whenever it changes and each account once an interval, applies what changed in the tree, and puts
/// right or tells of what somebody changed on the platform, as `watch` in emblazon.yaml says.
#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// The folder with emblazon.yaml
    #[arg(default_value = ".", value_hint = ValueHint::DirPath, conflicts_with = "config")]
    pub(crate) tree: Utf8PathBuf,
    /// The daemon's own file: source, state folder, interval, lease
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<Utf8PathBuf>,
    /// The cluster; needed only when emblazon.yaml names several
    #[arg(
        long,
        value_name = "NAME",
        env = "EMBLAZON_CLUSTER",
        hide_env_values = true
    )]
    pub(crate) cluster: Option<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Watch only the accounts of one shard of several, such as 2/3; K+1/N where K counts from 0. The first one has the
    /// domain template, too
    #[arg(
        long,
        value_name = "I/N",
        env = "EMBLAZON_SHARD",
        hide_env_values = true
    )]
    pub(crate) shard: Option<Shard>,
    /// Turn until nothing is left that goes by itself, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// How often each account is read, such as 10m
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "config")]
    pub(crate) interval: Option<Duration>,
    /// How long after it was first seen drift is looked at again, such as 10s
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "config")]
    pub(crate) confirm_after: Option<Duration>,
    /// Push nothing: neither which commit was applied, nor who leads; only this host is locked
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_push: bool,
    /// Show the dashboard at this address of this machine, such as 127.0.0.1:8642
    #[arg(long, value_name = "ADDRESS", conflicts_with = "once")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// How to say what changes: text or json, a line each
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: ListFormat,
}
