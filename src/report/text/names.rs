//! Lists of names.

use std::fmt;

use super::page::{Page, Piece, Tone, piece};
use super::visible;

/// The number of names that are shown before the rest is folded.
const SHOWN_NAMES: usize = 8;

/// Writes a list of names, folded if there are many.
pub(super) fn write(page: &mut Page<'_>, count: &str, names: &[&str]) -> fmt::Result {
    let shown = if page.options.verbose || names.len() <= SHOWN_NAMES + 1 {
        names.len()
    } else {
        SHOWN_NAMES
    };
    let mut pieces: Vec<Piece> = vec![piece(Tone::Heading, format!("{count}: "))];
    let mut list: Vec<String> = names[..shown]
        .iter()
        .map(|name| visible(name).into_owned())
        .collect();
    if shown < names.len() {
        list.push(format!("… and {} more", names.len() - shown));
    }
    pieces.push(piece(Tone::Plain, list.join(", ")));
    page.wrapped(0, 4, &pieces)
}
