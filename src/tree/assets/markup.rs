//! A scanner for HTML that finds every start tag that some browser could see in a text.
//!
//! It splits tags and attributes like the tokenizer of the HTML standard (section 13.2.5). Elements such as `<style>`
//! contain text in HTML but markup in SVG, and a quote or a comment that begins in one interpretation hides what
//! follows it in the other. Both interpretations are therefore scanned from each such element on, so that nothing can
//! hide in the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::reference::decode;

/// The elements whose content is text in one context and markup in another.
const RAW_TEXT: &[&str] = &[
    "script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript",
];

/// One start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The name, in lower case.
    pub(crate) name: String,
    /// Names in lower case, values with their references decoded.
    pub(super) attributes: Vec<(String, String)>,
    /// Byte offset of the `<`.
    pub(super) offset: usize,
    /// Byte range up to the end tag, for elements with raw text.
    pub(super) content: Range<usize>,
}

impl Tag {
    /// Returns the value of the first attribute with a name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Finds every start tag of every interpretation, in document order.
pub(super) fn tags(text: &str) -> Vec<Tag> {
    let mut scanner = Scanner::new(text);
    let mut tags = Vec::new();
    let mut readings = vec![0];
    while let Some(start) = readings.pop() {
        scanner.position = start;
        while let Some(tag) = scanner.next_tag() {
            if !tag.content.is_empty() {
                readings.push(tag.content.end);
            }
            tags.push(tag);
        }
    }
    tags.sort_by_key(|tag| tag.offset);
    tags
}

/// Finds the start tags of an HTML page that a browser with scripts makes elements of. What stands in a comment, in raw
/// text or in a template is none.
pub(crate) fn elements(text: &str) -> Vec<Tag> {
    let mut scanner = Scanner::new(text);
    let mut tags = Vec::new();
    while let Some(tag) = scanner.next_tag() {
        if !tag.content.is_empty() {
            scanner.position = tag.content.end;
        } else if tag.name == "template" {
            scanner.position = scanner.content_of(&tag.name).end;
        }
        tags.push(tag);
    }
    tags
}

struct Scanner<'a> {
    text: &'a str,
    position: usize,
    /// Every `<` that was already scanned; another interpretation that reaches it would only repeat the first.
    seen: BTreeSet<usize>,
    /// The last search for the end tag of each element: its start, and the end tag.
    ends: BTreeMap<String, Range<usize>>,
    /// The last comment; one that begins inside it, in another interpretation, ends where it ends.
    comment: Range<usize>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            position: 0,
            seen: BTreeSet::new(),
            ends: BTreeMap::new(),
            comment: 0..0,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// Moves past the next `end`, or to the end of the text.
    fn skip_past(&mut self, end: &str) {
        let rest = self.rest();
        self.position += rest.find(end).map_or(rest.len(), |at| at + end.len());
    }

    fn next_tag(&mut self) -> Option<Tag> {
        loop {
            let offset = self.position + self.rest().find('<')?;
            if !self.seen.insert(offset) {
                return None;
            }
            self.position = offset + 1;
            match self.peek()? {
                b'!' => self.declaration(),
                b'?' => self.skip_past(">"),
                // An end tag is scanned like a start tag, because a quoted > does not end it, and is then ignored.
                b'/' => {
                    self.position += 1;
                    match self.peek() {
                        Some(byte) if byte.is_ascii_alphabetic() => {
                            self.tag(offset);
                        }
                        _ => self.skip_past(">"),
                    }
                }
                byte if byte.is_ascii_alphabetic() => {
                    let mut tag = self.tag(offset);
                    if RAW_TEXT.contains(&tag.name.as_str()) {
                        tag.content = self.content_of(&tag.name);
                    }
                    return Some(tag);
                }
                _ => {}
            }
        }
    }

    /// Skips a comment or a declaration; the position is at the exclamation mark.
    fn declaration(&mut self) {
        if !self.rest().starts_with("!--") {
            self.skip_past(">");
            return;
        }
        let start = self.position + 3;
        let body = self.text.get(start..).unwrap_or("");
        let length = if body.starts_with('>') {
            1
        } else if body.starts_with("->") {
            2
        } else if self.comment.start <= start && start + "--!>".len() <= self.comment.end {
            self.comment.end - start
        } else {
            let length = comment_length(body);
            self.comment = start..start + length;
            length
        };
        self.position = start + length;
    }

