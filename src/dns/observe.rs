//! Looks up what is expected in DNS: at each authoritative server and each resolver, once per question.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;

use super::verdict::Flattened;
use super::zone::{Signing, Zone, ZoneError, ZoneOptions, Zones};
use super::{
    Answer, Exchange, Expected, Failure, Observation, Observed, Question, Server, resolvers,
    validation,
};
use crate::model::record::{RecordData, RecordName, RecordType};

/// Looks up hosts, and caches the zones it finds.
#[derive(Debug)]
pub struct Observer {
    exchange: Exchange,
    zones: Arc<Zones>,
    resolvers: Vec<SocketAddr>,
}

impl Observer {
    /// Creates an observer.
    #[must_use]
    pub fn new(exchange: Exchange, options: ZoneOptions) -> Self {
        Self {
            exchange,
            resolvers: options.resolvers.clone(),
            zones: Arc::new(Zones::new(options)),
        }
    }

    /// Returns an observer that shares this one's cache but has its own limit on questions.
    pub(super) fn for_one_domain(&self, questions: u64) -> Self {
        Self {
            exchange: self.exchange.for_one_domain(questions),
            zones: Arc::clone(&self.zones),
            resolvers: self.resolvers.clone(),
        }
    }

    /// Returns the exchange, which counts the traffic.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Finds the zone of a name.
    ///
    /// # Errors
    /// When the name is not registered, or the resolvers give no usable answer.
    pub(super) async fn zone(&self, name: &RecordName) -> Result<Arc<Zone>, ZoneError> {
        self.zones.of(&self.exchange, name).await
    }

    /// Returns the zone with this apex.
    ///
    /// # Errors
    /// When the resolvers give no usable answer.
    pub(super) async fn zone_at(&self, apex: &RecordName) -> Result<Arc<Zone>, ZoneError> {
        self.zones.at(&self.exchange, apex).await
    }

    /// Returns how a zone is signed, if its parent vouches for it.
    pub(super) async fn signing(&self, zone: &Zone) -> Option<Arc<Signing>> {
        self.zones.signing(&self.exchange, zone).await
    }

    /// Returns how DNS is asked, and what for.
    pub(super) fn options(&self) -> &ZoneOptions {
        self.zones.options()
    }

    /// Returns the domain that a name would lie in and that nobody has registered, if so; a top-level domain is none.
    pub(super) async fn unregistered(&self, name: &RecordName) -> Option<RecordName> {
        match Box::pin(self.zones.apex(&self.exchange, name)).await {
            Err(ZoneError::NotRegistered(domain)) if domain.as_str().contains('.') => Some(domain),
            Err(_) | Ok(_) => None,
        }
    }

    /// Returns how many resolvers there are.
    pub(super) fn resolvers(&self) -> usize {
        self.resolvers.len()
    }

    /// Asks the resolvers until one answers, if only that it cannot; tells bogus names from other failures.
    pub(super) async fn ask_a_resolver(&self, question: &Question) -> Option<Answer> {
        let ask = async |resolver| match self.ask_resolver(resolver, question).await {
            silent @ Answer::Failed(Failure::TimedOut | Failure::Unreachable(_)) => Err(silent),
            answer => Ok(answer),
        };
        let answer = resolvers::first_answer(&self.resolvers, ask).await?;
        Some(answer.unwrap_or_else(|silent| silent))
    }

    /// Asks the servers of a zone until one answers, where one answer is enough.
    pub(super) async fn ask_a_server(&self, zone: &Zone, question: &Question) -> Option<Answer> {
        let ask = async |server| match self.exchange.ask_authoritative(server, question).await {
            failed @ Answer::Failed(_) => Err(failed),
            answer => Ok(answer),
        };
        let servers: Vec<SocketAddr> = zone.servers.iter().map(|it| it.address).collect();
        let answer = resolvers::first_answer(&servers, ask).await?;
        Some(answer.unwrap_or_else(|failed| failed))
    }

    async fn ask_resolver(&self, resolver: SocketAddr, question: &Question) -> Answer {
        validation::ask(&self.exchange, resolver, question).await
    }

