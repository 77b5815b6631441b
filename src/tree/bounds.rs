//! Limits on the size of a tree.
//!
//! The author of a tree need not be trusted, and a commit of a few kilobytes can contain a billion files: Git stores
//! identical folders once, however often they are referenced.

use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8Path;

use super::source::SourceError;

/// Maximum number of files and folders in a tree, including those that are not read: ten for each of 100,000 accounts.
pub(super) const MOST_PATHS: usize = 1_000_000;

/// Maximum length of all their paths together, in bytes: 256 for each.
const MOST_PATH_BYTES: usize = MOST_PATHS << 8;

/// Maximum nesting depth of folders; a tree needs two, and an account may sort its assets into more.
pub(super) const MOST_DEPTH: usize = 32;

/// Maximum size of one Git tree object in bytes, which is read as a whole: room for a million names.
pub(super) const MOST_FOLDER_BYTES: usize = 64 << 20;

/// Counts the listed files and folders of a tree, across threads.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    paths: AtomicUsize,
    bytes: AtomicUsize,
}

impl Bounds {
    /// Counts a file or a folder, by its path relative to the root of the tree.
    ///
    /// # Errors
    /// If there are too many, or it is nested too deeply.
    pub(super) fn take(&self, path: &Utf8Path) -> Result<(), SourceError> {
        let length = path.as_str().len();
        let paths = self.paths.fetch_add(1, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(length, Ordering::Relaxed);
        if paths >= MOST_PATHS || bytes + length > MOST_PATH_BYTES {
            return Err(SourceError::TooMany { most: MOST_PATHS });
        }
        if path.components().nth(MOST_DEPTH).is_some() {
            let most = MOST_DEPTH;
            let path = path.components().take(2).collect();
            return Err(SourceError::TooDeep { path, most });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_ends() {
        let bounds = Bounds::default();
        let path = Utf8Path::new("accounts/acme/account.yaml");
        for _ in 0..MOST_PATHS {
            bounds.take(path).unwrap();
        }
        assert!(matches!(
            bounds.take(path),
            Err(SourceError::TooMany { .. })
        ));
        let long = "x".repeat(MOST_PATH_BYTES / 2);
        let bounds = Bounds::default();
        bounds.take(Utf8Path::new(&long)).unwrap();
        bounds.take(Utf8Path::new(&long)).unwrap();
        assert!(matches!(
            bounds.take(path),
            Err(SourceError::TooMany { .. })
        ));
        let deep =
            |folders: usize| Bounds::default().take(Utf8Path::new(&vec!["a"; folders].join("/")));
        deep(MOST_DEPTH).unwrap();
        let told = deep(MOST_DEPTH + 1).unwrap_err().to_string();
        assert!(
            told.starts_with("a/a has folders over 32 levels deep"),
            "{told}"
        );
    }
}
