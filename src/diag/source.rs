//! The source texts that diagnostics point into.

use std::sync::Arc;

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
        self.files.push(Arc::new(SourceFile {
            path,
            text: text.into(),
        }));
        id
    }

    /// Replaces the text of the file with this id, or appends a file if there is none.
    pub fn put(&mut self, id: FileId, path: Utf8PathBuf, text: impl Into<Arc<str>>) {
        match self.files.get_mut(id.0 as usize) {
            Some(file) => Arc::make_mut(file).text = text.into(),
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
