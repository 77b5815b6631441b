//! The results of a probe as JSON, version 1; the schema is `schemas/probe.schema.json`.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::AccountName;
use crate::probe::{BrandProbe, BrandView, CheckKind, ProbeCheck, ProbeReport, Visibility};
use crate::report::escape::write_json;
use crate::tree::Origin;

/// Whether customers see the brands that the tree declares, as their browsers get them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "emblazon probe")]
struct Document {
    /// The version of this format; always 1.
    version: u32,
    /// The verdict on all brands: broken if any is, else unknown if any is.
    verdict: Visibility,
    /// The number of brands with each verdict.
    count: Verdicts,
    /// The brands, sorted by account.
    brands: Vec<Probed>,
    /// The accounts that were not probed.
    skipped: Vec<Unprobed>,
    /// How many requests were sent over HTTP.
    requests: u64,
    /// How many connections were made.
    connections: u64,
    /// How often the brands were probed.
    rounds: u32,
    /// How long it took.
    milliseconds: u64,
}

/// The number of brands with each verdict.
#[derive(Debug, Serialize, JsonSchema)]
struct Verdicts {
    /// Customers see the declared brand, and every part of the path is in order.
    visible: usize,
    /// Some part of the path is not.
    broken: usize,
    /// Some part could not be looked at, and no part is broken.
    unknown: usize,
}

/// One brand.
#[derive(Debug, Serialize, JsonSchema)]
struct Probed {
    /// The name of the account in the tree.
    account: String,
    /// The host that customers type.
    host: String,
    /// The verdict on the brand.
    verdict: Visibility,
    /// What customers see there.
    view: BrandView,
    /// The parts of the customer's path, in its order; what lies behind a broken part was not looked at.
    checks: Vec<Checked>,
}

/// One part of the path.
#[derive(Debug, Serialize, JsonSchema)]
struct Checked {
    /// The part.
    check: CheckKind,
    /// The verdict on it.
    verdict: Visibility,
    /// What was seen.
    sentence: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// Where the tree declares what was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Declaration>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
}

/// A place in the tree.
#[derive(Debug, Serialize, JsonSchema)]
struct Declaration {
    /// The file, relative to the root of the tree.
    file: String,
    /// The line, from 1.
    line: u32,
    /// The column, from 1.
    column: u32,
}

/// An account that was not probed.
#[derive(Debug, Serialize, JsonSchema)]
struct Unprobed {
    /// The name of the account in the tree.
    account: String,
    /// Why.
    reason: String,
}

/// Renders the results of a probe as indented JSON with a trailing newline.
#[must_use]
pub fn render_probe(report: &ProbeReport) -> impl fmt::Display {
    fmt::from_fn(move |out| write_json(out, &Document::from(report)))
}

/// Returns the JSON Schema of [`render_probe`]'s output, indented, with a trailing newline.
#[must_use]
pub fn probe_schema() -> String {
    let schema = schemars::schema_for!(Document);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<&ProbeReport> for Document {
    fn from(report: &ProbeReport) -> Self {
        Self {
            version: 1,
            verdict: report.verdict(),
            count: Verdicts {
                visible: report.count(Visibility::Visible),
                broken: report.count(Visibility::Broken),
                unknown: report.count(Visibility::Unknown),
            },
            brands: report.brands.iter().map(Probed::from).collect(),
            skipped: report.skipped.iter().map(Unprobed::from).collect(),
            requests: report.requests,
            connections: report.connections,
            rounds: report.rounds,
            milliseconds: milliseconds(report.took),
        }
    }
}

impl From<&BrandProbe> for Probed {
    fn from(brand: &BrandProbe) -> Self {
        Self {
            account: brand.account.to_string(),
            host: brand.host.to_string(),
            verdict: brand.verdict(),
            view: brand.view,
            checks: brand.checks.iter().map(Checked::from).collect(),
        }
    }
}

impl From<&ProbeCheck> for Checked {
    fn from(check: &ProbeCheck) -> Self {
        Self {
            check: check.kind,
            verdict: check.verdict,
            sentence: check.sentence.clone(),
            remedy: check.remedy.clone(),
            place: check.origin.as_ref().map(Declaration::from),
            milliseconds: check.took.map(milliseconds),
        }
    }
}

impl From<&Origin> for Declaration {
    fn from(origin: &Origin) -> Self {
        Self {
            file: origin.file.to_string(),
            line: origin.line,
            column: origin.column,
        }
    }
}

impl From<&(AccountName, String)> for Unprobed {
    fn from((account, reason): &(AccountName, String)) -> Self {
        Self {
            account: account.to_string(),
            reason: reason.clone(),
        }
    }
}
