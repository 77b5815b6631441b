//! A tree in the file system.

use std::fs;
use std::io::{self, Read as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::selection::Selection;
use super::source::{
    ACCOUNTS, Listed, ListedKind, Listing, ReadError, SourceError, TOP_FILES, TOP_FOLDERS,
    TreeSource, is_hidden, is_lfs_pointer,
};
use crate::model::AccountName;

/// Reads a tree from a folder, as it lies there now; links are never followed.
#[derive(Clone, Debug)]
pub struct Workdir {
    root: Utf8PathBuf,
}

impl Workdir {
    /// Opens the folder that holds `emblazon.yaml`.
    pub fn open(root: impl Into<Utf8PathBuf>) -> Result<Self, SourceError> {
        let root = root.into();
        if root.is_dir() {
            Ok(Self { root })
        } else {
            Err(SourceError::NoFolder(root))
        }
    }

    /// Returns the folder.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    fn walk(&self, folder: &Utf8Path, found: &mut Vec<Listed>) -> Result<(), SourceError> {
        let list = |source| SourceError::List {
            path: folder.to_owned(),
            source,
        };
        for entry in fs::read_dir(self.root.join(folder)).map_err(list)? {
            let entry = entry.map_err(list)?;
            let name = entry.file_name();
            let name = name
                .to_str()
                .ok_or_else(|| SourceError::Name(name.to_string_lossy().into_owned()))?;
            if is_hidden(name) {
                continue;
            }
            let path = folder.join(name);
            let kind = entry.file_type().map_err(list)?;
            if kind.is_dir() {
                self.walk(&path, found)?;
            } else {
                found.push(Listed {
                    path,
                    kind: listed_kind(kind),
                });
            }
        }
        Ok(())
    }
}

impl Workdir {
    /// Lists some accounts' folders, and counts the others without looking into them.
    fn walk_some(
        &self,
        accounts: &Utf8Path,
        only: &Selection,
        listing: &mut Listing,
    ) -> Result<(), SourceError> {
        let list = |source| SourceError::List {
            path: accounts.to_owned(),
            source,
        };
        for entry in fs::read_dir(self.root.join(accounts)).map_err(list)? {
            let entry = entry.map_err(list)?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !is_hidden(name)) else {
                continue;
            };
            if !entry.file_type().map_err(list)?.is_dir() {
                continue;
            }
            if only.contains(&AccountName::new(name)) {
                self.walk(&accounts.join(name), &mut listing.files)?;
            } else {
                listing.left_out += 1;
            }
        }
        Ok(())
    }
}

impl Workdir {
    fn listing(&self, only: Option<&Selection>) -> Result<Listing, SourceError> {
        let mut listing = Listing::default();
        for name in TOP_FILES.into_iter().chain(TOP_FOLDERS) {
            let path = Utf8PathBuf::from(name);
            match fs::symlink_metadata(self.root.join(name)) {
                Ok(metadata) if metadata.is_dir() && TOP_FOLDERS.contains(&name) => {
                    match only.filter(|_| name == ACCOUNTS) {
                        Some(only) => self.walk_some(&path, only, &mut listing)?,
                        None => self.walk(&path, &mut listing.files)?,
                    }
                }
                Ok(metadata) => listing.files.push(Listed {
                    path,
                    kind: listed_kind(metadata.file_type()),
                }),
                Err(error) if is_absence(&error) => {}
                Err(source) => return Err(SourceError::List { path, source }),
            }
        }
        listing.files.sort_unstable();
        Ok(listing)
    }
}

impl TreeSource for Workdir {
    fn list(&self) -> Result<Vec<Listed>, SourceError> {
        Ok(self.listing(None)?.files)
    }

    fn list_some(&self, only: &Selection) -> Result<Listing, SourceError> {
        self.listing(Some(only))
    }

    fn read(&self, path: &Utf8Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut full = self.root.clone();
        let mut metadata = None;
        for component in path.components() {
            full.push(component);
            let found = fs::symlink_metadata(&full).map_err(|error| failed(&error))?;
            if found.is_symlink() {
                let link = full.strip_prefix(&self.root).unwrap_or(path);
                return Err(ReadError::Link(link.to_owned()));
            }
            metadata = Some(found);
        }
        let metadata = metadata
            .filter(fs::Metadata::is_file)
            .ok_or(ReadError::NotAFile)?;
        let too_large = |size| ReadError::TooLarge { size, limit };
        if metadata.len() > limit {
            return Err(too_large(metadata.len()));
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(&full).map_err(|error| failed(&error))?;
        // The file may grow between the two calls.
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(&error))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(bytes.len() as u64));
        }
        if is_lfs_pointer(&bytes) {
            return Err(ReadError::LfsPointer);
        }
        Ok(bytes)
    }

    fn folder(&self) -> Utf8PathBuf {
        super::git::folder_in_repository(&self.root)
    }
}

fn listed_kind(kind: fs::FileType) -> ListedKind {
    if kind.is_symlink() {
        ListedKind::Link
    } else if kind.is_file() {
        ListedKind::File
    } else {
        ListedKind::Other
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn failed(error: &io::Error) -> ReadError {
    if is_absence(error) {
        ReadError::Missing
    } else {
        ReadError::Failed(error.to_string())
    }
}
