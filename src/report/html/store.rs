//! The pictures of the page: each is embedded once, however often it is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use crate::model::{AssetFacts, AssetKind, AssetType, Digest, Dimensions};
use crate::report::gallery::Gallery;
use crate::report::picture::{self, Comparison};
use crate::tree::assets;

/// The longest side of an embedded picture, in pixels; twice its size on the page.
const LONGEST_SIDE: u32 = 1000;
/// The largest file that is embedded unchanged, in bytes.
const SMALL_FILE: usize = 150_000;
/// The maximum total size of the pictures in one page, in bytes.
const MOST_BYTES: usize = 24 << 20;

/// The pictures of the page, by digest.
pub(super) struct Store<'a> {
    pub(super) gallery: &'a Gallery,
    shown: BTreeMap<Digest, Shown>,
    bytes: usize,
}

/// A picture that is embedded in the page's style sheet.
#[derive(Clone)]
struct Shown {
    number: usize,
    size: Dimensions,
    uri: String,
}

impl<'a> Store<'a> {
    pub(super) fn new(gallery: &'a Gallery) -> Self {
        Self {
            gallery,
            shown: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Renders an asset as a picture with an alternative text.
    pub(super) fn picture(
        &mut self,
        facts: &AssetFacts,
        alternative: &str,
    ) -> Result<Markup, String> {
        if !self.shown.contains_key(&facts.digest) {
            let bytes = self.gallery.asset(&facts.digest).map_err(str::to_owned)?;
            let asset_type = facts.asset_type.ok_or("it is of no known type")?;
            let size = assets::dimensions(asset_type, bytes).ok_or("it cannot be decoded")?;
            if bytes.len() <= SMALL_FILE && size.width.max(size.height) <= LONGEST_SIDE {
                self.add(facts.digest.clone(), asset_type, bytes, size)?;
            } else {
                let small = picture::thumbnail(asset_type, bytes, LONGEST_SIDE)
                    .map_err(|error| error.to_string())?;
                self.add(facts.digest.clone(), AssetType::Png, &small, size)?;
            }
        }
        self.markup(&facts.digest, alternative)
    }

    /// Renders a picture that was generated for the page.
    pub(super) fn made(&mut self, png: &[u8], alternative: &str) -> Result<Markup, String> {
        let digest = Digest::of(png);
        if !self.shown.contains_key(&digest) {
            let size = assets::dimensions(AssetType::Png, png).ok_or("it cannot be decoded")?;
            let small = picture::thumbnail(AssetType::Png, png, LONGEST_SIDE)
                .map_err(|error| error.to_string())?;
            self.add(digest.clone(), AssetType::Png, &small, size)?;
        }
        self.markup(&digest, alternative)
    }

    /// Compares two assets, if the bytes of both are available.
    pub(super) fn compare(&self, before: &AssetFacts, after: &AssetFacts) -> Option<Comparison> {
        let side = |facts: &AssetFacts| {
            let bytes = self.gallery.asset(&facts.digest).ok()?;
            Some((facts.asset_type?, bytes))
        };
        Some(picture::compare(side(before)?, side(after)?))
    }

    /// Describes an asset's content, if its bytes are available.
    pub(super) fn described(&self, kind: AssetKind, facts: &AssetFacts) -> Option<String> {
        let bytes = self.gallery.asset(&facts.digest).ok()?;
        picture::described(kind, facts.asset_type?, bytes)
    }

    /// Returns the CSS rules that contain the pictures.
    pub(super) fn style(&self) -> String {
        let mut style = String::new();
        for Shown { number, size, uri } in self.shown.values() {
            let Dimensions { width, height } = size;
            let _ = write!(
                style,
                ".p{number}{{--w:{width};--h:{height};background-image:url(\"{uri}\")}}"
            );
        }
        style
    }

    fn add(
        &mut self,
        digest: Digest,
        asset_type: AssetType,
        bytes: &[u8],
        size: Dimensions,
    ) -> Result<(), String> {
        if self.bytes + bytes.len() > MOST_BYTES {
            return Err("left out, so that this page does not grow too large".to_owned());
        }
        self.bytes += bytes.len();
        let number = self.shown.len();
        let uri = format!(
            "data:{};base64,{}",
            asset_type.content_type(),
            STANDARD.encode(bytes)
        );
        self.shown.insert(digest, Shown { number, size, uri });
        Ok(())
    }

    fn markup(&self, digest: &Digest, alternative: &str) -> Result<Markup, String> {
        let shown = self.shown.get(digest).ok_or("not shown")?;
        let class = format!("picture p{}", shown.number);
        Ok(html! { span class=(class) role="img" aria-label=(alternative) {} })
    }
}
