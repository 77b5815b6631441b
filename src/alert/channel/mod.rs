//! The kinds of channels, one file each.

mod email;
mod error;
mod forge;
mod http;
mod kind;
mod ping;
mod slack;
mod template;
mod webhook;

pub use email::{EmailChannel, Smtp, SmtpTls};
pub use error::AlertError;
pub use forge::ForgeChannel;
pub use kind::Channel;
pub use ping::Pinger;
pub use slack::SlackChannel;
pub use webhook::WebhookChannel;
