//! Pictures: whether browsers can show them, and how large they are.

use std::io::Cursor;

use camino::Utf8Path;
use image::error::ImageError;
use image::{ImageFormat, ImageReader, Limits};

use crate::diag::Code;
use crate::model::{AssetKind, AssetType, Dimensions};
use crate::tree::check::Problem;

/// The longest side that is decoded, in pixels.
const LONGEST_SIDE: u32 = 4096;
/// The most memory that one picture may take while it is decoded: 4096 × 4096 pixels of four bytes.
const MOST_MEMORY: u64 = 64 << 20;

/// Decodes a picture and measures it.
pub(super) fn inspect(
    kind: AssetKind,
    asset_type: AssetType,
    path: &Utf8Path,
    bytes: &[u8],
) -> (Option<Dimensions>, Vec<Problem>) {
    let format = match asset_type {
        AssetType::Png => ImageFormat::Png,
        AssetType::Jpeg => ImageFormat::Jpeg,
        AssetType::Gif => ImageFormat::Gif,
        AssetType::Ico => ImageFormat::Ico,
        AssetType::Html => return (None, Vec::new()),
    };
    // The size stands at the beginning and is told also for what is too large, or cut off.
    let dimensions = ImageReader::with_format(Cursor::new(bytes), format)
        .into_dimensions()
        .ok()
        .map(|(width, height)| Dimensions { width, height });
    if let Some(size) = dimensions
        && size.width.max(size.height) > LONGEST_SIDE
    {
        return (dimensions, vec![too_many_pixels(path, Some(size))]);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let problem = match reader.decode() {
        Ok(_) if asset_type == AssetType::Jpeg && !ends_as_jpeg(bytes) => Some(Problem::new(
            Code::EB0602,
            format!("{path} breaks off before the end of the JPEG"),
            "replace it by a whole file",
        )),
        Ok(_) => dimensions.and_then(|size| unusual(kind, path, size)),
        Err(ImageError::Limits(_)) => Some(too_many_pixels(path, dimensions)),
        Err(error) => Some(Problem::new(
            Code::EB0602,
            format!("{path} cannot be decoded as {asset_type}: {error}"),
            "replace it by a file that a picture viewer opens",
        )),
    };
    (dimensions, problem.into_iter().collect())
}

/// Tells whether the end-of-image marker is there; the decoder fills a cut JPEG with grey instead of failing.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(64 * 1024)..];
    tail.windows(2).any(|pair| pair == [0xff, 0xd9])
}

fn too_many_pixels(path: &Utf8Path, size: Option<Dimensions>) -> Problem {
    let size = size.map_or_else(String::new, |size| format!(", it has {size}"));
    Problem::new(
        Code::EB0612,
        format!("{path} has too many pixels to be decoded{size}"),
        format!("scale it down, to {LONGEST_SIDE} pixels on a side at most"),
    )
}

fn unusual(kind: AssetKind, path: &Utf8Path, size: Dimensions) -> Option<Problem> {
    let shortest = size.width.min(size.height);
    let longest = size.width.max(size.height);
    let (message, help) = match kind {
        AssetKind::Icon if size.width != size.height => (
            format!("{path} is {size}, an icon is square"),
            "crop it, for example to 64×64",
        ),
        AssetKind::Icon if !(16..=512).contains(&longest) => (
            format!("{path} is {size}, an icon has 16 to 512 pixels on a side"),
            "scale it, for example to 64×64",
        ),
        AssetKind::Logo if shortest < 16 => (
            format!("{path} is {size}, too small to be seen as a logo"),
            "use a larger picture, for example 400×100",
        ),
        AssetKind::Logo if longest > 2000 => (
            format!("{path} is {size}, larger than any page shows a logo"),
            "scale it down, for example to 400×100",
        ),
        _ => return None,
    };
    Some(Problem::new(Code::EB0606, message, help))
}
