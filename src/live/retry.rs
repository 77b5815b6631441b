//! Which failures are retried, and when.
//!
//! | | read | guarded write | write once |
//! | --- | --- | --- | --- |
//! | no connection | again | again | again |
//! | no reaction from the address, no TLS from it | again, once | again, once | again, once |
//! | 429 | again | again | again |
//! | 503 | again | again | – |
//! | 500 `datastore_…`, 502, 504, broken off | again | – | – |
//! | timed out, too slow | again, once | – | – |
//! | 500 `init failed` | again, once | – | – |
//! | all other failures | – | – | – |
//!
//! A guarded write carries `If-Match`, or replaces a whole object, so sending it twice has the same effect as sending
//! it once. Creations and uploads are sent once: what a failed upload leaves behind must be inspected first (B12).

use std::time::Duration;

use super::error::ApiError;

/// The effect of sending a request twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// None: it only reads.
    Read,
    /// The same as sending it once.
    Guarded,
    /// More than sending it once.
    Once,
}

/// What a failure means for a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Certainly not sent.
    NotSent,
    /// Certainly not sent, but only known after the whole connect timeout.
    Unheard,
    /// The server is limiting requests, and did not process it.
    Limited,
    /// The server is unavailable, and most probably did nothing.
    Unavailable,
    /// It may have been processed.
    Lost,
    /// It may have been processed, but the answer timed out.
    Slow,
    /// The server crashed on the request, and usually will again.
    Broken,
    /// A retry will not help.
    Final,
}

/// How many times, and for how long, to try a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times one request is sent, at most.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// The shortest pause after a 429 (C5).
    pub limited_pause: Duration,
    /// The time after which a call is not retried.
    pub deadline: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
            limited_pause: Duration::from_secs(1),
            deadline: Duration::from_mins(2),
        }
    }
}

impl RetryPolicy {
    /// Returns the pause before a request is sent again, or `None` if it is not. `attempt` counts from 1; `chance` is a
    /// random number from 0 to 1.
    pub(super) fn pause(
        &self,
        error: &ApiError,
        repeat: Repeat,
        attempt: u32,
        elapsed: Duration,
        chance: f64,
    ) -> Option<Duration> {
        let class = Class::of(error);
        let most = match (class, repeat) {
            (Class::NotSent | Class::Limited, _)
            | (Class::Unavailable, Repeat::Read | Repeat::Guarded)
            | (Class::Lost, Repeat::Read) => self.attempts,
            (Class::Unheard, _) | (Class::Broken | Class::Slow, Repeat::Read) => {
                self.attempts.min(2)
            }
            (Class::Unavailable | Class::Lost | Class::Slow | Class::Broken | Class::Final, _) => 1,
        };
        if attempt >= most {
            return None;
        }
        let doubled = self
            .first_pause
            .saturating_mul(2_u32.saturating_pow(attempt - 1))
            .min(self.longest_pause);
        let mut pause = doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        if class == Class::Limited {
            pause += self.limited_pause;
        }
        if let Some(asked) = asked_pause(error) {
            pause = pause.max(asked);
        }
        (elapsed + pause < self.deadline).then_some(pause)
    }
}

impl Class {
    /// Returns what a failure means for a retry.
    pub(super) fn of(error: &ApiError) -> Self {
        match error {
            ApiError::Connect {
                is_silent: true, ..
            }
            | ApiError::HandshakeTimedOut { .. } => Self::Unheard,
            ApiError::Connect { .. } => Self::NotSent,
            ApiError::TooManyRequests { .. } => Self::Limited,
            ApiError::Unavailable { status: 503, .. } => Self::Unavailable,
            ApiError::Unavailable { .. } | ApiError::Transport { .. } => Self::Lost,
            ApiError::TimedOut { .. } | ApiError::TooSlow { .. } => Self::Slow,
            ApiError::InitFailed => Self::Broken,
            _ => Self::Final,
        }
    }
}

