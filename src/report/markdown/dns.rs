//! The results of the DNS check: one table per account.

use std::fmt::Write as _;

use super::entry::{Entry, folded, line};
use super::escape::{cell, code, html, prose};
use crate::dns::{HostCheck, RecordMark, Registration, Standing, Urgency, Verdict};
use crate::report::dns::BOGUS;
use crate::report::{AccountDns, Report};

pub(super) fn entries(report: &Report) -> Vec<Entry> {
    let Some(dns) = &report.dns else {
        return Vec::new();
    };
    let mut told: Vec<&AccountDns> = dns
        .accounts
        .iter()
        .filter(|account| account.check.standing() != Standing::InSync)
        .collect();
    told.sort_by_key(|account| std::cmp::Reverse(account.check.standing()));
    let mut entries: Vec<Entry> = told.into_iter().map(entry).collect();
    let findings = dns.findings().into_iter();
    let warnings = findings.filter(|(finding, _)| finding.kind.urgency() == Urgency::Warning);
    entries.extend(warnings.map(|(finding, names)| {
        let names: Vec<String> = names.iter().map(|name| code(name.as_str())).collect();
        line(&format!("{}: {}", names.join(", "), prose(&finding.text())))
    }));
    let skipped = dns.skipped.iter();
    entries.extend(skipped.map(|(name, reason)| {
        line(&format!(
            "{}: not checked, {}",
            code(name.as_str()),
            prose(reason)
        ))
    }));
    entries
}

fn entry(account: &AccountDns) -> Entry {
    let check = &account.check;
    let words: Vec<String> = check
        .tally()
        .words()
        .into_iter()
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let words = words.join(", ");
    let mut content = "| Host | Verdict | Found | Wanted |\n| --- | --- | --- | --- |\n".to_owned();
    for host in &check.hosts {
        let _ = writeln!(content, "{}", row(host));
    }
    content.push('\n');
    for host in check.hosts.iter().filter(|host| !host.hints.is_empty()) {
        for hint in &host.hints {
            let name = host.judgement.expected.question.name.to_string();
            let _ = writeln!(content, "- {}: {}", code(&name), prose(&hint.text));
        }
    }
    for host in &check.not_understood {
        let name = format!("{} {}", host.record_type, host.host);
        let _ = writeln!(
            content,
            "- {}: not understood: {}",
            code(&name),
            prose(&host.reason)
        );
    }
    for phones in &check.phones {
        if phones.registration != Registration::Works {
            let _ = writeln!(content, "- {}", prose(&phones.sentence));
        }
    }
    let (name, domain) = (account.name.as_str(), check.domain.as_str());
    Entry {
        full: folded(
            &format!("{} {}: {words}", html(name), html(domain)),
            &content,
            false,
        ),
        short: format!("- {} {}: {words}\n", code(name), code(domain)),
    }
}

fn row(host: &HostCheck) -> String {
    let judgement = &host.judgement;
    let question = &judgement.expected.question;
    let records = |wanted: &[RecordMark]| {
        let records = judgement
            .records
            .iter()
            .filter(|(mark, _)| wanted.contains(mark));
        let records: Vec<String> = records
            .map(|(_, record)| cell(&record.to_string()))
            .collect();
        records.join("<br>")
    };
    let verdict = match &judgement.verdict {
        Verdict::Unknown { reason } => format!("unknown: {}", cell(reason)),
        Verdict::Propagating { old_for: Some(old) } => format!("propagating, up to {old} s"),
        Verdict::Bogus => format!("bogus: {BOGUS}"),
        verdict => match judgement.absent {
            Some(absent) => format!("{}: {}", verdict.word(), absent.words()),
            None => verdict.word().to_owned(),
        },
    };
    format!(
        "| {} | {verdict} | {} | {} |",
        cell(&format!("{} {}", question.record_type, question.name)),
        records(&[RecordMark::Present, RecordMark::Extra]),
        records(&[RecordMark::Present, RecordMark::Missing])
    )
}
