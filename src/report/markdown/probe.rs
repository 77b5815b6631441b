//! The results of a probe as Markdown.

use std::fmt::Write as _;

use super::entry::{Entry, folded, line};
use super::escape::{code, html, prose};
use super::fit::{Section, fitted};
use crate::probe::{BrandProbe, ProbeReport, Visibility};
use crate::report::text;

/// Renders the results of a probe in at most `limit` bytes; the minimum limit is 1,000.
#[must_use]
pub fn probe(report: &ProbeReport, limit: usize) -> String {
    let summary = prose(&text::probe_summary(report));
    let head = format!("### emblazon probe\n\n**{summary}**\n\n");
    let room = limit.max(1000).saturating_sub(head.len());
    head + &fitted(&sections(report), room)
}

fn sections(report: &ProbeReport) -> Vec<Section> {
    let of = |verdict: Visibility| {
        let brands = report.brands.iter();
        brands.filter(move |brand| brand.verdict() == verdict)
    };
    let has_remedy = |brand: &&BrandProbe| brand.checks.iter().any(|it| it.remedy.is_some());
    let skipped = report.skipped.iter().map(|(name, reason)| {
        let name = code(name.as_str());
        line(&format!("{name}: not probed, {}", prose(reason)))
    });
    let good = of(Visibility::Visible).filter(has_remedy).map(entry);
    let sections = [
        ("Broken", of(Visibility::Broken).map(entry).collect()),
        (
            "Could not be looked at",
            of(Visibility::Unknown).map(entry).collect(),
        ),
        ("Good to know", good.chain(skipped).collect()),
    ];
    sections
        .into_iter()
        .filter(|(_, entries): &(_, Vec<Entry>)| !entries.is_empty())
        .map(|(title, entries)| Section { title, entries })
        .collect()
}

fn entry(brand: &BrandProbe) -> Entry {
    let (name, url) = (brand.account.as_str(), format!("https://{}/", brand.host));
    let sentence = brand.view.sentence();
    let mut content = String::new();
    let checks = brand.checks.iter();
    for check in checks.filter(|it| it.verdict != Visibility::Visible || it.remedy.is_some()) {
        let (verdict, kind) = (check.verdict.word(), check.kind.name());
        let _ = write!(
            content,
            "- **{verdict}** {kind}: {}",
            prose(&check.sentence)
        );
        if let Some(remedy) = &check.remedy {
            let _ = write!(content, "; fix: {}", prose(remedy));
        }
        if let Some(origin) = &check.origin {
            let _ = write!(content, " ({})", code(&origin.to_string()));
        }
        content.push('\n');
    }
    let is_broken = brand.verdict() == Visibility::Broken;
    Entry {
        full: folded(
            &format!("{} {}: {sentence}", html(name), html(&url)),
            &content,
            is_broken,
        ),
        short: format!("- {} {}: {sentence}\n", code(name), code(&url)),
    }
}
