//! Asks what the findings beyond the verdicts need: few questions a domain, and those about a zone, a mail domain or a
//! registry once a run.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use hickory_proto::rr::{RData, RecordType as WireType};
use jiff::Timestamp;

use super::check::Known;
use super::finding::{self, DomainFinding, Mail, Permission};
use super::packet::{self, QuerySettings};
use super::zone::is_below;
use super::{Answer, Checker, Observation, Question, Server, Zone};
use crate::model::record::{RecordData, RecordName, RecordType};

/// How many zones of one domain are looked at: it has one or two.
const MOST_ZONES: usize = 4;
/// How many names are asked for CAA on the way up from a host, and for DMARC from a mail domain.
const MOST_STEPS: usize = 8;

impl Checker {
    /// Returns what stands behind a domain or threatens it, most urgent first.
    pub(super) async fn findings(&self, known: Known<'_>) -> Vec<DomainFinding> {
        let (zones, permissions, mail) = tokio::join!(
            self.of_zones(known),
            self.permissions(known),
            self.of_mail(known.mail)
        );
        let mut found = zones;
        let authorities = &self.observer().options().authorities;
        found.extend(finding::certificates(&permissions, authorities));
        found.extend(mail);
        let pairs = known.hosts.iter().zip(known.observations);
        found
            .extend(pairs.filter_map(|(host, observation)| {
                finding::of_memory(&host.judgement, observation)
            }));
        found.extend(finding::of_services(known.expected));
        found.extend(finding::of_routes(known.phones));
        found.extend(
            known
                .wildcard
                .and_then(|answer| finding::of_wildcard(known.top, answer)),
        );
        found.sort_by_key(|finding| finding.kind.urgency());
        found
    }

    async fn of_zones(&self, known: Known<'_>) -> Vec<DomainFinding> {
        let apexes: BTreeSet<&RecordName> = known
            .observations
            .iter()
            .filter_map(|it| it.zone.as_ref())
            .collect();
        let mut found = Vec::new();
        for apex in apexes.into_iter().take(MOST_ZONES) {
            let Ok(zone) = self.observer().zone_at(apex).await else {
                continue;
            };
            found.extend(finding::of_delegation(&zone));
            if let Some(signing) = self.observer().signing(&zone).await {
                let within = self.observer().options().signatures_end_within;
                found.extend(finding::of_signing(
                    apex,
                    &signing,
                    Timestamp::now(),
                    within,
                ));
            }
            if known.observations.iter().any(|it| disagree(&zone, it)) {
                found.extend(finding::of_serials(apex, &self.serials(&zone).await));
            }
        }
        found
    }

