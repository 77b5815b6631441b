//! A letter to the zone's owner: exactly what to enter at the registrar, in plain words. Pure.

mod render;

use std::collections::BTreeSet;

use super::presentation::{MX_PREFERENCE, relative};
use super::{Expected, Judgement, RecordMark, Verdict};
use crate::model::record::{RecordData, RecordName};
use crate::model::{DomainName, count};
use render::Block;

/// The columns that readers copy verbatim.
const COPIED: [&str; 3] = ["Name", "Type", "Value"];

/// The contents of a letter.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The brand's name, as its owner knows it.
    pub brand: &'a str,
    /// The brand's domain.
    pub domain: &'a DomainName,
    /// The zone that the domain lies in, if known; else names are written in full.
    pub zone: Option<&'a RecordName>,
    /// The records that must exist.
    pub expected: &'a [Expected],
    /// What was found, in any order; a host without a judgement was not checked.
    pub judgements: &'a [Judgement],
}

/// What to do about one host.
enum Task<'a> {
    /// Enter the first records; the second are there instead and must go.
    Enter(Vec<&'a RecordData>, Vec<&'a RecordData>),
    /// There are unexpected records.
    Extra(Vec<&'a RecordData>),
    /// Nothing to do.
    Right,
    /// The host could not be checked, or is not seen alike everywhere.
    Unclear(String),
}

impl Letter<'_> {
    /// Writes the letter as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        render::markdown(&self.blocks())
    }

    /// Writes the letter as plain text.
    #[must_use]
    pub fn text(&self) -> String {
        render::text(&self.blocks())
    }

    fn judgement(&self, host: &Expected) -> Option<&Judgement> {
        self.judgements
            .iter()
            .find(|judgement| judgement.expected.question == host.question)
    }

    fn task<'a>(&'a self, host: &'a Expected) -> Task<'a> {
        let Some(judgement) = self.judgement(host) else {
            return Task::Enter(host.records.iter().collect(), Vec::new());
        };
        let marked = |wanted: RecordMark| -> Vec<&RecordData> {
            judgement
                .records
                .iter()
                .filter(|(mark, _)| *mark == wanted)
                .map(|(_, data)| data)
                .collect()
        };
        match &judgement.verdict {
            Verdict::Ok => Task::Right,
            Verdict::Missing | Verdict::Different => {
                Task::Enter(marked(RecordMark::Missing), marked(RecordMark::Extra))
            }
            Verdict::Extra => Task::Extra(marked(RecordMark::Extra)),
            Verdict::Propagating { old_for } => Task::Unclear(old_for.map_or_else(
                || "entered rightly; some of the world still sees the old entry for a while".to_owned(),
                |seconds| {
                    format!(
                        "entered rightly; some of the world may see the old entry for {} more",
                        duration(seconds)
                    )
                },
            )),
            Verdict::Inconsistent => Task::Unclear(
                "the name servers of the domain disagree; ask the registrar whether all of them are up to date"
                    .to_owned(),
            ),
            Verdict::Bogus => Task::Unclear(
                "the DNSSEC signatures of the domain are wrong, so that much of the world cannot see this entry; \
                 ask for the domain to be signed again, or for its DS entry to be removed"
                    .to_owned(),
            ),
            Verdict::Unknown { reason } => Task::Unclear(format!("could not be checked: {reason}")),
        }
    }

    fn blocks(&self) -> Vec<Block> {
        let zone = self.zone;
        let mut enter = Vec::new();
        let mut extra = Vec::new();
        let mut unclear = Vec::new();
        let mut right = Vec::new();
        for host in self.expected {
            match self.task(host) {
                Task::Enter(missing, instead) => {
                    enter.extend(entries(host, zone, &missing, &instead));
                }
                Task::Extra(records) => {
                    extra.extend(records.iter().map(|data| row(host, zone, data)));
                }
                Task::Unclear(reason) => unclear.push(vec![
                    name(&host.question.name, zone),
                    host.question.record_type.to_string(),
                    reason,
                ]),
                Task::Right => {
                    right.extend(host.records.iter().map(|data| row(host, zone, data)));
                }
            }
        }
        let mut blocks = vec![Block::Heading(format!("DNS entries for {}", self.domain))];
        blocks.push(Block::Paragraph(self.opening(
            zone,
            enter.is_empty() && extra.is_empty() && unclear.is_empty(),
        )));
        blocks.extend(self.notes().into_iter().map(Block::Paragraph));
        section(
            &mut blocks,
            "Please enter",
            "One entry a line. Where something else stands there now, replace it.",
            &["Name", "Type", "Value", "For", "There now"],
            enter,
        );
        section(
            &mut blocks,
            "Please check whether you still need these",
            "They stand beside the right entries and lead some visitors elsewhere. Delete what nobody needs.",
            &["Name", "Type", "Value", "For"],
            extra,
        );
        section(
            &mut blocks,
            "Not clear yet",
            "Nothing needs to be changed for these before it is.",
            &["Name", "Type", "What we saw"],
            unclear,
        );
        section(
            &mut blocks,
            "Right already",
            "Please leave these as they are.",
            &["Name", "Type", "Value", "For"],
            right,
        );
        blocks
    }

    /// Returns the notes about the hosts, each once.
    fn notes(&self) -> BTreeSet<String> {
        let noted = |judgement: &Judgement| {
            judgement
                .notes
                .iter()
                .map(|note| format!("Note: {note}."))
                .collect::<Vec<_>>()
        };
        self.judgements.iter().flat_map(noted).collect()
    }

    fn opening(&self, zone: Option<&RecordName>, done: bool) -> String {
        let brand = render::one_line(self.brand);
        if done {
            return format!(
                "All DNS entries that {brand} needs are right. There is nothing to do."
            );
        }
        let names = zone.map_or_else(
            || {
                format!(
                    "They are entered where the domain {} is managed, usually at the company where it was registered. \
                     Names are written in full. Many of these pages add the end by themselves: then leave out the \
                     part that the page shows already.",
                    self.domain
                )
            },
            |zone| {
                format!(
                    "They are entered where the domain {zone} is managed, usually at the company where it was \
                     registered. Names are written as most of these pages want them: without “.{zone}” at the end, \
                     and “@” for {zone} itself. If your page asks for the whole name, add “.{zone}”."
                )
            },
        );
        format!(
            "These are the DNS entries that {brand} needs. {names} Do not change other entries, above all those named \
             NS and SOA."
        )
    }
}

