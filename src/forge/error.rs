//! What can go wrong with a forge.

use std::time::Duration;

use thiserror::Error;

/// Why nothing could be published.
#[derive(Debug, Error)]
pub enum ForgeError {
    /// The text was not written for a comment.
    #[error(
        "the text does not begin as `--output markdown=FILE` writes it; write it with `emblazon plan --output markdown=FILE`"
    )]
    NoMark,
    /// A required value is not known.
    #[error("{what} is not known: {how}")]
    Missing {
        /// What is not known.
        what: &'static str,
        /// How to set it.
        how: &'static str,
    },
    /// The URL cannot be used.
    #[error("the forge's URL {url} {problem}")]
    Url {
        /// The URL, as given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The HTTP client could not be created.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// The forge could not be reached.
    #[error("the forge could not be reached: {0}")]
    Unreachable(String),
    /// The forge is busy.
    #[error("the forge answered {status} to {call}; try again later")]
    Busy {
        /// HTTP status of the answer.
        status: u16,
        /// Method and path.
        call: String,
        /// How long it asks to wait.
        after: Option<Duration>,
    },
    /// The forge refused the request.
    #[error("the forge answered {status} to {call}: {hint}")]
    Refused {
        /// HTTP status of the answer.
        status: u16,
        /// Method and path.
        call: String,
        /// What to check.
        hint: &'static str,
    },
    /// The answer is not what the forge's documentation specifies.
    #[error("the forge's answer to {0} is not understood; is the URL that of its API?")]
    Answer(String),
}

impl ForgeError {
    /// Returns whether a retry may succeed.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy { .. })
    }
}
