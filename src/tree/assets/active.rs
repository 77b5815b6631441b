//! Finds active content in a welcome page, and in other texts that the portal shows as HTML.
//!
//! The portal embeds the page into its own document before anyone logs in, so any script in it sees what users type, and
//! a form, a frame or a redirect can take them elsewhere.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::markup::{Tag, tags};
use crate::diag::Code;
use crate::tree::check::Problem;

/// Maximum number of findings that are reported for one page.
const MOST_FINDINGS: usize = 20;
/// Maximum length of an address in a message, in characters.
const LONGEST_SHOWN: usize = 60;
/// Maximum nesting depth of pages inside `srcdoc` attributes.
const MOST_NESTED: usize = 8;

/// Finds what acts, submits, redirects or embeds (errors), and what loads from elsewhere or leads nowhere (warnings).
pub(super) fn inspect(path: &Utf8Path, text: &str) -> Vec<Problem> {
    let mut findings = Vec::new();
    page(text, 0, None, &mut findings);
    findings.sort_by_key(|finding: &Finding| finding.offset);
    findings.dedup();
    let more = findings.len().saturating_sub(MOST_FINDINGS);
    let mut problems: Vec<Problem> = findings
        .iter()
        .take(MOST_FINDINGS)
        .map(|finding| {
            let (line, column) = position(text, finding.offset);
            Problem::new(
                finding.code,
                format!("{path}:{line}:{column}: {}", finding.message),
                finding.help,
            )
        })
        .collect();
    // An error among the omitted findings must still count as an error.
    let rest = findings.iter().skip(MOST_FINDINGS);
    if let Some(worst) = rest
        .map(|finding| finding.code)
        .min_by_key(|code| code.severity())
    {
        problems.push(Problem::new(
            worst,
            format!("{path}: {more} more findings of this kind"),
            "fix the ones above first",
        ));
    }
    problems
}

/// Finds the first active content in a text that a page shows as HTML; returns what it is and what to do about it.
pub(crate) fn first_active(text: &str) -> Option<(String, &'static str)> {
    let mut findings = Vec::new();
    page(text, 0, None, &mut findings);
    let is_active = |code| {
        matches!(
            code,
            Code::EB0609 | Code::EB0620 | Code::EB0621 | Code::EB0622
        )
    };
    let active = findings
        .into_iter()
        .filter(|finding| is_active(finding.code));
    let first = active.min_by_key(|finding| finding.offset)?;
    Some((first.message, first.help))
}

#[derive(Debug, PartialEq, Eq)]
struct Finding {
    offset: usize,
    code: Code,
    message: String,
    help: &'static str,
}

/// Returns the line and column of a byte offset, from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let lines = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before.get(line_start..).unwrap_or("").chars().count();
    (lines + 1, column + 1)
}

/// Scans a page; findings in a nested page are placed at the tag whose attribute contains it.
fn page(text: &str, depth: usize, place: Option<usize>, findings: &mut Vec<Finding>) {
    let mut styled_to = 0;
    let tags = tags(text);
    let names = tags
        .iter()
        .flat_map(|tag| [tag.attribute("id"), tag.attribute("name")]);
    let names: BTreeSet<&str> = names.flatten().collect();
    for tag in &tags {
        let mut say = |code, message: String, help| {
            findings.push(Finding {
                offset: place.unwrap_or(tag.offset),
                code,
                message,
                help,
            });
        };
        element(tag, &mut say);
        for (name, value) in &tag.attributes {
            attribute(tag, name, value, &mut say);
            local(tag, name, value, &names, &mut say);
        }
        if tag.name == "style" {
            // Contents may overlap where an end tag is missing.
            let start = tag.content.start.max(styled_to);
            style(text.get(start..tag.content.end).unwrap_or(""), &mut say);
            styled_to = tag.content.end.max(styled_to);
        }
        if let Some(inner) = tag.attribute("srcdoc") {
            if depth < MOST_NESTED {
                page(
                    inner,
                    depth + 1,
                    Some(place.unwrap_or(tag.offset)),
                    findings,
                );
            } else {
                say(
                    Code::EB0609,
                    "too many pages inside each other".to_owned(),
                    "remove the srcdoc",
                );
            }
        }
    }
}

