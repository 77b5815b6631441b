//! A letter to the zone's owner: what to do at the registrar, in order and in plain words. Pure.

mod entry;
mod html;
mod render;
mod task;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::{Addressee, DomainFinding, Expected, HostCheck};
use crate::model::record::{RecordData, RecordName, RecordType};
use crate::model::{DomainName, lasting};
use entry::{Entry, Place};
use render::Block;
use task::{Task, cleared, tasks};
use words::{name, plain};

/// The columns that readers copy verbatim.
const COPIED: [&str; 3] = ["Name", "Type", "Value"];

/// What the owner of a zone must know whose records an apply enters.
const MANAGED: &str = "We enter and change these entries ourselves, over a direct connection to your name servers: \
     nobody needs to enter by hand what is listed under “We enter”. The rest is for you.";

/// The contents of a letter.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The brand's name, as its owner knows it.
    pub brand: &'a str,
    /// The brand's logo, which only HTML shows.
    pub logo: Option<&'a [u8]>,
    /// Where the brand answers questions, if known.
    pub support: Option<&'a str>,
    /// The brand's domain.
    pub domain: &'a DomainName,
    /// The zone that the domain lies in, if known; else names are written in full.
    pub zone: Option<&'a RecordName>,
    /// The records that must exist.
    pub expected: &'a [Expected],
    /// What was found, in any order; a host that is not among them was not checked.
    pub checks: &'a [HostCheck],
    /// What stands behind the domain or threatens it.
    pub findings: &'a [DomainFinding],
    /// The time to live of the records, in seconds.
    pub ttl: u32,
    /// Whether an apply enters the records by itself (`dns: manage`).
    pub is_managed: bool,
}

/// The rows of a letter, by what they ask for.
#[derive(Default)]
struct Rows<'a> {
    lapsed: Vec<Vec<String>>,
    sign: Vec<Vec<String>>,
    repair: Vec<Vec<String>>,
    clear: Vec<Vec<String>>,
    enter: Vec<Entry<'a>>,
    extra: Vec<Vec<String>>,
    noticed: Vec<Vec<String>>,
    wait: Vec<Vec<String>>,
    unclear: Vec<Vec<String>>,
    right: Vec<Vec<String>>,
}

/// A part of a letter.
struct Section {
    title: &'static str,
    /// Whether it asks for something, so that it is numbered among those that do.
    is_task: bool,
    /// Paragraphs.
    explanation: Vec<String>,
    body: Block,
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

    /// Writes the letter as HTML for a mail, with the brand's logo and name above it.
    #[must_use]
    pub fn html(&self) -> String {
        html::html(&render::one_line(self.brand), self.logo, &self.blocks())
    }

    fn blocks(&self) -> Vec<Block> {
        let rows = self.rows();
        let done = rows.are_all_right();
        let mut blocks = vec![Block::Heading(format!("DNS entries for {}", self.domain))];
        blocks.push(Block::Paragraph(self.opening(done)));
        blocks.extend(self.notes().into_iter().map(Block::Paragraph));
        if self.is_managed && !done {
            blocks.push(Block::Paragraph(MANAGED.to_owned()));
        }
        let place = Place {
            zone: self.zone,
            ttl: self.ttl,
        };
        let sections = rows.sections(place, self.is_managed);
        let several = sections.iter().filter(|section| section.is_task).count() > 1;
        let mut number = 0;
        for section in sections {
            let mut title = section.title.to_owned();
            if section.is_task && several {
                number += 1;
                title = format!("{number}. {title}");
            }
            blocks.push(Block::Heading(title));
            blocks.extend(section.explanation.into_iter().map(Block::Paragraph));
            blocks.push(section.body);
        }
        blocks.extend(self.support.map(|support| {
            let support = render::one_line(support);
            Block::Paragraph(format!("Questions? Please write to {support}."))
        }));
        blocks
    }

    fn rows(&self) -> Rows<'_> {
        let zone = self.zone;
        let mut rows = Rows::default();
        let cleared = cleared(self.checks);
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
            let is_cleared = cleared.contains(&host.question.name);
            for task in tasks(host, check, is_cleared) {
                match task {
                    Task::Lapsed(record_type, text) => {
                        let mut row = about(text.to_owned());
                        row[1] = record_type.to_string();
                        // An alias answers for every type, and is one entry.
                        if !rows.lapsed.contains(&row) {
                            rows.lapsed.push(row);
                        }
                    }
                    Task::Sign(said) => rows.sign.push(about(said)),
                    Task::Clear(text) => rows.clear.push(about(text.to_owned())),
                    Task::Enter { how, data, now } => {
                        rows.enter.push(Entry {
                            host,
                            how,
                            data,
                            now,
                        });
                    }
                    Task::Extra(data) => rows.extra.push(row(host, zone, data)),
                    Task::Noticed(text) => rows.noticed.push(about(text.to_owned())),
                    Task::Wait { old, longest } => {
                        let mut row = about(old);
                        row.push(longest.map_or_else(|| "not known".to_owned(), lasting));
                        rows.wait.push(row);
                    }
                    Task::Unclear(reason) => rows.unclear.push(about(reason)),
                    Task::Right(data) => rows.right.push(row(host, zone, data)),
                }
            }
        }
        rows.unclear = told_once(rows.unclear);
        for finding in self.findings {
            let about = name(&finding.about, zone);
            match finding.kind.addressee() {
                Addressee::Registrar => {
                    let remedy = finding.kind.remedy().to_owned();
                    let row = vec![about, finding.sentence.clone(), remedy];
                    rows.repair.push(row);
                }
                Addressee::Owner => {
                    rows.noticed
                        .push(vec![about, String::new(), finding.text()]);
                }
                // The template is ours.
                Addressee::Platform => {}
            }
        }
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

