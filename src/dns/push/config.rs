//! Where and how records are pushed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;

use super::PushError;
use crate::model::Secret;
use crate::tree::KeyAlgorithm;

/// The primary of the zones, with its secret already resolved.
#[derive(Clone, Debug)]
pub enum PushConfig {
    /// Dynamic updates, signed with TSIG (RFC 2136, RFC 8945).
    Rfc2136(Rfc2136Config),
    /// PowerDNS's HTTP API.
    PowerDns(PowerDnsConfig),
}

/// A primary that accepts dynamic updates.
#[derive(Clone, Debug)]
pub struct Rfc2136Config {
    /// `host:port`, `[address]:port`, or a host alone for port 53.
    pub server: String,
    /// The key that signs the messages.
    pub key: TsigKey,
}

/// A TSIG key.
#[derive(Clone, Debug)]
pub struct TsigKey {
    /// Key name, as the server knows it.
    pub name: String,
    /// HMAC algorithm.
    pub algorithm: KeyAlgorithm,
    /// Secret in Base64, as `tsig-keygen` prints it.
    pub secret: Secret,
}

/// Returns the wire form of an algorithm.
pub(super) fn wire(algorithm: KeyAlgorithm) -> TsigAlgorithm {
    match algorithm {
        KeyAlgorithm::HmacSha256 => TsigAlgorithm::HmacSha256,
        KeyAlgorithm::HmacSha512 => TsigAlgorithm::HmacSha512,
    }
}

impl TsigKey {
    /// Decodes the secret; an error message never shows any part of it.
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
    /// Base URL of the API, without `/api`; `http://` on loopback only.
    pub url: String,
    /// Value of the `X-API-Key` header.
    pub api_key: Secret,
    /// The server's id; `localhost` except behind proxies that serve several.
    pub server_id: String,
    /// Further certificate authorities, as PEM.
    pub ca_pem: Option<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_have_the_names_that_servers_use() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(
                wire(algorithm).to_name().to_string().trim_end_matches('.'),
                algorithm.as_str()
            );
        }
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
