//! Inspects an asset file for its metadata and problems.

use camino::Utf8Path;

use super::markup::{Tag, tags};
use super::picture::Look;
use super::{active, picture};
use crate::diag::Code;
use crate::model::{AssetFacts, AssetKind, AssetType, Digest};
use crate::tree::check::Problem;

/// Maximum size of an upload in bytes: well below the server's limit of 8,000,000, which is inexact (B6).
const MOST_BYTES: usize = 5_000_000;

/// Inspects the bytes of an asset: type by content, size, decodability, dimensions, active content.
///
/// A pure function, so a caller with many accounts needs to call it only once per digest, kind and file name extension.
#[must_use]
pub fn inspect(kind: AssetKind, path: &Utf8Path, bytes: &[u8]) -> (AssetFacts, Vec<Problem>) {
    let look = |asset_type, _: &Digest| picture::look(kind, asset_type, bytes);
    inspect_by(look, kind, path, bytes)
}

/// Inspects the bytes of an asset; `look` analyses a picture, or returns a cached result.
pub(in crate::tree) fn inspect_by(
    look: impl FnOnce(AssetType, &Digest) -> Look,
    kind: AssetKind,
    path: &Utf8Path,
    bytes: &[u8],
) -> (AssetFacts, Vec<Problem>) {
    let asset_type = match AssetType::sniff(bytes) {
        Some(AssetType::Html) if foreign(bytes).is_some() => None,
        other => other,
    };
    let mut facts = AssetFacts {
        digest: Digest::of(bytes),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        asset_type,
        dimensions: None,
    };
    if bytes.is_empty() {
        let problem = Problem::new(
            Code::EB0603,
            format!("{path} is empty, and the server would serve nothing as {kind}"),
            "put the file's content back, or remove the asset",
        );
        return (facts, vec![problem]);
    }
    let mut problems: Vec<Problem> = size(kind, path, bytes.len()).into_iter().collect();
    match asset_type {
        Some(asset_type) if kind.accepts(asset_type) => {
            problems.extend(extension(path, asset_type));
            if asset_type == AssetType::Html {
                problems.extend(welcome(path, bytes));
            } else if bytes.len() <= MOST_BYTES {
                let look = look(asset_type, &facts.digest);
                let (dimensions, found) = picture::inspect(kind, asset_type, path, bytes, look);
                facts.dimensions = dimensions;
                problems.extend(found);
            }
        }
        _ => problems.push(not_accepted(kind, path, asset_type, bytes)),
    }
    (facts, problems)
}

fn size(kind: AssetKind, path: &Utf8Path, bytes: usize) -> Option<Problem> {
    let heavy = match kind {
        AssetKind::Logo => 500_000,
        AssetKind::Icon => 100_000,
        AssetKind::Welcome => 200_000,
    };
    if bytes > MOST_BYTES {
        return Some(Problem::new(
            Code::EB0604,
            format!("{path} has {bytes} bytes, more than {MOST_BYTES} are not sent"),
            format!("make it smaller, best below {heavy} bytes"),
        ));
    }
    (bytes > heavy).then(|| {
        Problem::new(
            Code::EB0605,
            format!("{path} has {bytes} bytes, which each visitor loads"),
            format!("make it smaller than {heavy} bytes"),
        )
    })
}

fn extension(path: &Utf8Path, asset_type: AssetType) -> Option<Problem> {
    let extension = path.extension().unwrap_or("").to_ascii_lowercase();
    let fits = match asset_type {
        AssetType::Png => extension == "png",
        AssetType::Jpeg => matches!(extension.as_str(), "jpg" | "jpeg"),
        AssetType::Gif => extension == "gif",
        AssetType::Ico => extension == "ico",
        AssetType::Html => matches!(extension.as_str(), "html" | "htm"),
    };
    (!fits).then(|| {
        Problem::new(
            Code::EB0607,
            format!("{path} is {asset_type} by its content"),
            format!(
                "rename it to {}",
                path.with_extension(asset_type.extension())
            ),
        )
    })
}

