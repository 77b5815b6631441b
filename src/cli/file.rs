//! Output files, written atomically: a full disk leaves the old file.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use camino::Utf8Path;
use tempfile::{Builder, NamedTempFile};

/// Most symbolic links followed to a file, as in Linux.
const MOST_LINKS: usize = 40;

/// Who may read an output file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// As before; for a new file, as the umask allows.
    AsBefore,
    /// Only its owner, whatever it was before.
    Owner,
}

/// Writes a file through a temporary file beside it, so that it is never partly written. A pipe or a device, such as
/// `/dev/stdout`, is written in place; so is a file in a folder where no other file can be created.
pub(crate) fn write(
    path: &Utf8Path,
    readers: Readers,
    write: impl Fn(&File) -> io::Result<()>,
) -> io::Result<()> {
    let Some(file) = replaceable(path.as_std_path())? else {
        return write(&straight(path.as_std_path(), readers)?);
    };
    let before = fs::metadata(&file).ok();
    let beside = match beside(&file, readers) {
        Ok(beside) => beside,
        Err(error) if before.is_some() && is_refusal(&error) => {
            return write(&straight(&file, readers)?);
        }
        Err(error) => return Err(error),
    };
    if let (Readers::AsBefore, Some(before)) = (readers, &before) {
        beside.as_file().set_permissions(before.permissions())?;
    }
    write(beside.as_file())?;
    beside.as_file().sync_all()?;
    match beside.persist(&file) {
        Ok(_) => Ok(()),
        // A bind-mounted file, as in a container, cannot be replaced.
        Err(_) if before.is_some() => write(&straight(&file, readers)?),
        Err(error) => Err(error.error),
    }
}

/// Follows the links of a path to the file to replace; `None` if it is no regular file.
fn replaceable(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut file = std::path::absolute(path)?;
    for _ in 0..MOST_LINKS {
        // Files there stand for open files of this process or another.
        if file.starts_with("/dev") || file.starts_with("/proc") {
            return Ok(None);
        }
        match fs::symlink_metadata(&file) {
            Ok(about) if about.is_symlink() => {
                let target = fs::read_link(&file)?;
                file = file.parent().unwrap_or(Path::new("/")).join(target);
            }
            Ok(about) => return Ok(about.is_file().then_some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(file)),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links lead to it"))
}

/// Creates a temporary file in the folder of another one.
fn beside(file: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".emblazon-");
    #[cfg(unix)]
    if readers == Readers::AsBefore {
        // The umask is applied to it.
        builder.permissions(mode(0o666));
    }
    builder.tempfile_in(file.parent().unwrap_or(Path::new("/")))
}

/// Opens a file to write it in place.
fn straight(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    if readers == Readers::Owner && file.metadata()?.is_file() {
        // An existing file would otherwise keep its mode.
        file.set_permissions(mode(0o600))?;
    }
    Ok(file)
}

#[cfg(unix)]
fn mode(bits: u32) -> Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(bits)
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Writes bytes as [`write`] does.
pub(crate) fn write_bytes(path: &Utf8Path, readers: Readers, bytes: &[u8]) -> io::Result<()> {
    write(path, readers, |mut file| file.write_all(bytes))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn at(&self, name: &str) -> camino::Utf8PathBuf {
            camino::Utf8PathBuf::from_path_buf(self.0.path().join(name)).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.path()).unwrap();
            let name =
                |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
            let mut names: Vec<String> = entries.map(name).collect();
            names.sort();
            names
        }
    }

    fn put(path: &Utf8Path, text: &str) -> io::Result<()> {
        write_bytes(path, Readers::AsBefore, text.as_bytes())
    }

    fn mode_of(path: &Utf8Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A disk that fills up half way leaves the old file, and no temporary file.
    #[test]
    fn a_file_is_never_there_in_part() {
        let folder = Folder::new();
        let file = folder.at("report.json");
        let full = |mut file: &File| {
            file.write_all(b"{\"half\":")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        let failed = write(&file, Readers::AsBefore, full).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
        assert_eq!(folder.names(), [""; 0]);
        put(&file, "old").unwrap();
        write(&file, Readers::AsBefore, full).unwrap_err();
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        put(&file, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(folder.names(), ["report.json"]);
    }

    #[test]
    fn links_and_modes_stay() {
        let folder = Folder::new();
        let file = folder.at("file");
        put(&file, "1").unwrap();
        assert_eq!(mode_of(&file) & 0o600, 0o600);
        fs::set_permissions(&file, mode(0o640)).unwrap();
        symlink("file", folder.at("link")).unwrap();
        symlink("link", folder.at("link-to-link")).unwrap();
        symlink("later", folder.at("dangling")).unwrap();
        put(&folder.at("link-to-link"), "2").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "2");
        assert_eq!(mode_of(&file), 0o640);
        put(&folder.at("dangling"), "3").unwrap();
        assert_eq!(fs::read_to_string(folder.at("later")).unwrap(), "3");
        write_bytes(&file, Readers::Owner, b"4").unwrap();
        assert_eq!(mode_of(&file), 0o600);
        symlink("round", folder.at("round")).unwrap();
        assert!(put(&folder.at("round"), "5").is_err());
        let names = ["dangling", "file", "later", "link", "link-to-link", "round"];
        assert_eq!(folder.names(), names);
    }

    /// What is no regular file is written in place: a pipe gets the bytes, and stays a pipe.
    #[test]
    fn pipes_and_devices_are_written_to() {
        let folder = Folder::new();
        let pipe = folder.at("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
        };
        put(&pipe, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert_eq!(folder.names(), ["pipe"]);
        put(Utf8Path::new("/dev/null"), "away").unwrap();
        let full = put(Utf8Path::new("/dev/full"), "away");
        assert!(!cfg!(target_os = "linux") || full.is_err());
        symlink("/dev/null", folder.at("null")).unwrap();
        put(&folder.at("null"), "away").unwrap();
        assert!(
            fs::symlink_metadata(folder.at("null"))
                .unwrap()
                .is_symlink()
        );
    }
}
