//! A tree in a commit, read without a checkout.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use git2::{ErrorCode, ObjectType, Oid, Repository, Tree, TreeEntry};
use jiff::Timestamp;

use super::PictureCache;
use super::bounds::{Bounds, MOST_FOLDER_BYTES, MOST_PATHS};
use super::layout::{ACCOUNTS, TOP_FILES, TOP_FOLDERS, is_account_file, is_hidden};
use super::object_size::object_size;
use super::selection::Selection;
use super::source::{
    Listed, ListedKind, Listing, ReadError, SourceError, TreeSource, is_lfs_pointer,
};
use crate::model::AccountName;

/// The mode of a symbolic link in a Git tree.
const LINK_MODE: i32 = 0o120_000;

/// A tree as stored in a commit.
pub struct GitTree {
    /// Path of the repository.
    git: PathBuf,
    /// Idle handles of the repository: libgit2 lets only one thread at a time use a handle.
    idle: Mutex<Vec<Repository>>,
    tree: Oid,
    /// Tree ids of the folders seen so far. libgit2 does not cache large trees, and would inflate `accounts/` again for
    /// each file below it.
    folders: Mutex<BTreeMap<Utf8PathBuf, Oid>>,
    commit: Oid,
    folder: Utf8PathBuf,
    pictures: Arc<PictureCache>,
}

impl GitTree {
    /// Opens the repository that contains `folder`, at the folder's tree in a revision: a commit, a tag, a branch, or
    /// anything else that `git rev-parse` understands.
    pub fn open(folder: &Utf8Path, revision: &str) -> Result<Self, SourceError> {
        let repository =
            Repository::discover(folder).map_err(|error| SourceError::NoRepository {
                path: folder.to_owned(),
                reason: error.message().to_owned(),
            })?;
        let prefix = prefix(&repository, folder)?;
        let (tree, commit) = subtree(&repository, &prefix, revision)?;
        Ok(Self {
            git: repository.path().to_owned(),
            idle: Mutex::new(vec![repository]),
            tree,
            folders: Mutex::new(BTreeMap::from([(Utf8PathBuf::new(), tree)])),
            commit,
            folder: prefix,
            pictures: Arc::default(),
        })
    }

    /// Sets the cache of pictures, so that known ones are not decoded again.
    #[must_use]
    pub fn knowing(mut self, pictures: Arc<PictureCache>) -> Self {
        self.pictures = pictures;
        self
    }

    /// Returns the full id of the commit.
    #[must_use]
    pub fn commit(&self) -> String {
        self.commit.to_string()
    }

    fn with<T, E>(
        &self,
        failed: impl FnOnce(&git2::Error) -> E,
        work: impl FnOnce(&Repository) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let repository = match taken {
            Some(repository) => repository,
            None => Repository::open(&self.git).map_err(|error| failed(&error))?,
        };
        let result = work(&repository);
        idle().push(repository);
        result
    }

    fn folders(&self) -> MutexGuard<'_, BTreeMap<Utf8PathBuf, Oid>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists the files of a folder recursively.
    fn walk(
        &self,
        repository: &Repository,
        (folder, path): (Oid, &Utf8Path),
        bounds: &Bounds,
        found: &mut Vec<Listed>,
    ) -> Result<(), SourceError> {
        self.folders().insert(path.to_owned(), folder);
        let tree = folder_of(repository, folder)?;
        for entry in &tree {
            let name = entry.name().map_err(|_| {
                SourceError::Name(String::from_utf8_lossy(entry.name_bytes()).into_owned())
            })?;
            if is_hidden(name) {
                continue;
            }
            let path = path.join(name);
            bounds.take(&path)?;
            if entry.kind() == Some(ObjectType::Tree) && !is_account_file(&path) {
                self.walk(repository, (entry.id(), &path), bounds, found)?;
            } else {
                found.push(Listed {
                    path,
                    kind: listed_kind(&entry),
                });
            }
        }
        Ok(())
    }

