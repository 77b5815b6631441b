//! Who answers for a zone, by its parent and by each of its own servers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::dns::{Failure, Server};
use crate::model::record::RecordName;

/// The name servers of a zone, as somebody states them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NsClaim {
    /// The server of the zone that states it; `None` for the zone above.
    pub server: Option<Server>,
    /// The names of the servers.
    pub names: BTreeSet<RecordName>,
}

impl NsClaim {
    /// Returns who states it.
    #[must_use]
    pub fn by(&self) -> String {
        let server = self.server.as_ref();
        server.map_or_else(|| "the zone above it".to_owned(), ToString::to_string)
    }
}

/// Who names which servers of a zone, and how those do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delegation {
    /// What the zone above states, if it was asked, then what each of the zone's own servers does.
    pub claims: Vec<NsClaim>,
    /// The names of servers that are aliases, and of what.
    pub aliases: BTreeMap<RecordName, RecordName>,
    /// The addresses of servers that only the zone above gives.
    pub glue: BTreeSet<(RecordName, IpAddr)>,
    /// The servers that do not answer for the zone.
    pub lame: Vec<(Server, Failure)>,
    /// The servers that do not know EDNS.
    pub plain: Vec<Server>,
    /// The servers that do not answer over TCP; asked for a thorough check only.
    pub without_tcp: Vec<(Server, Failure)>,
}
