//! Finds the servers of a zone, whoever names them: resolvers ask all of them, by chance.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures_util::future::join_all;
use hickory_proto::rr::RecordType as WireType;

use super::claim::NsClaim;
use super::{MOST_ADDRESSES, Zone, ZoneError, Zones};
use crate::dns::packet::{self, QuerySettings};
use crate::dns::{Exchange, Server};
use crate::model::record::RecordName;

impl Zones {
    /// Finds all servers of a zone, whoever names them, and notes who does.
    pub(super) async fn claimed(
        &self,
        exchange: &Exchange,
        zone: &mut Zone,
    ) -> Result<(), ZoneError> {
        let (own, referral) = tokio::join!(
            self.named(exchange, &zone.apex),
            Box::pin(self.delegated(exchange, &zone.apex))
        );
        let mut names = match (own, &referral) {
            (Ok(own), _) => own,
            (Err(_), Some(_)) => BTreeSet::new(),
            (Err(error), None) => return Err(error),
        };
        names.extend(referral.iter().flat_map(|it| &it.names).cloned());
        self.add_all(exchange, zone, &names, 0).await;
        if let Some(referral) = referral {
            self.add_glue(zone, &referral.glue);
            zone.delegation.claims.push(NsClaim {
                server: None,
                names: referral.names,
            });
        }
        self.ask_servers(exchange, zone).await;
        let claims = zone.delegation.claims.iter();
        let others = claims.flat_map(|claim| &claim.names).cloned();
        let others: BTreeSet<RecordName> = others.filter(|name| !names.contains(name)).collect();
        self.add_all(exchange, zone, &others, names.len()).await;
        Ok(())
    }

    /// Adds the addresses that only the zone above gives: resolvers begin there.
    fn add_glue(&self, zone: &mut Zone, glue: &BTreeMap<RecordName, BTreeSet<IpAddr>>) {
        for (name, addresses) in glue {
            let known: BTreeSet<IpAddr> = zone
                .servers
                .iter()
                .chain(zone.unreachable.iter().map(|(server, _)| server))
                .filter(|server| server.name.as_deref() == Some(name.as_str()))
                .map(|server| server.address.ip())
                .collect();
            // Where this machine has no route to IPv6, addresses of that family were left out.
            let has_family =
                |address: &IpAddr| address.is_ipv4() || known.iter().any(IpAddr::is_ipv6);
            let others = addresses.difference(&known).copied().filter(has_family);
            for address in others.take(MOST_ADDRESSES) {
                let (asked, unreachable) = self.servers_at(name, std::iter::once(address));
                zone.servers.extend(asked);
                zone.unreachable.extend(unreachable);
                zone.delegation.glue.insert((name.clone(), address));
            }
        }
    }

    /// Asks each server of a zone, at one of its addresses, which servers the zone has, and notes how it answers.
    async fn ask_servers(&self, exchange: &Exchange, zone: &mut Zone) {
        let Ok(query) = packet::query(&zone.apex, WireType::NS) else {
            return;
        };
        let mut servers: Vec<Server> = zone.servers.clone();
        servers.dedup_by(|left, right| left.name == right.name);
        let asked = servers.into_iter().map(async |server| {
            let sent = exchange.send(server.address, &query, QuerySettings::Authoritative);
            let answer = Box::pin(sent).await;
            let over_tcp = if self.options.is_thorough && answer.is_ok() {
                exchange.send_over_tcp(server.address, &query).await.err()
            } else {
                None
            };
            (server, answer, over_tcp)
        });
        for (server, answer, over_tcp) in join_all(asked).await {
            let delegation = &mut zone.delegation;
            if exchange.lacks_edns(server.address) {
                delegation.plain.push(server.clone());
            }
            delegation
                .without_tcp
                .extend(over_tcp.map(|failure| (server.clone(), failure)));
            // Who is silent may be back in a moment.
            let Ok(message) = answer else { continue };
            let names = packet::names_of_servers(&message.answers, &zone.apex);
            match packet::failure(&message, true) {
                Some(failure) => delegation.lame.push((server, failure)),
                None if names.is_empty() => {}
                None => delegation.claims.push(NsClaim {
                    server: Some(server),
                    names,
                }),
            }
        }
    }
}
