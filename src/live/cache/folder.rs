//! The cache's files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;
use tracing::debug;

use super::entry::Entry;
use super::file::CacheFile;
use crate::live::api::ReadClient;
use crate::model::{AccountId, Digest};
use crate::tree::CacheFolder;

/// The shortest lifetime of a cached account; the longest is twice that.
///
/// Without a limit, data read from a node of the platform that lagged behind would be trusted for ever. The lifetime
/// varies by account, so that not all expire at once.
const SECONDS_BELIEVED: i64 = 7 * 24 * 3600;

/// How many clusters are cached; the one written least recently is evicted first.
const MOST_CLUSTERS: usize = 16;

/// The cache of one cluster's whitelabels.
///
/// It tolerates any file contents, and other processes that use the same folder: files are replaced as a whole, and
/// lines with a wrong checksum are ignored. A failed write is not an error; the accounts are just read again.
#[derive(Debug)]
pub struct Cache {
    folder: CacheFolder,
    cluster: Digest,
    now: i64,
    files: Mutex<BTreeMap<String, CacheFile>>,
}

impl Cache {
    /// Opens the cache for the platform that a client reads. `top` is the folder that all clusters share; it is created
    /// on the first write.
    #[must_use]
    pub fn open(top: &Path, client: &ReadClient, now: Timestamp) -> Self {
        Self::at(top, client.base().as_str(), client.root(), now)
    }

    fn at(top: &Path, api: &str, root: &AccountId, now: Timestamp) -> Self {
        let cluster = Digest::of(format!("{api}\n{root}").as_bytes());
        Self {
            folder: CacheFolder::new(top.join(cluster.short())),
            cluster,
            now: now.as_second(),
            files: Mutex::default(),
        }
    }

    /// Returns the cached entry of an account, unless it has expired.
    pub(in crate::live) fn get(&self, account: &AccountId) -> Option<Entry> {
        let found = self.shelf_of(account, |cache_file| cache_file.get(account))?;
        let is_sound = found.account == *account && found.read <= self.now;
        (is_sound && self.now - found.read < believed(account)).then_some(found)
    }

    /// Caches the entry of an account.
    pub(in crate::live) fn put(&self, entry: &Entry) {
        self.shelf_of(&entry.account, |cache_file| {
            cache_file.put(entry, &self.cluster);
        });
    }

    /// Returns the time of this run, in seconds since 1970.
    pub(in crate::live) fn now(&self) -> i64 {
        self.now
    }

    /// Writes the entries put since the last save, and drops everything from memory; later gets read the files again.
    pub(in crate::live) fn save(&self) {
        if let Err(error) = self.try_save() {
            debug!(%error, folder = %self.folder.path().display(), "the cache was not written");
        }
    }

    fn try_save(&self) -> io::Result<()> {
        let mut files = self.files();
        if !files.values().any(|cache_file| cache_file.is_dirty) {
            files.clear();
            return Ok(());
        }
        let is_new = !self.folder.path().exists();
        for (name, cache_file) in files
            .iter_mut()
            .filter(|(_, cache_file)| cache_file.is_dirty)
        {
            // Another process may have written meanwhile; a write between this line and the next only loses entries.
            cache_file.take_over(self.read(name));
            self.folder.replace(name, cache_file.write().as_bytes())?;
            cache_file.is_dirty = false;
        }
        files.clear();
        drop(files);
        let path = self.folder.path();
        if is_new && let Some(top) = path.parent() {
            forget_clusters(top, path)?;
        }
        Ok(())
    }

    fn shelf_of<T>(&self, account: &AccountId, then: impl FnOnce(&mut CacheFile) -> T) -> T {
        let name = account.as_str().get(..2).unwrap_or_default();
        let mut all = self.files();
        then(
            all.entry(name.to_owned())
                .or_insert_with(|| self.read(name)),
        )
    }

