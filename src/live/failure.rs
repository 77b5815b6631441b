//! Why a request failed, and what that means for the object of a write.

use super::error::{ApiError, WriteError};
use super::request::Body;
use super::retry::Class;

/// Why a request failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub error: ApiError,
    /// Whether the last attempt got past the login.
    pub stage: Stage,
    /// Whether an earlier attempt may have been processed, so that a refusal may only reflect its effect.
    pub doubtful: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Login,
    Request,
}

impl Failure {
    pub(super) fn of_login(error: ApiError) -> Self {
        Self {
            error,
            stage: Stage::Login,
            doubtful: false,
        }
    }

    /// Adds what attempts before a new login may have done.
    pub(super) fn after(self, earlier: &Self) -> Self {
        Self {
            doubtful: self.doubtful || earlier.doubtful,
            ..self
        }
    }

    pub(super) fn is_unauthorised(&self) -> bool {
        matches!(self.error, ApiError::Unauthorised { .. })
    }

    /// Returns what the failure means for the object of a write.
    pub(super) fn of_write(self, body: &Body<'_>) -> WriteError {
        let class = Class::of(&self.error);
        let error = self.error;
        match (self.stage, class) {
            (Stage::Login, _) | (Stage::Request, Class::NotSent | Class::Unheard)
                if !self.doubtful =>
            {
                WriteError::NotSent(error)
            }
            (Stage::Request, Class::Final) if !self.doubtful => match error {
                ApiError::Unauthorised { .. }
                | ApiError::Configuration(_)
                | ApiError::Tls { .. }
                | ApiError::Silent { .. }
                | ApiError::Late(_) => WriteError::NotSent(error),
                // A 409 to an upload may come after the file was stored (B12).
                ApiError::Conflict if matches!(body, Body::File(..)) => WriteError::Lost(error),
                // Only a 4xx says that nothing was done; a 303 even says that it was (RFC 9110, 15.4.4).
                ApiError::Unexpected { status, .. } if !(400..500).contains(&status) => {
                    WriteError::Lost(error)
                }
                ApiError::Unusable { .. } | ApiError::AnswerTooLarge { .. } => {
                    WriteError::Lost(error)
                }
                _ => WriteError::Refused(error),
            },
            (Stage::Request, Class::Limited) if !self.doubtful => WriteError::Refused(error),
            _ => WriteError::Lost(error),
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_means_for_a_write() {
        #[track_caller]
        fn check(error: ApiError, upload: bool, doubtful: bool, expected: &str) {
            let failure = Failure {
                error,
                stage: Stage::Request,
                doubtful,
            };
            let body = if upload {
                Body::File("image/png", b"x")
            } else {
                Body::Nothing
            };
            let shown = failure.of_write(&body).to_string();
            assert!(shown.starts_with(expected), "{shown}");
        }
        let unavailable = || ApiError::Unavailable {
            status: 503,
            message: String::new(),
            retry_after: None,
        };
        let status = |status| ApiError::Unexpected {
            status,
            message: String::new(),
        };
        let connect = || ApiError::Connect {
            host: String::new(),
            reason: String::new(),
            is_silent: true,
        };
        let silent = || ApiError::Silent {
            host: String::new(),
            in_a_row: 3,
        };
        let cut = || ApiError::Transport {
            host: String::new(),
            call: String::new(),
            attempts: 1,
            is_tls: false,
            reason: String::new(),
        };
        let no_handshake = || ApiError::HandshakeTimedOut {
            host: String::new(),
            call: String::new(),
            after: std::time::Duration::ZERO,
            attempts: 1,
        };
        let refused = || ApiError::Unauthorised {
            multi_factor: false,
        };
        check(ApiError::PreconditionFailed, false, false, "refused");
        // After a 503 the refusal may only show that the first attempt was saved (W21).
        check(ApiError::PreconditionFailed, false, true, "its outcome");
        check(ApiError::Conflict, false, false, "refused");
        check(ApiError::Conflict, true, false, "its outcome");
        check(unavailable(), false, false, "its outcome");
        check(ApiError::InitFailed, false, false, "its outcome");
        check(status(303), false, false, "its outcome");
        check(status(304), false, false, "its outcome");
        check(status(204), false, false, "its outcome");
        check(status(505), false, false, "its outcome");
        check(status(418), false, false, "refused");
        check(cut(), true, false, "its outcome");
        check(connect(), true, false, "not sent");
        check(no_handshake(), true, false, "not sent");
        check(connect(), false, true, "its outcome");
        check(silent(), true, false, "not sent");
        check(silent(), true, true, "its outcome");
        check(refused(), true, false, "not sent");
        let login = Failure::of_login(ApiError::UnknownApiKey).of_write(&Body::Nothing);
        assert_eq!(login, WriteError::NotSent(ApiError::UnknownApiKey));
    }
}
