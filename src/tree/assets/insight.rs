//! What a picture's pixels say about how people will see it.

use image::{Rgba, RgbaImage};

/// The ground of a light page.
pub const LIGHT_GROUND: [u8; 3] = [0xff, 0xff, 0xff];
/// The ground of a dark page.
pub const DARK_GROUND: [u8; 3] = [0x14, 0x18, 0x1f];

/// Below this contrast a shape is hardly seen; text needs 4.5, pictures 3 (WCAG 2.2, criteria 1.4.3 and 1.4.11).
const FAINT: f64 = 1.6;
/// From this opacity on a pixel counts as part of the picture.
const VISIBLE_ALPHA: u8 = 64;
/// How far apart two colours of one plain box may be, in each channel: JPEG makes noise.
const SAME_COLOUR: u8 = 16;

/// What a picture's pixels say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insight {
    /// The share of pixels that one can see through, in percent.
    pub see_through: u8,
    /// The colour of the box that the picture stands in, when it is opaque all around and of one colour.
    pub ground: Option<[u8; 3]>,
    /// How it is seen on a light page.
    pub on_light: Legibility,
    /// How it is seen on a dark page.
    pub on_dark: Legibility,
}

/// How a picture is seen on a ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legibility {
    /// The share of the picture that can hardly be told from the ground, in percent.
    pub faint: u8,
    /// The contrast that a tenth of the picture reaches, times ten: 45 stands for 4.5 to 1.
    pub contrast: u16,
}

impl Insight {
    /// Looks at every pixel.
    #[must_use]
    pub fn of(picture: &RgbaImage) -> Self {
        let ground = ground(picture);
        let grounds = [LIGHT_GROUND, DARK_GROUND].map(|page| ground.unwrap_or(page));
        let [on_light, on_dark] = legibility(picture, ground, grounds);
        let is_clear = |pixel: &&Rgba<u8>| pixel.0[3] < VISIBLE_ALPHA;
        let clear = picture.pixels().filter(is_clear).count();
        Self {
            see_through: percent(clear, picture.pixels().len()),
            ground,
            on_light,
            on_dark,
        }
    }

    /// Tells whether the picture stands in a light box, which a dark page shows as such.
    #[must_use]
    pub fn is_light_box(&self) -> bool {
        let bright = |ground| Luminances::new().of(ground) > 0.8;
        self.ground.is_some_and(bright)
    }
}

/// Finds the one opaque colour of the outermost pixels.
fn ground(picture: &RgbaImage) -> Option<[u8; 3]> {
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
    // A mark may touch the edge here and there.
    (same * 100 >= all * 95).then_some([red, green, blue])
}

/// How one colour is seen on a ground.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// The contrast in tenths, from 10 to 210.
    tenths: u8,
    is_faint: bool,
}

/// How one colour of a picture is seen on all grounds.
#[derive(Clone, Copy)]
struct Known<const GROUNDS: usize> {
    pixel: [u8; 4],
    /// Absent for what counts as no part of the picture.
    seen: Option<[Seen; GROUNDS]>,
}

/// How many colours are remembered: pictures of brands have few, and computing one takes long.
const COLOURS: usize = 256;

/// Looks at a picture on several grounds. `boxed` is the colour of the box that it stands in.
fn legibility<const GROUNDS: usize>(
    picture: &RgbaImage,
    boxed: Option<[u8; 3]>,
    grounds: [[u8; 3]; GROUNDS],
) -> [Legibility; GROUNDS] {
    let luminances = Luminances::new();
    let behind = grounds.map(|ground| luminances.of(ground));
    let look = |pixel: [u8; 4]| -> Option<[Seen; GROUNDS]> {
        let [red, green, blue, alpha] = pixel;
        let is_box = boxed.is_some_and(|boxed| {
            let channels = [red, green, blue];
            let mut pairs = channels.iter().zip(&boxed);
            pairs.all(|(a, b)| a.abs_diff(*b) <= SAME_COLOUR)
        });
        let is_part = alpha >= VISIBLE_ALPHA && !is_box;
        let on = |at: usize| {
            let [ground_red, ground_green, ground_blue] = grounds[at];
            let seen = [
                over(red, ground_red, alpha),
                over(green, ground_green, alpha),
                over(blue, ground_blue, alpha),
            ];
            let contrast = contrast(luminances.of(seen), behind[at]);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a contrast is from 1 to 21"
            )]
            let tenths = (contrast * 10.0) as u8;
            Seen {
                tenths,
                is_faint: contrast < FAINT,
            }
        };
        is_part.then(|| std::array::from_fn(on))
    };
    let nothing = [0; 4];
    let mut known: [Known<GROUNDS>; COLOURS] = [Known {
        pixel: nothing,
        seen: look(nothing),
    }; COLOURS];
    let mut counts = [[0_usize; 256]; GROUNDS];
    let mut faint = [0_usize; GROUNDS];
    for pixel in picture.pixels() {
        let known = &mut known[place(pixel.0)];
        if known.pixel != pixel.0 {
            *known = Known {
                pixel: pixel.0,
                seen: look(pixel.0),
            };
        }
        for (at, seen) in known.seen.iter().flatten().enumerate() {
            counts[at][usize::from(seen.tenths)] += 1;
            faint[at] += usize::from(seen.is_faint);
        }
    }
    std::array::from_fn(|at| summary(&counts[at], faint[at]))
}

