//! Where the files of a tree come from: the work tree, or a commit.

use std::collections::BTreeSet;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::PictureCache;
use super::selection::Selection;
use crate::model::AccountName;

/// The largest asset that is read, in bytes: the server takes no larger body (B6).
pub const MAX_ASSET_BYTES: u64 = 8_000_000;

/// Gives the files of one tree. Both kinds of source give the same files for the same content.
pub trait TreeSource: Sync {
    /// Lists `emblazon.yaml`, `domains.yaml`, and everything below `brands/` and `accounts/`, sorted by
    /// path; hidden files and folders are left out.
    fn list(&self) -> Result<Vec<Listed>, SourceError>;

    /// Lists the same, but of `accounts/` only the folders of a selection.
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

    /// Reads one file by its path from the tree's top, when it has at most `limit` bytes.
    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// Returns what was seen in pictures before, where somebody remembers it.
    fn pictures(&self) -> Option<&PictureCache> {
        None
    }

    /// Returns where the tree lies in its repository; empty at the top, and outside of any.
    fn folder(&self) -> Utf8PathBuf;
}

/// What a source lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files, sorted by path.
    pub files: Vec<Listed>,
    /// The folders of `accounts/` that were not looked into.
    pub left_out: Vec<AccountName>,
}

/// One thing that a source lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The path from the tree's top.
    pub path: Utf8PathBuf,
    /// What it is.
    pub kind: ListedKind,
}

/// What a listed thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListedKind {
    /// A file.
    File,
    /// A symbolic link, whatever it points at.
    Link,
    /// Something else: a submodule, a device, a socket.
    Other,
}

/// Says why a tree cannot be read at all.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The folder is not there.
    #[error("there is no folder {0}; name the folder that holds emblazon.yaml")]
    NoFolder(Utf8PathBuf),
    /// A folder in the tree could not be listed.
    #[error("failed to list {path}: {source}")]
    List {
        /// The folder.
        path: Utf8PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// There are too many files and folders.
    #[error(
        "the tree has more than {most} files and folders, which are not read; take out what is no brand, or split the tree"
    )]
    TooMany {
        /// How many are read at most.
        most: usize,
    },
    /// Folders lie too deep in one another.
    #[error("{path} has folders over {most} levels deep, which are not read; flatten them")]
    TooDeep {
        /// The folder near the tree's top.
        path: Utf8PathBuf,
        /// How deep they may lie.
        most: usize,
    },
    /// A file's name is not UTF-8.
    #[error("the file name {0:?} is not UTF-8; rename it")]
    Name(String),
    /// The folder lies in no Git repository.
    #[error("{path} lies in no Git repository: {reason}; --rev needs one")]
    NoRepository {
        /// The folder.
        path: Utf8PathBuf,
        /// Git's reason.
        reason: String,
    },
    /// There is no such revision.
    #[error(
        "there is no revision {revision} in the repository: {reason}; fetch it, or name another one"
    )]
    NoRevision {
        /// The revision, as it was asked for.
        revision: String,
        /// Git's reason.
        reason: String,
    },
    /// The revision does not hold the folder.
    #[error("revision {revision} has no folder {path}")]
    NotInRevision {
        /// The revision, as it was asked for.
        revision: String,
        /// The tree's folder in the repository.
        path: Utf8PathBuf,
    },
    /// Git failed in another way.
    #[error("failed to read the repository: {0}")]
    Git(String),
}

/// Says why one file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// It is not there.
    #[error("it is not there")]
    Missing,
    /// It, or a folder on the way, is a symbolic link.
    #[error("{0} is a symbolic link")]
    Link(Utf8PathBuf),
    /// It is a folder, a submodule, a device.
    #[error("it is not a file")]
    NotAFile,
    /// It is over the limit.
    #[error("it has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Its content lies in Git LFS and was not fetched.
    #[error("it is a Git LFS pointer, the content was not fetched")]
    LfsPointer,
    /// The system, or Git, said no.
    #[error("{0}")]
    Failed(String),
}

/// Tells whether bytes are the pointer that Git LFS keeps in place of a file.
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Follows a path that is written in a file of `folder`, without leaving the tree.
///
/// Absent when it is absolute, or when its `..` lead out. Only `/` separates; a backslash is part
/// of a name, as it is for Git.
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

/// Tells whether a name is hidden, and therefore nobody's part of the tree.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// The files at the top that belong to a tree.
pub(super) const TOP_FILES: [&str; 2] = ["domains.yaml", "emblazon.yaml"];

/// The folders at the top that belong to a tree.
pub(super) const TOP_FOLDERS: [&str; 2] = [ACCOUNTS, "brands"];

/// The folder that has a folder for each account.
pub(super) const ACCOUNTS: &str = "accounts";

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
