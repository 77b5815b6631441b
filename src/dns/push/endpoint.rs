//! A primary that accepts signed messages, and the key that signs them (RFC 8945).

use std::time::Duration;

use hickory_proto::rr::TSigner;

use super::{PushError, Rfc2136Config, config};
use crate::dns::packet::wire_name;
use crate::model::record::RecordName;

/// How many seconds the clocks may differ (RFC 8945, section 10).
const FUDGE: u16 = 300;

/// A primary that accepts signed messages.
pub(super) struct Endpoint {
    pub(super) server: String,
    pub(super) key: String,
    pub(super) signer: TSigner,
    /// How long one answer may take.
    pub(super) patience: Duration,
}

impl Endpoint {
    /// Takes the server and the key from the configuration.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub(super) fn new(config: &Rfc2136Config, patience: Duration) -> Result<Self, PushError> {
        let key = &config.key;
        let name = wire_name(&RecordName::observed(&key.name)).map_err(|_| {
            PushError::Configuration(format!(
                "key {:?} has no name that DNS can carry; copy it from the server",
                key.name
            ))
        })?;
        let signer = TSigner::new(key.octets()?, config::wire(key.algorithm), name, FUDGE)
            .map_err(|error| PushError::Configuration(format!("key {}: {error}", key.name)))?;
        Ok(Self {
            server: with_port(&config.server),
            key: key.name.clone(),
            signer,
            patience,
        })
    }
}

/// Adds the port of DNS if none is given.
fn with_port(server: &str) -> String {
    let has_port = server.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']'))
    });
    if has_port {
        server.to_owned()
    } else if server.contains(':') && !server.starts_with('[') {
        format!("[{server}]:53")
    } else {
        format!("{server}:53")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_a_port() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(with_port(text), expected);
        }
        check("ns.example.net", "ns.example.net:53");
        check("ns.example.net:5353", "ns.example.net:5353");
        check("192.0.2.1", "192.0.2.1:53");
        check("2001:db8::1", "[2001:db8::1]:53");
        check("[2001:db8::1]", "[2001:db8::1]:53");
        check("[2001:db8::1]:5353", "[2001:db8::1]:5353");
    }
}
