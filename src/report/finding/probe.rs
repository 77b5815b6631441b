//! Findings of a probe, at the places in the tree that declare what was expected.

use super::item::{Finding, bare};
use super::kind::Kind;
use super::spot::Spot;
use crate::probe::{BrandProbe, CheckKind, ProbeCheck, ProbeReport, Visibility};
use crate::report::escape::visible;

/// Lists what is broken or unknown, brand by brand.
pub(in crate::report) fn of_probe(report: &ProbeReport) -> Vec<Finding> {
    let brands = report.brands.iter();
    brands
        .flat_map(|brand| {
            brand
                .checks
                .iter()
                .filter_map(|check| finding(brand, check))
        })
        .collect()
}

/// Returns what is wrong with a brand, and what to do, one line each, escaped: first what keeps customers from it, last
/// what only needs care.
#[must_use]
pub fn lines(brand: &BrandProbe) -> Vec<String> {
    let is_told =
        |check: &&ProbeCheck| check.verdict != Visibility::Visible || check.remedy.is_some();
    let mut told: Vec<&ProbeCheck> = brand.checks.iter().filter(is_told).collect();
    told.sort_by_key(|check| match (check.verdict, check.kind) {
        // A page is found without it.
        (Visibility::Broken | Visibility::Unknown, CheckKind::Redirect) => 2,
        (Visibility::Broken, _) => 0,
        (Visibility::Unknown, _) => 1,
        (Visibility::Visible, _) => 3,
    });
    let line = |check: &ProbeCheck| {
        let name = check.kind.name();
        let fix = check.remedy.as_ref();
        let fix = fix.map_or_else(String::new, |remedy| format!("; fix: {remedy}"));
        visible(&format!("{name}: {}{fix}", check.sentence)).into_owned()
    };
    told.into_iter().map(line).collect()
}

fn finding(brand: &BrandProbe, check: &ProbeCheck) -> Option<Finding> {
    let kind = match check.verdict {
        Visibility::Visible => return None,
        Visibility::Broken => Kind::ProbeBroken,
        Visibility::Unknown => Kind::ProbeUnknown,
    };
    let account = visible(brand.account.as_str());
    let name = check.kind.name();
    let message = format!("{account}: {name}: {}", visible(&check.sentence));
    Some(Finding {
        help: check.remedy.as_deref().map(|it| visible(it).into_owned()),
        spot: check.origin.as_ref().map(Spot::of_origin),
        subjects: vec![account.to_string()],
        identity: format!("{}\n{account}\n{name}", kind.id()),
        ..bare(kind, message)
    })
}
