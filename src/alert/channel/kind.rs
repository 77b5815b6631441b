//! The kinds of channel that take notices.

use jiff::Timestamp;

use super::{AlertError, EmailChannel, SlackChannel, WebhookChannel};
use crate::alert::Notice;

/// A channel that takes notices.
#[derive(Clone, Debug)]
pub enum Channel {
    /// Any receiver of JSON.
    Webhook(WebhookChannel),
    /// Slack, and services compatible with its webhooks.
    Slack(SlackChannel),
    /// E-mail.
    Email(EmailChannel),
}

impl Channel {
    /// Returns the name in machine formats.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
        }
    }

    /// Sends one notice, without retries.
    pub async fn send(&self, notice: &Notice, now: Timestamp) -> Result<(), AlertError> {
        match self {
            Self::Webhook(channel) => channel.send(notice, now).await,
            Self::Slack(channel) => channel.send(notice).await,
            Self::Email(channel) => channel.send(notice).await,
        }
    }
}
