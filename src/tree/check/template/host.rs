//! Validates single hosts of the template.

use std::collections::BTreeMap;

use super::place::part;
use crate::diag::{Code, Diagnostic, Diagnostics, Place, Spanned};
use crate::model::{PLACEHOLDER, RecordData, RecordErrorKind, RecordName, RecordType};
use crate::tree::check::value::invisible;
use crate::tree::check::{Problem, nearest};

/// One host's entry with the place of each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpannedEntry {
    /// Display name.
    pub name: Option<Spanned<String>>,
    /// The records.
    pub mapping: Vec<Spanned<String>>,
    /// Zone that the operator set: a label of the server, not a DNS name.
    pub zone: Option<Spanned<String>>,
}

/// Creates the problem for a type or host of the template that is not a map, or a mapping that is not a list: the
/// server would store it and answer 500 from then on (D9, observed 7).
///
/// `what` names the part, such as `host us-east.{{domain}}`; `wanted` is `a map` or `a list`.
#[must_use]
pub fn not_a_map(what: &str, wanted: &str) -> Problem {
    Problem::new(
        Code::EB0710,
        format!("{what} must be {wanted}; the server would store this and fail from then on"),
        format!("write {wanted}"),
    )
}

/// Checks the name of a record type, a top-level key of the template.
#[must_use]
pub fn record_type(name: &Spanned<String>) -> Diagnostics {
    let text = name.value.as_str();
    let diagnostic = match RecordType::parse(text) {
        Some(RecordType::Caa) => Diagnostic::new(
            Code::EB0715,
            "older servers fail to test a template with CAA",
            "leave CAA to the zone, or try GET of the domain test on your server first",
        ),
        Some(_) => return Vec::new(),
        None if text == "CNAM" => Diagnostic::new(
            Code::EB0702,
            "CNAM is no record type; its domain test fails for every account",
            "write CNAME",
        )
        .mended_by(name.place, "CNAME"),
        None => {
            let message = format!("unknown record type {text}");
            if let Some(known) = nearest(text, RecordType::ALL.map(RecordType::as_str)) {
                let help = format!("did you mean {known}?");
                Diagnostic::new(Code::EB0701, message, help).mended_by(name.place, known)
            } else {
                let help = "use A, AAAA, CNAME, MX, NAPTR, SRV or TXT";
                Diagnostic::new(Code::EB0701, message, help)
            }
        }
    };
    vec![diagnostic.at(name.place, "")]
}

/// Checks one host of the template by itself: its type, its name, and each of its records.
///
/// A mistake in the type is reported for each of its hosts, in equal diagnostics; the caller keeps one of them.
/// Constraints between hosts are checked by [`crate::tree::check::desired`].
#[must_use]
pub fn host(
    record_type: &Spanned<String>,
    host: &Spanned<String>,
    entry: &SpannedEntry,
) -> Diagnostics {
    let mut diagnostics = self::record_type(record_type);
    // CNAM is a misspelling of CNAME, and its entry will have to pass as one.
    let parsed = match record_type.value.as_str() {
        "CNAM" => Some(RecordType::Cname),
        text => RecordType::parse(text),
    };
    let Some(parsed) = parsed else {
        return diagnostics;
    };
    diagnostics.extend(host_name(parsed, host));
    diagnostics.extend(members(parsed, host, entry));
    diagnostics.extend(records(parsed, &entry.mapping));
    diagnostics
}

fn host_name(record_type: RecordType, host: &Spanned<String>) -> Diagnostics {
    let text = host.value.as_str();
    if let Some(second) = second_placeholder(host) {
        return vec![second];
    }
    let name = match RecordName::parse(text) {
        Ok(name) if !name.is_root() => name,
        Ok(_) => return vec![no_host(host, 0, 1, "is the root")],
        Err((offset, length, problem)) => return vec![no_host(host, offset, length, problem)],
    };
    let mut diagnostics = Vec::new();
    let mut say = |code, message: String, help: &str| {
        diagnostics.push(Diagnostic::new(code, message, help).at(host.place, ""));
    };
    if name
        .as_str()
        .split('.')
        .any(|label| label == "_acme-challenge")
    {
        say(
            Code::EB0711,
            format!("{text} belongs to whoever renews the certificates"),
            "remove the host from the template",
        );
    }
    if record_type == RecordType::Cname && name.as_str() == PLACEHOLDER {
        say(
            Code::EB0711,
            format!("a CNAME at {PLACEHOLDER} itself would hide the zone's NS and SOA"),
            "use A and AAAA there, or a CNAME for a host below it such as portal.{{domain}}",
        );
    }
    if !text.contains(PLACEHOLDER) {
        if record_type == RecordType::Cname {
            say(
                Code::EB0706,
                format!("the CNAME host {text} lacks {PLACEHOLDER}, the server refuses it"),
                "write {{domain}} in place of the domain",
            );
        } else {
            say(
                Code::EB0707,
                format!("{text} lacks {PLACEHOLDER}, so it is the same name for every brand"),
                "write {{domain}} in place of the domain",
            );
        }
    } else if !name.is_within_placeholder() {
        say(
            Code::EB0707,
            format!("{text} does not end in {PLACEHOLDER}, so it lies outside the brand's zone"),
            "put {{domain}} at the end",
        );
    }
    let mut labels = name.as_str().split('.');
    if record_type == RecordType::Srv
        && !labels.by_ref().take(2).all(|label| label.starts_with('_'))
    {
        say(
            Code::EB0714,
            format!("{text} is no name for an SRV, nothing asks for it"),
            "begin it with service and protocol, such as _sip._udp.",
        );
    }
    diagnostics
}

