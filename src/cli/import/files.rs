//! Writes the files of a tree, each atomically.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};

use anyhow::Context as _;
use camino::Utf8Path;

use crate::cli::failure::Failure;
use crate::import::FileChange;

/// Writes the files in order, so that after a crash no file refers to a missing one.
pub(crate) fn write(folder: &Utf8Path, changes: &[FileChange]) -> Result<(), Failure> {
    for change in changes {
        let path = folder.join(&change.path);
        write_whole(&path, change).with_context(|| path.to_string())?;
    }
    Ok(())
}

fn write_whole(path: &Utf8Path, change: &FileChange) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Utf8Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    // Hidden files do not belong to a tree.
    builder.prefix(".import-");
    if let Some(permissions) = permissions(path, change)? {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(&change.after)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A new file gets the permissions of the umask; an existing one keeps its own.
fn permissions(path: &Utf8Path, change: &FileChange) -> io::Result<Option<Permissions>> {
    if change.before.is_some() {
        return Ok(Some(fs::metadata(path)?.permissions()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Ok(Some(Permissions::from_mode(0o666)))
    }
    #[cfg(not(unix))]
    Ok(None)
}
