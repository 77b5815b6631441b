//! A folder in the user's cache directory.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A folder of disposable files: each is replaced as a whole, and only the owner can write to it.
#[derive(Clone, Debug)]
pub struct CacheFolder(PathBuf);

impl CacheFolder {
    /// Creates a handle; the folder itself is created by the first write.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads a file; returns `None` if it is missing, unsafe, or larger than `most` bytes.
    #[must_use]
    pub fn read(&self, name: &str, most: usize) -> Option<String> {
        self.check_owner_only().ok()?;
        let file = self.0.join(name);
        let about = fs::symlink_metadata(&file).ok()?;
        let fits = usize::try_from(about.len()).is_ok_and(|length| length <= most);
        if !about.is_file() || !fits {
            return None;
        }
        // Invalid UTF-8 corrupts only its line, not the whole file.
        let bytes = fs::read(&file).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Replaces a file atomically. It need not survive a crash, so it is not synced to disk.
    ///
    /// # Errors
    /// If the file cannot be written, or if others may write to the folder.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.make()?;
        self.check_owner_only()?;
        // A named temporary file is created with mode 0600, and keeps it.
        let mut temporary = tempfile::NamedTempFile::new_in(&self.0)?;
        temporary.write_all(bytes)?;
        let file = self.0.join(name);
        temporary.persist(file).map_err(|error| error.error)?;
        Ok(())
    }

    fn make(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder.create(&self.0)
    }

    /// Rejects a folder that others can write to.
    fn check_owner_only(&self) -> io::Result<()> {
        let about = fs::symlink_metadata(&self.0)?;
        #[cfg(unix)]
        let is_open = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o022 != 0;
        #[cfg(not(unix))]
        let is_open = false;
        if about.is_dir() && !is_open {
            Ok(())
        } else {
            Err(io::Error::other("others may write into the folder"))
        }
    }
}
