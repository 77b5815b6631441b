//! Explains why no answer came.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::ApiError;
use super::redact::Redaction;
use crate::transport::{TlsProblem, innermost};

/// How long a host has to take a connection when the question is only whether it takes any.
const LOOK: Duration = Duration::from_secs(1);

/// An attempt of a request that had no answer.
pub(super) struct NoAnswer<'a> {
    /// Host and port.
    pub host: &'a str,
    /// Whether the URL begins with `https://`.
    pub is_tls: bool,
    /// Method and path.
    pub call: &'a str,
    /// How long connecting may take.
    pub connect: Duration,
    /// How long the attempt may take.
    pub timeout: Duration,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

impl NoAnswer<'_> {
    /// Explains an error, and finds out what was silent: the address, or only the TLS behind it.
    ///
    /// The HTTP client has one timeout for both, and does not say how far it came.
    pub(super) async fn investigate(&self, error: &reqwest::Error) -> ApiError {
        let is_silent = error.is_connect() && error.is_timeout();
        if self.is_tls && is_silent && takes_connections(self.host).await {
            return ApiError::HandshakeTimedOut {
                host: self.host.to_owned(),
                call: self.call.to_owned(),
                after: self.connect,
                attempts: self.attempt,
            };
        }
        self.explain(error)
    }

    /// Explains an error.
    pub(super) fn explain(&self, error: &reqwest::Error) -> ApiError {
        let host = self.host.to_owned();
        let problem = if self.is_tls && error.is_connect() {
            TlsProblem::of_connecting(error)
        } else {
            TlsProblem::of(error)
        };
        if let Some(problem) = problem {
            return ApiError::Tls { host, problem };
        }
        let call = self.call.to_owned();
        let reason = Redaction::default().clean(&innermost(error));
        if error.is_connect() {
            let is_silent = error.is_timeout();
            let reason = if is_silent {
                let seconds = self.connect.as_secs_f64();
                format!("nobody answers at that address within {seconds} s")
            } else {
                reason
            };
            ApiError::Connect {
                host,
                reason,
                is_silent,
            }
        } else if error.is_timeout() {
            ApiError::TimedOut {
                host,
                call,
                after: self.timeout,
                attempts: self.attempt,
                is_tls: self.is_tls,
            }
        } else if error.is_builder() {
            ApiError::Configuration(reason)
        } else {
            ApiError::Transport {
                host,
                call,
                attempts: self.attempt,
                is_tls: self.is_tls,
                reason,
            }
        }
    }
}

/// Returns whether a host takes a connection.
async fn takes_connections(host: &str) -> bool {
    matches!(timeout(LOOK, TcpStream::connect(host)).await, Ok(Ok(_)))
}
