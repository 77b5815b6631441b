//! Telling people, once, when something changed that they must know of.
//!
//! ```text
//!  Status::alerts ──► damper ──► notices ──► channels: webhook, Slack, e-mail
//!                  (told, known)
//!  Status::source ──► commit's standing ───► channel: the forge's commit status
//!  Status::beat ────────────────────────────► channel: the dead man's ping
//! ```
//!
//! The daemon says at each round which trouble goes on. The [`Damper`] turns that into transitions: trouble is told
//! when it was found often and long enough, and once; so is its end. What changed in the same way at the same time is
//! one [`Notice`], so that a platform that is down is one message and not a thousand. [`announce`] runs it all.

mod announce;
mod channel;
mod channels;
mod commit;
mod config;
mod damper;
mod notice;

pub use announce::{Announcer, announce};
pub use channel::{
    AlertError, Channel, EmailChannel, ForgeChannel, Pinger, SlackChannel, Smtp, WebhookChannel,
};
pub use channels::{ChannelStatus, Channels};
pub use commit::{CommitStanding, Progress, standing};
pub use config::{AlertsConfig, ChannelConfig, SmtpTls};
pub use damper::{Damper, Damping, Transition};
pub use notice::{Notice, Severity, notices};
