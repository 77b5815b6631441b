//! What the DNS starts with: the `dns` section of `sandbox.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::DnsFault;

/// Zones, keys, what the resolver remembers, and what goes wrong.
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
    /// What the resolver still remembers, whatever the zones say now: `NAME [TTL] TYPE DATA`, or `NAME [TTL] TYPE`
    /// for "there is nothing".
    pub remembers: Vec<String>,
    /// Answers that go wrong.
    pub faults: Vec<DnsFault>,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZoneSeed {
    /// The names of its servers; each name is one server, which may serve several zones.
    pub ns: Vec<String>,
    /// Seconds that records hold which do not say so.
    pub ttl: u32,
    /// Seconds that "there is nothing" holds (RFC 2308).
    pub negative_ttl: u32,
    /// The records, as `NAME [TTL] TYPE DATA`; names end in the zone unless they end in a dot, and names inside the data
    /// are whole ones.
    pub records: Vec<String>,
    /// What a server says differently, by its name.
    pub servers: BTreeMap<String, ServerSeed>,
}

impl Default for ZoneSeed {
    fn default() -> Self {
        Self {
            ns: vec!["ns1.dns.test".to_owned()],
            ttl: 300,
            negative_ttl: 60,
            records: Vec::new(),
            servers: BTreeMap::new(),
        }
    }
}

/// What one server of a zone says differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSeed {
    /// Records in place of all that the zone has at their names and types.
    pub records: Vec<String>,
    /// Names and types, as `NAME TYPE`, that this server does not know.
    pub without: Vec<String>,
}

/// A key for updates.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySeed {
    /// `hmac-sha256`, `hmac-sha384` or `hmac-sha512`.
    pub algorithm: String,
    /// The secret in base 64.
    pub secret: String,
}

impl std::fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySeed")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
