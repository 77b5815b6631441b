//! Scripted DNS faults: which response goes wrong, and how.
//!
//! A refused update is not applied; all other faults document whether an update is applied.

use hickory_proto::rr::Name;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::sandbox::faults::glob;

/// A scripted fault; a criterion that is not given matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsFault {
    /// The name of the server, or `resolver`.
    #[serde(default)]
    pub server: Option<String>,
    /// A pattern for the name in the question; `*` matches any run of characters.
    #[serde(default)]
    pub name: Option<String>,
    /// The record type in the question, such as `A`.
    #[serde(default, rename = "type")]
    pub record_type: Option<String>,
    /// The transport.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// The first matching query that fails, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// The interval: from there on, only every n-th matching query fails.
    #[serde(default = "one")]
    pub every: u64,
    /// How many queries fail; all if absent.
    #[serde(default)]
    pub times: Option<u64>,
    /// The kind of fault.
    #[serde(deserialize_with = "kind")]
    pub fault: DnsFaultKind,
}

fn one() -> u64 {
    1
}

/// Deserialises the kind in its JSON form, because YAML would require a tag for it.
fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DnsFaultKind, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    serde_json::from_value(value).map_err(D::Error::custom)
}

/// The transport of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// Over a stream connection.
    Tcp,
}

/// What goes wrong with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsFaultKind {
    /// The response code SERVFAIL.
    Servfail,
    /// The response code REFUSED.
    Refused,
    /// The response code NOTIMP.
    Notimp,
    /// A query with EDNS gets a header with FORMERR and nothing else, as from a server that is older than EDNS (RFC 6891,
    /// section 7).
    NoEdns,
    /// No response is sent, and a TCP connection is closed. An update is applied.
    Drop,
    /// The response is truncated, whatever its size.
    Truncate,
    /// The response lacks the AA flag.
    Lame,
    /// SERVFAIL unless the query disables validation, as for a wrong signature (RFC 4035, section 3.2.2).
    Bogus,
    /// As `bogus`, with this extended error (RFC 8914).
    BogusFor(u16),
    /// Names in the response are in mixed case.
    MangleCase,
    /// The bytes are not a DNS message. An update is not applied.
    Garbage,
    /// No response is sent, and a TCP connection stays open. An update is not applied.
    Hang,
    /// The response lacks the TSIG signature that the request calls for.
    Unsigned,
    /// The response has a different message id, as a forged one would.
    WrongId,
    /// The response is delayed by this many milliseconds.
    DelayMs(u64),
}

impl DnsFault {
    /// Creates a fault that matches every query.
    #[must_use]
    pub fn new(fault: DnsFaultKind) -> Self {
        Self {
            server: None,
            name: None,
            record_type: None,
            transport: None,
            nth: 1,
            every: 1,
            times: None,
            fault,
        }
    }

    /// Limits the fault to one server, or to the `resolver`.
    #[must_use]
    pub fn at(mut self, server: &str) -> Self {
        self.server = Some(server.to_owned());
        self
    }

    /// Limits the fault to names that match the pattern.
    #[must_use]
    pub fn named(mut self, pattern: &str) -> Self {
        self.name = Some(pattern.to_owned());
        self
    }

    /// Limits the fault to one record type.
    #[must_use]
    pub fn of_type(mut self, record_type: &str) -> Self {
        self.record_type = Some(record_type.to_owned());
        self
    }

    /// Limits the fault to this many matching queries.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Limits the fault to matching queries from the n-th on, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Limits the fault to every n-th matching query.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.every = every.max(1);
        self.nth = self.every;
        self
    }

    /// Limits the fault to one transport.
    #[must_use]
    pub fn over(mut self, transport: Transport) -> Self {
        self.transport = Some(transport);
        self
    }

    fn matches(&self, server: &str, name: &str, wire_type: &str, transport: Transport) -> bool {
        let same = |wanted: &Option<String>, got: &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| wanted.trim_end_matches('.').eq_ignore_ascii_case(got))
        };
        same(&self.server, server)
            && same(&self.record_type, wire_type)
            && self.transport.is_none_or(|wanted| wanted == transport)
            && self
                .name
                .as_deref()
                .is_none_or(|pattern| glob(pattern.as_bytes(), name.as_bytes()))
    }
}

/// Counts matching queries and determines which faults apply.
#[derive(Debug, Default)]
pub(super) struct DnsFaultScript(Vec<(DnsFault, u64)>);

impl DnsFaultScript {
    pub(super) fn new(faults: Vec<DnsFault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    /// Returns the faults that apply to this query, in the order of the script.
    pub(super) fn hits(
        &mut self,
        server: &str,
        name: &Name,
        wire_type: &str,
        transport: Transport,
    ) -> Vec<DnsFaultKind> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let name = name.to_ascii().to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        let mut hits = Vec::new();
        for (fault, seen) in &mut self.0 {
            if !fault.matches(server, name, wire_type, transport) {
                continue;
            }
            *seen += 1;
            let Some(since) = seen.checked_sub(fault.nth) else {
                continue;
            };
            let in_turn = since % fault.every.max(1) == 0;
            let left = fault
                .times
                .is_none_or(|times| since / fault.every.max(1) < times);
            if in_turn && left {
                hits.push(fault.fault);
            }
        }
        hits
    }
}