fn welcome(path: &Utf8Path, bytes: &[u8]) -> Vec<Problem> {
    // Type detection accepts only UTF-8 as HTML.
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Vec::new();
    };
    let mut problems = active::inspect(path, text);
    problems.extend(undescribed(path, text));
    problems
}

/// Finds pictures without a text alternative; reported once for the whole page.
fn undescribed(path: &Utf8Path, text: &str) -> Option<Problem> {
    let is_mute = |tag: &Tag| {
        tag.name == "img"
            && tag.attribute("alt").is_none()
            && tag.attribute("aria-hidden").is_none()
    };
    let mute: Vec<Tag> = tags(text).into_iter().filter(is_mute).collect();
    let (line, column) = active::position(text, mute.first()?.offset);
    let others = match mute.len() - 1 {
        0 => String::new(),
        others => format!(", nor have {others} more"),
    };
    Some(Problem::new(
        Code::EB0619,
        format!("{path}:{line}:{column}: <img> has no alt{others}"),
        "say what it shows, or write alt=\"\" where it only decorates",
    ))
}

fn not_accepted(
    kind: AssetKind,
    path: &Utf8Path,
    asset_type: Option<AssetType>,
    bytes: &[u8],
) -> Problem {
    let wanted = match kind {
        AssetKind::Logo => "PNG, JPEG or GIF",
        AssetKind::Icon => "ICO, PNG, JPEG or GIF",
        AssetKind::Welcome => "HTML",
    };
    if kind == AssetKind::Welcome
        && let Err(error) = std::str::from_utf8(bytes)
        && asset_type.is_none()
        && foreign(bytes).is_none()
    {
        return Problem::new(
            Code::EB0608,
            format!("{path} is not UTF-8 at byte {}", error.valid_up_to()),
            "save it as UTF-8",
        );
    }
    let (name, help) = match (asset_type, foreign(bytes)) {
        (Some(asset_type), _) => (asset_type.to_string(), format!("use {wanted}")),
        (None, Some((name, help))) => (name.to_owned(), help.replace("{wanted}", wanted)),
        (None, None) if kind == AssetKind::Welcome => (
            "text without markup".to_owned(),
            "begin it with an HTML tag, such as <p>".to_owned(),
        ),
        (None, None) => ("of no known type".to_owned(), format!("use {wanted}")),
    };
    Problem::new(
        Code::EB0601,
        format!("{path} is {name}, and the server takes {wanted} as {kind}"),
        help,
    )
}

/// Returns the name of a type that the server does not accept at all, and the remedy.
fn foreign(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const EXPORT: &str = "export it as one of {wanted}";
    match bytes {
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(("WebP", EXPORT)),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => Some(("AVIF", EXPORT)),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some(("HEIF or video", EXPORT)),
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => Some(("TIFF", EXPORT)),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(("BMP", EXPORT)),
        [0, 0, 2, 0, ..] => Some(("a cursor", EXPORT)),
        [b'%', b'P', b'D', b'F', ..] => Some(("PDF", EXPORT)),
        [0x1f, 0x8b, ..] => Some(("gzip", "unpack it")),
        [b'P', b'K', 3, 4, ..] => Some(("a ZIP archive", "unpack it")),
        _ if bytes.starts_with(b"version https://git-lfs.github.com/spec/") => Some((
            "a pointer of Git LFS, not the file itself",
            "fetch it with git lfs pull, or keep the file in Git without LFS",
        )),
        _ => is_svg(bytes).then_some(("SVG", "export it as one of {wanted}")),
    }
}

/// Returns whether the first element is `svg`, after a declaration, comments and a document type.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!") {
            // A document type may contain declarations in brackets.
            match (rest.find('['), rest.find('>')) {
                (Some(bracket), Some(end)) if bracket < end => "]>",
                _ => ">",
            }
        } else {
            break;
        };
        let Some((_, after)) = rest.split_once(end) else {
            return false;
        };
        rest = after.trim_start();
    }
    let Some(after) = rest.strip_prefix('<') else {
        return false;
    };
    let name = after
        .split(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
        .next()
        .unwrap_or("");
    name == "svg" || name.ends_with(":svg")
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
