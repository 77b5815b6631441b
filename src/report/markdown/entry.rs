//! An entry of the report, in full and as one line.

/// An entry of the report, in full and as one line. Both end with a newline.
pub(super) struct Entry {
    pub(super) full: String,
    pub(super) short: String,
}

/// Creates a one-line entry.
pub(super) fn line(text: &str) -> Entry {
    let line = format!("- {text}\n");
    Entry {
        full: line.clone(),
        short: line,
    }
}

/// Renders collapsible content. `summary` is HTML.
pub(super) fn folded(summary: &str, content: &str, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    let content = content.trim_end();
    format!("<details{open}><summary>{summary}</summary>\n\n{content}\n\n</details>\n\n")
}
