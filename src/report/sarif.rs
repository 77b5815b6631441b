//! The report as SARIF 2.1.0, for code scanning.
//!
//! Each finding is at the line of YAML that causes it. What could not be checked is a notification, not a result: it is
//! neither right nor wrong.

mod log;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use camino::Utf8Path;
use log::{
    ArtifactChange, ArtifactLocation, AutomationDetails, Configuration, Content, Driver,
    Fingerprints, Fix, Invocation, Location, Log, Notification, PhysicalLocation, Properties,
    Reference, Region, Replacement, Run, Text, Tool,
};

use super::escape::write_json;
use super::finding::{Finding, Level, Remedy, Rule, Spot, findings, of_probe};
use super::{Places, Report};
use crate::diag::Position;
use crate::model::{ClusterName, Digest};
use crate::probe::ProbeReport;

/// The file of findings without a place, because forges drop results without a location.
const TOP_FILE: &str = "emblazon.yaml";
/// The exit code of a failed process, whatever it found before.
const FAILED: u8 = 1;

/// Renders a report incrementally as indented JSON with a trailing newline; `exit` is the exit code of the process.
#[must_use]
pub fn render(report: &Report, exit: u8) -> impl fmt::Display {
    fmt::from_fn(move |out| write(out, report, exit))
}

/// Renders the results of a probe; `places` and `cluster` are those of the tree, `exit` is the exit code of the process.
#[must_use]
pub fn probe(
    report: &ProbeReport,
    places: &Places,
    cluster: &ClusterName,
    exit: u8,
) -> impl fmt::Display {
    fmt::from_fn(move |out| {
        let category = format!("emblazon/probe/{}", encoded(cluster.as_str()));
        write_log(out, &of_probe(report), places, category, exit)
    })
}

fn write(out: &mut dyn fmt::Write, report: &Report, exit: u8) -> fmt::Result {
    let found = findings(report);
    write_log(out, &found, &report.places, category(report), exit)
}

fn write_log(
    out: &mut dyn fmt::Write,
    found: &[Finding],
    places: &Places,
    category: String,
    exit: u8,
) -> fmt::Result {
    let rules: BTreeSet<Rule> = found.iter().map(|finding| finding.rule).collect();
    let scribe = Scribe {
        places,
        rules: rules.iter().copied().zip(0..).collect(),
    };
    let (unknown, known): (Vec<&Finding>, Vec<&Finding>) =
        found.iter().partition(|finding| finding.rule.is_unknown());
    let log = Log::new(Run {
        tool: Tool {
            driver: Driver {
                name: "emblazon",
                version: env!("CARGO_PKG_VERSION"),
                rules: rules.iter().map(|rule| describe(*rule)).collect(),
            },
        },
        automation_details: AutomationDetails { id: category },
        column_kind: "utf16CodeUnits",
        invocations: [Invocation {
            execution_successful: exit != FAILED,
            exit_code: exit,
            tool_execution_notifications: unknown
                .iter()
                .map(|finding| scribe.notification(finding))
                .collect(),
        }],
        results: known.iter().map(|finding| scribe.result(finding)).collect(),
    });
    write_json(out, &log)
}

/// Returns the category of the run, which keeps runs of different commands and clusters apart.
fn category(report: &Report) -> String {
    let cluster = report.cluster.as_ref().map_or("", ClusterName::as_str);
    format!("emblazon/{}/{}", report.command.as_str(), encoded(cluster))
}

fn describe(rule: Rule) -> log::Rule {
    log::Rule {
        id: rule.id(),
        short_description: Text::plain(rule.title()),
        full_description: Text::plain(rule.help()),
        help: Text::plain(rule.help()),
        default_configuration: Configuration {
            level: word(rule.level()),
        },
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// Converts findings to SARIF objects.
struct Scribe<'a> {
    places: &'a Places,
    /// The index of each rule in the list of rules.
    rules: BTreeMap<Rule, usize>,
}

impl Scribe<'_> {
    fn result(&self, finding: &Finding) -> log::Finding {
        let spot = finding.spot.clone();
        let related = finding.related.iter();
        log::Finding {
            rule_id: finding.rule.id(),
            rule_index: self.index(finding.rule),
            level: word(finding.level),
            message: message(finding),
            locations: [self.location(spot.unwrap_or_else(top), None)],
            related_locations: related
                .map(|(spot, text)| self.location(spot.clone(), Some(text)))
                .collect(),
            partial_fingerprints: Fingerprints {
                first: Digest::of(finding.identity.as_bytes()).to_string(),
            },
            fixes: finding.remedy.iter().map(|fix| self.fix(fix)).collect(),
            properties: Properties {
                accounts: finding.subjects.clone(),
            },
        }
    }

    fn notification(&self, finding: &Finding) -> Notification {
        let spot = finding.spot.iter().cloned();
        Notification {
            descriptor: Reference {
                id: finding.rule.id(),
                index: self.index(finding.rule),
            },
            level: word(finding.level),
            message: message(finding),
            locations: spot.map(|spot| self.location(spot, None)).collect(),
        }
    }

    fn index(&self, rule: Rule) -> usize {
        self.rules.get(&rule).copied().unwrap_or_default()
    }

    fn location(&self, spot: Spot, text: Option<&String>) -> Location {
        let spot = spot.in_utf16(self.places);
        Location {
            physical_location: PhysicalLocation {
                artifact_location: self.artifact(&spot.file),
                region: Region::new(spot.from, spot.to),
            },
            message: text
                .filter(|text| !text.is_empty())
                .map(|text| Text::plain(text)),
        }
    }

    fn fix(&self, remedy: &Remedy) -> Fix {
        let spot = remedy.spot.clone().in_utf16(self.places);
        Fix {
            description: Text::plain(&remedy.description),
            artifact_changes: [ArtifactChange {
                artifact_location: self.artifact(&spot.file),
                replacements: [Replacement {
                    deleted_region: Region::new(spot.from, spot.to),
                    inserted_content: Content {
                        text: remedy.text.clone(),
                    },
                }],
            }],
        }
    }

    /// Returns the location of a file as a URI relative to the repository root.
    fn artifact(&self, file: &Utf8Path) -> ArtifactLocation {
        ArtifactLocation {
            uri: encoded(self.places.in_repository(file).as_str()),
            uri_base_id: "%SRCROOT%",
        }
    }
}

fn top() -> Spot {
    Spot {
        file: TOP_FILE.into(),
        from: Position { line: 1, column: 1 },
        to: None,
    }
}

fn message(finding: &Finding) -> Text {
    match &finding.help {
        Some(help) => Text::plain(&format!("{} (help: {help})", finding.message)),
        None => Text::plain(&finding.message),
    }
}

/// Percent-encodes everything that is not allowed in the path of a URI.
fn encoded(path: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
