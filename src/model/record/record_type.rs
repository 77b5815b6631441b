//! The types of records.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A DNS record type that emblazon understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// An IPv4 address (RFC 1035, section 3.4.1).
    A,
    /// An IPv6 address (RFC 3596).
    Aaaa,
    /// An alias for another name (RFC 1035, section 3.3.1).
    Cname,
    /// A mail server (RFC 1035, section 3.3.9).
    Mx,
    /// A rewriting rule that a SIP phone uses to find its transports (RFC 3403).
    Naptr,
    /// A server of a service (RFC 2782).
    Srv,
    /// Text (RFC 1035, section 3.3.14).
    Txt,
    /// A rule that limits who may issue certificates (RFC 8659).
    Caa,
}

impl RecordType {
    /// All types.
    pub const ALL: [Self; 8] = [
        Self::A,
        Self::Aaaa,
        Self::Cname,
        Self::Mx,
        Self::Naptr,
        Self::Srv,
        Self::Txt,
        Self::Caa,
    ];

    /// Finds a type by its exact, upper-case name, as the template's keys spell it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|record_type| record_type.as_str() == text)
    }

    /// Returns the name, in upper case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Naptr => "NAPTR",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
            Self::Caa => "CAA",
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
