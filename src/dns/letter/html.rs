//! Renders a letter as HTML for a mail.
//!
//! Programs that show mail drop style sheets and scripts and fetch nothing, so every style stands at its element, the only
//! picture is the logo, within the page, and there are no links. Some show no such picture either, so that the brand's name
//! stands below it. Tables become one small table a row, which fits on a phone.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::render::{Block, Field};
use crate::model::{AssetType, visible};

const BODY: &str = "margin:0;padding:16px 8px;background:#f2f3f5;color:#1c2024;\
    font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5";
const PAGE: &str = "max-width:680px;margin:0 auto;padding:20px 20px 28px;background:#ffffff;border:1px solid #d8dbe0";
const BRAND: &str = "margin:0 0 16px;padding:0 0 12px;border-bottom:1px solid #d8dbe0;font-size:18px;\
    font-weight:bold;overflow-wrap:anywhere";
const LOGO: &str = "display:block;max-width:240px;max-height:64px;margin:0 0 10px";
const TITLE: &str = "margin:0 0 12px;font-size:24px;line-height:1.25;overflow-wrap:anywhere";
const HEADING: &str = "margin:28px 0 8px;font-size:19px;line-height:1.3";
const PARAGRAPH: &str = "margin:0 0 12px;overflow-wrap:anywhere";
const TABLE: &str =
    "width:100%;margin:0 0 14px;border-collapse:collapse;border:1px solid #d8dbe0;font-size:15px";
const NAME: &str = "width:34%;padding:4px 10px;border-bottom:1px solid #e8eaed;background:#f7f8f9;\
    text-align:left;vertical-align:top;font-weight:normal;color:#4a5058";
const CELL: &str = "padding:4px 10px;border-bottom:1px solid #e8eaed;vertical-align:top;overflow-wrap:anywhere;word-break:break-word";
const CODE: &str = "font-family:Menlo,Consolas,monospace;font-size:14px";

/// The largest logo that is shown, in octets: some programs cut a mail at 100 kB.
const LARGEST_LOGO: usize = 48 * 1024;

/// Writes a page that needs nothing from elsewhere; `logo` and `brand` stand above the letter.
pub(super) fn html(brand: &str, logo: Option<&[u8]>, blocks: &[Block]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = page(&mut text, (brand, logo), blocks);
    text
}

fn page(out: &mut String, (brand, logo): (&str, Option<&[u8]>), blocks: &[Block]) -> fmt::Result {
    let title = match blocks.first() {
        Some(Block::Heading(title)) => title.as_str(),
        Some(Block::Paragraph(_) | Block::Table { .. } | Block::Entries(_)) | None => brand,
    };
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n</head>\n<body style=\"{BODY}\">\n<div style=\"{PAGE}\">\n\
         <p style=\"{BRAND}\">{}{}</p>",
        escaped(title),
        logo.and_then(picture).unwrap_or_default(),
        escaped(brand)
    )?;
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Block::Heading(title) if index == 0 => {
                writeln!(out, "<h1 style=\"{TITLE}\">{}</h1>", escaped(title))?;
            }
            Block::Heading(title) => {
                writeln!(out, "<h2 style=\"{HEADING}\">{}</h2>", escaped(title))?;
            }
            Block::Paragraph(paragraph) => {
                writeln!(out, "<p style=\"{PARAGRAPH}\">{}</p>", escaped(paragraph))?;
            }
            Block::Table {
                header,
                rows,
                copied,
            } => {
                for row in rows {
                    let cells = header.iter().zip(row).zip(copied);
                    table(
                        out,
                        cells.map(|((title, cell), copied)| {
                            (title.as_str(), cell.as_str(), *copied)
                        }),
                    )?;
                }
            }
            Block::Entries(entries) => {
                for entry in entries {
                    table(out, entry.iter().map(Field::parts))?;
                }
            }
        }
    }
    out.push_str("</div>\n</body>\n</html>\n");
    Ok(())
}

/// Writes a logo into the page; what is too large, or no picture that programs for mail show, is left out.
fn picture(logo: &[u8]) -> Option<String> {
    let kind = AssetType::sniff(logo)?;
    let is_shown = matches!(kind, AssetType::Png | AssetType::Jpeg | AssetType::Gif);
    (is_shown && logo.len() <= LARGEST_LOGO).then(|| {
        format!(
            "<img style=\"{LOGO}\" alt=\"\" src=\"data:{};base64,{}\">",
            kind.content_type(),
            STANDARD.encode(logo)
        )
    })
}

/// Writes cells below each other, beside their titles; what is empty is left out.
fn table<'a>(
    out: &mut String,
    cells: impl Iterator<Item = (&'a str, &'a str, bool)>,
) -> fmt::Result {
    writeln!(out, "<table style=\"{TABLE}\">")?;
    for (title, cell, copied) in cells.filter(|(_, cell, _)| !cell.is_empty()) {
        let (before, after) = if copied {
            (format!("<code style=\"{CODE}\">"), "</code>")
        } else {
            (String::new(), "")
        };
        writeln!(
            out,
            "<tr><th scope=\"row\" style=\"{NAME}\">{}</th><td style=\"{CELL}\">{before}{}{after}</td></tr>",
            escaped(title),
            escaped(cell)
        )?;
    }
    out.push_str("</table>\n");
    Ok(())
}

/// Escapes what has a meaning in HTML, and shows what would be hidden: names and labels are foreign text.
fn escaped(text: &str) -> String {
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_within_the_page() {
        let page = |logo: &[u8]| html("Acme Voice", Some(logo), &[]);
        let png = b"\x89PNG\r\n\x1a\nrest";
        let shown = page(png);
        let at = format!(
            "src=\"data:image/png;base64,{}\">Acme Voice",
            STANDARD.encode(png)
        );
        assert!(shown.contains(&at), "{shown}");
        let mut large = png.to_vec();
        large.resize(LARGEST_LOGO + 1, 0);
        for other in [&large[..], b"<script>", b"\0\0\x01\0\x01\0", b""] {
            assert_eq!(page(other), html("Acme Voice", None, &[]));
        }
    }

    #[test]
    fn foreign_text_stays_text() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(escaped(text), expected);
        }
        check("Acme & Söhne", "Acme &amp; Söhne");
        check(
            "</p><script>alert('x')</script>",
            "&lt;/p&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;",
        );
        check("\" onload=\"x", "&quot; onload=&quot;x");
        assert!(!escaped("moc.\u{202e}example").contains('\u{202e}'));
    }
}
