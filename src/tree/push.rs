//! Where records are pushed to, as the tree declares it: without the secrets themselves.

use std::fmt;

use camino::Utf8PathBuf;

use super::{Ownership, SecretSource};
use crate::diag::Spanned;

/// The primary of the zones of accounts with `dns: manage`, from `dns: push` in `emblazon.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    /// How the primary is spoken to.
    pub method: PushMethod,
    /// The time to live of new sets in seconds, when it is declared.
    pub ttl: Option<u32>,
    /// Whose the undeclared records in declared sets are.
    pub ownership: Ownership,
}

/// How a primary is spoken to.
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
        /// Where the API is, up to and without `/api`.
        url: Spanned<String>,
        /// Where the API key is kept.
        api_key: SecretSource,
        /// The server's id; `localhost` but behind proxies that speak for several.
        server_id: String,
        /// A file with further certificate authorities, from the tree's top.
        ca_file: Option<Utf8PathBuf>,
    },
}

/// The TSIG algorithms that are worth having (RFC 8945, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// HMAC with SHA-256: every server has it.
    #[default]
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
}

impl KeyAlgorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::HmacSha256, Self::HmacSha512];

    /// Returns its name, as the servers' configurations spell it.
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
