//! Why the DNS servers cannot start.

use thiserror::Error;

/// Why the DNS servers cannot start.
#[derive(Debug, Error)]
pub enum DnsError {
    /// A line of the seed is wrong.
    #[error("dns record {line:?}: {reason}; write NAME [TTL] TYPE DATA")]
    Record {
        /// The line.
        line: String,
        /// What is wrong.
        reason: String,
    },
    /// A key of the seed is wrong.
    #[error("dns key {name:?}: {reason}")]
    Key {
        /// The key's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// There are more servers than addresses.
    #[error("over 250 DNS servers; let zones share servers")]
    TooManyServers,
    /// The addresses cannot be listened on.
    #[error("cannot listen for DNS on loopback: {0}; choose another port")]
    Listen(#[from] std::io::Error),
}
