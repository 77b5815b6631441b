//! `events`

use clap::{Args, Subcommand};
use url::Url;

use super::tools::ProfileName;

/// Let the platform tell of its changes
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    Hook(EventsHookArgs),
}

/// Print the webhooks that tell a daemon of every change
///
/// For operators who create them on the platform themselves, with `events: {hooks: operator, secret: …}` in the
/// daemon's file. Otherwise the daemon creates, renews and removes its own. Where the platform cannot reach the daemon,
/// `events: {blackhole: wss://…}` there needs no webhooks: the daemon listens to the platform's websocket.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon events hook --url https://emblazon.example.com
  emblazon events hook --url https://emblazon.example.com --kazoo 4.3

Each line is the body of a `PUT /v2/accounts/ROOT/webhooks`; put the secret in the place of SECRET.")]
pub(crate) struct EventsHookArgs {
    /// The daemon's public URL; the platform must reach it
    #[arg(long, value_name = "URL")]
    pub(crate) url: Url,
    /// The platform's version: 4.3, master or 5
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "master",
        hide_possible_values = true
    )]
    pub(crate) kazoo: ProfileName,
}
