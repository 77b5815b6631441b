//! The report as an HTML page with pictures, sketches and tables.
//!
//! The page is a single file. It loads and sends nothing, and its content security policy enforces that; welcome pages
//! are shown in frames without scripts. Its own script only adds search: without it everything remains readable. All
//! text from outside is escaped by [`maud`], and `visible` reveals invisible characters.

mod asset;
mod brands;
mod change;
mod dns;
mod page;
mod parts;
mod place;
mod probe;
mod problem;
mod rest;
mod section;
pub(in crate::report) mod sides;
pub(crate) mod sketch;
mod store;
mod summary;
#[cfg(test)]
mod tests;

use maud::{Markup, html};

pub use probe::{ProbeView, probe};

use super::gallery::Gallery;
use super::{Command, Report};
use section::Section;
use store::Store;

/// Renders a report; `exit` is the exit code of the run. The page is built in memory as a whole, because it begins
/// with the pictures that the rest turns out to use.
#[must_use]
pub fn render(report: &Report, gallery: &Gallery, exit: u8) -> String {
    let compared = !matches!(report.command, Command::Validate | Command::Dns);
    let mut store = Store::new(gallery, report.summary().accounts.differing);
    let differing = compared.then(|| brands::differing(report, &mut store));
    let [brands, names] = differing.map_or([None, None], |both| both.map(Some));
    let sections: Vec<Section> = [
        Some(rest::left(report)),
        Some(rest::refused(report)),
        Some(problem::errors(report)),
        brands,
        names,
        Some(rest::kept(report)),
        Some(dns::section(report)),
        Some(rest::unknown(report)),
        Some(problem::warnings(report)),
        Some(rest::unmanaged(report)),
        Some(rest::in_sync(report)),
        Some(rest::notes(report)),
    ]
    .into_iter()
    .flatten()
    .filter(|section| section.count > 0)
    .collect();
    let parts = store.parts();
    let body = html! {
        (store.definitions())
        (summary::header(report, &sections))
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
            (summary::run(report, exit))
        }
        (parts)
    };
    page::whole(&summary::title(report), &body)
}

/// Renders the search field, which stays hidden until the script enables it.
fn search(sections: &[Section]) -> Markup {
    let searched = ["brands", "records", "dns", "mistakes", "warnings"];
    let any = sections
        .iter()
        .any(|section| searched.contains(&section.id));
    html! {
        @if any {
            form #search role="search" hidden {
                label for="find" { "Search" }
                input #find type="search" autocomplete="off" spellcheck="false"
                    placeholder="brand, domain, key, file …";
                label for="kind" { "Show" }
                select #kind {
                    option value="" { "everything" }
                    option value="alarm" { "look at this first" }
                    option value="picture" { "pictures and pages" }
                    option value="live" { "changed by hand" }
                    option value="refused" { "refused" }
                    option value="mistake" { "errors and warnings" }
                    option value="dns" { "DNS" }
                }
                output #found for="find kind" aria-live="polite" {}
            }
            p #nothing hidden { "Nothing matches. " button type="button" #all { "Show everything" } }
        }
    }
}