fn element(tag: &Tag, say: &mut impl FnMut(Code, String, &'static str)) {
    let name = tag.name.as_str();
    match name.rsplit(':').next().unwrap_or(name) {
        "script" => say(
            Code::EB0609,
            format!("<{name}> runs a script"),
            "remove the script; the page can only show, not act",
        ),
        "object" | "embed" | "applet" => say(
            Code::EB0609,
            format!("<{name}> runs a plug-in"),
            "use <img> for pictures, and a link for anything else",
        ),
        "iframe" | "frame" | "frameset" | "portal" | "fencedframe" => say(
            Code::EB0622,
            format!("<{name}> embeds another page"),
            "link to the page instead",
        ),
        "form" => say(
            Code::EB0620,
            "<form> sends what users type elsewhere".to_owned(),
            "link to a page with the form instead",
        ),
        "base" => say(
            Code::EB0611,
            "<base> turns every link of the page, and of the portal around it".to_owned(),
            "write absolute addresses instead",
        ),
        "meta"
            if tag
                .attribute("http-equiv")
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("refresh")) =>
        {
            refresh(tag.attribute("content").unwrap_or(""), say);
        }
        _ => {}
    }
}

fn refresh(content: &str, say: &mut impl FnMut(Code, String, &'static str)) {
    // The address follows "5; url=", of which everything but the number is optional.
    let address = content.trim_start_matches(|c: char| {
        c.is_ascii_digit() || c.is_whitespace() || matches!(c, '.' | ';' | ',')
    });
    let address = match address.get(..3) {
        Some(start) if start.eq_ignore_ascii_case("url") => {
            address[3..].trim_start().trim_start_matches('=')
        }
        _ => address,
    };
    let address = address.trim_start().trim_start_matches(['"', '\'']);
    if runs(&scheme(address), address) {
        say(
            Code::EB0609,
            "the redirect runs a script".to_owned(),
            "remove it",
        );
    } else {
        say(
            Code::EB0621,
            "<meta http-equiv=refresh> leads visitors away".to_owned(),
            "remove it, or link to the page instead",
        );
    }
}

fn attribute(tag: &Tag, name: &str, value: &str, say: &mut impl FnMut(Code, String, &'static str)) {
    let element = tag.name.as_str();
    let local = name.rsplit(':').next().unwrap_or(name);
    if local.len() > 2
        && local.starts_with("on")
        && local.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        say(
            Code::EB0609,
            format!("<{element} {name}> runs a script"),
            "remove the event handler",
        );
        return;
    }
    // An SVG animation can assign any of its values to a link.
    let parts = value.split(if local == "values" { ';' } else { '\0' });
    for part in parts.filter(|_| !is_prose(local)) {
        let scheme = scheme(part);
        if runs(&scheme, part) && !(scheme == "data" && is_shown(element, local)) {
            say(
                Code::EB0609,
                format!("<{element} {name}> holds the script address {scheme}:"),
                "write an https:// address",
            );
            return;
        }
    }
    match local {
        "style" => style(value, say),
        "formaction" => say(
            Code::EB0620,
            format!("<{element} {name}> sends what users type elsewhere"),
            "remove it",
        ),
        "srcset" | "imagesrcset" => {
            for candidate in value.split(',') {
                load(element, name, candidate, say);
            }
        }
        "src" | "poster" | "background" | "data" | "lowsrc" | "manifest" | "archive"
        | "codebase" => {
            load(element, name, value, say);
        }
        // In SVG, pictures and parts load by href; elsewhere only <link> does.
        "href"
            if matches!(
                element,
                "link" | "image" | "use" | "feimage" | "pattern" | "mpath"
            ) =>
        {
            load(element, name, value, say);
        }
        _ => {}
    }
}

/// Returns whether an attribute is read by people, so that an address in it is only text.
fn is_prose(attribute: &str) -> bool {
    matches!(
        attribute,
        "alt" | "title" | "placeholder" | "label" | "summary"
    ) || attribute.starts_with("aria-")
}

/// Returns whether an address is only shown as a picture, in which no script runs, not even in SVG.
fn is_shown(element: &str, attribute: &str) -> bool {
    match attribute {
        "src" => matches!(element, "img" | "input" | "source"),
        "href" => matches!(element, "image" | "feimage"),
        "srcset" | "poster" | "background" => true,
        _ => false,
    }
}

/// Returns the scheme of an address as browsers parse it: ignoring leading control characters and spaces, and tabs and
/// line breaks anywhere.
fn scheme(address: &str) -> String {
    let scheme: String = address
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':'))
        .collect();
    match scheme.split_once(':') {
        Some((scheme, _)) => scheme.to_ascii_lowercase(),
        None => String::new(),
    }
}

