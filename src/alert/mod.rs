//! Alerts people, once, when something changed that they must know about.
//!
//! ```text
//!  Status::alerts ──► damper ──► notices ──► channels: webhook, Slack, e-mail
//!                  (reported, known)
//!  Status::source ──► commit's standing ───► channel: the forge's commit status
//!  Status::beat ────────────────────────────► channel: the dead man's ping
//! ```
//!
//! In each cycle, the daemon lists the current alerts. The [`Damper`] turns them into transitions: an alert is reported
//! once, when it was found often and long enough; so is its end. What changed in the same way at the same time is one
//! [`Notice`], so that a platform that is down is one message and not a thousand. [`announce`] runs it all.

mod announce;
mod channel;
mod channels;
mod commit;
mod config;
mod damper;
mod notice;

pub use announce::{Announcer, announce};
pub use channel::{
    AlertError, Channel, EmailChannel, ForgeChannel, Pinger, SlackChannel, Smtp, SmtpTls,
    WebhookChannel,
};
pub use channels::{ChannelStatus, Channels};
pub use commit::{CommitStanding, Progress, standing};
pub use config::{AlertsConfig, ChannelConfig};
pub use damper::{Damper, Damping, Transition};
pub use notice::{Notice, Severity, notices};