    /// Finds the blob of a file. The path is resolved one component at a time, so that symbolic links on it are
    /// detected.
    fn find(&self, repository: &Repository, path: &Utf8Path) -> Result<Oid, ReadError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(ReadError::NotAFile);
        };
        let entry = |folder: Oid, name: &str| {
            let tree = repository.find_tree(folder);
            let tree = tree.map_err(|error| read_failed(&error))?;
            let entry = tree.get_name(name).ok_or(ReadError::Missing)?;
            Ok((listed_kind(&entry), entry.kind(), entry.id()))
        };
        let known = self.folders().get(parent).copied();
        let folder = if let Some(folder) = known {
            folder
        } else {
            let mut folder = self.tree;
            let mut walked = Utf8PathBuf::new();
            for name in parent.components() {
                walked.push(name);
                match entry(folder, name.as_str())? {
                    (ListedKind::Link, ..) => return Err(ReadError::Link(walked)),
                    (_, Some(ObjectType::Tree), below) => folder = below,
                    (ListedKind::File, ..) => return Err(ReadError::Missing),
                    _ => return Err(ReadError::NotAFile),
                }
            }
            self.folders().insert(walked, folder);
            folder
        };
        match entry(folder, name)? {
            (ListedKind::Link, ..) => Err(ReadError::Link(path.to_owned())),
            (ListedKind::File, _, blob) => Ok(blob),
            _ => Err(ReadError::NotAFile),
        }
    }
}

impl GitTree {
    fn listing(&self, only: Option<&Selection>) -> Result<Listing, SourceError> {
        self.with(failed, |repository| {
            let top = folder_of(repository, self.tree)?;
            let mut listing = Listing::default();
            let bounds = Bounds::default();
            for name in TOP_FILES.into_iter().chain(TOP_FOLDERS) {
                let Some(entry) = top.get_name(name) else {
                    continue;
                };
                let path = Utf8PathBuf::from(name);
                if entry.kind() != Some(ObjectType::Tree) || !TOP_FOLDERS.contains(&name) {
                    listing.files.push(Listed {
                        path,
                        kind: listed_kind(&entry),
                    });
                    continue;
                }
                let Some(only) = only.filter(|_| name == ACCOUNTS) else {
                    self.walk(repository, (entry.id(), &path), &bounds, &mut listing.files)?;
                    continue;
                };
                let accounts = folder_of(repository, entry.id())?;
                let folders = accounts.iter();
                for entry in folders.filter(|entry| entry.kind() == Some(ObjectType::Tree)) {
                    let Some(name) = entry.name().ok().filter(|name| !is_hidden(name)) else {
                        continue;
                    };
                    let account = AccountName::new(name);
                    if only.contains(&account) {
                        let path = path.join(name);
                        self.walk(repository, (entry.id(), &path), &bounds, &mut listing.files)?;
                    } else {
                        listing.left_out.push(account);
                    }
                }
            }
            listing.files.sort_unstable();
            Ok(listing)
        })
    }
}

impl TreeSource for GitTree {
    fn list(&self) -> Result<Vec<Listed>, SourceError> {
        Ok(self.listing(None)?.files)
    }

    fn list_some(&self, only: &Selection) -> Result<Listing, SourceError> {
        self.listing(Some(only))
    }

    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = self.with(read_failed, |repository| {
            let blob = self.find(repository, path)?;
            let size = repository
                .odb()
                .and_then(|database| object_size(&database, blob))
                .map_err(|error| read_failed(&error))? as u64;
            if size > limit {
                return Err(ReadError::TooLarge { size, limit });
            }
            repository
                .find_blob(blob)
                .map(|blob| blob.content().to_vec())
                .map_err(|error| read_failed(&error))
        })?;
        if is_lfs_pointer(&bytes) {
            return Err(ReadError::LfsPointer);
        }
        Ok(bytes)
    }

    fn pictures(&self) -> Option<&PictureCache> {
        Some(&self.pictures)
    }

    fn folder(&self) -> Utf8PathBuf {
        self.folder.clone()
    }
}

/// Returns the path of a folder within its repository; empty at the repository root and outside any repository.
pub(super) fn folder_in_repository(folder: &Utf8Path) -> Utf8PathBuf {
    let repository = Repository::discover(folder).ok();
    let found = repository.and_then(|repository| prefix(&repository, folder).ok());
    found.unwrap_or_default()
}

/// Returns the path of a folder within its repository; empty at the repository root and in a bare repository.
pub(super) fn prefix(
    repository: &Repository,
    folder: &Utf8Path,
) -> Result<Utf8PathBuf, SourceError> {
    let Some(top) = repository.workdir() else {
        return Ok(Utf8PathBuf::new());
    };
    let not_there = |_| SourceError::NoFolder(folder.to_owned());
    let folder = folder.canonicalize_utf8().map_err(not_there)?;
    let top = top.canonicalize().map_err(not_there)?;
    Ok(folder
        .strip_prefix(&top)
        .map(Utf8Path::to_owned)
        .unwrap_or_default())
}

