//! A brand's login page on both sides as one PNG, for places that show no HTML, such as a comment on a forge.
//!
//! It is the sketch of the HTML report, drawn by the program itself: both look the same, and no browser is needed.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{ImageHrefResolver, Options, Tree};

use super::block;
use super::gallery::Gallery;
use super::html::sides::Sides;
use super::html::sketch::{self, Drawn};
use super::picture;
use super::{Look, Looks, ObjectReport, Report, is_drawn};
use crate::model::{AccountName, AssetFacts, AssetType, Digest, Dimensions};
use crate::tree::assets::dimensions;

/// The family of the only font, which the program holds: a picture is the same on every machine.
const FONT: &str = "DejaVu Sans";
/// The size of the sketch of one side.
const SIDE: Dimensions = Dimensions {
    width: 480,
    height: 470,
};
/// The space between the sides, and the height of the words above them.
const GAP: u32 = 24;
/// The longest side of an asset in the picture, in pixels.
const LONGEST_SIDE: u32 = 640;
/// How many brands of a report are drawn, at most; a comment with more is not looked at picture by picture.
const MOST: usize = 30;

/// A picture of a brand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illustration {
    /// The name of its file: that of the account, and the beginning of the picture's digest.
    pub file: String,
    /// The PNG.
    pub png: Vec<u8>,
}

/// Draws the brands of a report whose login page changes, by account; of many alike, one.
#[must_use]
pub fn illustrations(report: &Report, gallery: &Gallery) -> BTreeMap<AccountName, Illustration> {
    let sides = Sides::of(report.command);
    let words = [sides.before(), sides.after()];
    let found = block::listed(report);
    let accounts: Vec<&ObjectReport> = found.iter().filter(|it| it.name.is_some()).collect();
    let blocks = block::blocks(&accounts);
    let shown = blocks.iter().filter_map(|block| {
        let object = block.plainest(&blocks)?;
        let is_seen = block.changes().any(is_drawn);
        let looks = object.looks.as_ref().filter(|_| is_seen)?;
        Some((object.name.clone()?, looks))
    });
    let drawn = shown.take(MOST).filter_map(|(name, looks)| {
        let png = drawn(looks, words, gallery)?;
        let file = format!("{name}-{}.png", Digest::of(&png).short());
        Some((name, Illustration { file, png }))
    });
    drawn.collect()
}

/// Draws both sides of a brand, each under its word; `None` if the drawing cannot be made.
fn drawn(looks: &Looks, words: [&str; 2], gallery: &Gallery) -> Option<Vec<u8>> {
    let width = 2 * SIDE.width + GAP;
    let height = SIDE.height + GAP;
    let [before, after] = words;
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) font-family=(FONT) {
            path d={ "M0 0h" (width) "v" (height) "H0z" } fill="#fff" {}
            (sketch::shared())
            (side(0, before, looks.before.as_ref(), gallery))
            (side(SIDE.width + GAP, after, looks.after.as_ref(), gallery))
        }
    };
    let options = Options {
        font_family: FONT.to_owned(),
        fontdb: fonts(),
        // What a drawing names lies in it; nothing is read from a file.
        image_href_resolver: ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_str(&svg.into_string(), &options).ok()?;
    let mut pixels = Pixmap::new(width, height)?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().ok()
}

fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = Database::new();
        fonts.load_font_source(Source::Binary(Arc::new(dejavu::sans::regular())));
        Arc::new(fonts)
    });
    Arc::clone(fonts)
}

fn side(x: u32, word: &str, look: Option<&Look>, gallery: &Gallery) -> Markup {
    let Dimensions { width, height } = SIDE;
    html! {
        text x=(x) y="16" font-size="15" fill="#222a35" { (word) }
        svg x=(x) y=(GAP) width=(width) height=(height) {
            @match look {
                Some(look) => (sketch::page(word, look, &mut |facts: &AssetFacts| asset(facts, gallery))),
                None => {
                    path d={ "M0 0h" (width) "v" (height) "H0z" } fill="#eef0f3" {}
                    text x=(width / 2) y=(height / 2) text-anchor="middle" font-size="16" fill="#606069" { "no brand" }
                }
            }
        }
    }
}

/// Returns an asset of its natural size, if its bytes are there and can be decoded.
fn asset(facts: &AssetFacts, gallery: &Gallery) -> Option<Drawn> {
    let bytes = gallery.asset(&facts.digest).ok()?;
    let asset_type = facts.asset_type?;
    let size = dimensions(asset_type, bytes)?;
    let png = picture::thumbnail(asset_type, bytes, LONGEST_SIDE).ok()?;
    let uri = format!(
        "data:{};base64,{}",
        AssetType::Png.content_type(),
        STANDARD.encode(&png)
    );
    Some(Drawn {
        image: html! { image width=(size.width) height=(size.height) preserveAspectRatio="none" href=(uri) {} },
        size,
    })
}
