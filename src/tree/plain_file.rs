//! Reads files that are named in a tree or by the daemon's configuration: secrets, certificate authorities, the initial
//! state of a sandbox.
//!
//! The author of the name need not be the user who runs the command. A file is therefore opened without blocking,
//! checked once it is open, and read up to a limit: a pipe would hang, a device never ends, and the pseudo-files below
//! `/proc` expose this process. Links are followed, because Kubernetes provides secrets through links.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use thiserror::Error;

/// With less spare capacity than this, the standard library probes for the end of a file with a buffer of its own.
const PROBE: usize = 32;

/// Maximum size of a file with certificate authorities, in bytes; the bundle of a whole operating system has a quarter
/// of that.
pub const MAX_CA_BYTES: u64 = 1 << 20;

/// The reason why a file is not read.
#[derive(Debug, Error)]
pub enum FileError {
    /// It is not a regular file.
    #[error("it is {0}; name a regular file")]
    NotRegular(&'static str),
    /// It is a pseudo-file, whose content is generated when it is read.
    #[error(
        "it is on a kernel pseudo-filesystem such as /proc or /sys; copy its content into a regular file"
    )]
    MadeUp,
    /// It exceeds the limit.
    #[error("it has more than {limit} bytes, which are not read; name another file")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
        /// Size in bytes, as far as it is known.
        size: u64,
    },
    /// The last part of its path is a link, and links are not followed.
    #[error("it is a symbolic link")]
    Link,
    /// The operating system reported an error.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A regular file, opened for reading.
#[derive(Debug)]
pub struct PlainFile {
    file: File,
    about: Metadata,
}

impl PlainFile {
    /// Opens a file, following links.
    ///
    /// # Errors
    /// If the file cannot be opened, or is not a regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        // Opening a device can have side effects, so check the kind first.
        check_kind(&fs::metadata(path)?)?;
        Self::opened(path, true)
    }

    /// Opens a file, unless it is a link itself.
    pub(super) fn open_itself(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        check_kind(&fs::symlink_metadata(path)?)?;
        Self::opened(path, false)
    }

    /// Opens a file and checks it again, because it may have been replaced since the first check.
    fn opened(path: &Path, follows: bool) -> Result<Self, FileError> {
        let file = open_at_once(path, follows)?;
        let about = file.metadata()?;
        check_kind(&about)?;
        if is_made_up(&file)? {
            return Err(FileError::MadeUp);
        }
        Ok(Self { file, about })
    }

    /// Returns the metadata of the open file.
    #[must_use]
    pub fn about(&self) -> &Metadata {
        &self.about
    }

    /// Reads the whole file; fails if it has more than `limit` bytes.
    pub fn read(self, limit: u64) -> Result<Vec<u8>, FileError> {
        let size = self.about.len();
        if size > limit {
            return Err(FileError::TooLarge { limit, size });
        }
        // Room for the content, and for detecting its end with a single read.
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + PROBE);
        // The file may grow meanwhile.
        self.file.take(limit + 1).read_to_end(&mut bytes)?;
        let size = bytes.len() as u64;
        if size > limit {
            return Err(FileError::TooLarge { limit, size });
        }
        Ok(bytes)
    }
}

/// Reads a regular file; fails if it has more than `limit` bytes.
pub fn read_plain(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, FileError> {
    PlainFile::open(path)?.read(limit)
}

/// Reads a file with certificate authorities.
pub fn read_authorities(path: impl AsRef<Path>) -> Result<Vec<u8>, FileError> {
    read_plain(path, MAX_CA_BYTES)
}

fn check_kind(about: &Metadata) -> Result<(), FileError> {
    let kind = about.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_symlink() {
        return Err(FileError::Link);
    }
    Err(FileError::NotRegular(if kind.is_dir() {
        "a folder"
    } else {
        special(kind)
    }))
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_kind: fs::FileType) -> &'static str {
    "a device"
}

/// Opens a file without blocking: a pipe without a writer opens at once, and is then detected as a pipe.
#[cfg(unix)]
fn open_at_once(path: &Path, follows: bool) -> Result<File, FileError> {
    use rustix::fs::{Mode, OFlags, open};
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if !follows {
        flags |= OFlags::NOFOLLOW;
    }
    match open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::LOOP) if !follows => Err(FileError::Link),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

#[cfg(not(unix))]
fn open_at_once(path: &Path, _follows: bool) -> Result<File, FileError> {
    Ok(File::open(path)?)
}

/// Returns whether an open file is in `/proc` or `/sys`, wherever those are mounted and whatever link led there.
#[cfg(target_os = "linux")]
fn is_made_up(file: &File) -> Result<bool, FileError> {
    /// `SYSFS_MAGIC` of the kernel's `magic.h`.
    const SYSTEM: rustix::fs::FsWord = 0x6265_6572;
    let found = rustix::fs::fstatfs(file).map_err(io::Error::from)?.f_type;
    Ok(found == rustix::fs::PROC_SUPER_MAGIC || found == SYSTEM)
}

#[cfg(not(target_os = "linux"))]
fn is_made_up(_file: &File) -> Result<bool, FileError> {
    Ok(false)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A pipe without a writer, an endless device and the pseudo-files of this process are neither read nor waited for.
    #[test]
    fn only_plain_files_are_read() {
        #[track_caller]
        fn check(path: &Path, expected: Result<&[u8], &str>) {
            let found = read_plain(path, 10);
            match (&found, expected) {
                (Ok(bytes), Ok(expected)) => assert_eq!(bytes, expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                _ => panic!("{path:?}: {found:?}"),
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("plain"), "0123456789").unwrap();
        fs::write(at("long"), "0123456789a").unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink("plain", at("link")).unwrap();
        symlink("/proc/self/environ", at("environ")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        check(&at("plain"), Ok(b"0123456789"));
        check(&at("link"), Ok(b"0123456789"));
        check(&at("long"), Err("more than 10 bytes"));
        check(&at("folder"), Err("it is a folder"));
        check(&at("pipe"), Err("it is a pipe"));
        check(&at("socket"), Err("it is a socket"));
        check(&at("zero"), Err("it is a device"));
        check(Path::new("/dev/zero"), Err("it is a device"));
        check(&at("none"), Err("No such file"));
        if cfg!(target_os = "linux") {
            check(&at("environ"), Err("a kernel pseudo-filesystem"));
            check(
                Path::new("/proc/self/environ"),
                Err("a kernel pseudo-filesystem"),
            );
        }
        let itself = |name| PlainFile::open_itself(at(name)).map(|_| ());
        assert!(matches!(itself("link"), Err(FileError::Link)));
        assert!(itself("plain").is_ok());
    }

    /// Replacing the file between check and open gains nothing, because the open file is checked.
    #[test]
    fn what_is_open_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        // As if the first check had seen a regular file.
        let opened = PlainFile::opened(&pipe, true);
        assert!(
            matches!(opened, Err(FileError::NotRegular("a pipe"))),
            "{opened:?}"
        );
        let link = folder.path().join("link");
        symlink("/etc/passwd", &link).unwrap();
        assert!(matches!(
            PlainFile::opened(&link, false),
            Err(FileError::Link)
        ));
    }
}
