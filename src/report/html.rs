//! The report as an HTML page with pictures, sketches and tables.
//!
//! The page is a single file. It loads and sends nothing, and its content security policy enforces that; welcome pages
//! are shown in frames without scripts. Its own script only adds search: without it everything remains readable. All
//! text from outside is escaped by [`maud`], and `visible` reveals invisible characters.

mod asset;
mod change;
mod dns;
mod page;
mod place;
mod problem;
mod rest;
mod section;
mod sides;
mod sketch;
mod store;
mod summary;
#[cfg(test)]
mod tests;

use maud::{Markup, html};

use super::gallery::Gallery;
use super::{Command, Report};
use section::Section;
use store::Store;

/// Renders a report; `exit` is the exit code of the run. The page is built in memory as a whole, because its head
/// contains the pictures that the body turns out to use.
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

/// Renders the search field, which stays hidden until the script enables it.
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
