//! Derives probable causes from a verdict and the evidence.

use super::probe::doubled;
use super::{Evidence, Hint, HintKind, Reach};
use crate::dns::{Answer, Judgement, Observation, Question, RecordMark, Verdict};
use crate::model::record::{RecordData, RecordName, RecordType};

/// How many TXT records are tried as pieces of one, at most.
const MAX_PIECES: usize = 4;

/// Returns the probable causes of a verdict, most telling first.
#[must_use]
pub fn hints(judgement: &Judgement, observation: &Observation, evidence: &Evidence) -> Vec<Hint> {
    let case = HintCase {
        judgement,
        observation,
        evidence,
        extra: marked(judgement, RecordMark::Extra),
        missing: marked(judgement, RecordMark::Missing),
    };
    [
        case.doubled_domain(),
        case.alias_at_apex(),
        case.alias_beside_data(),
        case.alias_as_target(),
        case.wildcard(),
        case.wrong_port(),
        case.quotes_in_text(),
        case.split_text(),
        case.forbidden(),
        case.missing_ipv6(),
        case.old_address(),
        case.unwanted_ipv6(),
        case.bogus(),
        case.takeover(),
        case.dangling_target(),
    ]
    .into_iter()
    .flatten()
    .map(|(kind, text)| Hint { kind, text })
    .collect()
}

fn marked(judgement: &Judgement, wanted: RecordMark) -> Vec<&RecordData> {
    judgement
        .records
        .iter()
        .filter(|(mark, _)| *mark == wanted)
        .map(|(_, record)| record)
        .collect()
}

struct HintCase<'a> {
    judgement: &'a Judgement,
    observation: &'a Observation,
    evidence: &'a Evidence,
    extra: Vec<&'a RecordData>,
    missing: Vec<&'a RecordData>,
}

type HintCause = Option<(HintKind, String)>;

