//! The results of the DNS check, in version 1 of the JSON report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::dns::{
    Absence, Addressee, DomainFinding, HostCheck, Opinion, Phones, RecordMark, Registration,
    Standing, Tally, Urgency, Verdict,
};
use crate::report::{AccountDns, DnsReport, SecondOpinion};

/// The results of the DNS check.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Dns {
    /// The worst standing of a domain.
    standing: Standing,
    /// The number of hosts with each verdict.
    hosts: Verdicts,
    /// The number of names at which phones do not find what the template says; each makes the standing `differs`.
    sip_failing: usize,
    /// The domains, sorted by account.
    domains: Vec<Checked>,
    /// The accounts that were not checked.
    skipped: Vec<Skipped>,
    /// The number of DNS queries that were sent.
    questions: u64,
    /// How many times it was checked.
    rounds: u32,
}

/// The number of hosts with each verdict.
#[derive(Debug, Serialize, JsonSchema)]
struct Verdicts {
    /// As expected.
    ok: usize,
    /// Missing, in whole or in part.
    missing: usize,
    /// Something else exists.
    different: usize,
    /// As expected, with additional records.
    extra: usize,
    /// As expected, but a resolver still has old answers.
    propagating: usize,
    /// The servers disagree.
    inconsistent: usize,
    /// Resolvers that validate DNSSEC refuse it.
    bogus: usize,
    /// It could not be checked.
    unknown: usize,
    /// Hosts of the template that declare nothing for DNS.
    not_understood: usize,
}

/// An account that was not checked.
#[derive(Debug, Serialize, JsonSchema)]
struct Skipped {
    /// The name of the account in the tree.
    account: String,
    /// Why.
    reason: String,
}

/// One account's domain.
#[derive(Debug, Serialize, JsonSchema)]
struct Checked {
    /// The name of the account in the tree.
    account: String,
    /// The domain.
    domain: String,
    /// Its standing, as above.
    standing: Standing,
    /// The hosts of the template, sorted by name and type.
    hosts: Vec<Host>,
    /// What SIP phones resolve.
    phones: Vec<Phone>,
    /// What stands behind the domain or threatens it, most urgent first; none changes the standing.
    findings: Vec<DnsFinding>,
    /// Hosts of the template that declare nothing for DNS.
    not_understood: Vec<NotUnderstood>,
    /// Why the result of the platform's own check is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_unknown: Option<String>,
}

/// One host and type.
#[derive(Debug, Serialize, JsonSchema)]
struct Host {
    /// The name.
    name: String,
    /// The type.
    #[serde(rename = "type")]
    record_type: &'static str,
    /// A display name.
    label: Option<String>,
    /// `ok`, `missing`, `different`, `extra`, `propagating`, `inconsistent`, `bogus` or `unknown`.
    verdict: &'static str,
    /// What does not exist, if it is missing as a whole: the name (NXDOMAIN), or records of this type at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<Absence>,
    /// Why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// For how many more seconds old answers may be cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_for: Option<u32>,
    /// The records, expected ones first.
    records: Vec<Record>,
    /// The answers of servers, where they disagree, fail or are behind.
    servers: Vec<Server>,
    /// Notes for the reader.
    notes: Vec<String>,
    /// Probable causes.
    hints: Vec<Hint>,
    /// What the platform sees, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
}

/// One record.
#[derive(Debug, Serialize, JsonSchema)]
struct Record {
    /// How it relates to what the template declares.
    mark: RecordMark,
    /// The data, as in a zone file.
    data: String,
}

/// One server.
#[derive(Debug, Serialize, JsonSchema)]
struct Server {
    /// Its name, if it has one.
    name: Option<String>,
    /// Its address and port.
    address: String,
    /// Its answer.
    says: String,
}

/// A probable cause.
#[derive(Debug, Serialize, JsonSchema)]
struct Hint {
    /// The kind, such as `doubled_domain`.
    kind: String,
    /// A sentence that ends with something to do.
    text: String,
}

/// Something that stands behind a domain or threatens it.
#[derive(Debug, Serialize, JsonSchema)]
struct DnsFinding {
    /// The code, such as `dns-single-name-server`.
    code: &'static str,
    /// How urgent it is.
    urgency: Urgency,
    /// The name that it is about.
    about: String,
    /// A sentence for a support desk.
    sentence: String,
    /// What to do.
    remedy: &'static str,
    /// Who can do it.
    addressee: Addressee,
}

/// What SIP phones resolve at one name.
#[derive(Debug, Serialize, JsonSchema)]
struct Phone {
    /// The name that is configured in the phones.
    proxy: String,
    /// Whether phones can register.
    registration: Registration,
    /// One sentence for a support desk.
    sentence: String,
    /// The servers in the order in which a phone tries them.
    routes: Vec<Route>,
}

/// One server that a phone tries.
#[derive(Debug, Serialize, JsonSchema)]
struct Route {
    /// `UDP`, `TCP`, `TLS`, `WebSocket` or `secure WebSocket`.
    transport: String,
    /// The server.
    target: String,
    /// The port.
    port: u16,
    /// Its addresses.
    addresses: Vec<String>,
}

