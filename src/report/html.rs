//! The report as one page for people who look rather than read: pictures, sketches, tables.
//!
//! The page is one file. It loads nothing, sends nothing, and says so to the browser by its policy; welcome pages stand in
//! frames without scripts. Its own script only searches: without it everything is there to read. Every text from outside
//! goes through [`maud`], which escapes it, and through `visible`, which shows what hides.

mod asset;
mod change;
mod dns;
mod page;
mod problem;
mod rest;
mod sketch;
mod store;
mod summary;
#[cfg(test)]
mod tests;

use maud::{Markup, html};

use super::escape::visible;
use super::gallery::Gallery;
use super::{Command, Report};
use store::Store;

/// Renders a report; `exit` is what the run ends with. The page comes as one text: its head names the pictures that the
/// body below turns out to show.
#[must_use]
pub fn render(report: &Report, gallery: &Gallery, exit: u8) -> String {
    let mut store = Store::new(gallery);
    let compared = !matches!(report.command, Command::Validate | Command::Dns);
    let sections: Vec<Section> = [
        Some(rest::left(report)),
        Some(rest::refused(report)),
        Some(problem::section(report)),
        compared.then(|| change::section(report, &mut store)),
        Some(dns::section(report)),
        Some(rest::unknown(report)),
        Some(rest::unmanaged(report)),
        Some(rest::in_sync(report)),
        Some(rest::notes(report)),
    ]
    .into_iter()
    .flatten()
    .filter(|section| section.count > 0)
    .collect();
    let body = html! {
        (summary::header(report, exit, &sections))
        main #content {
            (search(&sections))
            @for section in &sections {
                section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                    h2 id={ (section.id) "-title" } {
                        (section.title) " " span.count { (section.count) }
                    }
                    @if let Some(lead) = &section.lead { p.lead { (lead) } }
                    (section.body)
                }
            }
        }
    };
    page::whole(&summary::title(report), &store.style(), &body)
}

/// A part of the page with a heading of its own; one that counts nothing is left out.
struct Section {
    id: &'static str,
    title: &'static str,
    count: usize,
    lead: Option<String>,
    body: Markup,
}

/// The field that the script shows and answers; without the script it stays hidden.
fn search(sections: &[Section]) -> Markup {
    let searched = ["changes", "dns", "mistakes"];
    let any = sections
        .iter()
        .any(|section| searched.contains(&section.id));
    html! {
        @if any {
            form #search role="search" hidden {
                label for="find" { "Search" }
                input #find type="search" autocomplete="off" spellcheck="false"
                    placeholder="account, domain, key, file …";
                label for="kind" { "Show" }
                select #kind {
                    option value="" { "everything" }
                    option value="destructive" { "destructive" }
                    option value="customer-visible" { "customer-visible" }
                    option value="picture" { "pictures and pages" }
                    option value="live" { "changed by hand" }
                    option value="refused" { "refused" }
                    option value="mistake" { "mistakes and warnings" }
                    option value="dns" { "DNS" }
                }
                output #found for="find kind" aria-live="polite" {}
            }
        }
    }
}

/// Writes a place in the tree.
fn place(file: &str, line: u32, column: u32) -> Markup {
    html! { code.place { (visible(file)) ":" (line) ":" (column) } }
}
