//! Finds the apex of the zone that a name lies in.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType as WireType};

use super::{Place, ZoneError, Zones, is_below, parent};
use crate::dns::{Exchange, Failure, packet};
use crate::model::record::RecordName;

/// The labels under which the registries of countries register domains, where not right below the country's own.
const SECOND_LEVELS: [&str; 10] = [
    "ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org",
];

impl Zones {
    /// Finds the zone apex, going up name by name.
    pub(in crate::dns) async fn apex(
        &self,
        exchange: &Exchange,
        name: &RecordName,
    ) -> Result<RecordName, ZoneError> {
        let mut candidate = name.clone();
        let mut failed = None;
        let mut alias = None;
        loop {
            match self.place(exchange, &candidate).await {
                Ok(Place {
                    apex: Some(apex), ..
                }) if !is_public(&apex) => return Ok(apex),
                Ok(Place {
                    apex: Some(apex), ..
                }) => {
                    return match failed {
                        Some(failed) => Err(failed),
                        None => self.below_registry(exchange, name, apex, alias).await,
                    };
                }
                Ok(place) => alias = place.is_alias.then(|| candidate.clone()),
                // A resolver also fails where only this name is broken, as by an alias loop; the zone's own
                // servers know better.
                Err(error @ ZoneError::Failed(Failure::ServFail)) => failed = Some(error),
                Err(error) => return Err(error),
            }
            candidate = match parent(&candidate) {
                Some(parent) => parent,
                None => return Err(failed.unwrap_or(ZoneError::NotRegistered(name.clone()))),
            };
        }
    }

    /// Returns the apex for a name that the zone of a registry, or an internal zone of one label, answers for: that zone if
    /// the domain exists, or the domain itself if it is an alias and yet delegated.
    async fn below_registry(
        &self,
        exchange: &Exchange,
        name: &RecordName,
        registry: RecordName,
        alias: Option<RecordName>,
    ) -> Result<RecordName, ZoneError> {
        let Some(domain) = domain(name, &registry) else {
            return Ok(registry);
        };
        if alias.as_ref() == Some(&domain) && self.is_delegated(exchange, &domain).await {
            return Ok(domain);
        }
        if self.place(exchange, &domain).await?.exists {
            Ok(registry)
        } else {
            Err(ZoneError::NotRegistered(domain))
        }
    }

    /// Returns the apex of the zone that a name lies in, whoever owns it.
    pub(super) async fn enclosing(
        &self,
        exchange: &Exchange,
        name: &RecordName,
    ) -> Option<RecordName> {
        let mut candidate = name.clone();
        loop {
            if let Some(apex) = self.place(exchange, &candidate).await.ok()?.apex {
                return Some(apex);
            }
            candidate = parent(&candidate)?;
        }
    }

    async fn place(&self, exchange: &Exchange, name: &RecordName) -> Result<Place, ZoneError> {
        let lasting = |_: &_| !exchange.is_spent();
        let place = self
            .places
            .once(name, lasting, self.ask_place(exchange, name));
        place.await
    }

    /// Asks for a name's SOA; its owner, in the answer or in the authority section of a negative one, is the apex
    /// (RFC 2308, section 2).
    async fn ask_place(&self, exchange: &Exchange, name: &RecordName) -> Result<Place, ZoneError> {
        let message = match self.resolve(exchange, name, WireType::SOA).await {
            // Perhaps only an alias's target fails, and a question for the alias itself does not lead there.
            Err(ZoneError::Failed(Failure::ServFail | Failure::TimedOut)) => {
                self.resolve(exchange, name, WireType::CNAME).await?
            }
            answered => answered?,
        };
        let is_alias = (message.answers.iter()).any(|record| {
            matches!(record.data, RData::CNAME(_)) && packet::record_name(&record.name) == *name
        });
        let owners = message.answers.iter().chain(&message.authorities);
        let apex = owners
            .filter(|record| matches!(record.data, RData::SOA(_)))
            .map(|record| packet::record_name(&record.name))
            .find(|owner| is_below(name, owner));
        Ok(Place {
            apex: apex.filter(|_| !is_alias),
            is_alias,
            exists: is_alias || message.metadata.response_code == ResponseCode::NoError,
        })
    }
}

/// Returns whether a zone may be a registry's, whose servers know nothing of a brand: the root, one of one label, or one such
/// as `co.uk`. An internal zone that looks like one is told apart by its names, which exist.
fn is_public(apex: &RecordName) -> bool {
    match apex.as_str().split_once('.') {
        None => true,
        Some((second, top)) => apex.is_root() || top.len() == 2 && SECOND_LEVELS.contains(&second),
    }
}

/// Returns the name one label below `registry` that is `name` or above it.
fn domain(name: &RecordName, registry: &RecordName) -> Option<RecordName> {
    let mut at = name.clone();
    loop {
        let above = parent(&at).unwrap_or_else(|| RecordName::observed("."));
        if above == *registry {
            return Some(at);
        }
        at = parent(&at)?;
    }
}