    /// Observes everything that is expected of one domain, in the order given.
    pub async fn observe(&self, expected: &[Expected]) -> Vec<Observation> {
        join_all(expected.iter().map(|expected| self.observe_one(expected))).await
    }

    async fn observe_one(&self, expected: &Expected) -> Observation {
        let question = &expected.question;
        let resolvers = join_all(self.resolvers.iter().map(|address| async {
            Observed {
                server: Server {
                    name: None,
                    address: *address,
                },
                answer: self.ask_resolver(*address, question).await,
            }
        }));
        let zone = self.zones.of(&self.exchange, &question.name);
        let (resolvers, zone) = tokio::join!(resolvers, zone);
        let mut observation = Observation {
            resolvers,
            ..Observation::default()
        };
        match zone {
            Ok(zone) => {
                let (zone, authoritative) = Box::pin(self.ask_holder(zone, question)).await;
                observation.zone = Some(zone.apex.clone());
                observation.notes.clone_from(&zone.notes);
                observation.authoritative = authoritative;
                observation.flattened = self.flattened(&zone, expected, &observation).await;
            }
            Err(ZoneError::NotRegistered(_)) => observation.not_registered = true,
            Err(ZoneError::Failed(failure)) => observation.zone_failure = Some(failure),
        }
        observation
    }

    /// Asks the servers of a zone, or, where they refer to others for the name itself, those: an alias at the top of a zone
    /// hides that it is one.
    async fn ask_holder(&self, zone: Arc<Zone>, question: &Question) -> (Arc<Zone>, Vec<Observed>) {
        let answers = Box::pin(self.ask_chain(&zone, question, 0)).await;
        let is_lame = |it: &Observed| it.answer == Answer::Failed(Failure::Lame);
        if !answers.is_empty()
            && answers.iter().all(is_lame)
            && question.name != zone.apex
            && let Some(below) = self.zones.below(&self.exchange, &question.name).await
        {
            let answers = Box::pin(self.ask_chain(&below, question, 0)).await;
            return (below, answers);
        }
        (zone, answers)
    }

    /// Asks each server of a zone.
    pub(super) async fn ask_zone(&self, zone: &Arc<Zone>, question: &Question) -> Vec<Observed> {
        let others = zone.servers.iter().any(|server| server.address.is_ipv4());
        let is_out_of_reach =
            |server: &Server| others && server.address.is_ipv6() && self.exchange.lacks_ipv6();
        // Each is asked, whatever those of other zones do: this one may have other records.
        let asked = zone.servers.iter().map(|server| async {
            Observed {
                server: server.clone(),
                answer: self
                    .exchange
                    .ask_authoritative(server.address, question)
                    .await,
            }
        });
        let mut observed = join_all(asked).await;
        observed.retain(|observed| {
            let is_silent = matches!(
                observed.answer,
                Answer::Failed(Failure::TimedOut | Failure::Unreachable(_))
            );
            !(is_silent && is_out_of_reach(&observed.server))
        });
        observed.extend(zone.unreachable.iter().map(|(server, failure)| Observed {
            server: server.clone(),
            answer: Answer::Failed(failure.clone()),
        }));
        observed
    }

    /// Looks up the addresses of both ends where an alias is expected and the zone has none.
    async fn flattened(
        &self,
        zone: &Zone,
        expected: &Expected,
        observation: &Observation,
    ) -> Option<Flattened> {
        let RecordType::Cname = expected.question.record_type else {
            return None;
        };
        let none = |observed: &Observed| matches!(observed.answer, Answer::NoData { .. });
        if !observation.authoritative.iter().any(none) {
            return None;
        }
        let mut flattened = Flattened::default();
        for record_type in [RecordType::A, RecordType::Aaaa] {
            let host = Question {
                name: expected.question.name.clone(),
                record_type,
            };
            let answer = self.ask_a_server(zone, &host).await?;
            flattened.host.extend(answer.records().unwrap_or_default());
            for target in expected.records.iter().filter_map(RecordData::target) {
                let target = Question {
                    name: target.clone(),
                    record_type,
                };
                let answer = self.ask_a_resolver(&target).await?;
                flattened
                    .target
                    .extend(answer.records().unwrap_or_default());
            }
        }
        Some(flattened)
    }
}
