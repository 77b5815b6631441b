//! Analyses the pixels of a picture for how well people can see it.

use image::{Rgba, RgbaImage};

/// Background colour of a light page.
pub const LIGHT_GROUND: [u8; 3] = [0xff, 0xff, 0xff];
/// Background colour of a dark page.
pub const DARK_GROUND: [u8; 3] = [0x14, 0x18, 0x1f];

/// Contrast below which an outline is hardly visible; WCAG 2.2 asks for 4.5 for text and 3 for pictures (criteria 1.4.3
/// and 1.4.11).
const FAINT: f64 = 1.6;
/// Minimum opacity of a pixel that counts as part of the picture.
const VISIBLE_ALPHA: u8 = 64;
/// Maximum difference per channel between colours of one plain box, because JPEG adds noise.
const SAME_COLOUR: u8 = 16;
/// Distance in pixels between the two sides of an outline that are compared; the pixel between them is anti-aliased.
const STEP: usize = 2;

/// The result of analysing a picture's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insight {
    /// Share of transparent pixels, in percent.
    pub see_through: u8,
    /// Colour of the box around the picture, if its border is opaque and of one colour.
    pub background: Option<[u8; 3]>,
    /// Legibility on a light page.
    pub on_light: Legibility,
    /// Legibility on a dark page.
    pub on_dark: Legibility,
}

/// How legible a picture is on a page.
///
/// People see a shape by its outlines, so outlines count, not area: a plain red picture is visible by its four edges,
/// and thin letters are as much a part of a logo as the mark beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legibility {
    /// Share of outlines that hardly stand out from their surroundings, in percent; 100 if no outline is visible on any
    /// page.
    pub faint: u8,
}

impl Insight {
    /// Analyses every pixel.
    #[must_use]
    pub fn of(picture: &RgbaImage) -> Self {
        let background = background(picture);
        let [on_light, on_dark] = legibility(picture, background.is_some());
        let is_clear = |pixel: &&Rgba<u8>| pixel.0[3] < VISIBLE_ALPHA;
        let clear = picture.pixels().filter(is_clear).count();
        Self {
            see_through: percent(clear, picture.pixels().len()),
            background,
            on_light,
            on_dark,
        }
    }

    /// Returns whether nothing can be seen on any page.
    #[must_use]
    pub fn is_invisible(&self) -> bool {
        // An outline counts only if it is visible somewhere.
        self.on_light.faint == 100 && self.on_dark.faint == 100
    }

    /// Returns whether the picture is in a light box, which is visible as such on a dark page.
    #[must_use]
    pub fn is_light_box(&self) -> bool {
        let bright = |background| Luminances::new().of(background) > 0.8;
        self.background.is_some_and(bright)
    }
}

/// Finds the opaque colour that the outermost pixels share.
fn background(picture: &RgbaImage) -> Option<[u8; 3]> {
    let (width, height) = picture.dimensions();
    let first = picture.get_pixel_checked(0, 0)?;
    let near = |pixel: &Rgba<u8>| {
        let channels = pixel.0.iter().zip(&first.0);
        pixel.0[3] == 255
            && channels
                .into_iter()
                .all(|(a, b)| a.abs_diff(*b) <= SAME_COLOUR)
    };
    let (mut all, mut same) = (0_usize, 0_usize);
    for (y, row) in (0..height).zip(picture.rows()) {
        let is_edge = y == 0 || y + 1 == height;
        let border = (0..width)
            .zip(row)
            .filter(|(x, _)| is_edge || *x == 0 || *x + 1 == width);
        for (_, pixel) in border {
            all += 1;
            same += usize::from(near(pixel));
        }
    }
    let [red, green, blue, _] = first.0;
    // The mark may touch the edge in places.
    (same * 100 >= all * 95).then_some([red, green, blue])
}

/// Brightness of a pixel on each page, as the logarithm of its luminance, so that a contrast is a difference.
type Brightness = [i32; PAGES];

/// Number of pages: a light one and a dark one.
const PAGES: usize = 2;

/// Units of a [`Brightness`] per factor of e.
const SCALE: f64 = 10_000.0;