/// Says where a colour is remembered; those of one picture lie apart, mostly.
fn place(pixel: [u8; 4]) -> usize {
    let spread = u32::from_le_bytes(pixel).wrapping_mul(0x9e37_79b1);
    let [.., high] = spread.to_le_bytes();
    usize::from(high)
}

fn summary(counts: &[usize; 256], faint: usize) -> Legibility {
    let visible: usize = counts.iter().sum();
    if visible == 0 {
        return Legibility {
            faint: 100,
            contrast: 10,
        };
    }
    let mut above = 0;
    let reached = counts.iter().enumerate().rev().find(|(_, count)| {
        above += **count;
        above * 10 >= visible
    });
    Legibility {
        faint: percent(faint, visible),
        contrast: reached.map_or(10, |(tenths, _)| u16::try_from(tenths).unwrap_or(10)),
    }
}

/// Puts a channel of a colour over a ground.
fn over(colour: u8, ground: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    let mixed = u32::from(colour) * alpha + u32::from(ground) * (255 - alpha);
    u8::try_from(mixed / 255).unwrap_or(u8::MAX)
}

/// Computes the contrast of two luminances (WCAG 2.2, "contrast ratio").
fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The linear value of each value of a channel.
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

/// Computes a share in whole percent: something is never said to be nothing, nor less than all to be all.
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
        fn check(one: [u8; 3], other: [u8; 3], expected: &str) {
            let luminances = Luminances::new();
            let found = contrast(luminances.of(one), luminances.of(other));
            assert_eq!(format!("{found:.2}"), expected);
        }
        check([0, 0, 0], [255, 255, 255], "21.00");
        check([0x77, 0x77, 0x77], [255, 255, 255], "4.48");
        check([255, 0, 0], [255, 255, 255], "4.00");
        check([255, 255, 0], [255, 255, 255], "1.07");
        check([9, 9, 9], [9, 9, 9], "1.00");
    }

    #[test]
    fn what_is_seen_where() {
        const CLEAR: [u8; 4] = [0, 0, 0, 0];
        const INK: [u8; 4] = [0x22, 0x2a, 0x35, 255];
        const WHITE: [u8; 4] = [255, 255, 255, 255];
        #[track_caller]
        fn check(picture: &RgbaImage, expected: &str) {
            let Insight {
                see_through,
                ground,
                on_light,
                on_dark,
            } = Insight::of(picture);
            let said = format!(
                "{see_through}% clear, box {ground:?}, light {}% faint {}, dark {}% faint {}",
                on_light.faint, on_light.contrast, on_dark.faint, on_dark.contrast
            );
            assert_eq!(said, expected);
        }
        check(
            &picture(CLEAR, INK),
            "50% clear, box None, light 0% faint 144, dark 100% faint 12",
        );
        check(
            &picture(WHITE, CLEAR),
            "50% clear, box None, light 100% faint 10, dark 0% faint 177",
        );
        let mut boxed = picture(WHITE, WHITE);
        for x in 10..30 {
            boxed.put_pixel(x, 5, Rgba(INK));
        }
        check(
            &boxed,
            "0% clear, box Some([255, 255, 255]), light 0% faint 144, dark 0% faint 144",
        );
        assert!(Insight::of(&boxed).is_light_box());
        check(
            &picture(CLEAR, CLEAR),
            "100% clear, box None, light 100% faint 10, dark 100% faint 10",
        );
        check(
            &picture(INK, WHITE),
            "0% clear, box None, light 50% faint 144, dark 50% faint 177",
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
