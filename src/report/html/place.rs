//! A place in the tree.

use maud::{Markup, html};

use crate::report::escape::visible;

/// Renders a place in the tree.
pub(super) fn place(file: &str, line: u32, column: u32) -> Markup {
    html! { code.place { (visible(file)) ":" (line) ":" (column) } }
}
