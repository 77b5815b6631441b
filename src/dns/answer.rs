//! A DNS server's answer to a question.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::record::{RecordData, RecordName};

/// One server's answer to one question; empty, nonexistent and failed are kept apart (design, section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There are records, perhaps behind aliases.
    Found(Found),
    /// The name exists without records of the type (RFC 2308, section 2.2).
    NoData {
        /// How long a resolver may cache this, in seconds, if the answer says so.
        negative_ttl: Option<u32>,
    },
    /// The name does not exist (RFC 2308, section 2.1).
    NxDomain {
        /// How long a resolver may cache this, in seconds, if the answer says so.
        negative_ttl: Option<u32>,
    },
    /// No answer that says anything about the name.
    Failed(Failure),
}

/// The records of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Aliases followed within the answer, starting at the name that was asked for.
    pub aliases: Vec<RecordName>,
    /// Records at the end of the aliases; empty when there are none, or an alias leads out of what the server knows.
    pub records: BTreeSet<RecordData>,
    /// How long the whole answer may be cached, in seconds.
    pub ttl: u32,
}

/// Why an answer says nothing about the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// No answer within the time, over all repeats; or the server was silent just before.
    TimedOut,
    /// The server could not be reached.
    Unreachable(String),
    /// SERVFAIL: the server could not resolve the name.
    ServFail,
    /// The resolver answers only when it does not validate DNSSEC signatures; the reason, if it named one.
    Bogus(Option<&'static str>),
    /// REFUSED: the server does not answer us.
    Refused,
    /// The server is listed for the zone but is not authoritative for it (a lame delegation).
    Lame,
    /// Another response code.
    Code(String),
    /// The aliases form a loop.
    AliasLoop,
    /// The bytes are not an answer to the question.
    Malformed(String),
    /// The server was not asked; the reason says what to do.
    NotAsked(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Unreachable(reason) => write!(f, "not reachable: {reason}"),
            Self::ServFail => f.write_str("SERVFAIL"),
            Self::Bogus(None) => f.write_str("refuses it, because DNSSEC validation fails"),
            Self::Bogus(Some(reason)) => {
                write!(f, "refuses it, because DNSSEC validation fails: {reason}")
            }
            Self::Refused => f.write_str("REFUSED"),
            Self::Lame => f.write_str("lame: not authoritative for the zone"),
            Self::Code(code) => write!(f, "answered {code}"),
            Self::AliasLoop => f.write_str("its CNAMEs form a loop"),
            Self::Malformed(reason) => write!(f, "sent an invalid answer: {reason}"),
            Self::NotAsked(reason) => write!(f, "not asked: {reason}"),
        }
    }
}

impl Answer {
    /// Returns the name's records, empty if the name or type does not exist; `None` if the answer says nothing
    /// about it.
    #[must_use]
    pub fn records(&self) -> Option<BTreeSet<RecordData>> {
        match self {
            Self::Found(found) => Some(found.records.clone()),
            Self::NoData { .. } | Self::NxDomain { .. } => Some(BTreeSet::new()),
            Self::Failed(_) => None,
        }
    }

    /// Returns how long a resolver may cache this answer, in seconds.
    #[must_use]
    pub fn ttl(&self) -> Option<u32> {
        match self {
            Self::Found(found) => Some(found.ttl),
            Self::NoData { negative_ttl } | Self::NxDomain { negative_ttl } => *negative_ttl,
            Self::Failed(_) => None,
        }
    }
}
