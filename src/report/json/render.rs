//! The current version, as text.

use super::v1;
use crate::report::Report;
use crate::report::escape::visible_json;

/// Renders a report as indented JSON that ends with a newline.
#[must_use]
pub fn render(report: &Report) -> String {
    let document = v1::Document::from(report);
    visible_json(serde_json::to_string_pretty(&document).unwrap_or_default()) + "\n"
}

/// Returns the JSON Schema of [`render`]'s output, indented, with a newline at the end.
#[must_use]
pub fn schema() -> String {
    let mut text =
        serde_json::to_string_pretty(&schemars::schema_for!(v1::Document)).unwrap_or_default();
    text.push('\n');
    text
}
