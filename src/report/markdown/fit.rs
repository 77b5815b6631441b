//! Fits a report into a size limit by shortening and dropping the least important entries first.

use std::fmt::Write as _;

use super::entry::Entry;

/// A section of the report with its own heading; the most important sections come first.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// How many entries of a list are shown, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    /// The number of entries shown in full.
    full: usize,
    /// The number of entries after those that are shown as one line; the rest is left out.
    short: usize,
}

/// The maximum length of the line that reports how many entries were left out.
const REMARK: usize = 160;

/// Renders sections in at most `room` bytes.
pub(super) fn fitted(sections: &[Section], room: usize) -> String {
    let entries: Vec<&Entry> = sections
        .iter()
        .flat_map(|section| &section.entries)
        .collect();
    let frames: usize = sections
        .iter()
        .map(|section| frame(section).len() + REMARK)
        .sum();
    let shown = shown(&entries, room.saturating_sub(frames));
    let mut text = String::new();
    let mut number = 0;
    for section in sections {
        let before = number;
        let mut body = String::new();
        for entry in &section.entries {
            if number < shown.full {
                body.push_str(&entry.full);
            } else if number < shown.full + shown.short {
                body.push_str(&entry.short);
            }
            number += 1;
        }
        let visible = (shown.full + shown.short).clamp(before, number) - before;
        let left = section.entries.len() - visible;
        if left > 0 {
            let more = if visible == 0 { "" } else { " more" };
            let _ = writeln!(body, "- … {left}{more} not shown, to fit");
        }
        text.push_str(&frame(section));
        text.push_str(&body);
        text.push('\n');
    }
    let folded = entries.len().min(shown.full + shown.short) - shown.full;
    if folded > 0 {
        let _ = writeln!(
            text,
            "*{folded} shown in one line each, to fit; other formats of the report have all.*"
        );
    }
    // Not even the headings fit.
    if text.len() > room {
        text.clear();
    }
    text
}

fn frame(section: &Section) -> String {
    format!("#### {}\n\n", section.title)
}

/// Calculates what fits: if every entry fits as one line, as many as possible in full; otherwise as many one-line
/// entries as possible.
fn shown(entries: &[&Entry], room: usize) -> Shown {
    let short: usize = entries.iter().map(|entry| entry.short.len()).sum();
    if short <= room {
        let mut used = short;
        let full = entries
            .iter()
            .take_while(|entry| {
                used = used - entry.short.len() + entry.full.len();
                used <= room
            })
            .count();
        return Shown {
            full,
            short: entries.len() - full,
        };
    }
    let mut used = 0;
    let short = entries
        .iter()
        .take_while(|entry| {
            used += entry.short.len();
            used <= room
        })
        .count();
    Shown { full: 0, short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_is_folded_first() {
        #[track_caller]
        fn check(room: usize, full: usize, short: usize) {
            let entry = || Entry {
                full: "x".repeat(100),
                short: "x".repeat(10),
            };
            let entries: Vec<Entry> = (0..5).map(|_| entry()).collect();
            let entries: Vec<&Entry> = entries.iter().collect();
            assert_eq!(shown(&entries, room), Shown { full, short }, "{room}");
        }
        check(500, 5, 0);
        check(499, 4, 1);
        check(140, 1, 4);
        check(50, 0, 5);
        check(49, 0, 4);
        check(0, 0, 0);
    }
}
