//! Detects from metadata that the files of a folder are unchanged, so that polling need not read them again.

use std::fs;
use std::io;

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};

use super::layout::{TOP_FOLDERS, is_hidden};
use super::parallel;
use super::source::{Listed, TreeSource as _};
use super::{Loaded, Workdir};
use crate::model::{Digest, DigestWriter};

/// Minimum age of the last change: a second change within one tick of the file system's clock leaves no other trace.
const TICK: SignedDuration = SignedDuration::from_secs(2);

/// Metadata of all files of a tree: names, sizes, inodes, and change times.
#[derive(Clone, Debug)]
pub struct Signature {
    digest: Digest,
    /// Whether the last change was at least [`TICK`] ago.
    is_settled: bool,
}

impl Signature {
    /// Returns whether no file has changed between this signature and a later one; `false` if that is uncertain.
    #[must_use]
    pub fn still_holds(&self, later: &Self) -> bool {
        self.is_settled && self.digest == later.digest
    }
}

impl Workdir {
    /// Takes the signature of the current files; returns `None` if that is impossible, or would not be conclusive.
    ///
    /// Take it before the tree is read, and keep it only if [`Loaded::lies_in_listed_folders`].
    #[must_use]
    pub fn signature(&self, now: Timestamp) -> Option<Signature> {
        let files = self.list().ok()?;
        let stand = |file: &Listed| stand(&self.root().join(&file.path)).ok();
        let stands = parallel::map(&files, stand);
        let mut digest = DigestWriter::default();
        let mut newest = None;
        for (file, stand) in files.iter().zip(stands) {
            let (line, changed) = stand?;
            let path = file.path.as_str();
            digest.bytes(format!("{}:{path} {:?} {line}\n", path.len(), file.kind).as_bytes());
            newest = newest.max(Some(changed));
        }
        Some(Signature {
            digest: digest.digest(),
            is_settled: newest
                .is_some_and(|newest| newest < now.saturating_sub(TICK).unwrap_or(now)),
        })
    }
}

impl Loaded {
    /// Returns whether everything that was read is in folders that a listing covers; assets may be elsewhere.
    #[must_use]
    pub fn lies_in_listed_folders(&self) -> bool {
        let is_listed = |path: &Utf8Path| {
            let mut parts = path.components().map(|part| part.as_str());
            parts.next().is_some_and(|top| TOP_FOLDERS.contains(&top)) && !parts.any(is_hidden)
        };
        let layers = self.layers.values().flat_map(|layers| layers.iter());
        let mut assets = layers
            .flat_map(|layer| layer.assets())
            .chain(&self.brand_assets);
        assets.all(|path| is_listed(path))
    }
}

/// Returns the metadata of a file, and when it changed last: the later of two times, one of which nobody can set.
#[cfg(unix)]
fn stand(path: &Utf8Path) -> io::Result<(String, Timestamp)> {
    use std::os::unix::fs::MetadataExt as _;
    let it = fs::symlink_metadata(path)?;
    let line = format!(
        "{} {} {} {}.{} {}.{}",
        it.dev(),
        it.ino(),
        it.size(),
        it.mtime(),
        it.mtime_nsec(),
        it.ctime(),
        it.ctime_nsec()
    );
    let changed = Timestamp::from_second(it.ctime().max(it.mtime()));
    Ok((line, changed.map_err(io::Error::other)?))
}

#[cfg(not(unix))]
fn stand(_: &Utf8Path) -> io::Result<(String, Timestamp)> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::Tree;

    #[cfg(unix)]
    #[test]
    fn whatever_somebody_does_shows() {
        use std::os::unix::fs::MetadataExt as _;
        let text = format!("account: {:032x}\nassets: {{welcome: w.html}}\n", 1);
        let tree = Tree::new(&[
            ("accounts/acme/account.yaml", &text),
            ("accounts/acme/w.html", "<p>a</p>"),
            ("brands/gold.yaml", "whitelabel: {hide_powered: true}\n"),
        ]);
        let later = Timestamp::now() + SignedDuration::from_mins(1);
        let look = || tree.source().signature(later).expect("a signature");
        let mut before = look();
        let mut check = |what: &str, expected: bool| {
            let after = look();
            assert_eq!(before.still_holds(&after), expected, "{what}");
            before = after;
        };
        check("nothing", true);
        let page = tree.path().join("accounts/acme/w.html");
        // Same length and same modification time.
        let time = fs::metadata(&page).expect("a file").modified();
        let changed = || {
            let page = fs::metadata(&page).expect("a file");
            (page.ctime(), page.ctime_nsec())
        };
        let made = changed();
        // Wait until the clock of the file system has ticked.
        while changed() == made {
            tree.write("accounts/acme/w.html", b"<p>b</p>");
        }
        let file = fs::File::options().write(true).open(&page).expect("a file");
        file.set_modified(time.expect("a time")).expect("set");
        check("a page", false);
        check("nothing", true);
        tree.write("brands/gold.yaml", b"whitelabel: {hide_powered: false}\n");
        check("a brand", false);
        tree.write("accounts/next/account.yaml", b"account: nobody\n");
        check("a new one", false);
        fs::remove_file(&page).expect("a file");
        check("a page less", false);
        fs::rename(
            tree.path().join("accounts/next"),
            tree.path().join("accounts/more"),
        )
        .expect("renamed");
        check("another name", false);
        tree.write("notes.txt", b"not a part of the tree");
        check("what is no part of it", true);
    }

    /// What changed a moment ago may change again within the same tick.
    #[test]
    fn what_just_changed_is_not_believed() {
        let tree = Tree::new(&[("domains.yaml", "template: {}\n")]);
        let now = Timestamp::now();
        let look = |now: Timestamp| tree.source().signature(now).expect("a signature");
        assert!(!look(now).still_holds(&look(now)));
        let later = now + SignedDuration::from_mins(1);
        assert!(look(later).still_holds(&look(later)));
        assert!(look(later).still_holds(&look(now)));
    }

    #[test]
    fn an_asset_may_lie_where_no_listing_looks() {
        for (asset, expected) in [
            ("w.html", true),
            ("../../brands/w.html", true),
            (".w.html", false),
            ("../../shared/w.html", false),
        ] {
            let text = format!("account: {:032x}\nassets: {{welcome: {asset}}}\n", 1);
            let tree = Tree::new(&[
                ("accounts/acme/account.yaml", &text),
                ("accounts/acme/w.html", "<p>a</p>"),
                ("accounts/acme/.w.html", "<p>a</p>"),
                ("brands/w.html", "<p>a</p>"),
                ("shared/w.html", "<p>a</p>"),
            ]);
            let loaded = tree.load(None);
            assert!(!loaded.has_errors(), "{asset}");
            assert_eq!(loaded.lies_in_listed_folders(), expected, "{asset}");
        }
    }
}
