//! Comparison of pictures, and thumbnails of those that are too large to show.
//!
//! Pure, and within the limits of [`crate::tree::assets::decode`]; callers provide the bytes.

use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::{self, FilterType};
use image::{Rgba, RgbaImage};

use crate::model::{AssetKind, AssetType, Dimensions};
use crate::tree::assets::{DecodeError, Insight, decode, icon_sizes};

/// The largest difference of a colour channel that is not visible.
const UNSEEN: u8 = 8;
/// The same limit for a picture that was scaled first, which always differs at its edges.
const UNSEEN_SCALED: u8 = 64;
/// The colour that marks changed pixels.
const CHANGED: Rgba<u8> = Rgba([0xd6, 0x1f, 0x7f, 0xff]);

/// The result of comparing two pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The bytes differ, but not the picture: it was only encoded again.
    Reencoded,
    /// Some pixels differ.
    Differs {
        /// The number of pixels that differ.
        pixels: usize,
        /// The total number of pixels.
        of: usize,
        /// Whether the old picture was scaled to the size of the new one.
        scaled: bool,
        /// A PNG of the new picture, faded, with the differing pixels marked.
        difference: Vec<u8>,
    },
    /// The aspect ratios differ, so that pixels cannot be compared.
    Reshaped(Dimensions, Dimensions),
    /// One of the pictures cannot be decoded.
    Unknown(DecodeError),
}

/// Compares two pictures pixel by pixel.
#[must_use]
pub fn compare(before: (AssetType, &[u8]), after: (AssetType, &[u8])) -> Comparison {
    let (before, after) = match (decode(before.0, before.1), decode(after.0, after.1)) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(error), _) | (_, Err(error)) => return Comparison::Unknown(error),
    };
    if before.dimensions() == after.dimensions() {
        return pixels(&before, &after, UNSEEN, false);
    }
    if !same_shape(&before, &after) {
        return Comparison::Reshaped(size(&before), size(&after));
    }
    let (width, height) = after.dimensions();
    let scaled = imageops::resize(&before, width, height, FilterType::Triangle);
    pixels(&scaled, &after, UNSEEN_SCALED, true)
}

fn size(picture: &RgbaImage) -> Dimensions {
    let (width, height) = picture.dimensions();
    Dimensions { width, height }
}

/// Returns whether two pictures have about the same aspect ratio, so that one may be the other scaled.
fn same_shape(one: &RgbaImage, other: &RgbaImage) -> bool {
    let across = |a: u32, b: u32| u64::from(a) * u64::from(b);
    let (first, second) = (
        across(one.width(), other.height()),
        across(other.width(), one.height()),
    );
    first.abs_diff(second) * 50 <= first.max(second)
}

fn pixels(before: &RgbaImage, after: &RgbaImage, unseen: u8, scaled: bool) -> Comparison {
    let mut count = 0;
    let mut marked = after.clone();
    for (mark, old) in marked.pixels_mut().zip(before.pixels()) {
        if differs(*old, *mark, unseen) {
            count += 1;
            *mark = CHANGED;
        } else {
            *mark = pale(*mark);
        }
    }
    if count == 0 && !scaled {
        return Comparison::Reencoded;
    }
    Comparison::Differs {
        pixels: count,
        of: after.pixels().len(),
        scaled,
        difference: png(&marked),
    }
}

/// Returns whether two pixels look different; the colour of a transparent pixel does not count.
fn differs(one: Rgba<u8>, other: Rgba<u8>, unseen: u8) -> bool {
    let [.., a] = one.0;
    let [.., b] = other.0;
    let seen = |colour: u8, alpha: u8| u16::from(colour) * u16::from(alpha) / 255;
    a.abs_diff(b) > unseen
        || (0..3).any(|channel| {
            let (one, other) = (seen(one.0[channel], a), seen(other.0[channel], b));
            one.abs_diff(other) > u16::from(unseen)
        })
}

/// Blends a pixel at a quarter of its opacity over white.
fn pale(pixel: Rgba<u8>) -> Rgba<u8> {
    let [red, green, blue, alpha] = pixel.0;
    let fade = |colour: u8| {
        let weight = u32::from(alpha) / 4;
        let mixed = u32::from(colour) * weight + 255 * (255 - weight);
        u8::try_from(mixed / 255).unwrap_or(u8::MAX)
    };
    Rgba([fade(red), fade(green), fade(blue), 255])
}

/// Scales a picture down to fit a square of `longest` pixels, and encodes it as PNG; one that fits is not scaled.
pub fn thumbnail(
    asset_type: AssetType,
    bytes: &[u8],
    longest: u32,
) -> Result<Vec<u8>, DecodeError> {
    let picture = decode(asset_type, bytes)?;
    let (width, height) = picture.dimensions();
    let side = width.max(height);
    if side <= longest {
        return Ok(png(&picture));
    }
    let fit = |length: u32| {
        let scaled = u64::from(length) * u64::from(longest) / u64::from(side);
        u32::try_from(scaled).unwrap_or(longest).max(1)
    };
    let small = imageops::resize(&picture, fit(width), fit(height), FilterType::Triangle);
    Ok(png(&small))
}

