//! Constraints between the hosts of the template.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Diagnostics, Place};
use crate::model::{PLACEHOLDER, RecordData, RecordName, RecordType};
use crate::tree::{DesiredTemplate, Target};

struct Host<'a> {
    record_type: RecordType,
    target: &'a Target,
    place: Place,
    records: Vec<RecordData>,
}

/// Checks constraints between hosts; entries that cannot be parsed were already reported, and are skipped.
pub(in crate::tree::check) fn across(template: &DesiredTemplate) -> Diagnostics {
    let mut names: BTreeMap<RecordName, Vec<Host<'_>>> = BTreeMap::new();
    for (target, declared) in &template.hosts {
        let Some(entry) = &declared.value else {
            continue;
        };
        let record_type = match target.record_type.as_str() {
            "CNAM" => Some(RecordType::Cname),
            text => RecordType::parse(text),
        };
        let (Some(record_type), Ok(name)) = (record_type, RecordName::parse(&target.host)) else {
            continue;
        };
        let records = entry
            .mapping
            .iter()
            .filter_map(|text| RecordData::parse(record_type, text).ok())
            .collect();
        names.entry(name).or_default().push(Host {
            record_type,
            target,
            place: declared.place,
            records,
        });
    }
    let mut diagnostics = Vec::new();
    for hosts in names.values() {
        diagnostics.extend(beside(hosts));
        for host in hosts {
            diagnostics.extend(targets(host, &names));
        }
    }
    diagnostics
}

fn beside(hosts: &[Host<'_>]) -> Diagnostics {
    let mut diagnostics = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        if let Some(twin) = hosts[..index]
            .iter()
            .find(|other| other.record_type == host.record_type)
        {
            diagnostics.push(
                Diagnostic::new(
                    Code::EB0708,
                    format!(
                        "{} {} and {} are one name",
                        host.record_type, twin.target.host, host.target.host
                    ),
                    "join them under one spelling",
                )
                .at(host.place, "the same name again")
                .see(twin.place, "first here"),
            );
        }
    }
    let Some(cname) = hosts
        .iter()
        .find(|host| host.record_type == RecordType::Cname)
    else {
        return diagnostics;
    };
    for host in hosts {
        if host.record_type != RecordType::Cname {
            diagnostics.push(
                Diagnostic::new(
                    Code::EB0709,
                    format!(
                        "{} has a CNAME, so it cannot have {} records too",
                        host.target.host, host.record_type
                    ),
                    "keep one of the two",
                )
                .at(host.place, format!("{} here", host.record_type))
                .see(cname.place, "CNAME here"),
            );
        }
    }
    diagnostics
}

fn targets(host: &Host<'_>, names: &BTreeMap<RecordName, Vec<Host<'_>>>) -> Diagnostics {
    let mut diagnostics = Vec::new();
    let mut told = BTreeSet::new();
    for record in &host.records {
        // The template provides no names outside the brand's zone, nor at its apex.
        let Some(target) = record
            .target()
            .filter(|target| target.is_within_placeholder() && target.as_str() != PLACEHOLDER)
        else {
            continue;
        };
        let provided = find(target, names);
        let wanted = wanted(record);
        let fits = |host: &Host<'_>| wanted.contains(&host.record_type);
        if provided.is_some_and(|hosts| hosts.iter().any(fits)) {
            continue;
        }
        let is_alias = |host: &Host<'_>| host.record_type == RecordType::Cname;
        let (code, message, help) = if provided.is_some_and(|hosts| hosts.iter().any(is_alias)) {
            (
                Code::EB0714,
                format!(
                    "{} {} points at {target}, which is a CNAME",
                    host.record_type, host.target.host
                ),
                "point at a name that has the address itself (RFC 2181, section 10.3)".to_owned(),
            )
        } else {
            let types: Vec<&str> = wanted.iter().map(|wanted| wanted.as_str()).collect();
            (
                Code::EB0712,
                format!(
                    "{} {} points at {target}, which the template does not provide",
                    host.record_type, host.target.host
                ),
                format!(
                    "add {target} below {}, or correct the target",
                    types.join(" or ")
                ),
            )
        };
        // Several records may point at the same name.
        if told.insert((message.clone(), help.clone())) {
            diagnostics.push(Diagnostic::new(code, message, help).at(host.place, ""));
        }
    }
    diagnostics
}

/// Returns the record types of which at least one must exist at the target.
fn wanted(record: &RecordData) -> &'static [RecordType] {
    match record {
        RecordData::Naptr { flags, .. } => match flags.as_str() {
            "S" => &[RecordType::Srv],
            "A" => &[RecordType::A, RecordType::Aaaa],
            "" => &[RecordType::Naptr],
            _ => &RecordType::ALL,
        },
        RecordData::Mx { .. } | RecordData::Srv { .. } => &[RecordType::A, RecordType::Aaaa],
        _ => &RecordType::ALL,
    }
}

