//! Asks a zone's parent whom it delegates the zone to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use hickory_proto::rr::RecordType as WireType;

use super::{Server, Zones, parent};
use crate::dns::Exchange;
use crate::dns::packet::{self, QuerySettings};
use crate::model::record::RecordName;

/// How many servers of a parent zone are tried.
const MOST_PARENTS: usize = 3;

/// What the zone above says of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Referral {
    /// The names of the servers that it delegates the zone to.
    pub(super) names: BTreeSet<RecordName>,
    /// The addresses that it gives for them.
    pub(super) glue: BTreeMap<RecordName, BTreeSet<IpAddr>>,
}

impl Zones {
    /// Returns whether a name is the apex of a zone of its own, as far as anybody says so.
    pub(super) async fn is_delegated(&self, exchange: &Exchange, name: &RecordName) -> bool {
        let named = self.named(exchange, name).await;
        named.is_ok_and(|names| !names.is_empty()) || self.delegated(exchange, name).await.is_some()
    }

    /// Returns what a server of the parent zone refers to (RFC 1034, section 4.2.1); `None` if none of them refers.
    pub(super) async fn delegated(
        &self,
        exchange: &Exchange,
        apex: &RecordName,
    ) -> Option<Referral> {
        // Nobody runs the root himself.
        let above = self.enclosing(exchange, &parent(apex)?).await?;
        let query = packet::query(apex, WireType::NS).ok()?;
        for server in self.parents(exchange, &above).await {
            let asked = exchange.send(server.address, &query, QuerySettings::Authoritative);
            if let Ok(message) = Box::pin(asked).await
                && packet::failure(&message, false).is_none()
            {
                let names = packet::names_of_servers(&message.authorities, apex);
                let refers = !message.metadata.authoritative && !names.is_empty();
                let glue = packet::addresses_of(&message.additionals, &names);
                return refers.then_some(Referral { names, glue });
            }
        }
        None
    }

    /// Returns a few servers of a parent zone.
    async fn parents(&self, exchange: &Exchange, parent: &RecordName) -> Vec<Server> {
        let lasting = |_: &_| !exchange.is_spent();
        let found = self.parents.once(parent, lasting, async {
            let names = self.named(exchange, parent).await.unwrap_or_default();
            let mut servers = Vec::new();
            for name in names.iter().take(MOST_PARENTS) {
                if let Ok(addresses) = self.addresses_of(exchange, name).await {
                    let first = addresses.all.iter().take(1).copied();
                    let (asked, _) = self.servers_at(name, first);
                    servers.extend(asked);
                }
            }
            servers
        });
        found.await
    }
}
