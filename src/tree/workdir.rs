//! A tree in the file system.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use super::PictureCache;
use super::bounds::Bounds;
use super::layout::{ACCOUNTS, TOP_FILES, TOP_FOLDERS, is_account_file, is_hidden};
use super::parallel;
use super::plain_file::{FileError, PlainFile};
use super::selection::Selection;
use super::source::{
    Listed, ListedKind, Listing, ReadError, SourceError, TreeSource, is_lfs_pointer,
};
use crate::model::AccountName;

/// Maximum number of folders that are remembered as checked; when it is reached, all of them are forgotten.
const MOST_FOLDERS: usize = 1024;

/// A tree in a folder, read in its current state; links are never followed.
#[derive(Debug)]
pub struct Workdir {
    root: Utf8PathBuf,
    /// Folders that were checked not to be links when one of their files was first read.
    folders: Mutex<HashSet<Utf8PathBuf>>,
    pictures: Arc<PictureCache>,
}

impl Workdir {
    /// Opens the folder that holds `emblazon.yaml`.
    pub fn open(root: impl Into<Utf8PathBuf>) -> Result<Self, SourceError> {
        let root = root.into();
        if root.is_dir() {
            Ok(Self {
                root,
                folders: Mutex::default(),
                pictures: Arc::default(),
            })
        } else {
            Err(SourceError::NoFolder(root))
        }
    }

    /// Sets the cache of pictures, so that known ones are not decoded again.
    #[must_use]
    pub fn knowing(mut self, pictures: Arc<PictureCache>) -> Self {
        self.pictures = pictures;
        self
    }

    /// Returns the root folder of the tree.
    #[must_use]
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    fn walk(
        &self,
        folder: &Utf8Path,
        bounds: &Bounds,
        found: &mut Vec<Listed>,
    ) -> Result<(), SourceError> {
        let mut folders = Vec::new();
        self.look_into(folder, bounds, found, &mut folders)?;
        self.walk_all(&folders, bounds, found)
    }

    /// Walks folders in parallel; of several errors, the first in the order of the folders is returned.
    fn walk_all(
        &self,
        folders: &[Utf8PathBuf],
        bounds: &Bounds,
        found: &mut Vec<Listed>,
    ) -> Result<(), SourceError> {
        let walked = parallel::map(folders, |folder| {
            let mut found = Vec::new();
            self.walk(folder, bounds, &mut found).map(|()| found)
        });
        for walked in walked {
            found.append(&mut walked?);
        }
        Ok(())
    }

    /// Lists the entries of one folder.
    fn look_into(
        &self,
        folder: &Utf8Path,
        bounds: &Bounds,
        found: &mut Vec<Listed>,
        folders: &mut Vec<Utf8PathBuf>,
    ) -> Result<(), SourceError> {
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
            bounds.take(&path)?;
            let kind = entry.file_type().map_err(list)?;
            if kind.is_dir() && !is_account_file(&path) {
                folders.push(path);
            } else {
                found.push(Listed {
                    path,
                    kind: listed_kind(kind),
                });
            }
        }
        folders.sort_unstable();
        Ok(())
    }

    fn folders(&self) -> MutexGuard<'_, HashSet<Utf8PathBuf>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that no component of a folder's path is a link.
    fn check_way(&self, folder: &Utf8Path) -> Result<(), ReadError> {
        if folder.as_str().is_empty() || self.folders().contains(folder) {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.check_way(parent)?;
        }
        let found = fs::symlink_metadata(self.root.join(folder)).map_err(|error| failed(&error))?;
        if found.is_symlink() {
            return Err(ReadError::Link(folder.to_owned()));
        }
        let mut folders = self.folders();
        if folders.len() >= MOST_FOLDERS {
            folders.clear();
        }
        folders.insert(folder.to_owned());
        Ok(())
    }
}

impl Workdir {
    /// Lists the folders of the selected accounts, and records the other accounts without reading their folders.
    fn walk_some(
        &self,
        accounts: &Utf8Path,
        only: &Selection,
        bounds: &Bounds,
        listing: &mut Listing,
    ) -> Result<(), SourceError> {
        let mut folders = Vec::new();
        self.look_into(accounts, bounds, &mut Vec::new(), &mut folders)?;
        let account = |folder: &Utf8PathBuf| AccountName::new(folder.file_name().unwrap_or(""));
        folders.retain(|folder| {
            let account = account(folder);
            let is_wanted = only.contains(&account);
            if !is_wanted {
                listing.left_out.push(account);
            }
            is_wanted
        });
        self.walk_all(&folders, bounds, &mut listing.files)
    }
}

impl Workdir {
    fn listing(&self, only: Option<&Selection>) -> Result<Listing, SourceError> {
        let mut listing = Listing::default();
        let bounds = Bounds::default();
        for name in TOP_FILES.into_iter().chain(TOP_FOLDERS) {
            let path = Utf8PathBuf::from(name);
            match fs::symlink_metadata(self.root.join(name)) {
                Ok(metadata) if metadata.is_dir() && TOP_FOLDERS.contains(&name) => {
                    match only.filter(|_| name == ACCOUNTS) {
                        Some(only) => self.walk_some(&path, only, &bounds, &mut listing)?,
                        None => self.walk(&path, &bounds, &mut listing.files)?,
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
        self.check_way(path.parent().unwrap_or(Utf8Path::new("")))?;
        let file = PlainFile::open_itself(self.root.join(path));
        let bytes = file.and_then(|file| file.read(limit));
        let bytes = bytes.map_err(|error| match error {
            FileError::Link => ReadError::Link(path.to_owned()),
            FileError::NotRegular(_) | FileError::MadeUp => ReadError::NotAFile,
            FileError::TooLarge { size, limit } => ReadError::TooLarge { size, limit },
            FileError::System(error) => failed(&error),
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