fn no_host(host: &Spanned<String>, offset: usize, length: usize, problem: &str) -> Diagnostic {
    Diagnostic::new(
        Code::EB0713,
        format!("the host {:?} {problem}", host.value),
        "write a name such as us-east.{{domain}}",
    )
    .at(part(host.place, &host.value, offset, length), problem)
}

fn members(record_type: RecordType, host: &Spanned<String>, entry: &SpannedEntry) -> Diagnostics {
    let mut diagnostics = Vec::new();
    for text in [&entry.name, &entry.zone].into_iter().flatten() {
        diagnostics
            .extend(invisible(&host.value, &text.value).map(|problem| problem.at(text.place)));
    }
    let mut say = |code, message: String, help: &str| {
        diagnostics.push(Diagnostic::new(code, message, help).at(host.place, ""));
    };
    if record_type == RecordType::Cname {
        if entry.name.is_none() {
            say(
                Code::EB0705,
                format!(
                    "the CNAME host {} has no name, the server refuses it",
                    host.value
                ),
                "add what people call it, such as name: Web portal",
            );
        }
        if entry.mapping.is_empty() {
            say(
                Code::EB0705,
                format!(
                    "the CNAME host {} has nothing in mapping, the server refuses it",
                    host.value
                ),
                "add the target, such as mapping: [portal.example.net]",
            );
        }
    } else if entry.mapping.is_empty() {
        say(
            Code::EB0714,
            format!("{} has nothing in mapping", host.value),
            "add a record, or remove the host",
        );
    }
    diagnostics
}

fn records(record_type: RecordType, mapping: &[Spanned<String>]) -> Diagnostics {
    let mut diagnostics = Vec::new();
    let mut seen: BTreeMap<RecordData, Place> = BTreeMap::new();
    let mut first: Option<(RecordData, Place)> = None;
    for text in mapping {
        if let Some(wrong) = second_placeholder(text).or_else(|| no_placeholder(record_type, text))
        {
            diagnostics.push(wrong);
            continue;
        }
        let data = match RecordData::parse(record_type, &text.value) {
            Ok(data) => data,
            Err(error) => {
                diagnostics.push(
                    Diagnostic::new(
                        Code::EB0703,
                        format!("{:?} is no {record_type} record: {error}", text.value),
                        record_help(record_type, &error.kind),
                    )
                    .at(
                        part(text.place, &text.value, error.offset, error.length),
                        "",
                    ),
                );
                continue;
            }
        };
        diagnostics.extend(doubt(&data).map(|problem| problem.at(text.place)));
        if let Some(first) = seen.get(&data) {
            diagnostics.push(
                Diagnostic::new(
                    Code::EB0708,
                    format!("the {record_type} record {data} is repeated here"),
                    "remove one of them",
                )
                .at(text.place, "again")
                .see(*first, "first here"),
            );
            continue;
        }
        if let (RecordType::Cname, Some((other, first))) = (record_type, &first) {
            diagnostics.push(
                Diagnostic::new(
                    Code::EB0709,
                    format!("a host has one CNAME, this has {other} and {data}"),
                    "keep one target",
                )
                .at(text.place, "a second target")
                .see(*first, "the first"),
            );
        }
        first.get_or_insert_with(|| (data.clone(), text.place));
        seen.insert(data, text.place);
    }
    diagnostics
}

/// Finds a second placeholder, which the server would not replace (D2, trap 23).
fn second_placeholder(text: &Spanned<String>) -> Option<Diagnostic> {
    let (offset, _) = text.value.match_indices(PLACEHOLDER).nth(1)?;
    Some(
        Diagnostic::new(
            Code::EB0704,
            format!(
                "{PLACEHOLDER} is repeated in {:?}, the server replaces only the first",
                text.value
            ),
            "keep one {{domain}} in each text",
        )
        .at(
            part(text.place, &text.value, offset, PLACEHOLDER.len()),
            "stays as it is",
        ),
    )
}

/// Finds text that looks like a placeholder but is not the one that the server knows.
fn no_placeholder(record_type: RecordType, text: &Spanned<String>) -> Option<Diagnostic> {
    let (offset, _) = text
        .value
        .match_indices("{{")
        .find(|(offset, _)| !text.value[*offset..].starts_with(PLACEHOLDER))?;
    let rest = &text.value[offset..];
    let length = rest.find("}}").map_or(rest.len(), |end| end + 2);
    Some(
        Diagnostic::new(
            Code::EB0703,
            format!(
                "{:?} is no {record_type} record: {} is not replaced by anything",
                text.value,
                &rest[..length]
            ),
            "write {{domain}}, in lower case and without spaces",
        )
        .at(part(text.place, &text.value, offset, length), ""),
    )
}