fn section(
    blocks: &mut Vec<Block>,
    title: &str,
    explanation: &str,
    header: &[&str],
    rows: Vec<Vec<String>>,
) {
    if rows.is_empty() {
        return;
    }
    blocks.push(Block::Heading(title.to_owned()));
    blocks.push(Block::Paragraph(explanation.to_owned()));
    blocks.push(Block::Table {
        copied: header
            .iter()
            .take_while(|title| COPIED.contains(title))
            .count(),
        header: header.iter().map(|&it| it.to_owned()).collect(),
        rows,
    });
}

/// Returns one row per record to enter; what is there instead appears once, beside the first.
fn entries(
    host: &Expected,
    zone: Option<&RecordName>,
    missing: &[&RecordData],
    instead: &[&RecordData],
) -> Vec<Vec<String>> {
    let mut now = instead
        .iter()
        .map(|data| plain(data))
        .collect::<Vec<_>>()
        .join("; ");
    missing
        .iter()
        .map(|data| {
            let mut row = row(host, zone, data);
            row.push(std::mem::take(&mut now));
            row
        })
        .collect()
}

fn row(host: &Expected, zone: Option<&RecordName>, data: &RecordData) -> Vec<String> {
    vec![
        name(&host.question.name, zone),
        host.question.record_type.to_string(),
        plain(data),
        host.label.clone().unwrap_or_default(),
    ]
}

/// Writes a name as registrars want it: without the zone, `@` for the zone itself; in full where the zone is unknown
/// or a different one.
fn name(name: &RecordName, zone: Option<&RecordName>) -> String {
    let Some(zone) = zone else {
        return name.to_string();
    };
    match relative(name, zone) {
        Some("") => "@".to_owned(),
        Some(below) => below.to_owned(),
        None => format!("{name} (another domain)"),
    }
}

/// Writes data with the names of the fields that registrars ask for.
fn plain(data: &RecordData) -> String {
    match data {
        RecordData::A(address) => address.to_string(),
        RecordData::Aaaa(address) => address.to_string(),
        RecordData::Cname(name) => name.to_string(),
        RecordData::Mx {
            preference,
            exchange,
        } => format!(
            "priority {}, mail server {exchange}",
            preference.unwrap_or(MX_PREFERENCE)
        ),
        RecordData::Naptr {
            order,
            preference,
            flags,
            services,
            regexp,
            replacement,
        } => format!(
            "order {order}, preference {preference}, flags {flags}, service {services}, regular expression {}, \
             replacement {replacement}",
            if regexp.is_empty() { "empty" } else { regexp }
        ),
        RecordData::Srv {
            priority,
            weight,
            port,
            target,
        } => format!("priority {priority}, weight {weight}, port {port}, target {target}"),
        RecordData::Txt(octets) => String::from_utf8_lossy(octets).into_owned(),
        RecordData::Caa { flags, tag, value } => {
            format!("flags {flags}, tag {tag}, value {value}")
        }
    }
}

/// Writes a time as people say it, rounded up.
fn duration(seconds: u32) -> String {
    let (number, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds.div_ceil(60), "minute"),
        7200..=172_799 => (seconds.div_ceil(3600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    count(number as usize, unit)
}

#[cfg(test)]
mod tests;