    /// Reads name and attributes; the position moves from the name to after the `>`.
    fn tag(&mut self, offset: usize) -> Tag {
        let name =
            self.take_until(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
        let mut attributes = Vec::new();
        loop {
            self.take_until(|byte| !(byte.is_ascii_whitespace() || byte == b'/'));
            match self.peek() {
                None => break,
                Some(b'>') => {
                    self.position += 1;
                    break;
                }
                Some(_) => attributes.push(self.attribute()),
            }
        }
        Tag {
            name: name.to_ascii_lowercase(),
            attributes,
            offset,
            content: 0..0,
        }
    }

    fn attribute(&mut self) -> (String, String) {
        let start = self.position;
        // A leading equals sign belongs to the name.
        self.position += usize::from(self.peek() == Some(b'='));
        self.take_until(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'='));
        let name = self
            .text
            .get(start..self.position)
            .unwrap_or("")
            .to_ascii_lowercase();
        self.take_until(|byte| !byte.is_ascii_whitespace());
        if self.peek() != Some(b'=') {
            return (name, String::new());
        }
        self.position += 1;
        self.take_until(|byte| !byte.is_ascii_whitespace());
        let value = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => {
                self.position += 1;
                let value = self.take_until(|byte| byte == quote).to_owned();
                self.position += usize::from(self.peek().is_some());
                value
            }
            _ => self
                .take_until(|byte| byte.is_ascii_whitespace() || byte == b'>')
                .to_owned(),
        };
        (name, decode(&value))
    }

    /// Takes bytes until one satisfies the condition; all conditions test for ASCII, so the cut is at a character
    /// boundary.
    fn take_until(&mut self, end: impl Fn(u8) -> bool) -> &'a str {
        let start = self.position;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        self.position += rest
            .iter()
            .position(|byte| end(*byte))
            .unwrap_or(rest.len());
        self.text.get(start..self.position).unwrap_or("")
    }

    fn content_of(&mut self, name: &str) -> Range<usize> {
        let start = self.position;
        if let Some(known) = self.ends.get(name)
            && known.contains(&start)
        {
            return start..known.end;
        }
        let rest = self.rest();
        let length = rest
            .match_indices("</")
            .map(|(at, _)| at)
            .find(|at| names_element(rest.get(at + 2..).unwrap_or(""), name))
            .unwrap_or(rest.len());
        self.ends.insert(name.to_owned(), start..start + length);
        start..start + length
    }
}

/// Returns the length of a comment up to its end; in a run of hyphens the last two count.
fn comment_length(body: &str) -> usize {
    let bytes = body.as_bytes();
    let mut from = 0;
    while let Some(at) = body.get(from..).and_then(|rest| rest.find("--")) {
        let after = from + at + 2;
        match bytes.get(after..).unwrap_or_default() {
            [b'>', ..] => return after + 1,
            [b'!', b'>', ..] => return after + 2,
            _ => from = after - 1,
        }
    }
    body.len()
}

/// Returns whether a text begins with an element's name, and the name ends there.
fn names_element(text: &str, name: &str) -> bool {
    text.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
        && text
            .as_bytes()
            .get(name.len())
            .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got: Vec<String> = tags(text)
            .iter()
            .map(|tag| {
                let attributes = tag.attributes.iter();
                let attributes = attributes.map(|(name, value)| format!(" {name}={value}"));
                format!("{}{}", tag.name, attributes.collect::<String>())
            })
            .collect();
        assert_eq!(got.join("|"), expected, "{text}");
    }

    #[test]
    fn tags_and_attributes() {
        check("<p>x</p><BR/>", "p|br");
        check(
            "<a HREF=x title='a > b' b=\"<i>\" c>",
            "a href=x title=a > b b=<i> c=",
        );
        check("<img/src=x/onerror=y>", "img src=x/onerror=y");
        check("<img src='x'onerror=y>", "img src=x onerror=y");
        check("<a\nb\t=\n'c'>", "a b=c");
        check("<a =b c>", "a =b= c=");
        check("a < b <3 <p", "p");
        check("<a b='unclosed", "a b=unclosed");
        check("<a ü=ö>", "a ü=ö");
    }

    #[test]
    fn comments() {
        check("<!-- <b> --><i>", "i");
        check("<!--><b>", "b");
        check("<!---><b>", "b");
        check("<!-- x --!><b>", "b");
        check("<!-- <b>", "");
        check("<!doctype html><b>", "b");
        check("<?php <b> ?><i>", "i");
        check("</ <b> ><i>", "i");
        check("<![CDATA[><b>]]>", "b");
        check("</p title='>'><b>", "b");
    }

    #[test]
    fn elements_are_what_a_browser_makes_of_a_page() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let names: Vec<String> = elements(text).into_iter().map(|tag| tag.name).collect();
            assert_eq!(names.join("|"), expected, "{text}");
        }
        check("<p><!-- <b> --><i>", "p|i");
        check("<noscript><meta></noscript><b>", "noscript|b");
        check("<script>'<b>'</script><i>", "script|i");
        check("<title><b></title><i>", "title|i");
        check("<template><b></template><i>", "template|i");
        check("<script></script><i>", "script|i");
    }

    /// A page that begins another interpretation at each step is still scanned in linear time.
    #[test]
    fn many_readings() {
        let count = 20_000;
        assert_eq!(tags(&"<style><!--</style>".repeat(count)).len(), count);
        assert_eq!(tags(&"<style><title>".repeat(count)).len(), 2 * count);
    }

    #[test]
    fn raw_text_in_both_readings() {
        check("<style><!--</style><b>", "style|b");
        check("<title><!--</title><b>--></title>", "title|b");
        check("<svg><style><b></style>", "svg|style|b");
        check("<textarea><b></textarea>", "textarea|b");
        check(
            "<style><a title='</style><b c>'>",
            "style|a title=</style><b c>|b c=",
        );
        check(
            "<svg><style><a title='</style>' b>",
            "svg|style|a title=</style> b=",
        );
        let text = "<style>a{}</styles></STYLE >x";
        assert_eq!(
            text.get(tags(text)[0].content.clone()),
            Some("a{}</styles>")
        );
    }
}
