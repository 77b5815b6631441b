//! Makes a text fit: folds and cuts from the least important end.

use std::fmt::Write as _;

/// A part of the report with a heading of its own; the more important ones come first.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// One thing to say, at length and in one line. Both end with a newline.
pub(super) struct Entry {
    pub(super) full: String,
    pub(super) short: String,
}

/// How much of a list of entries is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    /// So many at length …
    full: usize,
    /// … then so many in one line, and the others not at all.
    short: usize,
}

/// The longest line that says what was left out, with the longest numbers.
const REMARK: usize = 160;

/// Puts sections together in at most `room` bytes.
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
    // A room that not even the headings fit into.
    if text.len() > room {
        text.clear();
    }
    text
}

fn frame(section: &Section) -> String {
    format!("#### {}\n\n", section.title)
}

/// Finds how much fits: as much as can be at length, where everything has a line at least; else as many lines as can be.
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