    fn read(&self, name: &str) -> CacheFile {
        let text = self.folder.read(name, CacheFile::most_bytes());
        let text = text.unwrap_or_default();
        CacheFile::parse(&text, &self.cluster)
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, CacheFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the lifetime of an account's entry, in seconds.
fn believed(account: &AccountId) -> i64 {
    let part = account.as_str().get(2..4).unwrap_or_default();
    let part = i64::from_str_radix(part, 16).unwrap_or(0);
    SECONDS_BELIEVED + SECONDS_BELIEVED * part / 0x100
}

/// Removes the folders of the clusters that were written least recently.
fn forget_clusters(top: &Path, keep: &Path) -> io::Result<()> {
    let mut clusters: Vec<(SystemTime, PathBuf)> = Vec::new();
    for found in fs::read_dir(top)? {
        let found = found?;
        let name = found.file_name();
        let is_cluster = name.len() == 12
            && name
                .to_string_lossy()
                .bytes()
                .all(|b| b.is_ascii_hexdigit());
        let about = found.metadata()?;
        if is_cluster && about.is_dir() && found.path() != keep {
            clusters.push((about.modified()?, found.path()));
        }
    }
    clusters.sort();
    let surplus = (clusters.len() + 1).saturating_sub(MOST_CLUSTERS);
    for (_, folder) in clusters.into_iter().take(surplus) {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    const NOW: i64 = 1_764_000_000;

    fn cache(top: &Path, now: i64) -> Cache {
        let root = entry('0', "").account;
        let now = Timestamp::from_second(now).unwrap();
        Cache::at(top, "https://api.example.com/", &root, now)
    }

    fn files(top: &Path) -> Vec<PathBuf> {
        let cluster = fs::read_dir(top).unwrap().next().unwrap().unwrap();
        let files = fs::read_dir(cluster.path()).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    #[test]
    fn what_was_kept_is_found_by_the_next() {
        let top = tempfile::tempdir().unwrap();
        let first = cache(top.path(), NOW);
        first.put(&entry('a', "Acme"));
        assert_eq!(first.get(&entry('a', "").account), Some(entry('a', "Acme")));
        first.save();
        let next = cache(top.path(), NOW);
        assert_eq!(next.get(&entry('a', "").account), Some(entry('a', "Acme")));
        assert_eq!(next.get(&entry('b', "").account), None);
        let elsewhere = Cache::at(
            top.path(),
            "https://other.example.com",
            &entry('0', "").account,
            Timestamp::from_second(NOW).unwrap(),
        );
        assert_eq!(elsewhere.get(&entry('a', "").account), None);
    }

    #[test]
    fn nothing_is_believed_for_ever() {
        let top = tempfile::tempdir().unwrap();
        let now = cache(top.path(), NOW);
        now.put(&entry('a', "Acme"));
        now.put(&entry('0', "Root"));
        now.save();
        let known = |digit, days: i64| {
            let then = cache(top.path(), NOW + days * 24 * 3600);
            then.get(&entry(digit, "").account).is_some()
        };
        assert_eq!(
            [6, 7, 14].map(|days| known('0', days)),
            [true, false, false]
        );
        assert_eq!([6, 7, 14].map(|days| known('a', days)), [true, true, false]);
        assert!(
            !known('a', -1),
            "what was read in the future is not believed"
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_look() {
        use std::os::unix::fs::PermissionsExt as _;
        let top = tempfile::tempdir().unwrap();
        let now = cache(top.path(), NOW);
        now.put(&entry('a', "Acme"));
        now.save();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = files(top.path()).pop().unwrap();
        let folder = file.parent().unwrap();
        assert_eq!((mode(&file), mode(folder)), (0o600, 0o700));
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        let next = cache(top.path(), NOW);
        assert_eq!(next.get(&entry('a', "").account), None);
    }

    /// Two caches that started from the same files both keep their entries.
    #[test]
    fn two_at_once() {
        let top = tempfile::tempdir().unwrap();
        let (one, two) = (cache(top.path(), NOW), cache(top.path(), NOW));
        let mut other = entry('a', "Other");
        other.account = AccountId::parse(&format!("aa{}", "b".repeat(30))).unwrap();
        assert_eq!(one.get(&other.account), None);
        assert_eq!(two.get(&other.account), None);
        one.put(&entry('a', "Acme"));
        two.put(&other);
        one.save();
        two.save();
        let next = cache(top.path(), NOW);
        assert_eq!(next.get(&other.account), Some(other));
        assert_eq!(next.get(&entry('a', "").account), Some(entry('a', "Acme")));
        assert_eq!(files(top.path()).len(), 1, "no temporary file is left");
    }

    #[test]
    fn old_clusters_are_forgotten() {
        let top = tempfile::tempdir().unwrap();
        let root = entry('0', "").account;
        for number in 0..MOST_CLUSTERS + 4 {
            let api = format!("http://127.0.0.1:{number}");
            let cache = Cache::at(
                top.path(),
                &api,
                &root,
                Timestamp::from_second(NOW).unwrap(),
            );
            cache.put(&entry('a', "Acme"));
            cache.save();
        }
        fs::create_dir(top.path().join("not ours")).unwrap();
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), MOST_CLUSTERS + 1);
    }

    /// Garbage in place of a file counts as no file, and is overwritten.
    #[test]
    fn rubbish_is_no_cache() {
        let top = tempfile::tempdir().unwrap();
        let now = cache(top.path(), NOW);
        now.put(&entry('a', "Acme"));
        now.save();
        let file = files(top.path()).pop().unwrap();
        for rubbish in [
            Vec::new(),
            vec![0xff; 100],
            b"\n\n\n{}\n".to_vec(),
            vec![b'x'; CacheFile::most_bytes() + 1],
        ] {
            fs::write(&file, rubbish).unwrap();
            let next = cache(top.path(), NOW);
            assert_eq!(next.get(&entry('a', "").account), None);
            next.put(&entry('a', "Acme"));
            next.save();
            let healed = cache(top.path(), NOW);
            assert!(healed.get(&entry('a', "").account).is_some());
        }
    }
}
