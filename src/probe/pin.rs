//! Addresses that the caller names for a host, as `HOST:PORT:ADDR`.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use thiserror::Error;

/// The address to use for one host and port, instead of what DNS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The host, in lower case.
    pub host: String,
    /// The port that the customer's browser uses.
    pub port: u16,
    /// The address to connect to.
    pub address: SocketAddr,
}

/// The text names no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "write HOST:PORT:ADDR, such as portal.example.com:443:192.0.2.80 or api.example.com:8000:[::1]:8443"
)]
pub struct PinError;

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl FromStr for Pin {
    type Err = PinError;

    /// Parses `HOST:PORT:ADDR`; the address may carry a port of its own.
    fn from_str(text: &str) -> Result<Self, PinError> {
        let (host, rest) = text.split_once(':').ok_or(PinError)?;
        let (port, address) = rest.split_once(':').ok_or(PinError)?;
        let port = port.parse().map_err(|_| PinError)?;
        if host.is_empty() || port == 0 {
            return Err(PinError);
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
            address: parse_address(address, port)?,
        })
    }
}

fn parse_address(text: &str, port: u16) -> Result<SocketAddr, PinError> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let alone: Result<IpAddr, _> = bare.unwrap_or(text).parse();
    match alone {
        Ok(address) => Ok(SocketAddr::new(address, port)),
        Err(_) => text.parse().map_err(|_| PinError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, u16, &str)>) {
            let found = text.parse::<Pin>().ok();
            let found = found.map(|pin| (pin.host, pin.port, pin.address.to_string()));
            let expected =
                expected.map(|(host, port, address)| (host.to_owned(), port, address.to_owned()));
            assert_eq!(found, expected, "{text}");
        }
        check(
            "A.example:443:192.0.2.1",
            Some(("a.example", 443, "192.0.2.1:443")),
        );
        check(
            "a.example:443:127.0.0.1:8443",
            Some(("a.example", 443, "127.0.0.1:8443")),
        );
        check(
            "a.example:443:2001:db8::1",
            Some(("a.example", 443, "[2001:db8::1]:443")),
        );
        check(
            "a.example:443:[2001:db8::1]",
            Some(("a.example", 443, "[2001:db8::1]:443")),
        );
        check(
            "a.example:443:[::1]:99",
            Some(("a.example", 443, "[::1]:99")),
        );
        for wrong in [
            "",
            "a.example",
            "a.example:443",
            "a.example:443:b.example",
            ":443:192.0.2.1",
            "a:0:192.0.2.1",
            "a:x:192.0.2.1",
        ] {
            check(wrong, None);
        }
    }
}
