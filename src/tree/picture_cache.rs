//! A cache of picture analyses, so that each picture is decoded once.
//!
//! Entries are keyed by the digest of a picture's bytes, so they never become stale, and they only affect warnings,
//! never what is written. On disk there are sixteen files with one picture per line, below a line with the checksum of
//! all of them. A file that fails the check, or that another version wrote, is ignored.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::CacheFolder;
use super::assets::{self, Insight, Legibility, Look};
use crate::model::{AssetKind, AssetType, Digest};

/// Header of each file. Another version may analyse pictures differently.
const FORMAT: &str = concat!("emblazon pictures 2 ", env!("CARGO_PKG_VERSION"));

/// Maximum number of pictures in one file; when it is reached, all entries of the file are dropped.
const MOST_PICTURES: usize = 1 << 15;

/// Maximum size of one file in bytes: no line is longer than this divided by the number of pictures.
const MOST_BYTES: usize = MOST_PICTURES * 128;

/// A cache of picture analyses in memory, and in a folder if there is one.
#[derive(Debug, Default)]
pub struct PictureCache {
    folder: Option<CacheFolder>,
    sets: Mutex<BTreeMap<String, PictureSet>>,
}

/// Valid pictures by digest, with the analysis of their pixels if it was requested.
#[derive(Debug, Default)]
struct PictureSet {
    seen: BTreeMap<Digest, Option<Insight>>,
    /// Whether there are entries that the file does not have.
    is_dirty: bool,
}

impl PictureCache {
    /// Opens the cache, in the folder that all caches share.
    #[must_use]
    pub fn open(top: &Path) -> Self {
        Self {
            folder: Some(CacheFolder::new(top.join("pictures"))),
            sets: Mutex::default(),
        }
    }

    /// Analyses a picture, unless it is cached.
    pub(super) fn look(
        &self,
        kind: AssetKind,
        asset_type: AssetType,
        digest: &Digest,
        bytes: &[u8],
    ) -> Look {
        let known = self.shelf_of(digest, |set| set.seen.get(digest).copied());
        match known {
            // Only the pixels of a logo are analysed.
            Some(seen) if seen.is_some() || kind != AssetKind::Logo => Ok(seen),
            _ => {
                let look = assets::look(kind, asset_type, bytes);
                if let Ok(seen) = &look {
                    self.shelf_of(digest, |set| set.put(digest.clone(), *seen));
                }
                look
            }
        }
    }

    /// Writes new entries to the folder; a failure is only logged.
    pub fn save(&self) {
        if let Some(folder) = &self.folder
            && let Err(error) = self.try_save(folder)
        {
            tracing::debug!(%error, folder = %folder.path().display(), "what was seen in pictures was not kept");
        }
    }

    fn try_save(&self, folder: &CacheFolder) -> io::Result<()> {
        let mut sets = self.sets();
        for (name, set) in sets.iter_mut().filter(|(_, set)| set.is_dirty) {
            // Keep what another process has written since.
            let theirs = read(folder, name).seen;
            let room = MOST_PICTURES.saturating_sub(set.seen.len());
            for (digest, seen) in theirs.into_iter().take(room) {
                set.seen.entry(digest).or_insert(seen);
            }
            folder.replace(name, set.write().as_bytes())?;
            set.is_dirty = false;
        }
        Ok(())
    }

    fn shelf_of<T>(&self, digest: &Digest, then: impl FnOnce(&mut PictureSet) -> T) -> T {
        let name = digest.as_str().get(..1).unwrap_or_default();
        let mut sets = self.sets();
        let folder = self.folder.as_ref();
        let read = || folder.map_or_else(PictureSet::default, |folder| read(folder, name));
        then(sets.entry(name.to_owned()).or_insert_with(read))
    }

    fn sets(&self) -> MutexGuard<'_, BTreeMap<String, PictureSet>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(folder: &CacheFolder, name: &str) -> PictureSet {
    let text = folder.read(name, MOST_BYTES);
    text.and_then(|text| PictureSet::parse(&text))
        .unwrap_or_default()
}

impl PictureSet {
    fn put(&mut self, digest: Digest, seen: Option<Insight>) {
        if self.seen.len() >= MOST_PICTURES {
            self.seen.clear();
        }
        self.seen.insert(digest, seen);
        self.is_dirty = true;
    }

    fn write(&self) -> String {
        let mut lines = String::new();
        for (digest, seen) in &self.seen {
            lines.push_str(digest.as_str());
            if let Some(seen) = seen {
                let background = seen.background.map_or_else(
                    || "-".to_owned(),
                    |[red, green, blue]| format!("{red:02x}{green:02x}{blue:02x}"),
                );
                let (light, dark) = (seen.on_light.faint, seen.on_dark.faint);
                let _ = write!(lines, " {} {background} {light} {dark}", seen.see_through);
            }
            lines.push('\n');
        }
        let sum = Digest::of(lines.as_bytes());
        format!("{FORMAT} {sum}\n{lines}")
    }

    /// Parses a file; returns `None` if any part of it is invalid.
    fn parse(text: &str) -> Option<Self> {
        let (head, lines) = text.split_once('\n')?;
        let sum = head.strip_prefix(FORMAT)?.strip_prefix(' ')?;
        if Digest::of(lines.as_bytes()).as_str() != sum {
            return None;
        }
        let seen = lines.lines().map(line).collect::<Option<_>>()?;
        Some(Self {
            seen,
            is_dirty: false,
        })
    }
}

