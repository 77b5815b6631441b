//! A place in a file of the tree.

use std::sync::Arc;

use camino::Utf8PathBuf;

use crate::diag::Position;
use crate::report::{Label, Places};
use crate::tree::Origin;

/// A place in a file of the tree; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Spot {
    /// The path relative to the tree root.
    pub(in crate::report) file: Utf8PathBuf,
    /// Where it starts.
    pub(in crate::report) from: Position,
    /// The position after its last character; absent when only the start is known.
    pub(in crate::report) to: Option<Position>,
}

impl Spot {
    pub(super) fn of_label(label: &Label) -> Self {
        Self {
            file: label.source.path.clone(),
            from: label.from,
            to: Some(label.to),
        }
    }

    pub(super) fn of_origin(origin: &Origin) -> Self {
        let Origin { file, line, column } = origin.clone();
        Self {
            file,
            from: Position { line, column },
            to: None,
        }
    }

    /// Returns the same place with columns in UTF-16 code units, if the file's text is known.
    pub(in crate::report) fn in_utf16(self, places: &Places) -> Self {
        let Some(text) = places.texts.get(&self.file) else {
            return self;
        };
        Self {
            from: utf16(text, self.from),
            to: self.to.map(|to| utf16(text, to)),
            file: self.file,
        }
    }
}

fn utf16(text: &Arc<str>, position: Position) -> Position {
    let line = text
        .split('\n')
        .nth(position.line.saturating_sub(1) as usize);
    let before = line
        .unwrap_or_default()
        .chars()
        .take(position.column.saturating_sub(1) as usize);
    let wide = before
        .filter(|character| character.len_utf16() == 2)
        .count();
    Position {
        column: position.column + u32::try_from(wide).unwrap_or(u32::MAX),
        ..position
    }
}
