//! What an error to a write leaves possible.

use crate::live::{ApiError, WriteError};

/// Says in one line what happened and what to do.
pub(super) fn explain(error: &ApiError) -> String {
    error.explained()
}

/// Says what happened, and how often it did.
pub(super) fn tried(error: &WriteError, sent: u32) -> String {
    match sent {
        1 => error.cause().to_string(),
        more => format!("{} (tried {more} times)", error.cause()),
    }
}

/// Says in one line why a write that has changed nothing is not sent again.
pub(super) fn given_up(error: &WriteError, sent: u32) -> String {
    format!(
        "{}; nothing was changed; {}",
        tried(error, sent),
        error.cause().advice()
    )
}

/// Tells whether the write may have been carried out, whole or in part.
pub(super) fn may_have_landed(error: &WriteError) -> bool {
    matches!(error, WriteError::Lost(_))
}

/// Tells whether the server says that the document is not what the writer thinks.
pub(super) fn is_about_the_document(error: &WriteError) -> bool {
    matches!(
        error,
        WriteError::Refused(
            ApiError::Conflict | ApiError::PreconditionFailed | ApiError::NoWhitelabel
        )
    )
}

/// Tells whether the same write may well succeed when nothing has changed meanwhile: after a lost
/// answer, trouble that passes, or a stale revision in the server's cache (C3, E23).
pub(super) fn is_worth_repeating(error: &WriteError) -> bool {
    match error {
        WriteError::Lost(_) => true,
        WriteError::Refused(cause) | WriteError::NotSent(cause) => matches!(
            cause,
            ApiError::Conflict
                | ApiError::PreconditionFailed
                | ApiError::TooManyRequests { .. }
                | ApiError::Unavailable { .. }
                | ApiError::Connect { .. }
        ),
    }
}

/// Tells whether the server asks for consent to charges (C7).
pub(super) fn is_billing(error: &WriteError) -> bool {
    matches!(error.cause(), ApiError::Billing { .. })
}
