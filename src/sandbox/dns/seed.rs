//! The initial state of the DNS: the `dns` section of `sandbox.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::DnsFault;

/// Zones, keys, the resolver's cache, and faults.
///
/// ```yaml
/// zones:
///   acme.example:
///     ns: [ns1.dns.example, ns2.dns.example]
///     records:
///       - us-east A 192.0.2.10              # NAME [TTL] TYPE DATA; the name is relative, @ is the zone itself
///       - portal 60 CNAME ui.example.net
///     servers:
///       ns2.dns.example: { records: [us-east A 192.0.2.99], without: [portal CNAME] }
/// keys: { emblazon: { algorithm: hmac-sha256, secret: c2VjcmV0 } }
/// remembers: [us-east.acme.example 120 A 192.0.2.9]
/// faults:
///   - { server: ns1.dns.example, name: "*.acme.example", type: A, fault: servfail }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DnsSeed {
    /// The zones by name.
    pub zones: BTreeMap<String, ZoneSeed>,
    /// The keys with which updates may be signed, by name.
    pub keys: BTreeMap<String, KeySeed>,
    /// The resolver's cache, which takes precedence over the zones: `NAME [TTL] TYPE DATA`, or `NAME [TTL] TYPE` for a
    /// negative entry.
    pub remembers: Vec<String>,
    /// The name of the server that is also at `::1`; loopback has no other IPv6 address.
    pub ipv6: Option<String>,
    /// Scripted faults.
    pub faults: Vec<DnsFault>,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZoneSeed {
    /// The names of its servers; a server may serve several zones.
    pub ns: Vec<String>,
    /// The names of the servers that the parent zone delegates it to; those of `ns` if absent. They serve it as well.
    pub delegated_to: Option<Vec<String>>,
    /// The addresses that the parent zone gives for servers of the zone: those of other servers, by name.
    pub glue: BTreeMap<String, String>,
    /// How the zone is signed; it is not if absent.
    pub dnssec: Option<DnssecSeed>,
    /// The default TTL of records, in seconds.
    pub ttl: u32,
    /// The TTL of negative answers, in seconds (RFC 2308).
    pub negative_ttl: u32,
    /// The records, as `NAME [TTL] TYPE DATA`; names are relative to the zone unless they end in a dot, and names in
    /// the data are absolute.
    pub records: Vec<String>,
    /// The differences of single servers, by server name; `ipv6` is what the server at `::1` answers there.
    pub servers: BTreeMap<String, ServerSeed>,
}

impl Default for ZoneSeed {
    fn default() -> Self {
        Self {
            ns: vec!["ns1.dns.test".to_owned(), "ns2.dns.test".to_owned()],
            delegated_to: None,
            glue: BTreeMap::new(),
            dnssec: None,
            ttl: 300,
            negative_ttl: 60,
            records: Vec::new(),
            servers: BTreeMap::new(),
        }
    }
}

/// How a zone is signed. Nobody verifies the signatures here, so that they are of the right form only; the fault `bogus`
/// makes the resolver refuse a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DnssecSeed {
    /// In how many hours the signatures end; negative if they have.
    pub ends_in_hours: i32,
    /// Whether the parent vouches for another key than the zone has.
    pub is_other_key: bool,
}

impl Default for DnssecSeed {
    fn default() -> Self {
        Self {
            ends_in_hours: 14 * 24,
            is_other_key: false,
        }
    }
}

/// How one server of a zone differs from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSeed {
    /// Records that replace the zone's RRsets of the same names and types.
    pub records: Vec<String>,
    /// RRsets, as `NAME TYPE`, that this server lacks.
    pub without: Vec<String>,
    /// The names of the zone's servers by this one; those of `ns` if absent.
    pub ns: Option<Vec<String>>,
}

/// A key for updates.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySeed {
    /// `hmac-sha256`, `hmac-sha384` or `hmac-sha512`.
    pub algorithm: String,
    /// The secret in Base64.
    pub secret: String,
}

impl std::fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySeed")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
