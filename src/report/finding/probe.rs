//! Findings of a probe, at the places in the tree that declare what was expected.

use super::item::{Finding, bare};
use super::kind::Kind;
use super::spot::Spot;
use crate::probe::{BrandProbe, ProbeCheck, ProbeReport, Visibility};
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
