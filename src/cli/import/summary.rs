//! The summary of an import: files written, keys left out, and the diff of existing files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::difference::{self, size};
use crate::cli::ui::Ui;
use crate::import::{Imported, Note};
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
        difference::tell(&mut text, change);
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