/// A host of the template that declares nothing for DNS.
#[derive(Debug, Serialize, JsonSchema)]
struct NotUnderstood {
    /// The type, as the template spells it.
    #[serde(rename = "type")]
    record_type: String,
    /// The host, as the template spells it.
    host: String,
    /// Why.
    reason: String,
}

/// The result of the platform's own check.
#[derive(Debug, Serialize, JsonSchema)]
struct Platform {
    /// `right`, `otherwise` or `unknown`.
    opinion: &'static str,
    /// What it sees instead, if it sees something else.
    sees: Vec<String>,
}

impl From<&DnsReport> for Dns {
    fn from(dns: &DnsReport) -> Self {
        Self {
            standing: dns.standing(),
            hosts: dns.tally().into(),
            sip_failing: dns.tally().sip_failing,
            domains: dns.accounts.iter().map(Checked::from).collect(),
            skipped: dns
                .skipped
                .iter()
                .map(|(account, reason)| Skipped {
                    account: account.to_string(),
                    reason: reason.clone(),
                })
                .collect(),
            questions: dns.questions,
            rounds: dns.rounds,
        }
    }
}

impl From<Tally> for Verdicts {
    fn from(tally: Tally) -> Self {
        Self {
            ok: tally.ok,
            missing: tally.missing,
            different: tally.different,
            extra: tally.extra,
            propagating: tally.propagating,
            inconsistent: tally.inconsistent,
            bogus: tally.bogus,
            unknown: tally.unknown,
            not_understood: tally.not_understood,
        }
    }
}

impl From<&AccountDns> for Checked {
    fn from(account: &AccountDns) -> Self {
        let check = &account.check;
        Self {
            account: account.name.to_string(),
            domain: check.domain.to_string(),
            standing: check.standing(),
            hosts: account
                .hosts()
                .map(|(host, opinion)| Host {
                    platform: opinion.map(Platform::from),
                    ..Host::from(host)
                })
                .collect(),
            phones: check.phones.iter().map(Phone::from).collect(),
            findings: check.findings.iter().map(DnsFinding::from).collect(),
            not_understood: check
                .not_understood
                .iter()
                .map(|host| NotUnderstood {
                    record_type: host.record_type.clone(),
                    host: host.host.clone(),
                    reason: host.reason.clone(),
                })
                .collect(),
            platform_unknown: match &account.platform {
                Some(SecondOpinion::Unknown(reason)) => Some(reason.clone()),
                Some(SecondOpinion::Hosts(_)) | None => None,
            },
        }
    }
}

impl From<&HostCheck> for Host {
    fn from(host: &HostCheck) -> Self {
        let judgement = &host.judgement;
        let question = &judgement.expected.question;
        let (reason, old_for) = match &judgement.verdict {
            Verdict::Unknown { reason } => (Some(reason.clone()), None),
            Verdict::Propagating { old_for } => (None, *old_for),
            Verdict::Ok
            | Verdict::Missing
            | Verdict::Different
            | Verdict::Extra
            | Verdict::Inconsistent
            | Verdict::Bogus => (None, None),
        };
        Self {
            name: question.name.to_string(),
            record_type: question.record_type.as_str(),
            label: judgement.expected.label.clone(),
            verdict: judgement.verdict.word(),
            absent: judgement.absent,
            reason,
            old_for,
            records: judgement
                .records
                .iter()
                .map(|(mark, data)| Record {
                    mark: *mark,
                    data: data.to_string(),
                })
                .collect(),
            servers: judgement
                .servers
                .iter()
                .map(|(server, says)| Server {
                    name: server.name.clone(),
                    address: server.address.to_string(),
                    says: says.clone(),
                })
                .collect(),
            notes: judgement.notes.clone(),
            hints: host.hints.iter().map(Hint::from).collect(),
            platform: None,
        }
    }
}

impl From<&crate::dns::Hint> for Hint {
    fn from(hint: &crate::dns::Hint) -> Self {
        Self {
            kind: hint.kind.as_str().to_owned(),
            text: hint.text.clone(),
        }
    }
}

impl From<&DomainFinding> for DnsFinding {
    fn from(finding: &DomainFinding) -> Self {
        Self {
            code: finding.kind.code(),
            urgency: finding.kind.urgency(),
            about: finding.about.to_string(),
            sentence: finding.sentence.clone(),
            remedy: finding.kind.remedy(),
            addressee: finding.kind.addressee(),
        }
    }
}

impl From<&Phones> for Phone {
    fn from(phones: &Phones) -> Self {
        Self {
            proxy: phones.proxy.to_string(),
            registration: phones.registration,
            sentence: phones.sentence.clone(),
            routes: phones
                .routes
                .iter()
                .map(|route| Route {
                    transport: route.transport.to_string(),
                    target: route.target.to_string(),
                    port: route.port,
                    addresses: route.addresses.iter().map(ToString::to_string).collect(),
                })
                .collect(),
        }
    }
}

impl From<&Opinion> for Platform {
    fn from(opinion: &Opinion) -> Self {
        let (opinion, sees) = match opinion {
            Opinion::Right => ("right", Vec::new()),
            Opinion::Otherwise { sees } => ("otherwise", sees.clone()),
            Opinion::Unknown => ("unknown", Vec::new()),
        };
        Self { opinion, sees }
    }
}
