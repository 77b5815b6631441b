//! Files in memory on top of a tree, so that they can be loaded before they are written.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::request::ImportError;
use crate::tree::{Listed, ListedKind, MAX_ASSET_BYTES, ReadError, SourceError, TreeSource};

/// A tree with files on top of it; no file is ever deleted.
#[derive(Clone)]
pub(super) struct Overlay<'a> {
    below: Option<&'a dyn TreeSource>,
    files: BTreeMap<Utf8PathBuf, Vec<u8>>,
}

/// A file that an import creates or changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The path relative to the tree root.
    pub path: Utf8PathBuf,
    /// The current content; absent for a new file.
    pub before: Option<Vec<u8>>,
    /// The new content.
    pub after: Vec<u8>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(below: Option<&'a dyn TreeSource>) -> Self {
        Self {
            below,
            files: BTreeMap::new(),
        }
    }

    /// Adds or replaces a file.
    pub(super) fn write(&mut self, path: impl Into<Utf8PathBuf>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into());
    }

    /// Reads a file; `None` if it does not exist.
    pub(super) fn bytes(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>, ImportError> {
        match self.read(path, MAX_ASSET_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ReadError::Missing) => Ok(None),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    /// Reads a text file.
    pub(super) fn text(&self, path: &Utf8Path) -> Result<String, ImportError> {
        let bytes = self
            .read(path, MAX_ASSET_BYTES)
            .map_err(|error| unreadable(path, &error))?;
        String::from_utf8(bytes).map_err(|_| unreadable(path, &"it is not UTF-8"))
    }

    /// Returns whether a file exists.
    pub(super) fn has(&self, path: &Utf8Path) -> Result<bool, ImportError> {
        Ok(self.bytes(path)?.is_some())
    }

    /// Moves the files on top of another tree.
    pub(super) fn over(self, below: Option<&'a dyn TreeSource>) -> Self {
        Self { below, ..self }
    }

    /// Returns whether a tree is the result of an interrupted write of this one: it contains only files of this one,
    /// each with the same bytes, and not all of the accounts, which are written last.
    pub(super) fn is_begun_in(&self, tree: &dyn TreeSource) -> Result<bool, ImportError> {
        let listed = tree.list().map_err(crate::tree::LoadError::from)?;
        for entry in &listed {
            let Some(bytes) = self.files.get(&entry.path) else {
                return Ok(false);
            };
            let there = tree
                .read(&entry.path, MAX_ASSET_BYTES)
                .map_err(|error| unreadable(&entry.path, &error))?;
            if there != *bytes {
                return Ok(false);
            }
        }
        let there: BTreeSet<&Utf8PathBuf> = listed.iter().map(|entry| &entry.path).collect();
        let mut accounts = self.files.keys().filter(|path| rank(path) == LAST_RANK);
        Ok(accounts.any(|path| !there.contains(path)))
    }

    /// Returns the files that differ from the tree below, in write order: assets come before the text files that name
    /// them.
    pub(super) fn changes(self) -> Result<Vec<FileChange>, ImportError> {
        let below = Self::new(self.below);
        let mut changes = Vec::new();
        for (path, after) in self.files {
            let before = below.bytes(&path)?;
            // Files that only come with a new tree are never replaced.
            let is_beside = path.starts_with("schemas") || path == ".gitignore";
            if is_beside && before.is_some() {
                continue;
            }
            if before.as_ref() != Some(&after) {
                changes.push(FileChange {
                    path,
                    before,
                    after,
                });
            }
        }
        changes.sort_by_key(|change| (rank(&change.path), change.path.clone()));
        Ok(changes)
    }
}

/// The rank of the account files, which are written last.
const LAST_RANK: u8 = 3;

/// Returns the rank of a file in the write order: a file comes after those that it names.
fn rank(path: &Utf8Path) -> u8 {
    match (
        path.components().next().map(|first| first.as_str()),
        path.extension(),
    ) {
        (Some("emblazon.yaml"), _) => 0,
        (Some("accounts"), Some("yaml")) => LAST_RANK,
        (_, Some("yaml")) => 2,
        _ => 1,
    }
}

fn unreadable(path: &Utf8Path, reason: &dyn std::fmt::Display) -> ImportError {
    ImportError::Read {
        path: path.to_string(),
        reason: reason.to_string(),
    }
}

impl TreeSource for Overlay<'_> {
    fn list(&self) -> Result<Vec<Listed>, SourceError> {
        let mut listed = self.below.map_or(Ok(Vec::new()), TreeSource::list)?;
        let belongs = |path: &Utf8Path| {
            matches!(
                path.components().next().map(|first| first.as_str()),
                Some("accounts" | "brands" | "emblazon.yaml" | "domains.yaml")
            )
        };
        listed.extend(
            self.files
                .keys()
                .filter(|path| belongs(path))
                .map(|path| Listed {
                    path: path.clone(),
                    kind: ListedKind::File,
                }),
        );
        listed.sort_unstable();
        listed.dedup();
        Ok(listed)
    }

    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let Some(bytes) = self.files.get(path) else {
            return self
                .below
                .map_or(Err(ReadError::Missing), |below| below.read(path, limit));
        };
        let size = bytes.len() as u64;
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        Ok(bytes.clone())
    }

    fn folder(&self) -> Utf8PathBuf {
        self.below.map_or_else(Utf8PathBuf::new, TreeSource::folder)
    }
}
