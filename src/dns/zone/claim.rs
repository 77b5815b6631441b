//! Who answers for a zone, by its parent and by each of its own servers: resolvers ask both, by chance.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use hickory_proto::rr::RecordType as WireType;

use super::{Zone, ZoneError, Zones};
use crate::dns::packet::{self, QuerySettings};
use crate::dns::{Exchange, Server};
use crate::model::record::RecordName;

/// The name servers of a zone, as somebody states them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Who states it.
    by: String,
    names: BTreeSet<RecordName>,
}

impl Zones {
    /// Finds all servers of a zone, whoever names them, and notes where they are not named alike.
    pub(super) async fn claimed(
        &self,
        exchange: &Exchange,
        zone: &mut Zone,
    ) -> Result<(), ZoneError> {
        let (own, delegated) = tokio::join!(
            self.named(exchange, &zone.apex),
            Box::pin(self.delegated(exchange, &zone.apex))
        );
        let mut names = match (own, &delegated) {
            (Ok(own), _) => own,
            (Err(_), Some(_)) => BTreeSet::new(),
            (Err(error), None) => return Err(error),
        };
        names.extend(delegated.iter().flatten().cloned());
        self.add_all(exchange, zone, &names, 0).await;
        let mut claims: Vec<Claim> = delegated
            .map(|names| Claim {
                by: "the zone above it".to_owned(),
                names,
            })
            .into_iter()
            .collect();
        claims.extend(self.stated(exchange, zone).await);
        let others = claims.iter().flat_map(|claim| &claim.names).cloned();
        let others: BTreeSet<RecordName> = others.filter(|name| !names.contains(name)).collect();
        self.add_all(exchange, zone, &others, names.len()).await;
        zone.notes.extend(told_of_claims(&zone.apex, &claims));
        Ok(())
    }

    /// Asks each server of a zone, at one of its addresses, which servers the zone has.
    async fn stated(&self, exchange: &Exchange, zone: &Zone) -> Vec<Claim> {
        let Ok(query) = packet::query(&zone.apex, WireType::NS) else {
            return Vec::new();
        };
        let mut servers: Vec<&Server> = zone.servers.iter().collect();
        servers.dedup_by(|left, right| left.name == right.name);
        let asked = servers.into_iter().map(async |server| {
            let sent = exchange.send(server.address, &query, QuerySettings::Authoritative);
            let message = Box::pin(sent).await.ok()?;
            let is_own = packet::failure(&message, true).is_none();
            let names = packet::names_of_servers(&message.answers, &zone.apex);
            (is_own && !names.is_empty()).then(|| Claim {
                by: server.to_string(),
                names,
            })
        });
        join_all(asked).await.into_iter().flatten().collect()
    }
}

/// Returns a note if a zone's servers are not named alike by everybody.
fn told_of_claims(apex: &RecordName, claims: &[Claim]) -> Option<String> {
    let (first, others) = claims.split_first()?;
    let other = others.iter().find(|other| other.names != first.names)?;
    Some(format!(
        "the name servers of {apex} are {} according to {}, and {} according to {}, so that it depends on chance which ones are asked; enter the same ones where the domain is registered and in the zone",
        list(&first.names),
        first.by,
        list(&other.names),
        other.by
    ))
}

fn list(names: &BTreeSet<RecordName>) -> String {
    let names: Vec<&str> = names.iter().map(RecordName::as_str).collect();
    names.join(", ")
}
