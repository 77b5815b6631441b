//! Where the files of a tree come from: the work tree, or a commit.

use std::collections::BTreeSet;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::PictureCache;
use super::layout::ACCOUNTS;
use super::selection::Selection;
use crate::model::AccountName;

/// Maximum size of an asset in bytes; the server accepts no larger body (B6).
pub const MAX_ASSET_BYTES: u64 = 8_000_000;

/// A source for the files of one tree. All implementations return the same files for the same content.
pub trait TreeSource: Sync {
    /// Lists `emblazon.yaml`, `domains.yaml`, and everything below `brands/` and `accounts/`, sorted by
    /// path; hidden files and folders are left out.
    fn list(&self) -> Result<Vec<Listed>, SourceError>;

    /// Does the same as [`Self::list`], but limits `accounts/` to the folders of a selection.
    fn list_some(&self, only: &Selection) -> Result<Listing, SourceError> {
        let mut others = BTreeSet::new();
        let mut files = self.list()?;
        files.retain(|file| {
            let mut parts = file.path.components().map(|part| part.as_str());
            let (Some(ACCOUNTS), Some(account)) = (parts.next(), parts.next()) else {
                return true;
            };
            let account = AccountName::new(account);
            let is_wanted = only.contains(&account);
            if !is_wanted {
                others.insert(account);
            }
            is_wanted
        });
        Ok(Listing {
            files,
            left_out: others.into_iter().collect(),
        })
    }

    /// Reads one file by its path relative to the root of the tree; fails if it has more than `limit` bytes.
    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// Returns the cache of pictures, if there is one.
    fn pictures(&self) -> Option<&PictureCache> {
        None
    }

    /// Returns the folder of the tree within its repository; empty at the repository root and outside any repository.
    fn folder(&self) -> Utf8PathBuf;
}

/// The result of listing a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files, sorted by path.
    pub files: Vec<Listed>,
    /// Accounts outside of the selection, whose folders were not read.
    pub left_out: Vec<AccountName>,
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Path relative to the root of the tree.
    pub path: Utf8PathBuf,
    /// Kind of the entry.
    pub kind: ListedKind,
}

/// The kind of a listed entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListedKind {
    /// A file.
    File,
    /// A symbolic link, whatever it points at.
    Link,
    /// Something else: a submodule, a device, a socket.
    Other,
}

/// The reason why a tree cannot be read at all.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The folder does not exist.
    #[error("there is no folder {0}; name the folder that holds emblazon.yaml")]
    NoFolder(Utf8PathBuf),
    /// A folder in the tree could not be listed.
    #[error("failed to list {path}: {source}")]
    List {
        /// The folder.
        path: Utf8PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// There are too many files and folders.
    #[error(
        "the tree has more than {most} files and folders, which are not read; remove unrelated files, or split the tree"
    )]
    TooMany {
        /// Maximum number that is read.
        most: usize,
    },
    /// Folders are nested too deeply.
    #[error("{path} has folders over {most} levels deep, which are not read; flatten them")]
    TooDeep {
        /// The topmost part of the folder's path.
        path: Utf8PathBuf,
        /// Maximum depth.
        most: usize,
    },
    /// A file's name is not UTF-8.
    #[error("the file name {0:?} is not UTF-8; rename it")]
    Name(String),
    /// The folder is not in a Git repository.
    #[error("{path} is not in a Git repository: {reason}; --rev needs one")]
    NoRepository {
        /// The folder.
        path: Utf8PathBuf,
        /// Error message of Git.
        reason: String,
    },
    /// The revision does not exist.
    #[error(
        "there is no revision {revision} in the repository: {reason}; fetch it, or name another one"
    )]
    NoRevision {
        /// Revision, as requested.
        revision: String,
        /// Error message of Git.
        reason: String,
    },
    /// The revision does not contain the folder.
    #[error("revision {revision} has no folder {path}")]
    NotInRevision {
        /// Revision, as requested.
        revision: String,
        /// Folder of the tree within the repository.
        path: Utf8PathBuf,
    },
    /// Git failed in another way.
    #[error("failed to read the repository: {0}")]
    Git(String),
}

/// The reason why one file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// It does not exist.
    #[error("it is not there")]
    Missing,
    /// It, or a folder on its path, is a symbolic link.
    #[error("{0} is a symbolic link")]
    Link(Utf8PathBuf),
    /// It is a folder, a submodule or a device.
    #[error("it is not a file")]
    NotAFile,
    /// It exceeds the limit.
    #[error("it has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Its content is in Git LFS and was not fetched.
    #[error("it is a Git LFS pointer, the content was not fetched")]
    LfsPointer,
    /// The operating system, or Git, reported an error.
    #[error("{0}")]
    Failed(String),
}

/// Returns whether bytes are a Git LFS pointer in place of a file.
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Resolves a path that is written in a file of `folder`, without leaving the tree.
///
/// Returns `None` if the path is absolute, or leaves the tree through `..`. Only `/` separates; a backslash is part of
/// a name, as it is for Git.
pub(super) fn resolve(folder: &Utf8Path, written: &str) -> Option<Utf8PathBuf> {
    let mut path: Vec<&str> = folder.components().map(|part| part.as_str()).collect();
    for component in Utf8Path::new(written).components() {
        match component {
            Utf8Component::Normal(name) => path.push(name),
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                path.pop()?;
            }
            Utf8Component::RootDir | Utf8Component::Prefix(_) => return None,
        }
    }
    Some(path.join("/").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_tree() {
        #[track_caller]
        fn check(folder: &str, written: &str, expected: Option<&str>) {
            let got = resolve(Utf8Path::new(folder), written);
            assert_eq!(
                got.as_deref(),
                expected.map(Utf8Path::new),
                "{folder} + {written}"
            );
        }
        check("accounts/acme", "logo.png", Some("accounts/acme/logo.png"));
        check(
            "accounts/acme",
            "./a//logo.png",
            Some("accounts/acme/a/logo.png"),
        );
        check(
            "accounts/acme",
            "../gold/logo.png",
            Some("accounts/gold/logo.png"),
        );
        check("accounts/acme", "../../assets/x.png", Some("assets/x.png"));
        check("accounts/acme", "../../../x.png", None);
        check("", "../x.png", None);
        check("accounts/acme", "/etc/passwd", None);
    }

    #[test]
    fn lfs_pointers() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        assert!(is_lfs_pointer(pointer));
        assert!(!is_lfs_pointer(b"version 2"));
    }
}
