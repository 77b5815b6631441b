//! The texts that diagnostics point into.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// Identifies a file in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The bytes.
    pub span: Span,
}

/// A value and the place that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The place.
    pub place: Place,
}

/// A place for people: both numbers start at 1, the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One file's path and text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path from the tree's top.
    pub path: Utf8PathBuf,
    /// The text.
    pub text: Arc<str>,
}

/// Holds the text of each file that was read, in the order of their ids. Copies share the texts.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<Arc<SourceFile>>,
    folder: Utf8PathBuf,
}

impl SourceMap {
    /// Adds a file.
    pub fn add(&mut self, path: Utf8PathBuf, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Arc::new(SourceFile {
            path,
            text: text.into(),
        }));
        id
    }

    /// Puts a file in the place of the one that has the id, or behind all others.
    pub fn put(&mut self, id: FileId, path: Utf8PathBuf, text: impl Into<Arc<str>>) {
        match self.files.get_mut(id.0 as usize) {
            Some(file) => Arc::make_mut(file).text = text.into(),
            None => {
                self.add(path, text);
            }
        }
    }

    /// Says where the tree lies in its repository.
    #[must_use]
    pub fn lying_in(mut self, folder: Utf8PathBuf) -> Self {
        self.folder = folder;
        self
    }

    /// Returns where the tree lies in its repository; empty at the top, and outside of any.
    #[must_use]
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Returns a file by the id that [`Self::add`] gave.
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
        let text = self.file(place.file).map_or("", |file| &file.text);
        let before = text.get(..place.span.start as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position {
            line: count(before.bytes().filter(|byte| *byte == b'\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
        }
    }

    /// Iterates over all files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(self.files.iter().map(AsRef::as_ref))
    }
}
