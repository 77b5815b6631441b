//! The daemon's HTTP server, for people and programs.
//!
//! ```text
//!  /healthz /readyz /leaderz   open, and answer only yes or no
//!  /webhook                    authenticated with the forge's secret
//!  /kazoo/webhook              authenticated with the secret of the platform's hooks
//!  /metrics /api/v1/…          the token; without one, this machine only
//!  / /accounts/… /plan …       the same, or a session that the token opened
//! ```
//!
//! A new connection is not authenticated: connections (`slots`), memory (`unproven`), time (`body`) and guesses
//! (`attempts`) are limited, and when a limit is reached, clients that send requests go before silent ones (`strict`).
//!
//! It reads the [`PublishedStatus`](crate::daemon::PublishedStatus) and feeds the
//! [`WorkQueue`](crate::daemon::WorkQueue); it cannot reach the platform. Pages work without scripts; with them, a page
//! refreshes itself when something changed.

mod access;
mod api;
mod attempts;
mod body;
mod config;
mod events;
mod health;
mod hook;
mod intervene;
mod listener;
mod metrics;
mod order;
mod page;
mod platform_event;
mod server;
mod sessions;
mod slots;
mod state;
mod strict;
mod unproven;
pub mod webhook;

pub use api::schema;
pub use config::{HttpConfig, HttpError, WebhookConfig, is_public_url};
pub use metrics::metrics;
pub use platform_event::PATH as EVENT_PATH;
pub use server::{Face, Server};
