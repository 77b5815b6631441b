//! Renders the current version of the JSON report.

use std::fmt;

use super::v1;
use crate::report::Report;
use crate::report::escape::write_json;

/// Renders a report incrementally as indented JSON with a trailing newline.
#[must_use]
pub fn render(report: &Report) -> impl fmt::Display {
    fmt::from_fn(move |out| write_json(out, &v1::Document::from(report)))
}

/// Returns the JSON Schema of [`render`]'s output, indented, with a trailing newline.
#[must_use]
pub fn schema() -> String {
    let mut text =
        serde_json::to_string_pretty(&schemars::schema_for!(v1::Document)).unwrap_or_default();
    text.push('\n');
    text
}