/// Computes the legibility of a picture on both pages. `is_boxed` means that it has a box of its own, whose edges do
/// not count as lost where the page has the same colour.
fn legibility(picture: &RgbaImage, is_boxed: bool) -> [Legibility; PAGES] {
    let tones = Tones::new();
    let page = tones.of([0; 4]);
    let mut known: [([u8; 4], Brightness); COLOURS] = [([0; 4], page); COLOURS];
    let mut outlines = Outlines::default();
    // The previous rows, which the next one is compared with; the page surrounds the picture.
    let blank = vec![page; picture.width() as usize];
    let mut above = [blank.clone(), blank.clone()];
    let mut row = blank.clone();
    for (number, pixels) in picture.rows().enumerate() {
        for (bright, pixel) in row.iter_mut().zip(pixels) {
            let known = &mut known[place(pixel.0)];
            if known.0 != pixel.0 {
                *known = (pixel.0, tones.of(pixel.0));
            }
            *bright = known.1;
        }
        outlines.across(&row, page, is_boxed);
        outlines.between(&above[0], &row, is_boxed && number < STEP);
        above.rotate_left(1);
        std::mem::swap(&mut above[STEP - 1], &mut row);
    }
    for last in &above {
        outlines.between(last, &blank, is_boxed);
    }
    outlines.counts.map(|(faint, all)| Legibility {
        faint: if all == 0 { 100 } else { percent(faint, all) },
    })
}

/// Counters for the outlines of a picture.
#[derive(Default)]
struct Outlines {
    /// Per page: the number of outlines that are not visible there, and of all outlines that are visible on some page.
    counts: [(usize, usize); PAGES],
}

impl Outlines {
    /// Compares the pixels within one row, and both of its ends with the page.
    fn across(&mut self, row: &[Brightness], page: Brightness, is_boxed: bool) {
        for (left, right) in row.iter().zip(row.iter().skip(STEP)) {
            self.compare(*left, *right, false);
        }
        let ends = row.iter().take(STEP).chain(row.iter().rev().take(STEP));
        for end in ends {
            self.compare(*end, page, is_boxed);
        }
    }

    /// Compares two rows, pixel by pixel. `is_side` means that one of them is an edge of the box and the other is the
    /// page.
    fn between(&mut self, one: &[Brightness], other: &[Brightness], is_side: bool) {
        for (one, other) in one.iter().zip(other) {
            self.compare(*one, *other, is_side);
        }
    }

    fn compare(&mut self, one: Brightness, other: Brightness, is_side: bool) {
        let faint = faint();
        let is_seen: [bool; PAGES] =
            std::array::from_fn(|page| (one[page] - other[page]).abs() >= faint);
        if is_seen == [false; PAGES] {
            return;
        }
        for ((faint, all), is_seen) in self.counts.iter_mut().zip(is_seen) {
            *faint += usize::from(!is_seen && !is_side);
            *all += usize::from(is_seen || !is_side);
        }
    }
}

/// Returns the minimum difference in brightness of a visible outline.
fn faint() -> i32 {
    logarithm(FAINT)
}

/// Computes a logarithm in the units of a [`Brightness`].
fn logarithm(value: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a luminance with its offset lies between 0.05 and 1.05"
    )]
    let scaled = (value.ln() * SCALE).round() as i32;
    scaled
}

/// Computes the brightness of colours on both pages.
struct Tones(Luminances);

impl Tones {
    fn new() -> Self {
        Self(Luminances::new())
    }

    fn of(&self, [red, green, blue, alpha]: [u8; 4]) -> Brightness {
        [LIGHT_GROUND, DARK_GROUND].map(|[ground_red, ground_green, ground_blue]| {
            let seen = [
                over(red, ground_red, alpha),
                over(green, ground_green, alpha),
                over(blue, ground_blue, alpha),
            ];
            logarithm(self.0.of(seen) + GLARE)
        })
    }
}

/// Number of cached colours: pictures of brands have few, and computing one is slow.
const COLOURS: usize = 256;

/// Returns the cache slot of a colour; the colours of one picture rarely collide.
fn place(pixel: [u8; 4]) -> usize {
    let spread = u32::from_le_bytes(pixel).wrapping_mul(0x9e37_79b1);
    let [.., high] = spread.to_le_bytes();
    usize::from(high)
}

/// Blends a channel of a colour over a background.
fn over(colour: u8, background: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    let mixed = u32::from(colour) * alpha + u32::from(background) * (255 - alpha);
    u8::try_from(mixed / 255).unwrap_or(u8::MAX)
}

/// Ambient light reflected by a screen, which is added to each luminance (WCAG 2.2, "contrast ratio").
const GLARE: f64 = 0.05;

/// Table of the linear value for each value of a channel.
struct Luminances([f64; 256]);