impl Rows<'_> {
    fn are_all_right(&self) -> bool {
        let others = [
            &self.lapsed,
            &self.sign,
            &self.repair,
            &self.clear,
            &self.extra,
            &self.noticed,
            &self.wait,
            &self.unclear,
        ];
        self.enter.is_empty() && others.iter().all(|rows| rows.is_empty())
    }

    /// Returns the parts that have rows: first what does harm as it stands, then what must precede the rest.
    fn sections(self, place: Place<'_>, is_managed: bool) -> Vec<Section> {
        let section = |is_task| {
            move |title, explanation: &str, header: &[&str], rows: Vec<Vec<String>>| {
                (!rows.is_empty()).then(|| Section {
                    title,
                    is_task,
                    explanation: vec![explanation.to_owned()],
                    body: Block::Table {
                        copied: header.iter().map(|it| COPIED.contains(it)).collect(),
                        header: header.iter().map(|&it| it.to_owned()).collect(),
                        rows,
                    },
                })
            }
        };
        let (task, word) = (section(true), section(false));
        let enter = (!self.enter.is_empty()).then(|| Section {
            title: if is_managed {
                "We enter"
            } else {
                "Please enter"
            },
            is_task: !is_managed,
            explanation: if is_managed {
                Vec::new()
            } else {
                how_to_enter(&self.enter, place)
            },
            body: Block::Entries(self.enter.iter().map(|it| it.fields(place)).collect()),
        });
        let sections = [
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
                "Have this repaired",
                "We noticed these at the name servers of the domain. The company that runs them can repair them, usually \
                 the one where the domain was registered.",
                &["Name", "What we saw", "What helps"],
                self.repair,
            ),
            task(
                "Delete this first",
                "A CNAME stands alone at its name. As long as these are there, the entries below cannot be; they name \
                 everything that the name needs afterwards.",
                &["Name", "To enter", "What is in the way"],
                self.clear,
            ),
            enter,
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
                "No entry needs to be changed for these before it is.",
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
        sections.into_iter().flatten().collect()
    }
}

/// Refers from each row with a text that was told before to the row that tells it.
fn told_once(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for mut row in rows {
        let [name, record_type, text] = row.as_mut_slice() else {
            found.push(row);
            continue;
        };
        let here = format!("{name} ({record_type})");
        match told.get(text) {
            Some(first) => *text = format!("the same as for {first}"),
            None => _ = told.insert(text.clone(), here),
        }
        found.push(row);
    }
    found
}

/// Returns what whoever enters these should know of the pages of providers.
fn how_to_enter(entries: &[Entry<'_>], place: Place<'_>) -> Vec<String> {
    let has = |record_type| {
        let mut types = entries.iter().map(|it| it.host.question.record_type);
        types.any(|it| it == record_type)
    };
    let mut words = vec![
        "One field per line, for pages that ask for them one by one. “Add” leaves everything else at that name as it is, \
         and other people's entries stay. Where your page does not take the TTL, leave its own."
            .to_owned(),
    ];
    let mut targets = entries.iter().filter_map(|it| it.data.target());
    if let Some(target) = targets.find(|target| !target.is_root()) {
        let end = place.zone.map_or_else(
            || "the name of your domain".to_owned(),
            |zone| format!("“.{zone}”"),
        );
        words.push(format!(
            "Names in values have no dot at the end here. If your page adds {end} to them, enter them with one: \
             “{target}.”"
        ));
    }
    if has(RecordType::Srv) {
        words.push(
            "Some pages want service and protocol of an SRV entry in fields of their own; then “Name without both” is \
             its name there."
                .to_owned(),
        );
    }
    if has(RecordType::Naptr) {
        words.push(
            "Not every provider has entries of type NAPTR. If yours has none, leave those out and tell us: phones then \
             go by the SRV entries (RFC 3263, section 4.1), if they are set to the right transport."
                .to_owned(),
        );
    }
    words
}

fn row(host: &Expected, zone: Option<&RecordName>, data: &RecordData) -> Vec<String> {
    vec![
        name(&host.question.name, zone),
        host.question.record_type.to_string(),
        plain(data),
        host.label.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests;