fn find<'a, 'b>(
    target: &RecordName,
    names: &'b BTreeMap<RecordName, Vec<Host<'a>>>,
) -> Option<&'b Vec<Host<'a>>> {
    if let Some(hosts) = names.get(target) {
        return Some(hosts);
    }
    let mut rest = target.as_str();
    while let Some((_, above)) = rest.split_once('.') {
        if let Some(hosts) = names.get(&RecordName::observed(&format!("*.{above}"))) {
            return Some(hosts);
        }
        rest = above;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::model::HostEntry;
    use crate::tree::{Declared, Ownership};

    #[track_caller]
    fn check(hosts: &[(&str, &str, &[&str])], expected: &[(Code, &str)]) {
        let hosts = (0..)
            .zip(hosts)
            .map(|(index, (record_type, host, mapping))| {
                let target = Target {
                    record_type: (*record_type).to_owned(),
                    host: (*host).to_owned(),
                };
                let entry = HostEntry {
                    mapping: mapping.iter().map(|text| (*text).to_owned()).collect(),
                    ..HostEntry::default()
                };
                let span = Span {
                    start: index,
                    end: index + 1,
                };
                let place = Place {
                    file: FileId(0),
                    span,
                };
                (
                    target,
                    Declared {
                        value: Some(entry),
                        place,
                    },
                )
            });
        let template = DesiredTemplate {
            hosts: hosts.collect(),
            types: BTreeSet::new(),
            ownership: Ownership::Shared,
        };
        let got = across(&template);
        let got: Vec<_> = got
            .iter()
            .map(|diagnostic| (diagnostic.code, diagnostic.message.as_str()))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn sound_template() {
        check(
            &[
                ("A", "us-east.{{domain}}", &["192.0.2.1"]),
                ("CNAME", "portal.{{domain}}", &["ui.example.net"]),
                ("MX", "{{domain}}", &["10 us-east.{{domain}}"]),
                (
                    "SRV",
                    "_sip._udp.proxy.{{domain}}",
                    &["10 10 5060 us-east.{{domain}}"],
                ),
                (
                    "NAPTR",
                    "proxy.{{domain}}",
                    &["10 100 \"S\" \"SIP+D2U\" \"\" _sip._udp.proxy.{{domain}}"],
                ),
            ],
            &[],
        );
    }

    #[test]
    fn names_beside_a_cname() {
        check(
            &[
                ("A", "portal.{{domain}}", &["192.0.2.1"]),
                ("CNAME", "Portal.{{domain}}.", &["ui.example.net"]),
            ],
            &[(
                Code::EB0709,
                "portal.{{domain}} has a CNAME, so it cannot have A records too",
            )],
        );
    }

    #[test]
    fn one_host_twice() {
        check(
            &[
                ("A", "Us-East.{{domain}}", &["192.0.2.1"]),
                ("A", "us-east.{{domain}}", &["192.0.2.1"]),
            ],
            &[(
                Code::EB0708,
                "A Us-East.{{domain}} and us-east.{{domain}} are one name",
            )],
        );
    }

    #[test]
    fn dangling_targets() {
        check(
            &[
                (
                    "SRV",
                    "_sip._udp.{{domain}}",
                    &[
                        "1 1 5060 us-east.{{domain}}",
                        "2 1 5060 US-east.{{domain}}.",
                    ],
                ),
                (
                    "NAPTR",
                    "{{domain}}",
                    &["1 1 S SIP+D2T \"\" _sip._tcp.{{domain}}"],
                ),
                ("CNAME", "www.{{domain}}", &["{{domain}}"]),
            ],
            &[
                (
                    Code::EB0712,
                    "SRV _sip._udp.{{domain}} points at us-east.{{domain}}, which the template does not provide",
                ),
                (
                    Code::EB0712,
                    "NAPTR {{domain}} points at _sip._tcp.{{domain}}, which the template does not provide",
                ),
            ],
        );
        check(
            &[
                ("A", "*.{{domain}}", &["192.0.2.1"]),
                (
                    "SRV",
                    "_sip._udp.{{domain}}",
                    &["1 1 5060 us-east.{{domain}}"],
                ),
            ],
            &[],
        );
    }

    #[test]
    fn targets_that_are_aliases() {
        check(
            &[
                ("CNAME", "us-east.{{domain}}", &["sip.example.net"]),
                (
                    "SRV",
                    "_sip._udp.{{domain}}",
                    &["1 1 5060 us-east.{{domain}}"],
                ),
            ],
            &[(
                Code::EB0714,
                "SRV _sip._udp.{{domain}} points at us-east.{{domain}}, which is a CNAME",
            )],
        );
    }
}
