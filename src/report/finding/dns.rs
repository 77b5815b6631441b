//! Findings of the DNS check, at the place where the account declares its domain.

use std::fmt::Write as _;

use super::item::{Finding, bare};
use super::kind::{Kind, Rule};
use super::spot::Spot;
use crate::dns::{DomainFinding, HintKind, HostCheck, RecordMark, Registration, Urgency, Verdict};
use crate::report::dns::BOGUS;
use crate::report::escape::visible;
use crate::report::{AccountDns, Report};

pub(super) fn findings(report: &Report) -> Vec<Finding> {
    let accounts = report.dns.iter().flat_map(|dns| &dns.accounts);
    accounts
        .flat_map(|account| of_account(report, account))
        .collect()
}

/// Returns the findings for one account's domain, one line each, escaped.
#[must_use]
pub fn lines(account: &AccountDns) -> Vec<String> {
    let hosts = account.check.hosts.iter().filter_map(of_host);
    let mut lines: Vec<String> = hosts.map(|(_, text)| visible(&text).into_owned()).collect();
    lines.extend(rest(account).map(|(_, text, _)| visible(&text).into_owned()));
    lines
}

/// Returns what is worth knowing of an account's domain whatever its standing, one line each, escaped.
pub(in crate::report) fn notes(account: &AccountDns) -> Vec<String> {
    let hints = hints(account).map(|(_, text, _)| text);
    let findings = account.check.findings.iter();
    let warnings = findings.filter(|finding| finding.kind.urgency() == Urgency::Warning);
    let texts = hints.chain(warnings.map(DomainFinding::text));
    texts.map(|text| visible(&text).into_owned()).collect()
}

/// Returns the findings beyond those of the hosts: the kind, the text, and the subject.
fn rest(account: &AccountDns) -> impl Iterator<Item = (Kind, String, String)> {
    let check = &account.check;
    let not_understood = check.not_understood.iter().map(|host| {
        let text = format!("{} {}: {}", host.record_type, host.host, host.reason);
        (Kind::DnsUnknown, text, host.host.clone())
    });
    let phones = check.phones.iter().filter_map(|phones| {
        let kind = match phones.registration {
            Registration::Works => return None,
            Registration::Impaired => Kind::SipImpaired,
            Registration::Broken => Kind::SipBroken,
            Registration::Unknown => Kind::DnsUnknown,
        };
        Some((kind, phones.sentence.clone(), phones.proxy.to_string()))
    });
    not_understood.chain(phones)
}

/// Returns the hints that explain no verdict, and those that somebody should act on today.
fn hints(account: &AccountDns) -> impl Iterator<Item = (Kind, String, String)> {
    account.check.hosts.iter().flat_map(|host| {
        let question = &host.judgement.expected.question;
        host.hints.iter().filter_map(move |hint| {
            let kind = match (hint.kind, &host.judgement.verdict) {
                (HintKind::Takeover, _) => Kind::DnsTakeover,
                // Others explain the verdict, where there is one to explain.
                (_, Verdict::Ok) => Kind::DnsHint,
                _ => return None,
            };
            let name = format!("{} {}", question.record_type, question.name);
            Some((kind, format!("{name}: {}", hint.text), name))
        })
    })
}

fn of_account(report: &Report, account: &AccountDns) -> Vec<Finding> {
    let mut found = Vec::new();
    for host in &account.check.hosts {
        let Some((kind, text)) = of_host(host) else {
            continue;
        };
        let question = &host.judgement.expected.question;
        let name = format!("{} {}", question.record_type, question.name);
        let mut finding = at_domain(report, account, kind, &text, &name);
        let hints = host
            .hints
            .iter()
            .map(|hint| visible(&hint.text).into_owned());
        let hints: Vec<String> = hints.collect();
        finding.help = (!hints.is_empty()).then(|| hints.join("; "));
        let declared = report.places.host(question, account.check.domain.as_str());
        let wanted = "the template wants it".to_owned();
        finding
            .related
            .extend(declared.map(|origin| (Spot::of_origin(origin), wanted)));
        found.push(finding);
    }
    let rest = rest(account).chain(hints(account));
    found.extend(rest.map(|(kind, text, what)| at_domain(report, account, kind, &text, &what)));
    found.extend(account.check.findings.iter().map(|finding| {
        let rule = Rule::Domain(finding.kind);
        let about = finding.about.to_string();
        Finding {
            help: Some(finding.kind.remedy().to_owned()),
            ..at_domain(report, account, rule, &finding.sentence, &about)
        }
    }));
    found
}

fn of_host(host: &HostCheck) -> Option<(Kind, String)> {
    let judgement = &host.judgement;
    let question = &judgement.expected.question;
    let word = judgement.verdict.word();
    let mut text = format!("{} {} {word}", question.record_type, question.name);
    let kind = match &judgement.verdict {
        Verdict::Ok => return None,
        Verdict::Missing => {
            if let Some(absent) = judgement.absent {
                let _ = write!(text, ": {}", absent.words());
            }
            Kind::DnsMissing
        }
        Verdict::Different => Kind::DnsDifferent,
        Verdict::Extra => Kind::DnsExtra,
        Verdict::Inconsistent => Kind::DnsInconsistent,
        Verdict::Bogus => {
            let _ = write!(text, ": {BOGUS}");
            Kind::DnsBogus
        }
        Verdict::Propagating { old_for } => {
            if let Some(old) = old_for {
                let _ = write!(text, ": old answers for up to {old} s");
            }
            Kind::DnsPropagating
        }
        Verdict::Unknown { reason } => {
            let _ = write!(text, ": {reason}");
            Kind::DnsUnknown
        }
    };
    for (mark, record) in judgement.as_change() {
        let _ = match mark {
            RecordMark::Present => Ok(()),
            RecordMark::Missing => write!(text, "; wanted {record}"),
            RecordMark::Extra => write!(text, "; found {record}"),
        };
    }
    Some((kind, text))
}

/// Creates a finding at the place where the account declares its domain.
fn at_domain(
    report: &Report,
    account: &AccountDns,
    rule: impl Into<Rule>,
    text: &str,
    what: &str,
) -> Finding {
    let rule = rule.into();
    let places = &report.places;
    let name = &account.name;
    let origin = places
        .domains
        .get(name)
        .or_else(|| places.accounts.get(name));
    let title = visible(name.as_str());
    Finding {
        spot: origin.map(Spot::of_origin),
        subjects: vec![title.to_string()],
        identity: format!("{}\n{title}\n{what}", rule.id()),
        ..bare(rule, format!("{title}: {}", visible(text)))
    }
}
