//! The current version, as text.

use std::fmt;

use super::v1;
use crate::report::Report;
use crate::report::escape::write_json;

/// Renders a report as indented JSON that ends with a newline, piece by piece.
#[must_use]
pub fn render(report: &Report) -> impl fmt::Display {
    fmt::from_fn(move |out| write_json(out, &v1::Document::from(report)))
}

/// Returns the JSON Schema of [`render`]'s output, indented, with a newline at the end.
#[must_use]
pub fn schema() -> String {
    let mut text =
        serde_json::to_string_pretty(&schemars::schema_for!(v1::Document)).unwrap_or_default();
    text.push('\n');
    text
}
