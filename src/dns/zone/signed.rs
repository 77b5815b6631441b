//! Asks how a zone is signed, if its parent says that it is.

use std::sync::Arc;

use futures_util::future::join_all;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::op::Message;
use hickory_proto::rr::RecordType as WireType;

use super::signing::{self, Signing};
use super::{Zone, Zones};
use crate::dns::packet::{self, QuerySettings};
use crate::dns::{Exchange, Server};

impl Zones {
    /// Returns how a zone is signed; `None` if its parent does not vouch for it, or cannot be asked.
    pub(in crate::dns) async fn signing(
        &self,
        exchange: &Exchange,
        zone: &Zone,
    ) -> Option<Arc<Signing>> {
        let lasting = |_: &_| !exchange.is_spent();
        let signing = self.signings.once(&zone.apex, lasting, async {
            let signing = Box::pin(self.ask_signing(exchange, zone)).await?;
            Some(Arc::new(signing))
        });
        signing.await
    }

    async fn ask_signing(&self, exchange: &Exchange, zone: &Zone) -> Option<Signing> {
        let message = self
            .resolve(exchange, &zone.apex, WireType::DS)
            .await
            .ok()?;
        let vouched = signing::vouched(&message);
        if vouched.is_empty() {
            return None;
        }
        let mut signing = Signing {
            tags: vouched.iter().map(DS::key_tag).collect(),
            has_matching_key: None,
            ends: Vec::new(),
        };
        let mut servers: Vec<&Server> = zone.servers.iter().collect();
        servers.dedup_by(|left, right| left.name == right.name);
        for server in servers.iter().copied() {
            if let Some(message) = signed(exchange, zone, server, WireType::DNSKEY).await {
                signing.has_matching_key = signing::matches(&message, &vouched);
                let end = signing::end(&message, WireType::DNSKEY);
                signing.ends.extend(end.map(|end| (server.clone(), end)));
                break;
            }
        }
        let ends = servers.iter().copied().map(async |server| {
            let message = signed(exchange, zone, server, WireType::SOA).await?;
            Some((server.clone(), signing::end(&message, WireType::SOA)?))
        });
        signing
            .ends
            .extend(join_all(ends).await.into_iter().flatten());
        Some(signing)
    }
}

/// Asks a server for the records at the top of a zone, and their signatures.
async fn signed(
    exchange: &Exchange,
    zone: &Zone,
    server: &Server,
    wire_type: WireType,
) -> Option<Box<Message>> {
    let query = packet::query(&zone.apex, wire_type).ok()?;
    let sent = exchange.send(server.address, &query, QuerySettings::Signed);
    let message = Box::pin(sent).await.ok()?;
    packet::failure(&message, true).is_none().then_some(message)
}
