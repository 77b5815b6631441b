//! Validates pictures: whether browsers can show them, how large they are, and how well people can see them.

use camino::Utf8Path;

use super::decode::{DecodeError, LONGEST_SIDE, decode, dimensions, icon_sizes};
use super::insight::Insight;
use crate::diag::Code;
use crate::model::{AssetKind, AssetType, Dimensions};
use crate::tree::check::Problem;

/// Maximum share of a logo's outlines that may be lost on a page, in percent: beyond that the name is illegible there,
/// even if the mark beside it stands out.
const MOST_FAINT: u8 = 60;

/// The analysis of a picture: of its pixels for a logo, nothing for other kinds, or the reason why it could not be
/// decoded.
///
/// It depends on the kind and the bytes alone.
pub(in crate::tree) type Look = Result<Option<Insight>, DecodeError>;

/// Decodes and analyses a picture. This is the expensive step.
pub(in crate::tree) fn look(kind: AssetKind, asset_type: AssetType, bytes: &[u8]) -> Look {
    let picture = decode(asset_type, bytes)?;
    Ok((kind == AssetKind::Logo).then(|| Insight::of(&picture)))
}

/// Measures a picture and checks the result of its analysis.
pub(super) fn inspect(
    kind: AssetKind,
    asset_type: AssetType,
    path: &Utf8Path,
    bytes: &[u8],
    look: Look,
) -> (Option<Dimensions>, Vec<Problem>) {
    let size = dimensions(asset_type, bytes);
    let problems = match look {
        Ok(insight) => {
            let mut problems: Vec<Problem> = size
                .and_then(|size| unusual(kind, path, size))
                .into_iter()
                .collect();
            match kind {
                AssetKind::Logo => problems.extend(insight.and_then(|it| logo(path, it))),
                AssetKind::Icon => problems.extend(icon(path, &icon_sizes(bytes))),
                AssetKind::Welcome => {}
            }
            problems
        }
        Err(DecodeError::NoPicture) => Vec::new(),
        Err(DecodeError::TooManyPixels) => vec![too_many_pixels(path, size)],
        Err(DecodeError::CutOff) => vec![Problem::new(
            Code::EB0602,
            format!("{path} breaks off before the end of the {asset_type}"),
            "replace it by a whole file",
        )],
        Err(DecodeError::Damaged(reason)) => vec![Problem::new(
            Code::EB0602,
            format!("{path} cannot be decoded as {asset_type}: {reason}"),
            "replace it by a file that a picture viewer opens",
        )],
    };
    (size, problems)
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
    let Dimensions { width, height } = size;
    let shortest = width.min(height);
    let longest = width.max(height);
    let (code, message, help) = match kind {
        AssetKind::Icon if width != height => (
            Code::EB0606,
            format!("{path} is {size}, an icon is square"),
            "crop it, for example to 64×64",
        ),
        AssetKind::Icon if !(16..=512).contains(&longest) => (
            Code::EB0606,
            format!("{path} is {size}, an icon has 16 to 512 pixels on a side"),
            "scale it, for example to 64×64",
        ),
        AssetKind::Logo if shortest < 16 => (
            Code::EB0606,
            format!("{path} is {size}, too small to be seen as a logo"),
            "use a larger picture, for example 400×100",
        ),
        AssetKind::Logo if longest > 2000 => (
            Code::EB0606,
            format!("{path} is {size}, larger than any page shows a logo"),
            "scale it down, for example to 400×100",
        ),
        AssetKind::Logo if width > height.saturating_mul(8) => (
            Code::EB0613,
            format!(
                "{path} is {size}, so wide that its letters become tiny where a page fits it in"
            ),
            "cut off what is empty, or set it in two lines",
        ),
        AssetKind::Logo if height > width.saturating_mul(2) => (
            Code::EB0613,
            format!("{path} is {size}, so tall that it becomes narrow in a page's header"),
            "use the wide form of the logo",
        ),
        AssetKind::Logo if width > 1200 || height > 600 => (
            Code::EB0614,
            format!("{path} is {size}, more than a login page shows even on a dense screen"),
            "scale it down, for example to 600 pixels wide",
        ),
        AssetKind::Logo if width < 160 && height < 48 => (
            Code::EB0615,
            format!("{path} is {size}, which looks blurred on a dense screen"),
            "export it twice as large",
        ),
        _ => return None,
    };
    Some(Problem::new(code, message, help))
}

fn logo(path: &Utf8Path, insight: Insight) -> Option<Problem> {
    let Insight {
        on_light, on_dark, ..
    } = insight;
    let faint = |share, background| {
        format!(
            "{path} can hardly be seen on a {background} page: {share}% of its outlines are lost there"
        )
    };
    let (code, message, help) = if insight.is_invisible() {
        (
            Code::EB0617,
            format!("nothing of {path} can be seen on any page: all of it is transparent"),
            "export it again, with the logo in it",
        )
    } else if insight.is_light_box() {
        (
            Code::EB0616,
            format!("{path} has an opaque light box, which shows on a dark page"),
            "export it as PNG with a transparent background",
        )
    } else if on_light.faint > MOST_FAINT {
        (
            Code::EB0617,
            faint(on_light.faint, "light"),
            "use the logo's version for light grounds",
        )
    } else if on_dark.faint > MOST_FAINT {
        (
            Code::EB0617,
            faint(on_dark.faint, "dark"),
            "use a version with a colour that stands out on both, or a thin light outline",
        )
    } else {
        return None;
    };
    Some(Problem::new(code, message, help))
}

/// Warns if an icon lacks the size of 32 pixels, which a tab shows on a dense screen and scales down to 16 on others;
/// any other size is blurred.
fn icon(path: &Utf8Path, sizes: &[Dimensions]) -> Option<Problem> {
    if sizes.is_empty() || sizes.iter().any(|size| size.width == 32) {
        return None;
    }
    let held: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    Some(Problem::new(
        Code::EB0618,
        format!("{path} holds {} and not 32×32", held.join(", ")),
        "export it with 16×16, 32×32 and 48×48, or use one PNG of 64×64",
    ))
}
