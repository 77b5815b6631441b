//! A JUnit test case.

use std::fmt;

use super::xml::Xml;
use crate::apply::StepResult;
use crate::diag::Severity;
use crate::dns::Standing;
use crate::model::AccountName;
use crate::plan::Refusal;
use crate::probe::{BrandProbe, Visibility};
use crate::report::ending::{Endings, noted};
use crate::report::escape::visible;
use crate::report::finding;
use crate::report::row;
use crate::report::{AccountDns, Command, ObjectReport, Problem, Status};

/// The result of a test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failure { kind: &'static str, message: String },
    Error { kind: &'static str, message: String },
    Skipped { message: String },
}

/// A test case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    name: String,
    pub(super) outcome: Outcome,
    /// The lines of the failure or error.
    details: Vec<String>,
    /// Further lines of output that fail nothing.
    notes: Vec<String>,
}

impl Outcome {
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Failure { .. })
    }

    pub(super) fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }

    pub(super) fn is_skipped(&self) -> bool {
        matches!(self, Self::Skipped { .. })
    }
}

impl Case {
    pub(super) fn passed(name: String) -> Self {
        Self {
            name,
            outcome: Outcome::Passed,
            details: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// An account that was not looked at, with the reason.
    pub(super) fn of_skipped((name, reason): &(AccountName, String)) -> Self {
        Self {
            outcome: Outcome::Skipped {
                message: visible(reason).into_owned(),
            },
            ..Self::passed(visible(name.as_str()).into_owned())
        }
    }

    pub(super) fn of_brand(brand: &BrandProbe) -> Self {
        let name = format!("{} {}", brand.account, brand.host);
        let mut case = Self::passed(visible(&name).into_owned());
        for check in &brand.checks {
            let mut line = format!("{}: {}", check.kind.name(), check.sentence);
            if let Some(remedy) = &check.remedy {
                line = format!("{line} (help: {remedy})");
            }
            let line = visible(&line).into_owned();
            match check.verdict {
                Visibility::Visible if check.remedy.is_none() => {}
                Visibility::Visible => case.notes.push(line),
                Visibility::Broken | Visibility::Unknown => case.details.push(line),
            }
        }
        match brand.verdict() {
            Visibility::Visible => {}
            Visibility::Broken => case.settle("probe"),
            Visibility::Unknown => {
                case.outcome = Outcome::Error {
                    kind: "unknown",
                    message: case.details.join("; "),
                }
            }
        }
        case
    }

    pub(super) fn of_refusal(refusal: &Refusal) -> Self {
        let mut case = Self::passed(format!("guard {}", refusal.kind.guard().unwrap_or("run")));
        case.refuse(refusal);
        case.settle("refused");
        case
    }

    pub(super) fn of_object(
        object: &ObjectReport,
        command: Command,
        endings: &Endings<'_>,
    ) -> Self {
        let mut case = Self::passed(visible(object.title()).into_owned());
        let notes = object.notes.iter().map(|note| visible(note).into_owned());
        case.notes.extend(notes);
        for refusal in &object.refusals {
            case.refuse(refusal);
        }
        let shown = match command {
            Command::Apply => object.open().cloned().collect(),
            Command::Validate | Command::Plan | Command::Drift | Command::Diff | Command::Dns => {
                object.changes.clone()
            }
        };
        for row in row::rows(&shown) {
            let sentence = finding::sentence(&row, command);
            match command {
                // A pending change is not a failure.
                Command::Plan => case.notes.push(sentence),
                Command::Validate
                | Command::Drift
                | Command::Diff
                | Command::Apply
                | Command::Dns => {
                    case.details.push(sentence);
                }
            }
        }
        for kept in &object.kept {
            let rows = row::rows(std::slice::from_ref(&kept.change));
            let lines = rows
                .iter()
                .map(|row| finding::kept(row, kept.reason, command));
            case.notes.extend(lines);
        }
        let unknown: Vec<String> = object
            .unknown
            .iter()
            .map(|reason| visible(reason).into_owned())
            .collect();
        let mut lost = unknown.clone();
        let mut skipped = Vec::new();
        for step in &object.steps {
            let Some((result, reason)) = step.result.as_ref().zip(endings.reason(step)) else {
                continue;
            };
            let word = result.standing().word();
            let reason = noted(&reason, [step]);
            let line = format!("{} {word}: {}", step.what(), visible(&reason));
            match result {
                StepResult::Done { .. } => {}
                StepResult::Failed { .. } | StepResult::Moved { .. } => case.details.push(line),
                StepResult::Unknown { .. } => lost.push(line),
                StepResult::Skipped { .. } | StepResult::NotBegun { .. } => skipped.push(line),
            }
        }
        case.end(object, lost, skipped);
        case
    }

    fn end(&mut self, object: &ObjectReport, lost: Vec<String>, skipped: Vec<String>) {
        if !lost.is_empty() {
            let message = lost.join("; ");
            lost.into_iter()
                .rev()
                .for_each(|line| self.details.insert(0, line));
            self.outcome = Outcome::Error {
                kind: "unknown",
                message,
            };
        } else if !self.details.is_empty() {
            self.details.extend(skipped);
            self.settle(match object.status {
                Status::Refused => "refused",
                Status::Partly | Status::Failed | Status::NotBegun => "failed",
                Status::NotCompared
                | Status::InSync
                | Status::Kept
                | Status::Pending
                | Status::Unknown
                | Status::Done => "differs",
            });
        } else if !skipped.is_empty() {
            self.outcome = Outcome::Skipped {
                message: skipped.join("; "),
            };
        } else if object.status == Status::NotCompared {
            self.outcome = Outcome::Skipped {
                message: "not compared".to_owned(),
            };
        }
    }

    pub(super) fn of_dns(account: &AccountDns) -> Self {
        let name = format!("{} {}", account.name, account.check.domain);
        let mut case = Self::passed(visible(&name).into_owned());
        let standing = account.check.standing();
        for line in finding::dns_lines(account) {
            match standing {
                Standing::InSync | Standing::Propagating => case.notes.push(line),
                Standing::Unknown | Standing::Differs => case.details.push(line),
            }
        }
        case.notes.extend(finding::dns_notes(account));
        match standing {
            Standing::InSync | Standing::Propagating => {}
            Standing::Differs => case.settle("dns"),
            Standing::Unknown => {
                let message = case.details.join("; ");
                case.outcome = Outcome::Error {
                    kind: "unknown",
                    message,
                };
            }
        }
        case
    }

    /// Adds a mistake in the tree; a warning does not fail the case.
    pub(super) fn add_problem(&mut self, problem: &Problem) {
        let place = problem.primary.as_ref().map_or_else(String::new, |label| {
            let at = label.from;
            format!(
                "{}:{}:{}: ",
                visible(label.source.path.as_str()),
                at.line,
                at.column
            )
        });
        let line = format!(
            "{place}{} {} (help: {})",
            problem.code,
            visible(&problem.message),
            visible(&problem.help)
        );
        match problem.severity {
            Severity::Warning => self.notes.push(line),
            Severity::Error => {
                self.details.push(line);
                self.settle("mistake");
            }
        }
    }

    fn refuse(&mut self, refusal: &Refusal) {
        self.details.push(format!(
            "refused: {} (help: {})",
            visible(&refusal.message),
            visible(&refusal.help)
        ));
    }

    /// Turns the case into a failure with the details collected so far.
    fn settle(&mut self, kind: &'static str) {
        let first = self.details.first().cloned().unwrap_or_default();
        let message = match self.details.len() {
            0 | 1 => first,
            more => format!("{first} and {} more", more - 1),
        };
        self.outcome = Outcome::Failure { kind, message };
    }

    pub(super) fn write(&self, xml: &mut Xml<'_>, suite: &str) -> fmt::Result {
        let class = format!("emblazon.{suite}");
        let attributes = [("classname", class.as_str()), ("name", self.name.as_str())];
        if self.outcome == Outcome::Passed && self.notes.is_empty() {
            return xml.empty("testcase", &attributes);
        }
        xml.open("testcase", &attributes)?;
        let details = self.details.join("\n");
        match &self.outcome {
            Outcome::Passed => {}
            Outcome::Failure { kind, message } => {
                xml.with_text(
                    "failure",
                    &[("type", *kind), ("message", message.as_str())],
                    &details,
                )?;
            }
            Outcome::Error { kind, message } => {
                xml.with_text(
                    "error",
                    &[("type", *kind), ("message", message.as_str())],
                    &details,
                )?;
            }
            Outcome::Skipped { message } => {
                xml.empty("skipped", &[("message", message.as_str())])?;
            }
        }
        if !self.notes.is_empty() {
            xml.with_text("system-out", &[], &self.notes.join("\n"))?;
        }
        xml.close("testcase")
    }
}
