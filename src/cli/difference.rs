//! What changes in a file of the tree, line by line.

use similar::{ChangeTag, TextDiff};

use crate::import::FileChange;
use crate::report::text::{Painted, visible};

/// Shows the diff of an existing file.
pub(crate) fn tell(text: &mut Painted, change: &FileChange) {
    let path = visible(change.path.as_str());
    let before = change.before.as_deref().unwrap_or_default();
    let (Ok(old), Ok(new)) = (
        std::str::from_utf8(before),
        std::str::from_utf8(&change.after),
    ) else {
        text.plain(&format!(
            "~ {path} ({} → {})",
            size(before),
            size(&change.after)
        ));
        return;
    };
    let diff = TextDiff::from_lines(old, new);
    text.plain(&format!("--- {path}\n+++ {path}"));
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        text.plain(&hunk.header().to_string());
        for line in hunk.iter_changes() {
            let content = line.value().trim_end_matches(['\n', '\r']);
            let content = visible(content);
            match line.tag() {
                ChangeTag::Equal => text.plain(&format!(" {content}")),
                ChangeTag::Delete => text.removed(&format!("-{content}")),
                ChangeTag::Insert => text.added(&format!("+{content}")),
            }
        }
    }
}

/// Returns the size of a file, for people.
pub(crate) fn size(bytes: &[u8]) -> String {
    format!("{} bytes", bytes.len())
}
