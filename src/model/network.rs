//! IP networks, and which addresses are not public.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// A range of addresses in CIDR notation, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The error for a string that is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is no network")]
pub struct NetworkError;

impl Network {
    /// The IPv4 loopback network, where lab setups run their servers.
    pub const LOOPBACK: Self = Self {
        address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
        prefix: 8,
    };

    /// The IPv6 loopback address.
    pub const LOOPBACK_IPV6: Self = Self {
        address: IpAddr::V6(Ipv6Addr::LOCALHOST),
        prefix: 128,
    };

    /// Returns whether an address is in the network.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Parses `ADDRESS/PREFIX`, or a single address.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NetworkError)?,
            None => most,
        };
        if prefix > most {
            return Err(NetworkError);
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Returns whether an address is not globally reachable: loopback, private, link-local, multicast, shared or reserved
/// (RFC 6890), including IPv6 addresses that embed such an IPv4 address.
#[must_use]
pub fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_inside_v4(address),
        IpAddr::V6(address) => {
            let segments = address.segments();
            let [first, second, ..] = segments;
            let last = {
                let [.., high, low] = segments;
                Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
            };
            let is_wrapped = match segments {
                // IPv4-mapped, IPv4-compatible, IPv4-translated (RFC 7915), and the translation prefix (RFC 6052).
                [0, 0, 0, 0, 0, 0xffff | 0, _, _]
                | [0, 0, 0, 0, 0xffff, 0, _, _]
                | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_inside_v4(last),
                // 6to4 (RFC 3056).
                [0x2002, high, low, ..] => {
                    is_inside_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
                }
                _ => false,
            };
            is_wrapped
                || address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                // The prefix for local-use translation (RFC 8215), and the deprecated site-local prefix.
                || (first == 0x64 && second == 0xff9b && segments.get(2) == Some(&1))
                || first & 0xffc0 == 0xfec0
                // Teredo (RFC 4380).
                || (first == 0x2001 && second == 0)
        }
    }
}

fn is_inside_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || first == 0
        || first >= 240
        || (first == 100 && second & 0xc0 == 64)
        // Assigned to protocols (RFC 6890), and to benchmarks (RFC 2544).
        || (first, second, third) == (192, 0, 0)
        || (first == 198 && second & 0xfe == 18)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public() {
        #[track_caller]
        fn check(address: &str, expected: bool) {
            assert_eq!(is_inside(address.parse().unwrap()), expected, "{address}");
        }
        for inside in [
            "127.0.0.1",
            "127.255.1.1",
            "192.0.0.170",
            "198.18.0.1",
            "198.19.255.255",
            "::ffff:0:127.0.0.1",
            "2001::1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "224.0.0.251",
            "239.1.1.1",
            "255.255.255.255",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::fb",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.1.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
        ] {
            check(inside, true);
        }
        for public in [
            "192.0.2.1",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "169.253.1.1",
            "223.255.255.255",
            "2001:db8::1",
            "2620:fe::fe",
            "::ffff:192.0.2.1",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            check(public, false);
        }
    }

    #[test]
    fn networks() {
        #[track_caller]
        fn check(network: &str, inside: &[&str], outside: &[&str]) {
            let parsed: Network = network.parse().unwrap();
            for address in inside {
                assert!(
                    parsed.contains(address.parse().unwrap()),
                    "{network} {address}"
                );
            }
            for address in outside {
                assert!(
                    !parsed.contains(address.parse().unwrap()),
                    "{network} {address}"
                );
            }
        }
        check(
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
            &["11.0.0.0", "9.255.255.255", "::a00:1"],
        );
        check("10.1.2.3", &["10.1.2.3"], &["10.1.2.2"]);
        check("0.0.0.0/0", &["1.2.3.4"], &["::1"]);
        check("fd00::/8", &["fd00::1", "fdff::"], &["fc00::1", "10.0.0.1"]);
        check("::1", &["::1"], &["::2"]);
        assert!(Network::LOOPBACK.contains("127.9.9.9".parse().unwrap()));
        for wrong in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/x",
            "10.0.0.0/",
            "net",
            "10.0.0.0/-1",
        ] {
            assert_eq!(wrong.parse::<Network>(), Err(NetworkError), "{wrong}");
        }
    }
}
