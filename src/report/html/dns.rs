//! The results of the DNS check: one table per domain.

use maud::{Markup, html};

use super::section::Section;
use crate::dns::{HostCheck, Opinion, RecordMark, Registration, Standing, Verdict};
use crate::model::count;
use crate::report::dns::BOGUS;
use crate::report::escape::visible;
use crate::report::{AccountDns, Report, SecondOpinion};

pub(super) fn section(report: &Report) -> Section {
    let accounts = report.dns.iter().flat_map(|dns| &dns.accounts);
    let skipped = report.dns.iter().flat_map(|dns| &dns.skipped);
    let (good, told): (Vec<&AccountDns>, Vec<&AccountDns>) =
        accounts.partition(|account| account.check.standing() == Standing::InSync);
    let names: Vec<&str> = good.iter().map(|account| account.name.as_str()).collect();
    let skipped: Vec<_> = skipped.collect();
    Section {
        id: "dns",
        title: "DNS",
        count: told.len() + good.len() + skipped.len(),
        lead: report.dns.as_ref().map(lead),
        body: html! {
            @for account in &told { (domain(account)) }
            @if !good.is_empty() {
                p { strong { "As the template says: " } (count(good.len(), "domain")) }
                (super::change::names(&names))
                details {
                    summary { "Their records" }
                    @for account in &good { (domain(account)) }
                }
            }
            @for (finding, names) in report.dns.iter().flat_map(crate::report::DnsReport::findings) {
                p.help { (visible(&finding.text())) }
                (super::change::names(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>()))
            }
            @if !skipped.is_empty() {
                dl.list {
                    @for (name, reason) in &skipped {
                        dt { (visible(name.as_str())) }
                        dd { "not checked, " (visible(reason)) }
                    }
                }
            }
        },
    }
}

fn lead(dns: &crate::report::DnsReport) -> String {
    let words: Vec<String> = dns
        .tally()
        .words()
        .into_iter()
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let domains = count(dns.accounts.len(), "domain");
    format!("Hosts: {} on {domains}.", words.join(", "))
}

fn domain(account: &AccountDns) -> Markup {
    let check = &account.check;
    html! {
        article.domain data-tags="dns" {
            h3 { (visible(account.name.as_str())) " " span.hint { (check.domain) } }
            @for phones in &check.phones {
                p class={ "phones " (tone(phones.registration)) } { (visible(&phones.sentence)) }
            }
            table.hosts {
                thead { tr { th scope="col" { "Host" } th scope="col" { "Verdict" } th scope="col" { "Records" } } }
                tbody {
                    @for (host, opinion) in account.hosts() { (row(host, opinion)) }
                    @for host in &check.not_understood {
                        tr {
                            th scope="row" { code { (visible(&host.record_type)) " " (visible(&host.host)) } }
                            td { span.badge.warn { "not understood" } }
                            td { (visible(&host.reason)) }
                        }
                    }
                }
            }
            @if let Some(SecondOpinion::Unknown(reason)) = &account.platform {
                p.note { "The platform could not be asked: " (visible(reason)) }
            }
        }
    }
}

fn tone(registration: Registration) -> &'static str {
    match registration {
        Registration::Works => "good",
        Registration::Impaired | Registration::Unknown => "warn",
        Registration::Broken => "bad",
    }
}

fn row(host: &HostCheck, opinion: Option<&Opinion>) -> Markup {
    let judgement = &host.judgement;
    let question = &judgement.expected.question;
    let verdict = &judgement.verdict;
    let class = match verdict {
        Verdict::Ok => "badge good",
        Verdict::Missing | Verdict::Different | Verdict::Inconsistent | Verdict::Bogus => {
            "badge bad"
        }
        Verdict::Extra | Verdict::Propagating { .. } | Verdict::Unknown { .. } => "badge warn",
    };
    html! {
        tr {
            th scope="row" {
                span.type { (question.record_type) } " " code { (visible(&question.name.to_string())) }
            }
            td { span class=(class) { (verdict.word()) } }
            td {
                @if let Some(said) = said(verdict) { p { (said) } }
                ul.records {
                    @for (mark, record) in judgement.as_change() {
                        @let record = record.to_string();
                        li {
                            @match mark {
                                RecordMark::Present => { code { (visible(&record)) } }
                                RecordMark::Missing => { span.sign.bad { "missing" } " " code { (visible(&record)) } }
                                RecordMark::Extra => { span.sign.warn { "extra" } " " code { (visible(&record)) } }
                            }
                        }
                    }
                }
                @for (server, said) in &judgement.servers {
                    p.note { (visible(&server.to_string())) ": " (visible(said)) }
                }
                @if let Some(absent) = judgement.absent { p.note { (absent.words()) } }
                @for note in &judgement.notes { p.note { (visible(note)) } }
                @for hint in &host.hints { p.help { (visible(&hint.text)) } }
                @if let Some(Opinion::Otherwise { sees }) = opinion {
                    p.note { "The platform sees " (visible(&sees.join(", "))) }
                }
            }
        }
    }
}

/// Returns what a verdict says beyond its one-word name.
fn said(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Unknown { reason } => Some(visible(reason).into_owned()),
        Verdict::Propagating { old_for: Some(old) } => Some(format!(
            "old answers for up to {}",
            count(old.div_ceil(60) as usize, "minute")
        )),
        Verdict::Propagating { old_for: None } => {
            Some("old answers, for an unknown time".to_owned())
        }
        Verdict::Ok
        | Verdict::Missing
        | Verdict::Different
        | Verdict::Extra
        | Verdict::Inconsistent => None,
        Verdict::Bogus => Some(BOGUS.to_owned()),
    }
}