fn line(text: &str) -> Option<(Digest, Option<Insight>)> {
    let mut words = text.split(' ');
    let digest = Digest::parse(words.next()?)?;
    let Some(see_through) = words.next() else {
        return Some((digest, None));
    };
    let background = match words.next()? {
        "-" => None,
        colour => {
            let [_, red, green, blue] = u32::from_str_radix(colour, 16).ok()?.to_be_bytes();
            Some([red, green, blue])
        }
    };
    let mut legibility = || {
        Some(Legibility {
            faint: words.next()?.parse().ok()?,
        })
    };
    let insight = Insight {
        see_through: see_through.parse().ok()?,
        background,
        on_light: legibility()?,
        on_dark: legibility()?,
    };
    Some((digest, Some(insight)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A picture of one pixel.
    const GIF: &[u8] =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

    fn look(cache: &PictureCache, kind: AssetKind) -> Look {
        cache.look(kind, AssetType::Gif, &Digest::of(GIF), GIF)
    }

    /// Returns whether a picture is cached, by passing bytes that cannot be decoded.
    fn knows(cache: &PictureCache, kind: AssetKind) -> bool {
        let found = cache.look(kind, AssetType::Gif, &Digest::of(GIF), b"GIF89a");
        found.is_ok()
    }

    #[test]
    fn what_was_seen_is_not_looked_at_again() {
        let top = tempfile::tempdir().unwrap();
        let first = PictureCache::open(top.path());
        assert!(!knows(&first, AssetKind::Icon), "a fault is not kept");
        let icon = look(&first, AssetKind::Icon).unwrap();
        assert_eq!(icon, None, "nobody asked what its pixels say");
        assert!(knows(&first, AssetKind::Icon));
        assert!(!knows(&first, AssetKind::Logo), "a logo needs more");
        let logo = look(&first, AssetKind::Logo).unwrap();
        assert!(logo.is_some());
        first.save();
        let next = PictureCache::open(top.path());
        assert!(knows(&next, AssetKind::Icon) && knows(&next, AssetKind::Logo));
        assert_eq!(look(&next, AssetKind::Logo).unwrap(), logo);
        let none = PictureCache::default();
        assert!(!knows(&none, AssetKind::Icon));
    }

    #[test]
    fn lines_are_read_back() {
        let dark = Legibility { faint: 100 };
        let light = Legibility { faint: 0 };
        let seen = |background| Insight {
            see_through: 7,
            background,
            on_light: light,
            on_dark: dark,
        };
        let mut set = PictureSet::default();
        set.put(Digest::of(b"1"), None);
        set.put(Digest::of(b"2"), Some(seen(None)));
        set.put(Digest::of(b"3"), Some(seen(Some([0, 1, 255]))));
        let text = set.write();
        assert_eq!(PictureSet::parse(&text).unwrap().seen, set.seen);
        // Nothing is read from a file in which any byte is changed, or which is cut anywhere.
        for at in 0..text.len() {
            assert!(PictureSet::parse(&text[..at]).is_none(), "cut at {at}");
            let mut damaged = text.clone().into_bytes();
            damaged[at] ^= 1;
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(PictureSet::parse(&damaged).is_none(), "byte {at}");
        }
    }

    #[test]
    fn a_full_file_begins_anew() {
        let mut set = PictureSet::default();
        for number in 0..=MOST_PICTURES {
            let insight = look(&PictureCache::default(), AssetKind::Logo).unwrap();
            let insight = if number == 0 { insight } else { None };
            set.put(Digest::of(&number.to_le_bytes()), insight);
            assert!(set.seen.len() <= MOST_PICTURES);
        }
        assert_eq!(set.seen.len(), 1);
    }

    /// Two caches that began with the same file both keep their entries; an invalid file is overwritten.
    #[test]
    fn two_at_once_and_rubbish() {
        let top = tempfile::tempdir().unwrap();
        let file = top
            .path()
            .join("pictures")
            .join(&Digest::of(GIF).as_str()[..1]);
        let (one, two) = (
            PictureCache::open(top.path()),
            PictureCache::open(top.path()),
        );
        let other = (0_u32..10_000)
            .map(|number| Digest::of(&number.to_le_bytes()))
            .find(|digest| digest.as_str()[..1] == Digest::of(GIF).as_str()[..1])
            .unwrap();
        look(&one, AssetKind::Logo).unwrap();
        two.look(AssetKind::Icon, AssetType::Gif, &other, GIF)
            .unwrap();
        one.save();
        two.save();
        let next = PictureCache::open(top.path());
        assert!(knows(&next, AssetKind::Logo));
        assert_eq!(
            next.look(AssetKind::Icon, AssetType::Gif, &other, b""),
            Ok(None)
        );
        for rubbish in [
            &b""[..],
            b"\xff\xfe",
            b"emblazon pictures 2 0 x\n\n",
            &vec![b'x'; 1 << 16],
        ] {
            fs::write(&file, rubbish).unwrap();
            let next = PictureCache::open(top.path());
            assert!(!knows(&next, AssetKind::Logo));
            look(&next, AssetKind::Logo).unwrap();
            next.save();
            assert!(knows(&PictureCache::open(top.path()), AssetKind::Logo));
        }
    }
}
