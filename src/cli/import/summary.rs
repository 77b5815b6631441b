//! The summary of an import: files written, keys left out, and the diff of existing files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use crate::cli::ui::Ui;
use crate::import::{FileChange, Imported, Note};
use crate::model::AccountName;
use crate::report::text::{Painted, fill, visible};

/// Most new files that are listed one by one.
const MOST_LISTED: usize = 12;
/// Most accounts that are listed after a note.
const MOST_NAMED: usize = 5;

/// Returns the whole summary, for standard output.
pub(crate) fn tell(ui: Ui, imported: &Imported) -> Painted {
    let options = ui.stdout_options();
    let mut text = Painted::default();
    let (new, changed): (Vec<_>, Vec<_>) = imported
        .changes
        .iter()
        .partition(|change| change.before.is_none());
    for change in &changed {
        difference(&mut text, change);
    }
    let listed = if options.verbose {
        new.len()
    } else {
        MOST_LISTED
    };
    for change in new.iter().take(if new.len() > listed {
        listed - 1
    } else {
        listed
    }) {
        text.added(&format!(
            "+ {} ({})",
            visible(change.path.as_str()),
            size(&change.after)
        ));
    }
    if new.len() > listed {
        text.plain(&format!(
            "+ … and {} more new files",
            new.len() + 1 - listed
        ));
    }
    for (note, accounts) in grouped(&imported.notes) {
        text.gap();
        tell_note(&mut text, note, &accounts, options.width);
    }
    text
}

/// Groups equal notes on several accounts.
fn grouped(notes: &[Note]) -> Vec<(&Note, Vec<&str>)> {
    let mut groups: BTreeMap<_, (&Note, Vec<&str>)> = BTreeMap::new();
    for note in notes {
        let key = (!note.left, &note.about, &note.reason);
        let group = groups.entry(key).or_insert((note, Vec::new()));
        group
            .1
            .extend(note.account.as_ref().map(AccountName::as_str));
    }
    groups.into_values().collect()
}

fn tell_note(text: &mut Painted, note: &Note, accounts: &[&str], width: usize) {
    let mut head = String::from(if note.left { "left out: " } else { "note: " });
    let about = note.about.as_deref().map(visible);
    match (&about, accounts) {
        (Some(about), []) => head.push_str(about),
        (Some(about), [one]) => {
            let _ = write!(head, "{one} {about}");
        }
        (Some(about), many) => {
            let named = many
                .iter()
                .take(MOST_NAMED)
                .copied()
                .collect::<Vec<_>>()
                .join(", ");
            let _ = write!(head, "{about} of {} accounts: {named}", many.len());
            if many.len() > MOST_NAMED {
                head.push_str(", …");
            }
        }
        (None, accounts) => head.push_str(&accounts.join(", ")),
    }
    let code = note
        .reason
        .code
        .map_or_else(String::new, |code| format!(" ({code})"));
    text.plain(&visible(&head));
    for line in [
        format!("{}{code}", note.reason.message),
        format!("help: {}", note.reason.help),
    ] {
        for line in fill(&line, width.saturating_sub(2)).lines() {
            text.plain(&format!("  {line}"));
        }
    }
}

/// Shows the diff of an existing file.
fn difference(text: &mut Painted, change: &FileChange) {
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

fn size(bytes: &[u8]) -> String {
    format!("{} bytes", bytes.len())
}
