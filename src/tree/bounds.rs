//! How large a tree may be. Whoever writes it is not whoever reads it, and a commit of a few kilobytes can name a thousand
//! million files: its folders are kept once and named again and again.

use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8Path;

use super::source::SourceError;

/// The most files and folders of a tree, those included that are not read: ten for each of a hundred thousand accounts.
pub(super) const MOST_PATHS: usize = 1_000_000;

/// The most bytes of all their paths: 256 for each.
const MOST_PATH_BYTES: usize = MOST_PATHS << 8;

/// The most folders in one another; a tree has two, and an account may sort its assets.
pub(super) const MOST_DEPTH: usize = 32;

/// The most bytes of one folder as Git keeps it, which is read as a whole: room for a million names.
pub(super) const MOST_FOLDER_BYTES: usize = 64 << 20;

/// Counts what is listed of a tree, by whichever thread.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    paths: AtomicUsize,
    bytes: AtomicUsize,
}

impl Bounds {
    /// Takes in a file or a folder, by its path from the tree's top.
    ///
    /// # Errors
    /// When there are too many, or it lies too deep.
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
