//! Names the usual mistakes behind a verdict. Pure: it says what else it needs to know, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{Answer, Expected, Failure, Judgement, Observation, Question, RecordMark, Verdict};
use crate::model::record::{RecordData, RecordName, RecordType};

/// At most so many targets of one host are followed.
const MAX_TARGETS: usize = 4;
/// At most so many resolvers are asked without validation.
const MAX_UNVALIDATED: usize = 2;
/// At most so many TXT records are tried as pieces of one.
const MAX_PIECES: usize = 4;

/// What somebody probably did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HintKind {
    /// The zone's name was appended to a whole name.
    DoubledDomain,
    /// A CNAME is wanted where a zone begins (RFC 1034, section 3.6.2).
    AliasAtApex,
    /// A name has a CNAME and should have other data, or the other way round (RFC 1034, section 3.6.2).
    AliasBesideData,
    /// Quotes were typed into the text.
    QuotesInText,
    /// The strings of one TXT became several records.
    SplitText,
    /// An address from earlier times is still there.
    OldAddress,
    /// The target of a record has no address.
    DanglingTarget,
    /// IPv6 clients find nothing.
    MissingIpv6,
    /// IPv6 clients go elsewhere.
    UnwantedIpv6,
    /// The signatures are wrong, so that validating resolvers answer SERVFAIL.
    Bogus,
    /// No certificate may be issued.
    Forbidden,
    /// Only the port differs.
    WrongPort,
    /// The answer comes from a wildcard.
    Wildcard,
}

impl HintKind {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DoubledDomain => "doubled_domain",
            Self::AliasAtApex => "alias_at_apex",
            Self::AliasBesideData => "alias_beside_data",
            Self::QuotesInText => "quotes_in_text",
            Self::SplitText => "split_text",
            Self::OldAddress => "old_address",
            Self::DanglingTarget => "dangling_target",
            Self::MissingIpv6 => "missing_ipv6",
            Self::UnwantedIpv6 => "unwanted_ipv6",
            Self::Bogus => "bogus",
            Self::Forbidden => "forbidden",
            Self::WrongPort => "wrong_port",
            Self::Wildcard => "wildcard",
        }
    }
}

/// A probable cause, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The kind.
    pub kind: HintKind,
    /// A sentence that ends in something to do.
    pub text: String,
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It has an address.
    Reached,
    /// It has none, or does not exist.
    Nothing,
    /// Nobody could tell.
    Unknown,
}

/// What else must be known of a host; few questions, bounded whatever the answers were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Probes {
    /// The name with the zone appended once more, asked of the zone.
    pub(super) doubled: Option<Question>,
    /// The host's IPv6 addresses, asked of the zone.
    pub(super) ipv6: Option<Question>,
    /// Names whose addresses are looked up.
    pub(super) targets: BTreeSet<RecordName>,
    /// Resolvers that are asked again without validation.
    pub(super) unvalidated: Vec<SocketAddr>,
}

/// What was found out beyond the observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What the zone has at the name with the zone appended once more.
    pub doubled: Option<Answer>,
    /// The host's IPv6 addresses, where none are expected.
    pub ipv6: Option<Answer>,
    /// What became of the targets.
    pub targets: BTreeMap<RecordName, Reach>,
    /// What resolvers that failed answer without validation.
    pub unvalidated: Vec<(SocketAddr, Answer)>,
    /// What the zone answers for a name that nobody has.
    pub wildcard: Option<Answer>,
}

/// Says what else must be known of a host.
pub(super) fn probes(
    judgement: &Judgement,
    observation: &Observation,
    expected: &[Expected],
) -> Probes {
    let question = &judgement.expected.question;
    let mut probes = Probes::default();
    if judgement.verdict == Verdict::Missing
        && let Some(apex) = &observation.zone
    {
        probes.doubled = Some(Question {
            name: doubled(&question.name, apex),
            record_type: question.record_type,
        });
    }
    let answered = !matches!(
        judgement.verdict,
        Verdict::Missing | Verdict::Unknown { .. }
    );
    let sixth = Question {
        name: question.name.clone(),
        record_type: RecordType::Aaaa,
    };
    if question.record_type == RecordType::A
        && answered
        && observation.zone.is_some()
        && !expected.iter().any(|other| other.question == sixth)
    {
        probes.ipv6 = Some(sixth);
    }
    let hosts: BTreeSet<&RecordName> = expected.iter().map(|host| &host.question.name).collect();
    probes.targets = judgement
        .records
        .iter()
        .filter(|(mark, _)| *mark == RecordMark::Present)
        .filter(|(_, record)| !matches!(record, RecordData::Naptr { .. }))
        .filter_map(|(_, record)| record.target())
        .filter(|target| !hosts.contains(target))
        .take(MAX_TARGETS)
        .cloned()
        .collect();
    let zone_answers = observation
        .authoritative
        .iter()
        .any(|observed| observed.answer.records().is_some());
    if zone_answers {
        probes.unvalidated = observation
            .resolvers
            .iter()
            .filter(|observed| observed.answer == Answer::Failed(Failure::ServFail))
            .map(|observed| observed.server.address)
            .take(MAX_UNVALIDATED)
            .collect();
    }
    probes
}

fn doubled(name: &RecordName, apex: &RecordName) -> RecordName {
    RecordName::observed(&format!("{name}.{apex}"))
}

