//! What may have happened after a write returned an error.

use crate::live::{ApiError, WriteError};

/// Returns a one-line explanation of an error, with what to do.
pub(super) fn explain(error: &ApiError) -> String {
    error.explained()
}

/// Describes the error, and how many times the write was tried.
pub(super) fn tried(error: &WriteError, sent: u32) -> String {
    match sent {
        1 => error.cause().to_string(),
        more => format!("{} (tried {more} times)", error.cause()),
    }
}

/// Explains in one line why a write that has changed nothing is not retried.
pub(super) fn given_up(error: &WriteError, sent: u32) -> String {
    format!(
        "{}; nothing was changed; {}",
        tried(error, sent),
        error.cause().advice()
    )
}

/// Returns whether the write may have been carried out, in whole or in part.
pub(super) fn may_have_landed(error: &WriteError) -> bool {
    matches!(error, WriteError::Lost(_))
}

/// Returns whether the server reports that the document is not what the writer assumes.
pub(super) fn is_about_the_document(error: &WriteError) -> bool {
    matches!(
        error,
        WriteError::Refused(
            ApiError::Conflict | ApiError::PreconditionFailed | ApiError::NoWhitelabel
        )
    )
}

/// Returns whether the same write may succeed even if nothing else has changed: after a lost response, a temporary
/// failure, or a stale revision in the server's cache (C3, E23).
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

/// Returns whether the server asks for consent to charges (C7).
pub(super) fn is_billing(error: &WriteError) -> bool {
    matches!(error.cause(), ApiError::Billing { .. })
}
