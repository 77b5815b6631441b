//! The results of the DNS check as text: a table for each domain with issues, and one line for all others.

use std::fmt;

use super::page::{Page, Piece, Tone, piece, width};
use super::visible;
use crate::dns::{
    Absence, DomainCheck, HostCheck, Opinion, RecordMark, Registration, Standing, Tally, Urgency,
    Verdict,
};
use crate::model::count;
use crate::report::dns::BOGUS;
use crate::report::{AccountDns, DnsReport, Report, SecondOpinion};

/// Longer names do not widen the column.
const NAME_COLUMNS: usize = 44;
/// The width of the longest verdict and a gap.
const VERDICT_COLUMNS: usize = 14;

pub(super) fn write(page: &mut Page<'_>, report: &Report) -> fmt::Result {
    let Some(dns) = &report.dns else {
        return Ok(());
    };
    let (quiet, told): (Vec<&AccountDns>, Vec<&AccountDns>) =
        dns.accounts.iter().partition(|account| is_quiet(account));
    for account in told {
        write_account(page, account)?;
    }
    if page.options.verbose {
        for account in quiet {
            write_account(page, account)?;
        }
    } else if !quiet.is_empty() {
        page.gap()?;
        let names: Vec<&str> = quiet.iter().map(|account| account.name.as_str()).collect();
        super::names::write(page, "DNS ok", &names)?;
    }
    write_findings(page, dns)?;
    if !dns.skipped.is_empty() {
        page.gap()?;
    }
    for (name, reason) in &dns.skipped {
        let line = [
            piece(Tone::Heading, visible(name.as_str())),
            piece(
                Tone::Plain,
                format!(": DNS not checked, {}", visible(reason)),
            ),
        ];
        page.wrapped(0, 2, &line)?;
    }
    Ok(())
}

/// Writes each finding once, with the accounts that it concerns.
fn write_findings(page: &mut Page<'_>, dns: &DnsReport) -> fmt::Result {
    let found = dns.findings();
    let told: Vec<_> = found
        .iter()
        .filter(|(it, _)| page.options.verbose || it.kind.urgency() == Urgency::Warning)
        .collect();
    if !told.is_empty() {
        page.gap()?;
    }
    for (finding, names) in told {
        let (tone, word) = match finding.kind.urgency() {
            Urgency::Warning => (Tone::Warning, "warning: "),
            Urgency::Note => (Tone::Faint, "note: "),
        };
        let text = visible(&finding.text()).into_owned();
        page.wrapped(0, 2, &[piece(tone, word), piece(Tone::Plain, text)])?;
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        super::names::write(page, "  concerns", &names)?;
    }
    Ok(())
}

/// Returns whether everything about the domain is correct, so that there is nothing to report.
fn is_quiet(account: &AccountDns) -> bool {
    let check = &account.check;
    let agrees = |opinion: Option<&Opinion>| !matches!(opinion, Some(Opinion::Otherwise { .. }));
    check.standing() == Standing::InSync
        && account.hosts().all(|(host, opinion)| {
            host.hints.is_empty() && host.judgement.notes.is_empty() && agrees(opinion)
        })
        && check
            .phones
            .iter()
            .all(|phones| phones.registration == Registration::Works)
        && !matches!(account.platform, Some(SecondOpinion::Unknown(_)))
}

fn write_account(page: &mut Page<'_>, account: &AccountDns) -> fmt::Result {
    let check = &account.check;
    page.gap()?;
    let heading = [
        piece(Tone::Heading, visible(account.name.as_str())),
        piece(Tone::Plain, format!("  {}", check.domain)),
    ];
    page.wrapped(0, 4, &heading)?;
    let columns = check
        .hosts
        .iter()
        .map(|host| name(host).chars().count() + 2)
        .filter(|columns| *columns <= NAME_COLUMNS)
        .max()
        .unwrap_or_default();
    let shared = same_reasons(&check.hosts);
    if let Some(first) = check.hosts.first().filter(|_| shared) {
        if let Some(said) = said(&first.judgement.verdict) {
            page.wrapped(2, 4, &[piece(tone(&first.judgement.verdict), said)])?;
        }
        write_reasons(page, 2, first)?;
    }
    for (host, opinion) in account.hosts() {
        write_host(page, host, columns, shared)?;
        write_opinion(page, host, opinion)?;
    }
    write_not_understood(page, check)?;
    for phones in &check.phones {
        let tone = match phones.registration {
            Registration::Works => Tone::Good,
            Registration::Impaired | Registration::Unknown => Tone::Warning,
            Registration::Broken => Tone::Failure,
        };
        page.wrapped(2, 4, &[piece(tone, visible(&phones.sentence))])?;
    }
    if let Some(SecondOpinion::Unknown(reason)) = &account.platform {
        let text = format!("the platform could not be asked: {}", visible(reason));
        page.wrapped(2, 4, &[piece(Tone::Warning, text)])?;
    }
    Ok(())
}

fn name(host: &HostCheck) -> String {
    let question = &host.judgement.expected.question;
    visible(&format!("{:<5} {}", question.record_type, question.name)).into_owned()
}

fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Missing | Verdict::Different | Verdict::Inconsistent | Verdict::Bogus => {
            Tone::Failure
        }
        Verdict::Extra | Verdict::Propagating { .. } | Verdict::Unknown { .. } => Tone::Warning,
    }
}