    /// Asks each server of a zone for the zone's serial number.
    async fn serials(&self, zone: &Zone) -> Vec<(Server, u32)> {
        let Ok(query) = packet::query(&zone.apex, WireType::SOA) else {
            return Vec::new();
        };
        let exchange = self.observer().exchange();
        let asked = zone.servers.iter().map(async |server| {
            let sent = exchange.send(server.address, &query, QuerySettings::Authoritative);
            let message = Box::pin(sent).await.ok()?;
            let serial = message
                .answers
                .iter()
                .find_map(|record| match &record.data {
                    RData::SOA(soa) => Some(soa.serial),
                    _ => None,
                });
            Some((server.clone(), serial?))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Returns the CAA records that count for the hosts that need certificates; for the top alone, where no authority of ours
    /// is declared.
    async fn permissions(&self, known: Known<'_>) -> Vec<Permission> {
        if self.observer().options().authorities.is_empty() {
            return of_top(known.top, known.caa);
        }
        let hosts = known.expected.iter();
        let hosts = hosts.filter(|host| finding::is_for_browsers(host, known.expected));
        let hosts: BTreeSet<&RecordName> = hosts.map(|host| &host.question.name).collect();
        let climbed = hosts.into_iter().map(|host| self.permission(host));
        join_all(climbed).await.into_iter().flatten().collect()
    }

    /// Finds the CAA records that count for a host: its own, or the first ones above it (RFC 8659, section 3).
    async fn permission(&self, host: &RecordName) -> Option<Permission> {
        for owner in upwards(host).take(MOST_STEPS) {
            let answer = self.ask_once(&owner, RecordType::Caa).await?;
            let records = answer.records()?;
            if records.is_empty() {
                continue;
            }
            let end = match &answer {
                Answer::Found(found) => found.aliases.last().cloned(),
                Answer::NoData { .. } | Answer::NxDomain { .. } | Answer::Failed(_) => None,
            };
            return Some(Permission {
                host: host.clone(),
                owner: end.unwrap_or(owner),
                records,
                share: None,
            });
        }
        None
    }

    /// Looks at the domain of a support address.
    async fn of_mail(&self, domain: Option<&RecordName>) -> Vec<DomainFinding> {
        let Some(domain) = domain else {
            return Vec::new();
        };
        let (servers, texts) = tokio::join!(
            self.ask_once(domain, RecordType::Mx),
            self.ask_once(domain, RecordType::Txt)
        );
        let (Some(servers), Some(texts)) = (servers, texts) else {
            return Vec::new();
        };
        let mut mail = Mail {
            domain: domain.clone(),
            servers,
            address: None,
            texts,
            dmarc: Vec::new(),
        };
        if matches!(mail.servers, Answer::NoData { .. }) {
            for record_type in [RecordType::A, RecordType::Aaaa] {
                let address = self.ask_once(domain, record_type).await;
                let has_some = address
                    .as_ref()
                    .is_some_and(|it| it.records().is_none_or(|records| !records.is_empty()));
                mail.address = address;
                if has_some {
                    break;
                }
            }
        }
        // A top-level domain has no policy for those below it.
        let above = upwards(domain).filter(|name| name.as_str().contains('.'));
        for name in above.take(MOST_STEPS) {
            let name = RecordName::observed(&format!("_dmarc.{name}"));
            let Some(answer) = self.ask_once(&name, RecordType::Txt).await else {
                break;
            };
            let is_end = finding::ends_search(&answer);
            mail.dmarc.push(answer);
            if is_end {
                break;
            }
        }
        finding::of_mail(&mail)
    }

    /// Asks the resolver, once a run: many brands have one support address, and all of a registry one CAA.
    async fn ask_once(&self, name: &RecordName, record_type: RecordType) -> Option<Answer> {
        let question = Question {
            name: name.clone(),
            record_type,
        };
        let lasting = |_: &_| !self.observer().exchange().is_spent();
        let asked = self.asked.once(
            &question,
            lasting,
            self.observer().ask_a_resolver(&question),
        );
        asked.await
    }
}

/// Returns the CAA records that servers have at the top of a domain, each set once. What could not be asked is none.
fn of_top(top: &RecordName, answers: &[Answer]) -> Vec<Permission> {
    let said: Vec<_> = answers.iter().filter_map(Answer::records).collect();
    let kinds: BTreeSet<_> = said.iter().collect();
    let permission = |records: &BTreeSet<RecordData>| Permission {
        host: top.clone(),
        owner: top.clone(),
        records: records.clone(),
        share: (kinds.len() > 1).then(|| {
            let same = said.iter().filter(|other| *other == records);
            (same.count(), said.len())
        }),
    };
    kinds.iter().map(|records| permission(records)).collect()
}

/// Returns whether the servers of a zone disagree about a host in it; those of an alias's target are others'.
fn disagree(zone: &Zone, observation: &Observation) -> bool {
    let leads_out = |answer: &Answer| match answer {
        Answer::Found(found) => !found.aliases.iter().all(|it| is_below(it, &zone.apex)),
        Answer::NoData { .. } | Answer::NxDomain { .. } | Answer::Failed(_) => false,
    };
    let own = observation
        .authoritative
        .iter()
        .filter(|seen| observation.zone.as_ref() == Some(&zone.apex) && !leads_out(&seen.answer));
    let said: BTreeSet<_> = own.filter_map(|seen| seen.answer.records()).collect();
    said.len() > 1
}

/// Iterates over a name and those above it, without the root.
fn upwards(name: &RecordName) -> impl Iterator<Item = RecordName> {
    std::iter::successors(Some(name.clone()), |name| {
        let (_, above) = name.as_str().split_once('.')?;
        (!above.is_empty()).then(|| RecordName::observed(above))
    })
}
