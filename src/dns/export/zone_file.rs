//! A fragment of a zone file, to be included below the zone's SOA and NS.

use std::fmt::Write as _;

use super::account::{AccountRecords, hosts, one_line};
use crate::dns::presentation::{absolute, content, relative};

/// Writes the records of accounts as a fragment of a zone file (RFC 1035, section 5.1).
///
/// `ttl` is the time to live in seconds. Parts of the template that are not understood become comments. Names in
/// record data are absolute, so that a fragment means the same wherever it is included.
#[must_use]
pub fn zone_file(accounts: &[AccountRecords], ttl: u32) -> String {
    let mut text = String::new();
    for account in accounts {
        // Writing to a string cannot fail.
        let _ = write_account(&mut text, account, ttl);
    }
    text
}

fn write_account(text: &mut String, account: &AccountRecords, ttl: u32) -> std::fmt::Result {
    let origin = account.origin();
    if !text.is_empty() {
        text.push('\n');
    }
    writeln!(
        text,
        "; {}: {}",
        one_line(account.account.as_str()),
        account.domain
    )?;
    writeln!(text, "$ORIGIN {}\n$TTL {ttl}", absolute(&origin))?;
    let width = hosts(account)
        .filter_map(|(host, _)| relative(&host.question.name, &origin))
        .map(str::len)
        .max()
        .unwrap_or(0);
    for (host, label) in hosts(account) {
        if let Some(label) = label {
            writeln!(text, "; {label}")?;
        }
        let name = match relative(&host.question.name, &origin) {
            Some("") => "@".to_owned(),
            Some(name) => name.to_owned(),
            None => {
                writeln!(
                    text,
                    "; outside {origin}, to be entered in its own zone: {} {}",
                    absolute(&host.question.name),
                    host.question.record_type
                )?;
                continue;
            }
        };
        for record in &host.records {
            writeln!(
                text,
                "{name:width$} IN {:5} {}",
                host.question.record_type,
                content(record)
            )?;
        }
    }
    for left_out in &account.expectations.not_understood {
        writeln!(
            text,
            "; left out: {} {}: {}",
            one_line(&left_out.record_type),
            one_line(&left_out.host),
            one_line(&left_out.reason)
        )?;
    }
    Ok(())
}