impl Luminances {
    fn new() -> Self {
        let mut table = [0.0; 256];
        for (value, linear) in (0_u8..=255).zip(&mut table) {
            let share = f64::from(value) / 255.0;
            *linear = if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            };
        }
        Self(table)
    }

    /// Computes the relative luminance of a colour (WCAG 2.2, "relative luminance").
    fn of(&self, [red, green, blue]: [u8; 3]) -> f64 {
        let linear = |channel: u8| self.0[usize::from(channel)];
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

/// Computes a share in whole percent; a part never rounds down to 0, nor up to 100 unless it is the whole.
#[must_use]
pub fn percent(part: usize, whole: usize) -> u8 {
    if part == 0 || whole == 0 {
        return 0;
    }
    if part >= whole {
        return 100;
    }
    let rounded = (part.saturating_mul(200) / whole).div_ceil(2);
    u8::try_from(rounded.clamp(1, 99)).unwrap_or(99)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paints a picture of 40 × 10: the left half in one colour, the right in another.
    fn picture(left: [u8; 4], right: [u8; 4]) -> RgbaImage {
        RgbaImage::from_fn(40, 10, |x, _| Rgba(if x < 20 { left } else { right }))
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        #[track_caller]
        fn check(colour: [u8; 3], on_white: &str, on_dark: &str) {
            let tones = Tones::new();
            let [red, green, blue] = colour;
            let (seen, page) = (tones.of([red, green, blue, 255]), tones.of([0; 4]));
            let contrast = |at: usize| {
                let difference = f64::from((seen[at] - page[at]).abs()) / SCALE;
                format!("{:.2}", difference.exp())
            };
            assert_eq!([contrast(0), contrast(1)], [on_white, on_dark]);
        }
        check([255, 255, 255], "1.00", "17.79");
        check([0, 0, 0], "21.00", "1.18");
        check([0x77, 0x77, 0x77], "4.48", "3.97");
        check([255, 0, 0], "4.00", "4.45");
        check([255, 255, 0], "1.07", "16.57");
        check(DARK_GROUND, "17.79", "1.00");
    }

    const CLEAR: [u8; 4] = [0, 0, 0, 0];
    const INK: [u8; 4] = [0x22, 0x2a, 0x35, 255];
    const WHITE: [u8; 4] = [255, 255, 255, 255];
    const RED: [u8; 4] = [255, 0, 0, 255];

    #[track_caller]
    fn check(picture: &RgbaImage, expected: &str) {
        let Insight {
            see_through,
            background,
            on_light,
            on_dark,
        } = Insight::of(picture);
        let said = format!(
            "{see_through}% clear, box {background:?}, lost on light {}%, on dark {}%",
            on_light.faint, on_dark.faint
        );
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_seen_where() {
        check(
            &picture(CLEAR, INK),
            "50% clear, box None, lost on light 0%, on dark 100%",
        );
        check(
            &picture(WHITE, CLEAR),
            "50% clear, box None, lost on light 100%, on dark 0%",
        );
        check(
            &picture(CLEAR, CLEAR),
            "100% clear, box None, lost on light 100%, on dark 100%",
        );
        let mut boxed = picture(WHITE, WHITE);
        for x in 10..30 {
            boxed.put_pixel(x, 5, Rgba(INK));
        }
        check(
            &boxed,
            "0% clear, box Some([255, 255, 255]), lost on light 0%, on dark 0%",
        );
        assert!(Insight::of(&boxed).is_light_box());
    }

    /// A solid picture is visible by its edges, whatever share of it has one colour.
    #[test]
    fn an_opaque_picture_is_seen_by_its_sides() {
        let red = Some([255, 0, 0]);
        check(
            &picture(RED, RED),
            &format!("0% clear, box {red:?}, lost on light 0%, on dark 0%"),
        );
        check(
            &picture(WHITE, WHITE),
            "0% clear, box Some([255, 255, 255]), lost on light 100%, on dark 0%",
        );
    }

    /// A large mark does not make up for illegible letters beside it.
    #[test]
    fn letters_count_by_their_outlines() {
        // A plain mark of 30 × 30, and six strokes of two pixels.
        let letters = |ink: [u8; 4], outline: [u8; 4]| {
            RgbaImage::from_fn(90, 30, |x, y| {
                Rgba(match x {
                    0..30 => RED,
                    36.. if (4..26).contains(&y) && x % 9 < 2 => ink,
                    36.. if (3..27).contains(&y) && (x % 9 == 2 || x % 9 == 8) => outline,
                    _ => CLEAR,
                })
            })
        };
        check(
            &letters(INK, CLEAR),
            "57% clear, box None, lost on light 0%, on dark 71%",
        );
        check(
            &letters(INK, WHITE),
            "46% clear, box None, lost on light 32%, on dark 28%",
        );
    }

    #[test]
    fn shares() {
        #[track_caller]
        fn check(part: usize, whole: usize, expected: u8) {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
        check(0, 0, 0);
        check(0, 7, 0);
        check(1, 10_000, 1);
        check(9_999, 10_000, 99);
        check(1, 2, 50);
        check(7, 7, 100);
    }
}