impl HintCase<'_> {
    fn question(&self) -> &Question {
        &self.judgement.expected.question
    }

    fn doubled_domain(&self) -> HintCause {
        let found = self.evidence.doubled.as_ref()?.records()?;
        let wanted = &self.judgement.expected.records;
        let theirs = found.iter().any(|record| {
            wanted
                .iter()
                .any(|wanted| wanted.means(record) || of_doubled(record, wanted))
        });
        // A wildcard answers for the doubled name too.
        let real = theirs || !found.is_empty() && self.evidence.wildcard.is_none();
        let apex = self.observation.zone.as_ref()?;
        let name = &self.question().name;
        real.then(|| {
            (
                HintKind::DoubledDomain,
                format!(
                    "the record is at {}: the provider appends {apex} by itself; enter {} there, and delete the other",
                    doubled(name, apex),
                    relative(name, apex)
                ),
            )
        })
    }

    fn alias_at_apex(&self) -> HintCause {
        let question = self.question();
        let apex = self.observation.zone.as_ref()?;
        if question.name != *apex {
            return None;
        }
        let instead = "use the provider's ALIAS or flattened CNAME, or addresses";
        if let Some(target) = self.alias() {
            let text = format!(
                "{apex} is the top of its zone and has a CNAME for {target}, which hides its NS, MX and all other records; delete it, and {instead}"
            );
            return Some((HintKind::AliasAtApex, text));
        }
        let wanted =
            question.record_type == RecordType::Cname && self.judgement.verdict != Verdict::Ok;
        let text = format!("{apex} is the top of its zone and cannot have a CNAME; {instead}");
        wanted.then_some((HintKind::AliasAtApex, text))
    }

    /// Returns what the host is an alias for, by one of the zone's servers.
    fn alias(&self) -> Option<&RecordName> {
        let mut answers = self.observation.authoritative.iter();
        answers.find_map(|observed| match &observed.answer {
            Answer::Found(found) => found.aliases.first().or_else(|| {
                found.records.iter().find_map(|record| match record {
                    RecordData::Cname(target) => Some(target),
                    _ => None,
                })
            }),
            Answer::NoData { .. } | Answer::NxDomain { .. } | Answer::Failed(_) => None,
        })
    }

    fn alias_beside_data(&self) -> HintCause {
        let question = self.question();
        if self.is_of_wildcard() {
            return None;
        }
        if question.record_type == RecordType::Cname {
            let flattened = self.observation.flattened.as_ref()?;
            let address = flattened.host.first()?;
            return (self.judgement.verdict == Verdict::Missing).then(|| {
                (
                    HintKind::AliasBesideData,
                    format!(
                        "{} has the {} record {address}, beside which no CNAME can be; delete it, then add the CNAME",
                        question.name,
                        address.record_type()
                    ),
                )
            });
        }
        if self.judgement.verdict == Verdict::Ok || self.alias_at_apex().is_some() {
            return None;
        }
        let alias = self.alias()?;
        Some((
            HintKind::AliasBesideData,
            format!(
                "{} is a CNAME for {alias}, beside which no {} can be; delete the CNAME, then add the {}",
                question.name, question.record_type, question.record_type
            ),
        ))
    }

    fn alias_as_target(&self) -> HintCause {
        let record_type = self.question().record_type;
        if matches!(record_type, RecordType::Srv | RecordType::Mx) {
            let mut targets = self.evidence.targets.iter();
            let (target, alias) = targets.find_map(|(target, reach)| match reach {
                Reach::Reached(alias) => Some((target, alias.as_ref()?)),
                Reach::Nothing | Reach::Unregistered(_) | Reach::Unknown => None,
            })?;
            return Some((
                HintKind::AliasAsTarget,
                format!(
                    "{target} is a CNAME for {alias}: neither SRV nor MX may name an alias, and some clients do not follow it; name {alias}, or a name that has addresses itself"
                ),
            ));
        }
        let alias = self.alias()?;
        let named_by = self.evidence.named_by.as_ref()?;
        let name = &self.question().name;
        Some((
            HintKind::AliasAsTarget,
            format!(
                "{name} is a CNAME for {alias}, and the {} of {} names it: neither SRV nor MX may name an alias, and some clients do not follow it; enter the addresses at {name} itself",
                named_by.record_type, named_by.name
            ),
        ))
    }

    fn wildcard(&self) -> HintCause {
        let name = &self.question().name;
        self.is_of_wildcard().then(|| {
            (
                HintKind::Wildcard,
                format!("the answer is that of the zone's wildcard; add {name} itself"),
            )
        })
    }

    /// Returns whether what the zone has at the host is what it answers for a name that nobody entered.
    fn is_of_wildcard(&self) -> bool {
        let Some(Answer::Found(wildcard)) = &self.evidence.beside else {
            return false;
        };
        let flattened = self.observation.flattened.as_ref();
        let address = flattened.and_then(|flattened| flattened.host.first());
        let is_alias = wildcard
            .aliases
            .first()
            .is_some_and(|target| self.alias() == Some(target));
        let mut others = self.extra.iter().copied().chain(address);
        is_alias || others.any(|record| wildcard.records.contains(record))
    }

    fn wrong_port(&self) -> HintCause {
        for missing in &self.missing {
            let RecordData::Srv { port, target, .. } = missing else {
                continue;
            };
            for extra in &self.extra {
                if let RecordData::Srv {
                    port: other,
                    target: same,
                    ..
                } = extra
                    && same == target
                    && other != port
                {
                    return Some((
                        HintKind::WrongPort,
                        format!(
                            "the SRV for {target} has port {other}, the template says {port}; correct the port"
                        ),
                    ));
                }
            }
        }
        None
    }

    fn quotes_in_text(&self) -> HintCause {
        let wanted = texts(&self.missing);
        let typed = texts(&self.extra).into_iter().any(|text| {
            let bare: Vec<u8> = text
                .iter()
                .copied()
                .filter(|octet| !matches!(octet, b'"' | b'\\'))
                .collect();
            bare.len() < text.len() && wanted.contains(&bare.as_slice())
        });
        typed.then(|| {
            (
                HintKind::QuotesInText,
                "the quotes are part of the text; enter it without quotes, the provider adds them"
                    .to_owned(),
            )
        })
    }

    fn split_text(&self) -> HintCause {
        let pieces = texts(&self.extra);
        if pieces.len() < 2 || pieces.len() > MAX_PIECES {
            return None;
        }
        let wanted = texts(&self.missing);
        wanted
            .iter()
            .any(|text| composed(text, &pieces))
            .then(|| {
                (
                    HintKind::SplitText,
                    format!(
                        "the text was divided into {} records; it must be one record, of several quoted strings where it is longer than 255 characters",
                        pieces.len()
                    ),
                )
            })
    }

    fn forbidden(&self) -> HintCause {
        let issuer = |record: &&RecordData| match record {
            RecordData::Caa { tag, value, .. } if tag == "issue" => Some(value.clone()),
            _ => None,
        };
        let wanted = self.missing.iter().find_map(issuer)?;
        let others: Vec<String> = self.extra.iter().filter_map(issuer).collect();
        (!others.is_empty()).then(|| {
            (
                HintKind::Forbidden,
                format!(
                    "only {} may issue certificates for {}, {wanted:?} may not; add the CAA record",
                    quoted(&others),
                    self.question().name
                ),
            )
        })
    }

    fn missing_ipv6(&self) -> HintCause {
        let question = self.question();
        (question.record_type == RecordType::Aaaa && self.judgement.verdict == Verdict::Missing)
            .then(|| {
                (
                    HintKind::MissingIpv6,
                    format!(
                        "clients with IPv6 do not find {}; add the AAAA record",
                        question.name
                    ),
                )
            })
    }

    fn old_address(&self) -> HintCause {
        // Behind an alias the addresses are those of the target's owner.
        if self.is_of_wildcard() || self.alias().is_some() {
            return None;
        }
        let addresses: Vec<String> = self
            .extra
            .iter()
            .filter(|record| matches!(record, RecordData::A(_) | RecordData::Aaaa(_)))
            .map(ToString::to_string)
            .collect();
        (!addresses.is_empty()).then(|| {
            let text = if self.judgement.verdict == Verdict::Extra {
                format!(
                    "{} is still listed, so that some clients go there; delete it",
                    addresses.join(", ")
                )
            } else {
                format!(
                    "{} may be an old server's address; replace it",
                    addresses.join(", ")
                )
            };
            (HintKind::OldAddress, text)
        })
    }

    fn unwanted_ipv6(&self) -> HintCause {
        let Answer::Found(found) = self.evidence.ipv6.as_ref()? else {
            return None;
        };
        // Behind an alias the addresses are those of the target's owner.
        let address = found.records.first().filter(|_| found.aliases.is_empty())?;
        Some((
            HintKind::UnwantedIpv6,
            format!(
                "{} also has the AAAA record {address}, which is not in the template: clients with IPv6 go there; delete it, or add it to the template",
                self.question().name
            ),
        ))
    }

    fn bogus(&self) -> HintCause {
        (self.judgement.verdict == Verdict::Bogus).then(|| {
            let zone = self.observation.zone.as_ref();
            let zone = zone.map_or_else(|| "the zone".to_owned(), ToString::to_string);
            (
                HintKind::Bogus,
                format!(
                    "nobody behind a resolver that validates DNSSEC reaches {}; have {zone} signed again, or its DS record removed where the domain is registered",
                    self.question().name
                ),
            )
        })
    }

    fn takeover(&self) -> HintCause {
        let mut targets = self.evidence.targets.iter();
        let (target, domain) = targets.find_map(|(target, reach)| match reach {
            Reach::Unregistered(domain) => Some((target, domain)),
            Reach::Reached(_) | Reach::Nothing | Reach::Unknown => None,
        })?;
        let leads = if target == domain {
            format!("{target} is not registered")
        } else {
            format!("{target} leads to {domain}, which is not registered")
        };
        let name = &self.question().name;
        Some((
            HintKind::Takeover,
            format!(
                "{leads}: whoever registers it takes over {name}; register it, or point {name} elsewhere"
            ),
        ))
    }

    fn dangling_target(&self) -> HintCause {
        let is_present = |target: &RecordName| {
            let mut records = self.judgement.records.iter();
            records.any(|(mark, record)| {
                *mark == RecordMark::Present && record.target() == Some(target)
            })
        };
        let targets: Vec<&str> = self
            .evidence
            .targets
            .iter()
            .filter(|(target, reach)| **reach == Reach::Nothing && is_present(target))
            .map(|(target, _)| target.as_str())
            .collect();
        (!targets.is_empty()).then(|| {
            (
                HintKind::DanglingTarget,
                format!(
                    "{} has no address; correct the target, or give it one",
                    targets.join(", ")
                ),
            )
        })
    }
}

