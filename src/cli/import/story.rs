//! What an import tells: what it wrote, what it left out, and the difference of files that were there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use crate::cli::ui::Ui;
use crate::import::{FileChange, Imported, Note};
use crate::model::AccountName;
use crate::report::text::{fill, visible};

/// How many new files are listed one by one.
const MOST_LISTED: usize = 12;
/// How many accounts stand behind a note that concerns many.
const MOST_NAMED: usize = 5;

/// Writes the whole story, for standard output.
pub(crate) fn tell(ui: Ui, imported: &Imported, verbose: bool) -> String {
    let options = ui.stdout_options();
    let mut text = String::new();
    let (new, changed): (Vec<_>, Vec<_>) = imported
        .changes
        .iter()
        .partition(|change| change.before.is_none());
    let paint = Paint {
        colour: options.colour,
    };
    for change in &changed {
        difference(&mut text, change, paint);
    }
    let listed = if verbose { new.len() } else { MOST_LISTED };
    for change in new.iter().take(if new.len() > listed {
        listed - 1
    } else {
        listed
    }) {
        let path = visible(change.path.as_str());
        let _ = writeln!(
            text,
            "{}",
            paint.added(&format!("+ {path} ({})", size(&change.after)))
        );
    }
    if new.len() > listed {
        let _ = writeln!(text, "+ … and {} more new files", new.len() + 1 - listed);
    }
    for (note, accounts) in grouped(&imported.notes) {
        if !text.is_empty() {
            text.push('\n');
        }
        tell_note(&mut text, note, &accounts, options.width);
    }
    text
}

/// Puts notes that say the same of several accounts together.
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

fn tell_note(text: &mut String, note: &Note, accounts: &[&str], width: usize) {
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
    let _ = writeln!(text, "{head}");
    for line in [
        format!("{}{code}", note.reason.message),
        format!("help: {}", note.reason.help),
    ] {
        for line in fill(&line, width.saturating_sub(2)).lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
}

/// Shows how a file that was there changes.
fn difference(text: &mut String, change: &FileChange, paint: Paint) {
    let path = visible(change.path.as_str());
    let before = change.before.as_deref().unwrap_or_default();
    let (Ok(old), Ok(new)) = (
        std::str::from_utf8(before),
        std::str::from_utf8(&change.after),
    ) else {
        let _ = writeln!(
            text,
            "~ {path} ({} → {})",
            size(before),
            size(&change.after)
        );
        return;
    };
    let diff = TextDiff::from_lines(old, new);
    let _ = writeln!(text, "--- {path}\n+++ {path}");
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        let _ = writeln!(text, "{}", hunk.header());
        for line in hunk.iter_changes() {
            let content = line.value().trim_end_matches(['\n', '\r']);
            let content = visible(content);
            let line = match line.tag() {
                ChangeTag::Equal => format!(" {content}"),
                ChangeTag::Delete => paint.removed(&format!("-{content}")),
                ChangeTag::Insert => paint.added(&format!("+{content}")),
            };
            let _ = writeln!(text, "{line}");
        }
    }
}

fn size(bytes: &[u8]) -> String {
    format!("{} bytes", bytes.len())
}

/// Colours, where there are any.
#[derive(Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn added(self, text: &str) -> String {
        self.paint(text, AnsiColor::Green)
    }

    fn removed(self, text: &str) -> String {
        self.paint(text, AnsiColor::Red)
    }

    fn paint(self, text: &str, colour: AnsiColor) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let style = Style::new().fg_color(Some(colour.into()));
        format!("{style}{text}{style:#}")
    }
}