/// Names the probable causes of a verdict, most telling first.
#[must_use]
pub fn hints(judgement: &Judgement, observation: &Observation, evidence: &Evidence) -> Vec<Hint> {
    let case = Case {
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
        case.wildcard(),
        case.wrong_port(),
        case.quotes_in_text(),
        case.split_text(),
        case.forbidden(),
        case.missing_ipv6(),
        case.old_address(),
        case.unwanted_ipv6(),
        case.bogus(),
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

struct Case<'a> {
    judgement: &'a Judgement,
    observation: &'a Observation,
    evidence: &'a Evidence,
    extra: Vec<&'a RecordData>,
    missing: Vec<&'a RecordData>,
}

type Cause = Option<(HintKind, String)>;

impl Case<'_> {
    fn question(&self) -> &Question {
        &self.judgement.expected.question
    }

    fn doubled_domain(&self) -> Cause {
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
                    "the record is at {}: the provider appends {apex} by itself; enter {} there",
                    doubled(name, apex),
                    relative(name, apex)
                ),
            )
        })
    }

    fn alias_at_apex(&self) -> Cause {
        let question = self.question();
        let apex = self.observation.zone.as_ref()?;
        (question.record_type == RecordType::Cname
            && question.name == *apex
            && self.judgement.verdict != Verdict::Ok)
            .then(|| {
                (
                    HintKind::AliasAtApex,
                    format!(
                        "{apex} is the top of its zone and cannot have a CNAME; use the provider's ALIAS or flattened CNAME, or addresses"
                    ),
                )
            })
    }

    fn alias_beside_data(&self) -> Cause {
        let question = self.question();
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
        if self.judgement.verdict == Verdict::Ok {
            return None;
        }
        let alias =
            self.observation
                .authoritative
                .iter()
                .find_map(|observed| match &observed.answer {
                    Answer::Found(found) => found.aliases.first(),
                    _ => None,
                })?;
        Some((
            HintKind::AliasBesideData,
            format!(
                "{} is a CNAME for {alias}, beside which no {} can be; delete the CNAME, then add the {}",
                question.name, question.record_type, question.record_type
            ),
        ))
    }

    fn wildcard(&self) -> Cause {
        let Answer::Found(wildcard) = self.evidence.wildcard.as_ref()? else {
            return None;
        };
        let name = &self.question().name;
        let from_wildcard = self.extra.iter().any(|record| match record {
            RecordData::Cname(target) => wildcard.aliases.first() == Some(target),
            record => wildcard.records.contains(record),
        });
        from_wildcard.then(|| {
            (
                HintKind::Wildcard,
                format!("the answer is that of the zone's wildcard; add {name} itself"),
            )
        })
    }

    fn wrong_port(&self) -> Cause {
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

    fn quotes_in_text(&self) -> Cause {
        let wanted = self.texts(&self.missing);
        let typed = self.texts(&self.extra).into_iter().any(|text| {
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

    fn split_text(&self) -> Cause {
        let pieces = self.texts(&self.extra);
        if pieces.len() < 2 || pieces.len() > MAX_PIECES {
            return None;
        }
        let wanted = self.texts(&self.missing);
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

    fn texts<'r>(&self, records: &[&'r RecordData]) -> Vec<&'r [u8]> {
        records
            .iter()
            .filter_map(|record| match record {
                RecordData::Txt(octets) => Some(octets.as_slice()),
                _ => None,
            })
            .collect()
    }

    fn forbidden(&self) -> Cause {
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

    fn missing_ipv6(&self) -> Cause {
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

    fn old_address(&self) -> Cause {
        if self.wildcard().is_some() {
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
                    "{} may be the server of earlier times; replace it",
                    addresses.join(", ")
                )
            };
            (HintKind::OldAddress, text)
        })
    }

    fn unwanted_ipv6(&self) -> Cause {
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

    fn bogus(&self) -> Cause {
        let (resolver, _) = self
            .evidence
            .unvalidated
            .iter()
            .find(|(_, answer)| answer.records().is_some())?;
        Some((
            HintKind::Bogus,
            format!(
                "the resolver {} answers only when it does not validate: the zone's DNSSEC signatures are wrong; sign the zone anew, or take its DS record away",
                resolver.ip()
            ),
        ))
    }

    fn dangling_target(&self) -> Cause {
        let targets: Vec<&str> = self
            .evidence
            .targets
            .iter()
            .filter(|(_, reach)| **reach == Reach::Nothing)
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

/// Tells whether a record is the wanted one with its target doubled too.
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

/// Tells whether a text is made of all the pieces, in some order.
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

/// Says what a domain's CAA records, where the template has none, mean for its certificates (RFC 8659, section 4.2).
pub(super) fn certificates(domain: &RecordName, answer: &Answer) -> Option<Hint> {
    let records = answer.records()?;
    let issuers: Vec<&String> = records
        .iter()
        .filter_map(|record| match record {
            RecordData::Caa { tag, value, .. } if tag == "issue" => Some(value),
            _ => None,
        })
        .collect();
    let nobody = !issuers.is_empty()
        && issuers
            .iter()
            .all(|value| value.trim_start().starts_with(';'));
    nobody.then(|| Hint {
        kind: HintKind::Forbidden,
        text: format!(
            "CAA forbids every certificate for {domain}; name the issuer that serves the brand's pages, or delete the record"
        ),
    })
}

/// Says what a wildcard means for a domain.
pub(super) fn catch_all(domain: &RecordName, answer: &Answer) -> Option<Hint> {
    let Answer::Found(found) = answer else {
        return None;
    };
    let leads = match (found.aliases.first(), found.records.first()) {
        (Some(alias), _) => alias.to_string(),
        (None, Some(record)) => record.to_string(),
        (None, None) => return None,
    };
    Some(Hint {
        kind: HintKind::Wildcard,
        text: format!(
            "every name below {domain} answers, by a wildcard that leads to {leads}; names that are not entered look as if they were"
        ),
    })
}