/// Finds the tree of a folder in a revision, and the revision's commit.
pub(super) fn subtree(
    repository: &Repository,
    prefix: &Utf8Path,
    revision: &str,
) -> Result<(Oid, Oid), SourceError> {
    let commit = repository
        .revparse_single(revision)
        .and_then(|object| object.peel_to_commit())
        .map_err(|error| SourceError::NoRevision {
            revision: revision.to_owned(),
            reason: error.message().to_owned(),
        })?;
    let top = commit.tree().map_err(|error| failed(&error))?;
    Ok((below(repository, &top, prefix, revision)?, commit.id()))
}

fn below(
    repository: &Repository,
    top: &Tree<'_>,
    prefix: &Utf8Path,
    revision: &str,
) -> Result<Oid, SourceError> {
    if prefix.as_str().is_empty() {
        return Ok(top.id());
    }
    top.get_path(prefix.as_std_path())
        .and_then(|entry| entry.to_object(repository))
        .and_then(|object| object.peel_to_tree())
        .map(|tree| tree.id())
        .map_err(|_| SourceError::NotInRevision {
            revision: revision.to_owned(),
            path: prefix.to_owned(),
        })
}

fn listed_kind(entry: &TreeEntry<'_>) -> ListedKind {
    if entry.filemode() == LINK_MODE {
        ListedKind::Link
    } else if entry.kind() == Some(ObjectType::Blob) {
        ListedKind::File
    } else {
        ListedKind::Other
    }
}

/// Reads a folder, unless it is implausibly large.
pub(super) fn folder_of(repository: &Repository, folder: Oid) -> Result<Tree<'_>, SourceError> {
    let size = repository
        .odb()
        .and_then(|database| object_size(&database, folder))
        .map_err(|error| failed(&error))?;
    if size > MOST_FOLDER_BYTES {
        return Err(SourceError::TooMany { most: MOST_PATHS });
    }
    repository.find_tree(folder).map_err(|error| failed(&error))
}

pub(super) fn failed(error: &git2::Error) -> SourceError {
    SourceError::Git(error.message().to_owned())
}

fn read_failed(error: &git2::Error) -> ReadError {
    if error.code() == ErrorCode::NotFound {
        ReadError::Missing
    } else {
        ReadError::Failed(error.message().to_owned())
    }
}

/// What a revision resolves to in the repository that contains a folder.
pub(super) enum Pointed {
    /// The folder is not in a repository.
    NoRepository,
    /// The repository cannot be read.
    Unreadable(String),
    /// There is no such ref.
    NoRef { is_shallow: bool },
    /// The ref points at an object that the clone does not have.
    NoCommit { is_shallow: bool },
    /// The full id of a commit.
    Commit(String),
}

/// Resolves a revision in the repository that contains a folder.
pub(super) fn point(folder: &Utf8Path, revision: &str) -> Pointed {
    let repository = match Repository::discover(folder) {
        Ok(repository) => repository,
        Err(error) if error.code() == ErrorCode::NotFound => return Pointed::NoRepository,
        Err(error) => return Pointed::Unreadable(error.message().to_owned()),
    };
    let is_shallow = repository.is_shallow();
    let found = repository.revparse_single(revision);
    match found.and_then(|object| object.peel_to_commit()) {
        Ok(commit) => Pointed::Commit(commit.id().to_string()),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Pointed::NoRef { is_shallow },
        Err(error) if error.code() == ErrorCode::NotFound => {
            // The ref may exist although its target is missing.
            if repository.find_reference(revision).is_ok() && revision.starts_with("refs/") {
                Pointed::NoCommit { is_shallow }
            } else {
                Pointed::NoRef { is_shallow }
            }
        }
        Err(error) => Pointed::Unreadable(error.message().to_owned()),
    }
}

/// Returns the full id of the commit that a revision resolves to.
#[must_use]
pub fn commit_id(folder: &Utf8Path, revision: &str) -> Option<String> {
    match point(folder, revision) {
        Pointed::Commit(commit) => Some(commit),
        _ => None,
    }
}

/// Shortens a commit id for display.
#[must_use]
pub fn short_commit(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// What people know a commit by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitFacts {
    /// The first line of its message. May contain any character.
    pub subject: String,
    /// The name of its author, unverified. May contain any character.
    pub author: String,
    /// When it was committed.
    pub made: Option<Timestamp>,
}

/// Returns what people know a commit by.
#[must_use]
pub fn commit_facts(folder: &Utf8Path, commit: &str) -> Option<CommitFacts> {
    let repository = Repository::discover(folder).ok()?;
    let commit = repository.find_commit(Oid::from_str(commit).ok()?).ok()?;
    let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default());
    Some(CommitFacts {
        subject: subject.into_owned(),
        author: String::from_utf8_lossy(commit.author().name_bytes()).into_owned(),
        made: Timestamp::from_second(commit.time().seconds()).ok(),
    })
}
