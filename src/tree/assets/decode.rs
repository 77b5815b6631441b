//! Decodes bytes into pixels, within limits.

use std::io::Cursor;

use image::error::ImageError;
use image::{ImageFormat, ImageReader, Limits, RgbaImage};
use thiserror::Error;

use crate::model::{AssetType, Dimensions};

/// Maximum side length of a decoded picture, in pixels.
pub(super) const LONGEST_SIDE: u32 = 4096;
/// Maximum memory for decoding one picture: 4096 × 4096 pixels of four bytes.
const MOST_MEMORY: u64 = 64 << 20;

/// The reason why a picture could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// It is not a picture.
    #[error("it is no picture")]
    NoPicture,
    /// It exceeds the limits on pixels.
    #[error("it has too many pixels")]
    TooManyPixels,
    /// It is truncated.
    #[error("it breaks off before its end")]
    CutOff,
    /// It is damaged.
    #[error("{0}")]
    Damaged(String),
}

/// Reads the dimensions from the header, even of a picture that is truncated or too large to decode.
#[must_use]
pub fn dimensions(asset_type: AssetType, bytes: &[u8]) -> Option<Dimensions> {
    let format = format(asset_type)?;
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format)
        .into_dimensions()
        .ok()?;
    Some(Dimensions { width, height })
}

/// Decodes a picture: the largest size of an icon, the first frame of an animation.
pub fn decode(asset_type: AssetType, bytes: &[u8]) -> Result<RgbaImage, DecodeError> {
    let format = format(asset_type).ok_or(DecodeError::NoPicture)?;
    let size = dimensions(asset_type, bytes);
    if size.is_some_and(|size| size.width.max(size.height) > LONGEST_SIDE) {
        return Err(DecodeError::TooManyPixels);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    match reader.decode() {
        Ok(_) if asset_type == AssetType::Jpeg && !ends_as_jpeg(bytes) => Err(DecodeError::CutOff),
        Ok(picture) => Ok(picture.into_rgba8()),
        Err(ImageError::Limits(_)) => Err(DecodeError::TooManyPixels),
        Err(error) => Err(DecodeError::Damaged(error.to_string())),
    }
}

/// Lists the sizes that a Windows icon holds, smallest first; none for other types.
#[must_use]
pub fn icon_sizes(bytes: &[u8]) -> Vec<Dimensions> {
    let Some(([0, 0, 1, 0, low, high], entries)) = bytes.split_first_chunk() else {
        return Vec::new();
    };
    let count = usize::from(u16::from_le_bytes([*low, *high]));
    // Zero stands for 256, which does not fit into a byte.
    let side = |byte: u8| {
        if byte == 0 { 256 } else { u32::from(byte) }
    };
    let mut sizes: Vec<Dimensions> = entries
        .chunks_exact(16)
        .take(count)
        .map(|entry| Dimensions {
            width: side(entry[0]),
            height: side(entry[1]),
        })
        .collect();
    sizes.sort_by_key(|size| (size.width, size.height));
    sizes.dedup();
    sizes
}

fn format(asset_type: AssetType) -> Option<ImageFormat> {
    match asset_type {
        AssetType::Png => Some(ImageFormat::Png),
        AssetType::Jpeg => Some(ImageFormat::Jpeg),
        AssetType::Gif => Some(ImageFormat::Gif),
        AssetType::Ico => Some(ImageFormat::Ico),
        AssetType::Html => None,
    }
}

/// Returns whether the end-of-image marker is present; the decoder fills a truncated JPEG with grey instead of failing.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(64 * 1024)..];
    tail.windows(2).any(|pair| pair == [0xff, 0xd9])
}
