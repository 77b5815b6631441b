//! Why a message was not taken.

use thiserror::Error;

/// Says why a channel cannot be used, or why a message was not taken. Holds no address: some are secrets.
#[derive(Debug, Error)]
pub enum AlertError {
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(String),
    /// Nobody answered, or not in time.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The other side did not take it, and may take it later.
    #[error("not taken now: {0}")]
    Later(String),
    /// The other side does not take it.
    #[error("not taken: {0}")]
    Refused(String),
}

impl AlertError {
    /// Tells whether it may help to try again.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::Later(_) => true,
            Self::Configuration(_) | Self::Refused(_) => false,
        }
    }
}
