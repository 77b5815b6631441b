//! The daemon's face: what people and machines ask it over HTTP.
//!
//! ```text
//!  /healthz /readyz            open, and say nothing but whether
//!  /webhook                    proves itself with the forge's secret
//!  /metrics /api/v1/…          the token, or this machine alone when there is none
//!  / /accounts/… /plan …       the same, or a session that the token opened
//! ```
//!
//! Who connects has proved nothing: connections (`slots`), memory (`unproven`), time (`body`) and guesses
//! (`attempts`) have bounds, and when one is reached, who asks for something goes before who does not (`strict`).
//!
//! It reads the [`PublishedStatus`](crate::daemon::PublishedStatus) and gives [`WorkQueue`](crate::daemon::WorkQueue); it has no way to the platform. Pages work
//! without scripts; with them, a page asks for itself again when something changed.

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
mod page;
mod server;
mod sessions;
mod slots;
mod state;
mod strict;
mod unproven;
pub mod webhook;

pub use api::schema;
pub use config::{HttpConfig, HttpError, WebhookConfig};
pub use metrics::metrics;
pub use server::{Face, Server};