/// Writes `TYPE name  verdict  record`, with the records below if they do not fit.
fn write_host(page: &mut Page<'_>, host: &HostCheck, columns: usize, shared: bool) -> fmt::Result {
    let judgement = &host.judgement;
    let verdict = &judgement.verdict;
    // A name that is longer than the column still ends before the verdict.
    let mut line = vec![
        piece(Tone::Plain, format!("{:<columns$}", name(host) + "  ")),
        piece(
            tone(verdict),
            format!("{:<VERDICT_COLUMNS$}", verdict.word()),
        ),
    ];
    let said = said(verdict).filter(|_| !shared);
    let records: Vec<Piece> = (judgement.as_change().into_iter())
        .map(|(mark, record)| {
            let record = visible(&record.to_string()).into_owned();
            match mark {
                RecordMark::Present => piece(Tone::Plain, format!("  {record}")),
                RecordMark::Extra => piece(Tone::Removed, format!("- {record}")),
                RecordMark::Missing => piece(Tone::Added, format!("+ {record}")),
            }
        })
        .collect();
    let hang = 2 + width(&line);
    // Either all records go into the column beside the verdict, or all go below it.
    let beside = said.is_none()
        && records
            .iter()
            .all(|record| page.fits(hang, std::slice::from_ref(record)));
    let mut rest = records.as_slice();
    match (said, rest) {
        (Some(said), _) => line.push(piece(Tone::Plain, said)),
        (None, [first, others @ ..]) if beside => {
            line.push(first.clone());
            rest = others;
        }
        (None, _) => line[1] = piece(tone(verdict), verdict.word()),
    }
    if page.fits(2, &line) {
        page.line(2, &line)?;
    } else {
        page.wrapped(2, 6, &line)?;
    }
    for record in rest {
        page.line(if beside { hang } else { 6 }, std::slice::from_ref(record))?;
    }
    if !shared {
        write_reasons(page, 6, host)?;
    }
    for hint in &host.hints {
        write_hint(page, 6, &hint.text)?;
    }
    Ok(())
}

/// Writes which server answers what, then what is absent and the notes, one of which tells of a domain that is absent.
fn write_reasons(page: &mut Page<'_>, indent: usize, host: &HostCheck) -> fmt::Result {
    for (server, said) in &host.judgement.servers {
        let text = format!("{server}: {said}");
        page.wrapped(indent, indent + 2, &[piece(Tone::Plain, visible(&text))])?;
    }
    let absent = host
        .judgement
        .absent
        .filter(|absent| *absent != Absence::Domain);
    if let Some(absent) = absent {
        page.wrapped(indent, indent + 2, &[piece(Tone::Faint, absent.words())])?;
    }
    for note in &host.judgement.notes {
        page.wrapped(indent, indent + 2, &[piece(Tone::Faint, visible(note))])?;
    }
    Ok(())
}

/// Returns whether all hosts have the same verdict for the same reasons, which are then written once.
fn same_reasons(hosts: &[HostCheck]) -> bool {
    let [first, others @ ..] = hosts else {
        return false;
    };
    let first = &first.judgement;
    let reasons = !first.servers.is_empty() || !first.notes.is_empty();
    let same = others.iter().all(|host| {
        let other = &host.judgement;
        other.verdict == first.verdict
            && other.servers == first.servers
            && other.notes == first.notes
            && other.absent == first.absent
    });
    reasons && !others.is_empty() && same
}

/// Returns what a verdict says beyond its one-word name.
fn said(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Unknown { reason } => Some(visible(reason).into_owned()),
        Verdict::Propagating { old_for: Some(old) } => {
            Some(format!("old answers for up to {}", time(*old)))
        }
        Verdict::Propagating { old_for: None } => Some("old answers, for an unknown time".into()),
        Verdict::Ok
        | Verdict::Missing
        | Verdict::Different
        | Verdict::Extra
        | Verdict::Inconsistent => None,
        Verdict::Bogus => Some(BOGUS.to_owned()),
    }
}

/// Formats a number of seconds for people.
fn time(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

fn write_hint(page: &mut Page<'_>, indent: usize, text: &str) -> fmt::Result {
    let line = [
        piece(Tone::Key, "hint: "),
        piece(Tone::Plain, visible(text)),
    ];
    page.wrapped(indent, indent + 6, &line)
}

fn write_opinion(page: &mut Page<'_>, host: &HostCheck, opinion: Option<&Opinion>) -> fmt::Result {
    let text = match opinion {
        None => return Ok(()),
        Some(Opinion::Right) if host.judgement.verdict == Verdict::Ok => return Ok(()),
        Some(Opinion::Right) => "the platform sees what the template says".to_owned(),
        Some(Opinion::Otherwise { sees }) => format!("the platform sees {}", sees.join(", ")),
        Some(Opinion::Unknown) if !page.options.verbose => return Ok(()),
        Some(Opinion::Unknown) => "the platform could not tell".to_owned(),
    };
    page.wrapped(6, 8, &[piece(Tone::Faint, visible(&text))])
}

fn write_not_understood(page: &mut Page<'_>, check: &DomainCheck) -> fmt::Result {
    for host in &check.not_understood {
        let text = format!("{} {}: {}", host.record_type, host.host, host.reason);
        let line = [
            piece(Tone::Warning, "not understood  "),
            piece(Tone::Plain, visible(&text)),
        ];
        page.wrapped(2, 6, &line)?;
    }
    Ok(())
}

/// Returns the DNS part of the last line.
pub(super) fn summary(dns: &DnsReport) -> Vec<Piece> {
    let tally = dns.tally();
    let tone = match dns.standing() {
        Standing::InSync => Tone::Good,
        Standing::Propagating | Standing::Unknown => Tone::Warning,
        Standing::Differs => Tone::Changed,
    };
    let domains = count(dns.accounts.len(), "domain");
    let text = if tally == Tally::default() {
        format!("DNS: nothing to check on {domains}")
    } else {
        let words: Vec<String> = tally
            .words()
            .into_iter()
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        format!("DNS: {} on {domains}", words.join(", "))
    };
    vec![piece(tone, text)]
}