/// Returns whether a record is the wanted one with its target doubled too.
fn of_doubled(record: &RecordData, wanted: &RecordData) -> bool {
    match (record.target(), wanted.target()) {
        (Some(got), Some(wanted)) => got
            .as_str()
            .strip_prefix(wanted.as_str())
            .is_some_and(|rest| rest.starts_with('.')),
        _ => false,
    }
}

fn relative(name: &RecordName, apex: &RecordName) -> String {
    match name.as_str().strip_suffix(apex.as_str()) {
        Some("") => "@".to_owned(),
        Some(rest) => rest.trim_end_matches('.').to_owned(),
        None => name.to_string(),
    }
}

fn texts<'r>(records: &[&'r RecordData]) -> Vec<&'r [u8]> {
    records
        .iter()
        .filter_map(|record| match record {
            RecordData::Txt(octets) => Some(octets.as_slice()),
            _ => None,
        })
        .collect()
}

/// Returns whether a text consists of all the pieces, in any order.
fn composed(text: &[u8], pieces: &[&[u8]]) -> bool {
    if pieces.is_empty() {
        return text.is_empty();
    }
    pieces.iter().enumerate().any(|(index, piece)| {
        text.strip_prefix(*piece).is_some_and(|rest| {
            let mut others = pieces.to_vec();
            others.remove(index);
            composed(rest, &others)
        })
    })
}

fn quoted(texts: &[String]) -> String {
    texts
        .iter()
        .map(|text| format!("{text:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}
