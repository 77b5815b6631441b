//! Files in the state directory: readable by their owner only, and never half-written.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Creates a directory and its parents for the owner only, whatever the umask.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Writes a file atomically: a reader sees the old content or the new one, even after a crash.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    // A named temporary file is created with mode 0600, and keeps it.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(directory)
}

/// An append-only file of lines; lines that are written at the same time reach the disk together.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    length: Mutex<u64>,
}

impl Log {
    /// Continues a file that was opened for appending.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = Mutex::new(file.metadata()?.len());
        Ok(Self { file, length })
    }

    /// Appends a line, whole or not at all; [`Log::sync`] brings it to disk.
    pub(super) fn write(&self, line: &[u8]) -> io::Result<()> {
        let mut length = self.length.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = (&self.file).write_all(line) {
            // A partial line is removed: the next one must not be taken for its end.
            self.file.set_len(*length)?;
            return Err(error);
        }
        *length += line.len() as u64;
        Ok(())
    }

    /// Waits until everything written is on disk. Concurrent callers share the wait.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Creates a new, empty file for its owner only; fails when the name exists.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    let mut options = fs::OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path)?;
    sync_directory(directory)?;
    Ok(file)
}

/// Opens a file whose lock counts, not its content; creates it for its owner only.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    make_directory(path.parent().unwrap_or(Path::new(".")))?;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// A locked file, unlocked when dropped. Closing it is not enough: a process that is being started at that moment has the
/// file, too, and keeps the lock until it runs its own program.
#[derive(Debug)]
pub(super) struct Locked(pub(super) File);

impl Drop for Locked {
    fn drop(&mut self) {
        // The file is closed right after, which unlocks it as well.
        let _ = self.0.unlock();
    }
}

/// Removes the access of everybody but the owner to a directory and its content, whatever created it.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    let about = fs::symlink_metadata(path)?;
    if about.is_symlink() {
        return Ok(());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = about.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7700))?;
        }
    }
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            make_private(&entry?.path())?;
        }
    }
    Ok(())
}

/// Makes a name that was just added to a directory survive a crash.
fn sync_directory(directory: &Path) -> io::Result<()> {
    // Only Unix lets a directory be opened as a file.
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
