//! Scripted faults of DNS: which answer goes wrong, and how.
//!
//! An update that is refused is not carried out; any other fault says itself whether it is.

use hickory_proto::rr::Name;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::sandbox::faults::glob;

/// Lets answers go wrong; whatever is not given matches all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsFault {
    /// The name of the server, or `resolver`.
    #[serde(default)]
    pub server: Option<String>,
    /// A pattern for the name that is asked; `*` stands for any run of characters.
    #[serde(default)]
    pub name: Option<String>,
    /// The type that is asked, such as `A`.
    #[serde(default, rename = "type")]
    pub record_type: Option<String>,
    /// The transport.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// The first matching question that goes wrong, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// Only each so many-th one from there on.
    #[serde(default = "one")]
    pub every: u64,
    /// How many of them; all when absent.
    #[serde(default)]
    pub times: Option<u64>,
    /// What goes wrong.
    #[serde(deserialize_with = "kind")]
    pub fault: DnsFaultKind,
}

fn one() -> u64 {
    1
}

/// Reads the kind as JSON has it: YAML's own way of writing such values would want a tag.
fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DnsFaultKind, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    serde_json::from_value(value).map_err(D::Error::custom)
}

/// How a question comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// In a packet.
    Udp,
    /// Over a connection.
    Tcp,
}

/// What goes wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsFaultKind {
    /// The server cannot find out.
    Servfail,
    /// The server does not answer us.
    Refused,
    /// The server does not know such questions.
    Notimp,
    /// No answer comes; over a connection, it ends. An update is carried out.
    Drop,
    /// The answer says that it was cut, whatever its size.
    Truncate,
    /// The answer lacks authority.
    Lame,
    /// SERVFAIL unless the question switches validation off, as for a wrong signature (RFC 4035, section 3.2.2).
    Bogus,
    /// Names in the answer are in mixed case.
    MangleCase,
    /// The bytes are no message; an update is not carried out.
    Garbage,
    /// Nothing is done, and nothing is said; a connection stays open.
    Hang,
    /// The answer lacks the signature that the question asks for.
    Unsigned,
    /// The answer has another id, as a forged one would.
    WrongId,
    /// The answer comes so many milliseconds later.
    DelayMs(u64),
}

impl DnsFault {
    /// Makes a fault that hits every question.
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

    /// Restricts it to one server, or to the `resolver`.
    #[must_use]
    pub fn at(mut self, server: &str) -> Self {
        self.server = Some(server.to_owned());
        self
    }

    /// Restricts it to names that match the pattern.
    #[must_use]
    pub fn named(mut self, pattern: &str) -> Self {
        self.name = Some(pattern.to_owned());
        self
    }

    /// Restricts it to the first so many matching questions.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Restricts it to matching questions from this one on, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// Restricts it to each so many-th matching question.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.every = every.max(1);
        self.nth = self.every;
        self
    }

    /// Restricts it to a transport.
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

/// Counts matching questions and says which faults hit.
#[derive(Debug, Default)]
pub(super) struct DnsFaultScript(Vec<(DnsFault, u64)>);

impl DnsFaultScript {
    pub(super) fn new(faults: Vec<DnsFault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    /// Returns what goes wrong with this question, in the order of the script.
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
