//! The pictures of a report: the bytes of changed assets.
//!
//! The gallery is separate from the [`Report`](super::Report) because most formats show no pictures: asset bytes are
//! read only when a requested format needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Digest;

/// The maximum total size of a gallery's assets, in bytes.
const MOST_BYTES: usize = 96 << 20;

/// The bytes of assets by their digest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gallery {
    assets: BTreeMap<Digest, Arc<[u8]>>,
    missing: BTreeMap<Digest, String>,
    bytes: usize,
}

impl Gallery {
    /// Adds the bytes of an asset, unless the gallery would become too large.
    pub fn add(&mut self, bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        if self.assets.contains_key(&digest) {
            return;
        }
        if self.bytes + bytes.len() > MOST_BYTES {
            self.lack(
                digest,
                "left out, there are too many large files in this report",
            );
            return;
        }
        self.bytes += bytes.len();
        self.missing.remove(&digest);
        self.assets.insert(digest, bytes.into());
    }

    /// Records why the bytes of an asset are missing.
    pub fn lack(&mut self, digest: Digest, reason: impl Into<String>) {
        if !self.assets.contains_key(&digest) {
            self.missing.insert(digest, reason.into());
        }
    }

    /// Returns whether the gallery already holds an asset's bytes.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.assets.contains_key(digest)
    }

    /// Returns an asset's bytes, or why they are missing.
    pub fn asset(&self, digest: &Digest) -> Result<&[u8], &str> {
        match self.assets.get(digest) {
            Some(bytes) => Ok(bytes),
            None => Err(self.missing.get(digest).map_or("not read", String::as_str)),
        }
    }
}
