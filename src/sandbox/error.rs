//! Why a sandbox cannot start.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use super::dns::DnsError;

/// Why a sandbox cannot start.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// `sandbox.yaml` is invalid.
    #[error("sandbox.yaml: {0}")]
    Seed(String),
    /// The list of faults is invalid.
    #[error("faults: {0}")]
    Faults(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The state folder cannot be used.
    #[error("cannot use the state folder {}: {source}; choose another one or remove it", folder.display())]
    State {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The DNS servers cannot start.
    #[error(transparent)]
    Dns(#[from] DnsError),
    /// No key for a certificate can be made.
    #[error("the system gives no random numbers for a key")]
    Key,
    /// TLS cannot be set up.
    #[error("no TLS: {0}")]
    Tls(#[source] rustls::Error),
    /// The recording cannot be written.
    #[error("cannot write the recording {}: {source}", file.display())]
    Record {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