fn doubt(data: &RecordData) -> Option<Problem> {
    let problem = |message, help: &str| Some(Problem::new(Code::EB0714, message, help));
    match data {
        RecordData::Naptr {
            flags, services, ..
        } => flag(data, flags, services),
        RecordData::Mx {
            preference: None,
            exchange,
        } => problem(
            format!("the MX record {exchange} has no preference"),
            "put a number before it, such as 10",
        ),
        RecordData::Srv {
            port: 0, target, ..
        } if !target.is_root() => problem(
            format!("the SRV record to {target} has port 0"),
            "give the port, such as 5060",
        ),
        RecordData::A(address) if address.is_loopback() || address.is_unspecified() => problem(
            format!("{address} is the customer's own machine"),
            "give the address of the platform",
        ),
        RecordData::Aaaa(address) if address.is_loopback() || address.is_unspecified() => problem(
            format!("{address} is the customer's own machine"),
            "give the address of the platform",
        ),
        _ => None,
    }
}

/// Warns of an unusual flag of a NAPTR. The valid flags depend on the application of the rule: SIP knows only `S`, and
/// phones skip every other rule (RFC 3263, section 4.1); ENUM knows `U` (RFC 6116, section 3.4.3); the general ones are
/// `S`, `A`, `U` and `P`, or none if another NAPTR follows (RFC 3404, section 4.3).
fn flag(data: &RecordData, flags: &str, services: &str) -> Option<Problem> {
    let is_of = |application: &str| {
        let rest = services.strip_prefix(application);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ':']))
    };
    let is_sip = is_of("SIP") || is_of("SIPS");
    let (known, who, help): (&[&str], &str, &str) = if is_sip {
        (
            &["S"],
            "phones pass over the rule",
            "write \"S\", and let the rule lead to an SRV",
        )
    } else if is_of("E2U") {
        (
            &["U"],
            "ENUM passes over the rule",
            "write \"U\", and let the expression give a URI",
        )
    } else {
        (
            &["", "S", "A", "U", "P"],
            "no application is known that follows the rule",
            "write \"S\" if the rule leads to an SRV, \"A\" if it leads to a host, \"U\" if its expression gives a URI",
        )
    };
    if known.contains(&flags) {
        return None;
    }
    let about = match services {
        "" => "a NAPTR record without a service".to_owned(),
        services => format!("a NAPTR record for {services}"),
    };
    let message = match flags {
        "" => format!("{about} has no flag, and {who}"),
        flags => format!("{about} has the flag {flags:?}, and {who}"),
    };
    let problem = Problem::new(Code::EB0714, message, help);
    let leads_to_service = data
        .target()
        .is_some_and(|name| name.as_str().starts_with('_'));
    match data.clone() {
        RecordData::Naptr {
            order,
            preference,
            services,
            regexp,
            replacement,
            ..
        } if is_sip && leads_to_service => {
            let mended = RecordData::Naptr {
                order,
                preference,
                flags: "S".to_owned(),
                services,
                regexp,
                replacement,
            };
            Some(problem.instead(mended.to_string()))
        }
        _ => Some(problem),
    }
}

fn record_help(record_type: RecordType, kind: &RecordErrorKind) -> String {
    match (record_type, kind) {
        (_, RecordErrorKind::TooLong(_)) => {
            "split it into several quoted strings: \"…\" \"…\"".to_owned()
        }
        (_, RecordErrorKind::Quote) => "close the quote".to_owned(),
        (
            RecordType::A,
            RecordErrorKind::Address {
                other_kind: true, ..
            },
        ) => "put IPv6 addresses below AAAA".to_owned(),
        (
            RecordType::Aaaa,
            RecordErrorKind::Address {
                other_kind: true, ..
            },
        ) => "put IPv4 addresses below A".to_owned(),
        (_, RecordErrorKind::Address { found, .. })
            if RecordName::parse(found).is_ok() && !found.is_empty() =>
        {
            format!(
                "write an address, such as {}, or put the name below CNAME",
                example(record_type)
            )
        }
        _ => format!("write it like {}", example(record_type)),
    }
}

fn example(record_type: RecordType) -> &'static str {
    match record_type {
        RecordType::A => "192.0.2.10",
        RecordType::Aaaa => "2001:db8::10",
        RecordType::Cname => "portal.example.net",
        RecordType::Mx => "10 mail.example.net",
        RecordType::Naptr => "10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.proxy.{{domain}}",
        RecordType::Srv => "10 50 5060 us-east.{{domain}}",
        RecordType::Txt => "\"v=spf1 -all\"",
        RecordType::Caa => "0 issue \"ca.example.net\"",
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
