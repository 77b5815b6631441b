//! What can go wrong with a forge.

use std::time::Duration;

use thiserror::Error;

/// Says why nothing could be published.
#[derive(Debug, Error)]
pub enum ForgeError {
    /// The text was not made for a comment.
    #[error(
        "the text does not begin as `--output markdown=FILE` writes it; write it with `emblazon plan --output markdown=FILE`"
    )]
    NoMark,
    /// Something is not known that is needed.
    #[error("{what} is not known: {how}")]
    Missing {
        /// What is not known.
        what: &'static str,
        /// How to say it.
        how: &'static str,
    },
    /// The URL cannot be used.
    #[error("the forge's URL {url} {problem}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no client to be had.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// The forge could not be reached.
    #[error("the forge could not be reached: {0}")]
    Unreachable(String),
    /// The forge is busy.
    #[error("the forge answered {status} to {call}; try again later")]
    Busy {
        /// The status.
        status: u16,
        /// Method and path.
        call: String,
        /// How long it asks to wait.
        after: Option<Duration>,
    },
    /// The forge said no.
    #[error("the forge answered {status} to {call}: {hint}")]
    Refused {
        /// The status.
        status: u16,
        /// Method and path.
        call: String,
        /// What to look at.
        hint: &'static str,
    },
    /// The answer is not what its documentation says.
    #[error("the forge's answer to {0} is not understood; is the URL that of its API?")]
    Answer(String),
}

impl ForgeError {
    /// Tells whether the same may go well a little later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy { .. })
    }
}
