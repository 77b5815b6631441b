//! A section of the page.

use maud::Markup;

/// A section of the page with its own heading; it is left out when its count is zero.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) count: usize,
    pub(super) lead: Option<String>,
    pub(super) body: Markup,
}
