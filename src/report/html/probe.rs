//! The results of a probe as a page: the verdicts brand by brand, each with what the tree declares as Monster UI draws
//! it, and what a browser showed.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::page::whole;
use super::place::place;
use super::sketch::frame;
use super::store::Store;
use super::summary::shield;
use crate::model::{AccountName, ClusterName, count};
use crate::probe::{BrandProbe, ProbeCheck, ProbeReport, Visibility};
use crate::report::Look;
use crate::report::escape::visible;
use crate::report::gallery::Gallery;
use crate::report::text::probe_summary;

/// How many cards are open from the start.
const OPEN: usize = 8;

/// What is drawn beside the verdicts on a brand.
#[derive(Clone, Debug, Default)]
pub struct ProbeView {
    /// The brand as the tree declares it.
    pub declared: Look,
    /// The picture that a browser took, as PNG, or why there is none; absent when none was asked for.
    pub screenshot: Option<Result<Vec<u8>, String>>,
}

/// Renders the results of a probe; the gallery has the declared pictures.
#[must_use]
pub fn probe(
    report: &ProbeReport,
    views: &BTreeMap<AccountName, ProbeView>,
    gallery: &Gallery,
    cluster: &ClusterName,
    exit: u8,
) -> String {
    let mut brands: Vec<&BrandProbe> = report.brands.iter().collect();
    brands.sort_by_key(|brand| match brand.verdict() {
        Visibility::Broken => 0,
        Visibility::Unknown => 1,
        Visibility::Visible => 2,
    });
    let mut store = Store::new(gallery, 0);
    let is_open = brands.len() <= OPEN;
    let cards: Vec<Markup> = brands
        .iter()
        .map(|brand| card(brand, views.get(&brand.account), is_open, &mut store))
        .collect();
    let cluster = visible(cluster.as_str());
    let body = html! {
        (store.definitions())
        header.top {
            p.kind { (shield()) "Probe on " strong { (cluster) } }
            h1 { (headline(report)) }
            dl.figures {
                @for (verdict, tone) in [(Visibility::Broken, "bad"), (Visibility::Unknown, "warn"), (Visibility::Visible, "good")] {
                    div class=(tone) { dt { (verdict.word()) } dd { (report.count(verdict)) } }
                }
            }
        }
        main #content {
            section #brands aria-labelledby="brands-title" {
                h2 #brands-title { "Brands " span.count { (brands.len()) } }
                div.wall { @for card in cards { (card) } }
            }
            @if !report.skipped.is_empty() {
                section #skipped aria-labelledby="skipped-title" {
                    h2 #skipped-title { "Not probed " span.count { (report.skipped.len()) } }
                    ul { @for (name, reason) in &report.skipped { li { (visible(name.as_str())) ": " (visible(reason)) } } }
                }
            }
            section #run aria-labelledby="run-title" {
                h2 #run-title { "This run" }
                p class={ "exit exit-" (exit) } { span.code { "exit " (exit) } " " (probe_summary(report)) }
            }
        }
    };
    whole(&format!("Probe on {cluster} – emblazon"), &body)
}

fn headline(report: &ProbeReport) -> String {
    let brands = report.brands.len();
    let broken = report.count(Visibility::Broken);
    let unknown = report.count(Visibility::Unknown);
    match (broken, unknown) {
        (0, 0) => format!("Nothing is broken: {}", count(brands, "brand")),
        (0, unknown) => format!(
            "Not everything of {} could be looked at",
            count(unknown, "brand")
        ),
        (broken, _) => format!("Something is broken at {}", count(broken, "brand")),
    }
}

fn card(
    brand: &BrandProbe,
    view: Option<&ProbeView>,
    is_open: bool,
    store: &mut Store<'_>,
) -> Markup {
    let verdict = brand.verdict();
    let name = visible(brand.account.as_str());
    let company = view.and_then(|view| view.declared.company.as_deref());
    let heading = company.map_or(name.clone(), visible);
    let badge = match verdict {
        Visibility::Visible => "badge good",
        Visibility::Broken => "badge bad",
        Visibility::Unknown => "badge warn",
    };
    html! {
        article.change {
            details open[is_open] {
                summary {
                    h3 { (heading) " " span.domain { (brand.host.as_str()) } }
                    @if heading != name { span.folder { (name) } }
                    span class=(badge) { (verdict.word()) }
                    span.short { (brand.view.sentence()) }
                }
                div.inside {
                    @if let Some(view) = view { (pictures(view, store)) }
                    div.words {
                        p { strong { (capital(brand.view.sentence())) "." } }
                        (checks(brand))
                    }
                }
            }
        }
    }
}

/// Draws what should be seen beside what a browser showed.
fn pictures(view: &ProbeView, store: &mut Store<'_>) -> Markup {
    let declared = frame("Declared", Some(&view.declared), &mut |facts| {
        store.drawn(facts)
    });
    html! {
        div.frames {
            (declared)
            @if let Some(screenshot) = &view.screenshot {
                figure {
                    figcaption { "In Chromium" }
                    @match screenshot.as_ref().map_err(Clone::clone).and_then(|png| store.made(png, "what Chromium shows")) {
                        Ok(picture) => (picture),
                        Err(reason) => { div.none { (visible(&reason)) } }
                    }
                }
            }
        }
    }
}

/// Lists the parts of the path; those that are as they should be are folded.
fn checks(brand: &BrandProbe) -> Markup {
    let is_told =
        |check: &&ProbeCheck| check.verdict != Visibility::Visible || check.remedy.is_some();
    let (told, quiet): (Vec<&ProbeCheck>, Vec<&ProbeCheck>) =
        brand.checks.iter().partition(is_told);
    html! {
        @if !told.is_empty() { ul.outcomes { @for one in told { (check(one)) } } }
        @if !quiet.is_empty() {
            details.technical {
                summary { (count(quiet.len(), "part")) " of the path as it should be" }
                ul.outcomes { @for one in quiet { (check(one)) } }
            }
        }
    }
}

fn check(check: &ProbeCheck) -> Markup {
    let is_broken = check.verdict == Visibility::Broken;
    html! {
        li class=[is_broken.then_some("alarm")] {
            @if check.verdict == Visibility::Unknown { span.badge.warn { "unknown" } " " }
            strong { (check.kind.name()) } ": " (visible(&check.sentence))
            @if let Some(took) = check.took { " " span.hint { (took.as_millis()) " ms" } }
            @if let Some(remedy) = &check.remedy { p.help { (visible(remedy)) } }
            @if let Some(origin) = &check.origin { p { (place(origin.file.as_str(), origin.line, origin.column)) } }
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
