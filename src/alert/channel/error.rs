//! Why a message was not delivered.

use thiserror::Error;

/// Why a channel cannot be used, or a message was not delivered. Contains no URL: some are secrets.
#[derive(Debug, Error)]
pub enum AlertError {
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(String),
    /// There was no response, or not in time.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The receiver rejected the message for now, and may accept it later.
    #[error("not taken now: {0}")]
    Later(String),
    /// The receiver rejected the message.
    #[error("not taken: {0}")]
    Refused(String),
}

impl AlertError {
    /// Returns whether a retry may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::Later(_) => true,
            Self::Configuration(_) | Self::Refused(_) => false,
        }
    }
}
