//! Where and how records are pushed.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;

use super::PushError;
use crate::model::Secret;

/// The primary of the zones, with its secret already fetched.
#[derive(Clone, Debug)]
pub enum PushConfig {
    /// Dynamic updates, signed by TSIG (RFC 2136, RFC 8945).
    Rfc2136(Rfc2136Config),
    /// PowerDNS's HTTP API.
    PowerDns(PowerDnsConfig),
}

/// A primary that takes dynamic updates.
#[derive(Clone, Debug)]
pub struct Rfc2136Config {
    /// `host:port`, `[address]:port`, or a host alone for port 53.
    pub server: String,
    /// The key that signs.
    pub key: TsigKey,
}

/// A TSIG key.
#[derive(Clone, Debug)]
pub struct TsigKey {
    /// Its name, as the server knows it.
    pub name: String,
    /// Its algorithm.
    pub algorithm: KeyAlgorithm,
    /// Its secret in Base64, as `tsig-keygen` prints it.
    pub secret: Secret,
}

/// The algorithms that are worth having (RFC 8945, section 6).
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

    /// Finds one by its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Returns its name, as the servers' configurations spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    pub(super) fn wire(self) -> TsigAlgorithm {
        match self {
            Self::HmacSha256 => TsigAlgorithm::HmacSha256,
            Self::HmacSha512 => TsigAlgorithm::HmacSha512,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl TsigKey {
    /// Decodes the secret; the message never shows any part of it.
    pub(super) fn octets(&self) -> Result<Vec<u8>, PushError> {
        BASE64_STANDARD
            .decode(self.secret.expose().trim())
            .map_err(|_| {
                PushError::Configuration(format!(
                    "the secret of key {} is not Base64; copy it as `tsig-keygen` prints it",
                    self.name
                ))
            })
    }
}

/// A PowerDNS with its API switched on.
#[derive(Clone, Debug)]
pub struct PowerDnsConfig {
    /// Where the API is, up to and without `/api`; `http://` on loopback only.
    pub url: String,
    /// Goes into `X-API-Key`.
    pub api_key: Secret,
    /// The server's id; `localhost` but behind proxies that speak for several.
    pub server_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_have_the_names_that_servers_use() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(KeyAlgorithm::parse(algorithm.as_str()), Some(algorithm));
            assert_eq!(
                algorithm.wire().to_name().to_string().trim_end_matches('.'),
                algorithm.as_str()
            );
        }
        assert_eq!(KeyAlgorithm::parse("hmac-md5"), None);
    }

    #[test]
    fn a_secret_that_is_not_base64_is_not_shown() {
        let key = TsigKey {
            name: "emblazon".to_owned(),
            algorithm: KeyAlgorithm::default(),
            secret: Secret::new("canary!"),
        };
        let error = key.octets().unwrap_err();
        insta::assert_snapshot!(error, @"the secret of key emblazon is not Base64; copy it as `tsig-keygen` prints it");
        assert!(!format!("{key:?} {error:?}").contains("canary"));
    }
}
