//! A letter to the zone's owner: what to do at the registrar, in order and in plain words. Pure.

mod render;
mod task;

use std::collections::BTreeSet;

use super::presentation::{MX_PREFERENCE, relative};
use super::{Expected, Hint, HostCheck};
use crate::model::record::{RecordData, RecordName};
use crate::model::{DomainName, count};
use render::Block;
use task::{How, Task, tasks};

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
    /// What was found, in any order; a host that is not among them was not checked.
    pub checks: &'a [HostCheck],
    /// Hints that concern the whole domain.
    pub hints: &'a [Hint],
}

/// The rows of a letter, by what they ask for.
#[derive(Default)]
struct Rows {
    lapsed: Vec<Vec<String>>,
    sign: Vec<Vec<String>>,
    clear: Vec<Vec<String>>,
    enter: Vec<Vec<String>>,
    extra: Vec<Vec<String>>,
    noticed: Vec<Vec<String>>,
    wait: Vec<Vec<String>>,
    unclear: Vec<Vec<String>>,
    right: Vec<Vec<String>>,
}

/// A part of a letter: a table below a title and an explanation.
struct Section {
    title: &'static str,
    /// Whether it asks for something, so that it is numbered among those that do.
    is_task: bool,
    explanation: &'static str,
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
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

    fn blocks(&self) -> Vec<Block> {
        let rows = self.rows();
        let done = rows.are_all_right();
        let mut blocks = vec![Block::Heading(format!("DNS entries for {}", self.domain))];
        blocks.push(Block::Paragraph(self.opening(done)));
        blocks.extend(self.notes().into_iter().map(Block::Paragraph));
        let sections = rows.sections();
        let several = sections.iter().filter(|section| section.is_task).count() > 1;
        let mut number = 0;
        for section in sections {
            let mut title = section.title.to_owned();
            if section.is_task && several {
                number += 1;
                title = format!("{number}. {title}");
            }
            blocks.push(Block::Heading(title));
            blocks.push(Block::Paragraph(section.explanation.to_owned()));
            blocks.push(section.table());
        }
        blocks
    }

    fn rows(&self) -> Rows {
        let zone = self.zone;
        let mut rows = Rows::default();
        for host in self.expected {
            let mut checks = self.checks.iter();
            let check = checks.find(|it| it.judgement.expected.question == host.question);
            let about = |text: String| {
                let question = &host.question;
                vec![
                    name(&question.name, zone),
                    question.record_type.to_string(),
                    text,
                ]
            };
            for task in tasks(host, check) {
                match task {
                    Task::Lapsed(text) => rows.lapsed.push(about(text.to_owned())),
                    Task::Sign(said) => rows.sign.push(about(said)),
                    Task::Clear(text) => rows.clear.push(about(text.to_owned())),
                    Task::Enter { how, data, now } => {
                        rows.enter.push(entry(host, zone, data, how, &now));
                    }
                    Task::Extra(data) => rows.extra.push(row(host, zone, data)),
                    Task::Noticed(text) => rows.noticed.push(about(text.to_owned())),
                    Task::Wait { old, longest } => {
                        let mut row = about(old);
                        row.push(longest.map_or_else(|| "not known".to_owned(), duration));
                        rows.wait.push(row);
                    }
                    Task::Unclear(reason) => rows.unclear.push(about(reason)),
                    Task::Right(data) => rows.right.push(row(host, zone, data)),
                }
            }
        }
        let top = RecordName::observed(self.domain.as_str());
        rows.noticed.extend(self.hints.iter().map(|hint| {
            let anything = String::new();
            vec![name(&top, zone), anything, hint.text.clone()]
        }));
        rows
    }

    /// Returns the notes about the hosts, each once.
    fn notes(&self) -> BTreeSet<String> {
        let notes = self.checks.iter().flat_map(|check| &check.judgement.notes);
        notes.map(|note| format!("Note: {note}.")).collect()
    }

    fn opening(&self, done: bool) -> String {
        let brand = render::one_line(self.brand);
        if done {
            return format!(
                "All DNS entries that {brand} needs are right. There is nothing to do."
            );
        }
        let names = self.zone.map_or_else(
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

impl Rows {
    fn are_all_right(&self) -> bool {
        let others = [
            &self.lapsed,
            &self.sign,
            &self.clear,
            &self.enter,
            &self.extra,
            &self.noticed,
            &self.wait,
            &self.unclear,
        ];
        others.iter().all(|rows| rows.is_empty())
    }

    /// Returns the parts that have rows: first what does harm as it stands, then what must precede the rest.
    fn sections(self) -> Vec<Section> {
        let task = |title, explanation, header, rows| Section {
            title,
            is_task: true,
            explanation,
            header,
            rows,
        };
        let word = |title, explanation, header, rows| Section {
            title,
            is_task: false,
            explanation,
            header,
            rows,
        };
        let mut sections = vec![
            task(
                "Keep strangers out",
                "These lead to a domain that nobody has registered. Whoever registers it receives your visitors. \
                 Please delete or change such an entry today; where it is one of ours, tell us.",
                &["Name", "Type", "What we saw"],
                self.lapsed,
            ),
            task(
                "Repair DNSSEC",
                "The signatures of the domain are wrong, so that much of the world sees none of these, whatever is \
                 entered. Please have the domain signed again, or have its DS entry removed where it was registered.",
                &["Name", "Type", "What we saw"],
                self.sign,
            ),
            task(
                "Delete this first",
                "A CNAME stands alone at its name. As long as these are there, the entries below cannot be.",
                &["Name", "To enter", "What is in the way"],
                self.clear,
            ),
            task(
                "Please enter",
                "One entry a line. “Add” leaves everything else at that name as it is, and other people's entries stay.",
                &["Do", "Name", "Type", "Value", "For", "There now"],
                self.enter,
            ),
            word(
                "What we noticed",
                "Probable mistakes, and what helps.",
                &["Name", "Type", "What we saw"],
                self.noticed,
            ),
            task(
                "Please check whether you still need these",
                "They stand beside the right entries and lead some visitors elsewhere. Delete what nobody needs.",
                &["Name", "Type", "Value", "For"],
                self.extra,
            ),
            word(
                "Only to wait for",
                "These are entered rightly. Some resolvers still remember the old entry; nothing needs to be done.",
                &["Name", "Type", "Who still has the old one", "At most for"],
                self.wait,
            ),
            word(
                "Not clear yet",
                "Nothing needs to be changed for these before it is.",
                &["Name", "Type", "What we saw"],
                self.unclear,
            ),
            word(
                "Right already",
                "Please leave these as they are.",
                &["Name", "Type", "Value", "For"],
                self.right,
            ),
        ];
        sections.retain(|section| !section.rows.is_empty());
        sections
    }
}

impl Section {
    fn table(self) -> Block {
        Block::Table {
            copied: self.header.iter().map(|it| COPIED.contains(it)).collect(),
            header: self.header.iter().map(|&it| it.to_owned()).collect(),
            rows: self.rows,
        }
    }
}

/// Returns the row of a record to enter; what it replaces is at the end.
fn entry(
    host: &Expected,
    zone: Option<&RecordName>,
    data: &RecordData,
    how: How,
    now: &[&RecordData],
) -> Vec<String> {
    let how = match how {
        How::Add => "add",
        How::Replace => "replace",
        How::Unseen => "add, or replace what is there",
        How::Merge => "make one of both",
    };
    let now: Vec<String> = now.iter().map(|data| plain(data)).collect();
    let mut cells = vec![how.to_owned()];
    cells.extend(row(host, zone, data));
    cells.push(now.join("; "));
    cells
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