/// Returns whether an address runs something: a script, or data that browsers render as a page.
fn runs(scheme: &str, address: &str) -> bool {
    match scheme {
        "javascript" | "vbscript" | "livescript" | "mocha" => true,
        "data" => {
            let plain: String = address
                .chars()
                .filter(|c| !c.is_whitespace())
                .map(|c| c.to_ascii_lowercase())
                .take(256)
                .collect();
            let kind = plain.split_once(':').map_or("", |(_, kind)| kind);
            let kind = kind.split([';', ',']).next().unwrap_or("");
            !(kind.is_empty()
                || kind == "text/plain"
                || kind.starts_with("font/")
                || kind.starts_with("audio/")
                || kind.starts_with("video/")
                || kind.starts_with("image/") && kind != "image/svg+xml")
        }
        _ => false,
    }
}

fn load(
    element: &str,
    name: &str,
    address: &str,
    say: &mut impl FnMut(Code, String, &'static str),
) {
    let clean: String = address
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .map(|c| if c == '\\' { '/' } else { c })
        .collect();
    match scheme(address).as_str() {
        "http" => say(
            Code::EB0610,
            format!("<{element} {name}> loads over http://, which browsers block"),
            "load it over https://, or put it into the page as a data: address",
        ),
        "https" => say(
            Code::EB0610,
            format!("<{element} {name}> loads from elsewhere"),
            "put it into the page as a data: address, or check that you own that server",
        ),
        "" if clean.starts_with("//") => say(
            Code::EB0610,
            format!("<{element} {name}> loads from elsewhere"),
            "put it into the page as a data: address, or check that you own that server",
        ),
        _ => {}
    }
}

/// Finds addresses within the page that it does not have, and addresses beside it: nothing is served there.
fn local(
    tag: &Tag,
    name: &str,
    value: &str,
    names: &BTreeSet<&str>,
    say: &mut impl FnMut(Code, String, &'static str),
) {
    let leads = match name.rsplit(':').next().unwrap_or(name) {
        "href" => tag.name != "base",
        "src" | "poster" | "background" => true,
        _ => false,
    };
    let address = value.trim_matches(|c: char| c <= ' ');
    if !leads || address.is_empty() || !scheme(address).is_empty() {
        return;
    }
    let element = tag.name.as_str();
    let shown: String = address.chars().take(LONGEST_SHOWN).collect();
    match address.strip_prefix('#') {
        // Browsers know the beginning of each page.
        Some("" | "top") => {}
        Some(anchor) if names.contains(anchor) || anchor.contains('%') => {}
        Some(_) => say(
            Code::EB0623,
            format!("<{element} {name}> leads to {shown}, which the page does not have"),
            "give the place this id, or correct the link",
        ),
        // The portal's own host, and the page itself with a query.
        None if address.starts_with(['/', '\\', '?']) => {}
        None => say(
            Code::EB0623,
            format!("<{element} {name}> leads to {shown}, and nothing is served beside the page"),
            "write the whole https:// address, or put a picture into the page as a data: address",
        ),
    }
}

fn style(css: &str, say: &mut impl FnMut(Code, String, &'static str)) {
    let plain = plain_css(css);
    for active in [
        "javascript:",
        "vbscript:",
        "expression(",
        "-moz-binding",
        "behavior:",
    ] {
        if plain.contains(active) {
            say(
                Code::EB0609,
                format!("the style holds {active}"),
                "remove that declaration",
            );
        }
    }
    if plain.contains("@import")
        || ["http:", "https:", "//"].iter().any(|start| {
            ["url(", "url(\"", "url('", "image-set(\"", "image-set('"]
                .iter()
                .any(|function| plain.contains(&format!("{function}{start}")))
        })
    {
        say(
            Code::EB0610,
            "the style loads from elsewhere".to_owned(),
            "put the rules into the page, and pictures as data: addresses",
        );
    }
}

/// Removes comments, whitespace and escapes from a style sheet, so that it can be searched.
fn plain_css(css: &str) -> String {
    let mut plain = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(next) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if let Some(escape) = rest.strip_prefix('\\') {
            let digits = escape
                .bytes()
                .take(6)
                .take_while(u8::is_ascii_hexdigit)
                .count();
            let code = escape
                .get(..digits)
                .and_then(|hex| u32::from_str_radix(hex, 16).ok());
            plain.extend(
                code.and_then(char::from_u32)
                    .map(|c| c.to_ascii_lowercase()),
            );
            rest = escape.get(digits..).unwrap_or("");
            if digits > 0 {
                rest = rest
                    .strip_prefix(|c: char| c.is_ascii_whitespace())
                    .unwrap_or(rest);
            }
        } else {
            if !next.is_whitespace() {
                plain.push(next.to_ascii_lowercase());
            }
            rest = rest.get(next.len_utf8()..).unwrap_or("");
        }
    }
    plain
}

#[cfg(test)]
#[path = "active_tests.rs"]
mod tests;
