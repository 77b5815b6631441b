//! The results of a probe as text: a block for each brand with issues, and one line for all others.

use std::fmt::{self, Write as _};

use super::page::{Page, Tone, piece};
use super::render::Rendered;
use super::{Options, visible};
use crate::model::count;
use crate::probe::{BrandProbe, ProbeCheck, ProbeReport, Visibility};

/// The width of the longest verdict and a gap.
const VERDICT_COLUMNS: usize = 9;
/// How far the parts of a brand are indented.
const INDENT: usize = 2;

/// Renders the results of a probe.
#[must_use]
pub fn probe(report: &ProbeReport, options: Options) -> Rendered<'_> {
    Rendered::new(options, move |page| write(page, report))
}

fn write(page: &mut Page<'_>, report: &ProbeReport) -> fmt::Result {
    let is_told = |brand: &&BrandProbe| page.options.verbose || !is_quiet(brand);
    let (told, quiet): (Vec<&BrandProbe>, Vec<&BrandProbe>) =
        report.brands.iter().partition(is_told);
    for brand in told {
        page.gap()?;
        write_brand(page, brand)?;
    }
    if !quiet.is_empty() {
        page.gap()?;
        let names: Vec<&str> = quiet.iter().map(|brand| brand.account.as_str()).collect();
        super::names::write(page, "visible", &names)?;
    }
    if !report.skipped.is_empty() {
        page.gap()?;
    }
    for (name, reason) in &report.skipped {
        let line = [
            piece(Tone::Heading, visible(name.as_str())),
            piece(Tone::Plain, format!(": not probed, {}", visible(reason))),
        ];
        page.wrapped(0, 2, &line)?;
    }
    page.gap()?;
    page.wrapped(0, 2, &[piece(Tone::Plain, probe_summary(report))])
}

/// Returns whether there is nothing to say about a brand.
fn is_quiet(brand: &BrandProbe) -> bool {
    let mut checks = brand.checks.iter();
    checks.all(|check| check.verdict == Visibility::Visible && check.remedy.is_none())
}

fn write_brand(page: &mut Page<'_>, brand: &BrandProbe) -> fmt::Result {
    let verdict = brand.verdict();
    let line = [
        piece(Tone::Heading, visible(brand.account.as_str())),
        piece(Tone::Plain, format!("  https://{}/  ", brand.host)),
        piece(tone(verdict), verdict.word()),
        piece(Tone::Plain, format!(": {}", brand.view.sentence())),
    ];
    page.wrapped(0, INDENT, &line)?;
    let verbose = page.options.verbose;
    let checks = brand.checks.iter();
    for check in
        checks.filter(|it| verbose || it.verdict != Visibility::Visible || it.remedy.is_some())
    {
        write_check(page, check)?;
    }
    Ok(())
}

fn write_check(page: &mut Page<'_>, check: &ProbeCheck) -> fmt::Result {
    let hang = INDENT + VERDICT_COLUMNS;
    let word = format!("{:VERDICT_COLUMNS$}", check.verdict.word());
    let line = [
        piece(tone(check.verdict), word),
        piece(Tone::Key, check.kind.name()),
        piece(Tone::Plain, format!(": {}", visible(&check.sentence))),
    ];
    page.wrapped(INDENT, hang, &line)?;
    if let Some(remedy) = &check.remedy {
        let line = [
            piece(Tone::Faint, "fix: "),
            piece(Tone::Plain, visible(remedy)),
        ];
        page.wrapped(hang, hang + 5, &line)?;
    }
    if let Some(origin) = &check.origin {
        let line = [
            piece(Tone::Faint, "at "),
            piece(Tone::Plain, origin.to_string()),
        ];
        page.wrapped(hang, hang, &line)?;
    }
    Ok(())
}

fn tone(verdict: Visibility) -> Tone {
    match verdict {
        Visibility::Visible => Tone::Good,
        Visibility::Broken => Tone::Failure,
        Visibility::Unknown => Tone::Warning,
    }
}

/// Returns the last line: how many brands there are with each verdict, and what was sent.
pub(in crate::report) fn probe_summary(report: &ProbeReport) -> String {
    let of = |verdict: Visibility| format!("{} {}", report.count(verdict), verdict.word());
    let traffic =
        |number: u64, noun: &str| count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    let mut text = format!(
        "{}: {}, {}, {}; {} over {}",
        count(report.brands.len(), "brand"),
        of(Visibility::Visible),
        of(Visibility::Broken),
        of(Visibility::Unknown),
        traffic(report.requests, "request"),
        traffic(report.connections, "connection"),
    );
    if report.rounds > 1 {
        let _ = write!(text, ", probed {} times", report.rounds);
    }
    text
}
