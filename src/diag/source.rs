//! The source texts that diagnostics point into.

use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// Identifies a file in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// File that contains the range.
    pub file: FileId,
    /// Byte range within the file.
    pub span: Span,
}

impl Place {
    /// Returns the place of what no file declares, such as what a record says of an earlier tree; nobody is shown it.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            file: FileId(0),
            span: Span { start: 0, end: 0 },
        }
    }
}

/// A value and the place that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Place of the value in the source.
    pub place: Place,
}

/// A human-readable position; both numbers start at 1, and the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line number, from 1.
    pub line: u32,
    /// Column number in characters, from 1.
    pub column: u32,
}

/// One file's path and text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path relative to the root of the tree.
    pub path: Utf8PathBuf,
    /// Content of the file.
    pub text: Arc<str>,
    /// The offset at which each line starts, found on first use: most files have no place that anybody asks for.
    lines: OnceLock<Box<[usize]>>,
}

impl SourceFile {
    fn new(path: Utf8PathBuf, text: Arc<str>) -> Self {
        Self {
            path,
            text,
            lines: OnceLock::new(),
        }
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let after = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(after).collect()
        })
    }

    fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let before = self.lines().partition_point(|start| *start <= offset);
        let start = self.lines().get(before.saturating_sub(1)).copied();
        let within = self.text.get(start.unwrap_or(0)..offset).unwrap_or("");
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position {
            line: number(before),
            column: number(within.chars().count() + 1),
        }
    }
}

/// The text of each file that was read, in the order of the file ids. Clones share the texts.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<Arc<SourceFile>>,
    folder: Utf8PathBuf,
}

impl SourceMap {
    /// Adds a file.
    pub fn add(&mut self, path: Utf8PathBuf, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files
            .push(Arc::new(SourceFile::new(path, text.into())));
        id
    }

    /// Replaces the text of the file with this id, or appends a file if there is none.
    pub fn put(&mut self, id: FileId, path: Utf8PathBuf, text: impl Into<Arc<str>>) {
        match self.files.get_mut(id.0 as usize) {
            Some(file) => {
                let path = file.path.clone();
                *file = Arc::new(SourceFile::new(path, text.into()));
            }
            None => {
                self.add(path, text);
            }
        }
    }

    /// Sets the folder of the tree within its repository.
    #[must_use]
    pub fn lying_in(mut self, folder: Utf8PathBuf) -> Self {
        self.folder = folder;
        self
    }

    /// Returns the folder of the tree within its repository; empty at the repository root and outside any repository.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Returns a file by the id that [`Self::add`] returned.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize).map(AsRef::as_ref)
    }

    /// Returns the path of a place's file.
    #[must_use]
    pub fn path(&self, place: Place) -> &Utf8Path {
        self.file(place.file)
            .map_or_else(|| Utf8Path::new("?"), |file| &file.path)
    }

    /// Returns the line and column at which a place starts.
    #[must_use]
    pub fn position(&self, place: Place) -> Position {
        let start = Position { line: 1, column: 1 };
        let offset = place.span.start as usize;
        (self.file(place.file)).map_or(start, |file| file.position(offset))
    }

    /// Iterates over all files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(self.files.iter().map(AsRef::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters() {
        let mut map = SourceMap::default();
        let file = map.add("a.yaml".into(), "a: 1\n\nnäme: ü\r\nlast");
        let check = |offset: u32, line: u32, column: u32| {
            let span = Span {
                start: offset,
                end: offset,
            };
            let position = map.position(Place { file, span });
            assert_eq!(position, Position { line, column }, "{offset}");
        };
        check(0, 1, 1);
        check(4, 1, 5);
        check(5, 2, 1);
        check(6, 3, 1);
        check(9, 3, 3);
        check(13, 3, 7);
        check(17, 4, 1);
        check(21, 4, 5);
        check(99, 4, 5);
    }

    #[test]
    fn a_text_that_was_replaced_has_its_own_lines() {
        let mut map = SourceMap::default();
        let file = map.add("a.yaml".into(), "a\nb");
        let place = Place {
            file,
            span: Span { start: 2, end: 3 },
        };
        assert_eq!(map.position(place).line, 2);
        map.put(file, "a.yaml".into(), "abc");
        assert_eq!(map.position(place), Position { line: 1, column: 3 });
    }
}
