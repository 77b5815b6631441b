//! Where records are pushed to, as declared in the tree, without the secrets themselves.

use std::fmt;

use camino::Utf8PathBuf;

use super::{Ownership, SecretSource};
use crate::diag::Spanned;

/// The time to live of new RRsets when it is left out, in seconds.
pub const DEFAULT_TTL: u32 = 3600;

/// The primary of the zones of accounts with `dns: manage`, from `dns: push` in `emblazon.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    /// Protocol used with the primary.
    pub method: PushMethod,
    /// Time to live of new RRsets in seconds.
    pub ttl: u32,
    /// Ownership of undeclared records in declared RRsets.
    pub ownership: Ownership,
}

/// The protocol used with a primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushMethod {
    /// Dynamic updates, signed by TSIG (RFC 2136, RFC 8945).
    Rfc2136 {
        /// Host or address, with a port if it is not 53.
        server: Spanned<String>,
        /// The key's name, as the server knows it.
        key: String,
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// Where the key's secret is kept, in Base64.
        secret: SecretSource,
    },
    /// PowerDNS's HTTP API.
    PowerDns {
        /// Base URL of the API, without `/api`.
        url: Spanned<String>,
        /// Where the API key is kept.
        api_key: SecretSource,
        /// Server id; `localhost`, except behind proxies for several servers.
        server_id: String,
        /// File with additional certificate authorities, relative to the root of the tree.
        ca_file: Option<Utf8PathBuf>,
    },
}

/// The supported TSIG algorithms (RFC 8945, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// HMAC with SHA-256, which every server supports.
    #[default]
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
}

impl KeyAlgorithm {
    /// All supported algorithms.
    pub const ALL: [Self; 2] = [Self::HmacSha256, Self::HmacSha512];

    /// Returns the name, as spelled in server configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