/// Describes in a few words what an icon contains or how a logo looks; `None` if it cannot be decoded.
#[must_use]
pub fn described(kind: AssetKind, asset_type: AssetType, bytes: &[u8]) -> Option<String> {
    let sizes = icon_sizes(bytes);
    if kind == AssetKind::Icon && !sizes.is_empty() {
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        return Some(format!("holds {}", sizes.join(", ")));
    }
    let insight = Insight::of(&decode(asset_type, bytes).ok()?);
    let background = match (insight.background, insight.see_through) {
        (Some(_), _) if insight.is_light_box() => "in an opaque light box".to_owned(),
        (Some(_), _) => "in an opaque box".to_owned(),
        (None, 0) => "opaque".to_owned(),
        (None, share) => format!("{share} % transparent"),
    };
    let seen = |faint: u8, background: &str| match faint {
        0..5 => format!("clear on {background}"),
        5..100 => format!("{faint} % lost on {background}"),
        _ => format!("invisible on {background}"),
    };
    Some(format!(
        "{background}; {}, {}",
        seen(insight.on_light.faint, "light"),
        seen(insight.on_dark.faint, "dark")
    ))
}

fn png(picture: &RgbaImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The encoder's default is fast but hardly compresses, and a page may contain a thousand of these.
    let encoder =
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, PngFilter::Adaptive);
    // Writing into memory does not fail; if it did, the picture would show as broken.
    let _ = picture.write_with_encoder(encoder);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLUE: Rgba<u8> = Rgba([0x33, 0x66, 0x99, 0xff]);
    const RED: Rgba<u8> = Rgba([0xcc, 0x33, 0x33, 0xff]);

    fn bytes(width: u32, height: u32, colour: impl Fn(u32, u32) -> Rgba<u8>) -> Vec<u8> {
        png(&RgbaImage::from_fn(width, height, colour))
    }

    #[track_caller]
    fn check(before: &[u8], after: &[u8], expected: &str) {
        let said = match compare((AssetType::Png, before), (AssetType::Png, after)) {
            Comparison::Reencoded => "the same picture".to_owned(),
            Comparison::Differs {
                pixels,
                of,
                scaled,
                difference,
            } => {
                let marks = decode(AssetType::Png, &difference).expect("it is a PNG");
                let marked = marks.pixels().filter(|pixel| **pixel == CHANGED).count();
                assert_eq!(marked, pixels, "each changed pixel is marked");
                format!("{pixels} of {of}{}", if scaled { ", scaled" } else { "" })
            }
            Comparison::Reshaped(before, after) => format!("{before} became {after}"),
            Comparison::Unknown(error) => error.to_string(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn what_differs() {
        let plain = bytes(20, 10, |_, _| BLUE);
        let mut noisy = BLUE;
        noisy.0[0] += UNSEEN;
        check(&plain, &plain, "the same picture");
        check(&plain, &bytes(20, 10, |_, _| noisy), "the same picture");
        let corner = |x, y| if x < 3 && y < 2 { RED } else { BLUE };
        check(&plain, &bytes(20, 10, corner), "6 of 200");
        check(&plain, &bytes(40, 20, |_, _| BLUE), "0 of 800, scaled");
        check(&plain, &bytes(40, 20, |_, _| RED), "800 of 800, scaled");
        check(&plain, &bytes(20, 20, |_, _| BLUE), "20×10 became 20×20");
        check(&plain, &plain[..40], "unexpected end of file");
        let clear = |colour: [u8; 3]| {
            let [red, green, blue] = colour;
            bytes(20, 10, move |_, _| Rgba([red, green, blue, 0]))
        };
        check(&clear([0; 3]), &clear([255; 3]), "the same picture");
        check(&clear([0; 3]), &plain, "200 of 200");
    }

    #[test]
    fn thumbnails_fit() {
        #[track_caller]
        fn check(width: u32, height: u32, expected: (u32, u32)) {
            let bytes = bytes(width, height, |_, _| BLUE);
            let small = thumbnail(AssetType::Png, &bytes, 100).expect("it is a PNG");
            let small = decode(AssetType::Png, &small).expect("it is a PNG");
            assert_eq!(small.dimensions(), expected, "{width}×{height}");
        }
        check(400, 100, (100, 25));
        check(100, 400, (25, 100));
        check(90, 20, (90, 20));
        check(4000, 1, (100, 1));
        let page = thumbnail(AssetType::Html, b"<p>", 100);
        assert_eq!(page, Err(DecodeError::NoPicture));
    }
}
