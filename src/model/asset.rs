//! Brand assets: logo, icon and welcome page.

use std::fmt;
use std::sync::Arc;

use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One of the three assets of a whitelabel (B1).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// The picture in the header and on the login page.
    Logo,
    /// The picture in the browser's tab.
    Icon,
    /// The HTML of the welcome page.
    Welcome,
}

impl AssetKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Logo, Self::Icon, Self::Welcome];

    /// Returns the name used in paths, keys and attachment names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logo => "logo",
            Self::Icon => "icon",
            Self::Welcome => "welcome",
        }
    }

    /// Returns whether the server accepts uploads of a type for this kind (B3).
    #[must_use]
    pub fn accepts(self, asset_type: AssetType) -> bool {
        match self {
            Self::Logo => matches!(
                asset_type,
                AssetType::Png | AssetType::Jpeg | AssetType::Gif
            ),
            Self::Icon => asset_type != AssetType::Html,
            Self::Welcome => asset_type == AssetType::Html,
        }
    }
}

impl fmt::Display for AssetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The type of an asset, as detected from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetType {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// Windows icon.
    Ico,
    /// HTML.
    Html,
}

impl AssetType {
    /// Returns the content type to upload it with (B3).
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Ico => "image/x-icon",
            Self::Html => "text/html",
        }
    }

    /// Returns the usual file name extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Ico => "ico",
            Self::Html => "html",
        }
    }

    /// Detects a type from the first bytes; the server's content type is meaningless (B14).
    ///
    /// UTF-8 text whose first visible character is `<` counts as HTML, unless it is one of the four picture types.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [0, 0, 1, 0, ..] => Some(Self::Ico),
            _ => std::str::from_utf8(bytes)
                .ok()
                .filter(|text| {
                    text.trim_start_matches('\u{feff}')
                        .trim_start()
                        .starts_with('<')
                })
                .map(|_| Self::Html),
        }
    }
}

impl fmt::Display for AssetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Ico => "ICO",
            Self::Html => "HTML",
        })
    }
}

/// The SHA-256 digest of some bytes, as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(Arc<str>);

impl Digest {
    /// Computes the digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::named_by(&Sha256::digest(bytes))
    }

    fn named_by(hash: &[u8]) -> Self {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        let digits = hash
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]);
        Self(digits.collect::<String>().into())
    }

    /// Returns 64 zeros, which stand for the digest of nothing.
    #[must_use]
    pub fn zeros() -> Self {
        Self("0".repeat(64).into())
    }

    /// Parses the 64 digits of a digest; returns `None` for any other string.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then(|| Self(text.into()))
    }

    /// Returns all 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first twelve digits, enough for people to compare.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// Returns whether a text is this digest, or at least its first twelve digits.
    #[must_use]
    pub fn is_meant_by(&self, text: &str) -> bool {
        text.len() >= self.short().len() && self.0.starts_with(&text.to_ascii_lowercase())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Computes the digest of text that is written incrementally, without holding all of it in memory.
#[derive(Debug, Default)]
pub struct DigestWriter(Sha256);

impl DigestWriter {
    /// Appends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of everything that was written.
    #[must_use]
    pub fn digest(self) -> Digest {
        Digest::named_by(&self.0.finalize())
    }
}

impl fmt::Write for DigestWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

/// Width and height of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)
    }
}

/// Metadata of an asset, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetFacts {
    /// The SHA-256 of the bytes.
    pub digest: Digest,
    /// The number of bytes.
    pub size: u64,
    /// Type detected from the content; absent if it is unknown.
    pub asset_type: Option<AssetType>,
    /// Dimensions, if the asset is a picture.
    pub dimensions: Option<Dimensions>,
}

/// A file in the tree that is declared as an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetFile {
    /// Path relative to the root of the tree.
    pub path: Utf8PathBuf,
    /// Metadata of the content.
    pub facts: AssetFacts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_content() {
        #[track_caller]
        fn check(bytes: &[u8], expected: Option<AssetType>) {
            assert_eq!(AssetType::sniff(bytes), expected, "{bytes:?}");
        }
        check(b"\x89PNG\r\n\x1a\nrest", Some(AssetType::Png));
        check(b"\xff\xd8\xff\xe0", Some(AssetType::Jpeg));
        check(b"GIF89a", Some(AssetType::Gif));
        check(b"\0\0\x01\0\x01\0", Some(AssetType::Ico));
        check(b"\xef\xbb\xbf \n<p>x</p>", Some(AssetType::Html));
        check(b"<svg xmlns='x'/>", Some(AssetType::Html));
        check(b"hello", None);
        check(b"RIFF....WEBP", None);
        check(b"", None);
    }
}
