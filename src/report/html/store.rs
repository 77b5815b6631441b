//! The pictures of the page: each is embedded once, however often it is shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::parts::Parts;
use super::sketch::{self, Drawn};

use crate::model::{AssetFacts, AssetKind, AssetType, Digest, Dimensions};
use crate::report::gallery::Gallery;
use crate::report::picture::{self, Comparison};
use crate::tree::assets::{self, Insight};

/// The longest side of an embedded picture, in pixels; twice its size on the page.
const LONGEST_SIDE: u32 = 1000;
/// The largest file that is embedded unchanged, in bytes.
const SMALL_FILE: usize = 150_000;
/// The maximum total size of the pictures in one page, in bytes …
const MOST_BYTES: usize = 20 << 20;
/// … and in one of very many brands, whose text alone is large.
const MOST_BYTES_OF_MANY: usize = 6 << 20;
/// How many brands are very many.
const MANY: usize = 1000;

/// The pictures of the page, by digest.
pub(super) struct Store<'a> {
    pub(super) gallery: &'a Gallery,
    shown: BTreeMap<Digest, Shown>,
    bytes: usize,
    most: usize,
    /// The cards, on a page of very many brands.
    packed: Option<Parts>,
}

/// A picture that is embedded in the page.
#[derive(Clone)]
struct Shown {
    number: usize,
    size: Dimensions,
    uri: String,
}

impl<'a> Store<'a> {
    /// Creates the store of a page with a number of brands.
    pub(super) fn new(gallery: &'a Gallery, brands: usize) -> Self {
        Self {
            gallery,
            shown: BTreeMap::new(),
            bytes: 0,
            most: if brands > MANY {
                MOST_BYTES_OF_MANY
            } else {
                MOST_BYTES
            },
            packed: (brands > MANY).then(Parts::default),
        }
    }

    /// Takes a card, which the page keeps compressed.
    pub(super) fn pack(&mut self, card: Markup) {
        if let Some(parts) = &mut self.packed {
            parts.put(card);
        }
    }

    /// Returns how many cards are compressed so far, if the page keeps them so.
    pub(super) fn packed(&self) -> Option<usize> {
        self.packed.as_ref().map(Parts::cards)
    }

    /// Renders what was packed.
    pub(super) fn parts(&mut self) -> Markup {
        self.packed.take().map_or_else(|| html! {}, Parts::rendered)
    }

    /// Renders an asset as a picture with an alternative text.
    pub(super) fn picture(
        &mut self,
        facts: &AssetFacts,
        alternative: &str,
    ) -> Result<Markup, String> {
        self.embed(facts)?;
        self.markup(&facts.digest, alternative)
    }

    /// Returns an asset as a part of a sketch; `None` when it cannot be shown.
    pub(super) fn drawn(&mut self, facts: &AssetFacts) -> Option<Drawn> {
        self.embed(facts).ok()?;
        let shown = self.shown.get(&facts.digest)?;
        Some(sketch::defined(shown.number, shown.size))
    }

    fn embed(&mut self, facts: &AssetFacts) -> Result<(), String> {
        if self.shown.contains_key(&facts.digest) {
            return Ok(());
        }
        let bytes = self.gallery.asset(&facts.digest).map_err(str::to_owned)?;
        let asset_type = facts.asset_type.ok_or("it is of no known type")?;
        let size = assets::dimensions(asset_type, bytes).ok_or("it cannot be decoded")?;
        if bytes.len() <= SMALL_FILE && size.width.max(size.height) <= LONGEST_SIDE {
            return self.add(facts.digest.clone(), asset_type, bytes, size);
        }
        let small = picture::thumbnail(asset_type, bytes, LONGEST_SIDE)
            .map_err(|error| error.to_string())?;
        self.add(facts.digest.clone(), AssetType::Png, &small, size)
    }

    /// Renders a picture that was generated for the page.
    pub(super) fn made(&mut self, png: &[u8], alternative: &str) -> Result<Markup, String> {
        if self.packed.is_some() {
            return Err("left out, so that this page does not grow too large".to_owned());
        }
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

    /// Returns how much of a logo cannot be seen on a dark background, in percent, if its bytes are available.
    pub(super) fn lost_on_dark(&self, facts: &AssetFacts) -> Option<u8> {
        let bytes = self.gallery.asset(&facts.digest).ok()?;
        let picture = assets::decode(facts.asset_type?, bytes).ok()?;
        let insight = Insight::of(&picture);
        insight
            .background
            .is_none()
            .then_some(insight.on_dark.faint)
    }

    /// Renders the pictures, for the rest of the page to refer to.
    pub(super) fn definitions(&self) -> Markup {
        html! {
            svg.definitions width="0" height="0" aria-hidden="true" {
                defs {
                    (sketch::shared())
                    @for Shown { number, size, uri } in self.shown.values() {
                        image id={ "p" (number) } width=(size.width) height=(size.height) preserveAspectRatio="none" href=(uri) {}
                    }
                }
            }
        }
    }

    fn add(
        &mut self,
        digest: Digest,
        asset_type: AssetType,
        bytes: &[u8],
        size: Dimensions,
    ) -> Result<(), String> {
        if self.bytes + bytes.len() > self.most {
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
        let Shown { number, size, .. } = self.shown.get(digest).ok_or("not shown")?;
        let Dimensions { width, height } = size;
        Ok(html! {
            svg.picture viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(alternative) {
                use href={ "#p" (number) } {}
            }
        })
    }
}
