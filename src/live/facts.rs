//! Facts about the bytes of a live asset.

use std::io::Cursor;

use image::ImageReader;

use crate::model::{AssetFacts, AssetType, Digest, Dimensions};

/// Returns the digest, size and type by content of some bytes, and the dimensions if they are a picture whose header
/// can be read.
pub(super) fn facts(bytes: &[u8]) -> AssetFacts {
    let asset_type = AssetType::sniff(bytes);
    let dimensions = asset_type
        .filter(|found| *found != AssetType::Html)
        .and_then(|_| {
            let reader = ImageReader::new(Cursor::new(bytes));
            let (width, height) = reader.with_guessed_format().ok()?.into_dimensions().ok()?;
            Some(Dimensions { width, height })
        });
    AssetFacts {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        asset_type,
        dimensions,
    }
}