fn asked_pause(error: &ApiError) -> Option<Duration> {
    match error {
        ApiError::TooManyRequests { retry_after } | ApiError::Unavailable { retry_after, .. } => {
            *retry_after
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::TlsProblem;

    fn policy() -> RetryPolicy {
        RetryPolicy::default()
    }

    fn unavailable(status: u16) -> ApiError {
        ApiError::Unavailable {
            status,
            message: String::new(),
            retry_after: None,
        }
    }

    fn connect(is_silent: bool) -> ApiError {
        ApiError::Connect {
            host: "127.0.0.1:1".to_owned(),
            reason: String::new(),
            is_silent,
        }
    }

    fn transport() -> ApiError {
        ApiError::Transport {
            host: String::new(),
            call: String::new(),
            attempts: 1,
            is_tls: false,
            reason: String::new(),
        }
    }

    fn limited(retry_after: Option<u64>) -> ApiError {
        ApiError::TooManyRequests {
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    /// The module's table, row by row: how many times a read, a guarded write and a write that is sent once are sent.
    #[test]
    fn trap_28_times_that_a_request_is_sent() {
        #[track_caller]
        fn check(error: &ApiError, expected: [u32; 3]) {
            let sent = [Repeat::Read, Repeat::Guarded, Repeat::Once].map(|repeat| {
                let mut attempt = 1;
                while policy()
                    .pause(error, repeat, attempt, Duration::ZERO, 0.5)
                    .is_some()
                {
                    attempt += 1;
                }
                attempt
            });
            assert_eq!(sent, expected, "{error:?}");
        }
        check(&connect(false), [5, 5, 5]);
        check(&connect(true), [2, 2, 2]);
        check(&limited(None), [5, 5, 5]);
        check(&unavailable(503), [5, 5, 1]);
        check(&unavailable(500), [5, 1, 1]);
        check(&unavailable(502), [5, 1, 1]);
        check(&transport(), [5, 1, 1]);
        let timed_out = ApiError::TimedOut {
            host: String::new(),
            call: String::new(),
            after: Duration::ZERO,
            attempts: 1,
            is_tls: false,
        };
        check(&timed_out, [2, 1, 1]);
        let no_handshake = ApiError::HandshakeTimedOut {
            host: String::new(),
            call: String::new(),
            after: Duration::ZERO,
            attempts: 1,
        };
        check(&no_handshake, [2, 2, 2]);
        let too_slow = ApiError::TooSlow {
            host: String::new(),
            call: String::new(),
            bytes: 1,
            after: Duration::ZERO,
            attempts: 1,
        };
        check(&too_slow, [2, 1, 1]);
        let silent = ApiError::Silent {
            host: String::new(),
            in_a_row: 3,
        };
        check(&silent, [1, 1, 1]);
        let problem = TlsProblem::NotTls;
        let host = String::new();
        check(&ApiError::Tls { host, problem }, [1, 1, 1]);
        check(&ApiError::InitFailed, [2, 1, 1]);
        check(
            &ApiError::Unauthorised {
                multi_factor: false,
            },
            [1, 1, 1],
        );
        check(&ApiError::Conflict, [1, 1, 1]);
        check(&ApiError::PreconditionFailed, [1, 1, 1]);
        check(&ApiError::NoWhitelabel, [1, 1, 1]);
    }

    /// E23, C5: pauses double, are jittered, are capped, and obey the server.
    #[test]
    fn pauses() {
        #[track_caller]
        fn check(error: &ApiError, attempt: u32, chance: f64, milliseconds: u64) {
            let pause = policy().pause(error, Repeat::Read, attempt, Duration::ZERO, chance);
            assert_eq!(pause, Some(Duration::from_millis(milliseconds)));
        }
        check(&transport(), 1, 0.0, 125);
        check(&transport(), 1, 1.0, 250);
        check(&transport(), 2, 1.0, 500);
        check(&transport(), 4, 1.0, 2000);
        check(&limited(None), 1, 0.0, 1125);
        check(&limited(Some(30)), 1, 0.0, 30_000);
        check(&limited(Some(1)), 1, 1.0, 1250);
        let capped = RetryPolicy {
            attempts: 40,
            ..policy()
        };
        let pause = capped.pause(&transport(), Repeat::Read, 39, Duration::ZERO, 1.0);
        assert_eq!(pause, Some(capped.longest_pause));
    }

    /// A pause that would exceed the call's deadline is not started.
    #[test]
    fn deadline() {
        let elapsed = Duration::from_millis(119_900);
        let pause = policy().pause(&transport(), Repeat::Read, 1, elapsed, 0.0);
        assert_eq!(pause, None);
        let pause = policy().pause(&limited(Some(600)), Repeat::Read, 1, Duration::ZERO, 0.0);
        assert_eq!(pause, None);
    }
}
