//! Turns an edit into a splice that changes only the necessary bytes.

use std::ops::Range;

use serde_json::{Map, Value};
use thiserror::Error;

use super::notation;
use super::verify::{Shape, To};
use crate::diag::FileId;
use crate::model::KeyPath;
use crate::tree::node::{Content, Entry, Node};
use crate::tree::yaml;

/// A change to one address of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Address from the root of the document, such as `whitelabel.nav.help`.
    pub path: KeyPath,
    /// Desired content at the address.
    pub to: To,
}

/// The reason why a text was not edited.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// The text already has mistakes.
    #[error("the file has mistakes; fix them first, `emblazon validate` shows them")]
    Mistakes,
    /// The edit would have to change bytes outside of the address.
    #[error("{path} is written in a way that cannot be changed by itself; edit it by hand")]
    Unsuitable {
        /// Address of the edit.
        path: KeyPath,
    },
}

/// Applies edits one after the other. Bytes that no edit concerns stay unchanged, and values that are already correct
/// are not rewritten.
///
/// # Errors
/// If the text has mistakes, or is written in a way that does not allow the edit. A returned text has been parsed
/// again, and means exactly what was requested.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut text = text.to_owned();
    for edit in edits {
        if let Some(edited) = one(&text, edit)? {
            text = edited;
        }
    }
    Ok(text)
}

/// Returns whether there is a map at an address.
#[must_use]
pub fn is_map(text: &str, path: &KeyPath) -> bool {
    let Ok(root) = read(text) else { return false };
    let mut node = root.as_ref();
    for segment in path.segments() {
        node = node.and_then(|node| match &node.content {
            Content::Mapping(entries) => position(entries, &segment).map(|at| &entries[at].value),
            _ => None,
        });
    }
    node.is_some_and(|node| matches!(node.content, Content::Mapping(_)))
}

/// The replacement of a byte range.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Splice {
    range: Range<usize>,
    text: String,
}

fn one(text: &str, edit: &Edit) -> Result<Option<String>, EditError> {
    let unsuitable = || EditError::Unsuitable {
        path: edit.path.clone(),
    };
    let root = read(text)?;
    let before = root.as_ref().map_or_else(Shape::empty, Shape::of);
    let segments: Vec<String> = edit.path.segments().collect();
    let wanted = before.after(&segments, &edit.to).ok_or_else(unsuitable)?;
    if wanted.says(&before) {
        return Ok(None);
    }
    let writer = Writer { text };
    for splice in writer.candidates(root.as_ref(), &segments, &edit.to) {
        let Some(edited) = splice.apply_to(text) else {
            continue;
        };
        if let Ok(root) = read(&edited)
            && root
                .as_ref()
                .map_or_else(Shape::empty, Shape::of)
                .says(&wanted)
        {
            return Ok(Some(edited));
        }
    }
    Err(unsuitable())
}

fn read(text: &str) -> Result<Option<Node>, EditError> {
    let (root, diagnostics) = yaml::parse(FileId(0), text);
    if diagnostics.is_empty() {
        Ok(root)
    } else {
        Err(EditError::Mistakes)
    }
}

fn position(entries: &[Entry], key: &str) -> Option<usize> {
    entries.iter().position(|entry| entry.key == key)
}

impl Splice {
    fn apply_to(&self, text: &str) -> Option<String> {
        let before = text.get(..self.range.start)?;
        let after = text.get(self.range.end..)?;
        text.get(self.range.clone())?;
        Some([before, &self.text, after].concat())
    }
}

/// Creates splices for a text.
struct Writer<'t> {
    text: &'t str,
}

impl Writer<'_> {
    /// Lists possible splices for an edit, best first.
    fn candidates(&self, root: Option<&Node>, segments: &[String], to: &To) -> Vec<Splice> {
        let Some(root) = root else {
            return match to {
                To::Value(value) => vec![self.append(0, segments, value)],
                To::Gone => Vec::new(),
            };
        };
        let mut node = root;
        let mut trail: Vec<(&Node, usize)> = Vec::new();
        for (depth, segment) in segments.iter().enumerate() {
            let rest = &segments[depth..];
            let Content::Mapping(entries) = &node.content else {
                return match to {
                    To::Value(value) => self.replace(trail.last(), node, &nested(rest, value)),
                    To::Gone => Vec::new(),
                };
            };
            let Some(at) = position(entries, segment) else {
                return match to {
                    To::Value(value) => self.insert(node, entries, rest, value),
                    To::Gone => Vec::new(),
                };
            };
            trail.push((node, at));
            node = &entries[at].value;
        }
        match to {
            To::Value(value) => self.replace(trail.last(), node, value),
            To::Gone => self.remove(&trail),
        }
    }

    /// Replaces the value of a node.
    fn replace(&self, entry: Option<&(&Node, usize)>, node: &Node, value: &Value) -> Vec<Splice> {
        let text = notation::value(value);
        let range = range(node);
        let mut ways = Vec::new();
        let key_end = entry.and_then(|(map, at)| self.colon(entries(map).get(*at)?));
        let in_flow = self.is_flow(node);
        if let (Some(colon), true) = (key_end, is_collection(node) && !in_flow) {
            // A block collection begins on a line of its own, but its replacement follows the key.
            let gap = self.between(colon, range.start);
            // The place of an unindented list begins after its first hyphen.
            let gap = gap.trim_end().strip_suffix('-').unwrap_or(gap);
            if gap.trim().is_empty() {
                ways.push(Splice {
                    range: colon..range.end,
                    text: format!(" {text}"),
                });
            }
            ways.push(Splice {
                range: colon + gap.len()..range.end,
                text: format!("  {text}"),
            });
        }
        if let Some((header, comment)) = key_end.and_then(|colon| self.header(colon, range.start)) {
            ways.push(Splice {
                range: header..range.end,
                text: format!("{text}{comment}"),
            });
        }
        if let (Some(colon), true) = (key_end, node.is_empty()) {
            ways.push(Splice {
                range: colon..colon,
                text: format!(" {text}"),
            });
        }
        ways.push(Splice { range, text });
        ways
    }

    /// Finds the `|` or `>` header of a block scalar, and the comment after it.
    fn header(&self, colon: usize, start: usize) -> Option<(usize, &str)> {
        let gap = self.between(colon, start);
        let header = gap.trim_start();
        if !header.starts_with(['|', '>']) {
            return None;
        }
        let line = header.lines().next().unwrap_or(header).trim_end();
        let comment = line.find(" #").map_or("", |at| &line[at..]);
        Some((start - header.len(), comment))
    }

    /// Adds an entry to a map.
    fn insert(&self, map: &Node, entries: &[Entry], rest: &[String], value: &Value) -> Vec<Splice> {
        if self.is_flow(map) {
            let (first, others) = rest
                .split_first()
                .map_or(("", rest), |(first, rest)| (first, rest));
            let entry = format!(
                "{}: {}",
                notation::key(first),
                notation::value(&nested(others, value))
            );
            if let Some(last) = entries.last() {
                let end = end(&last.value);
                return vec![Splice {
                    range: end..end,
                    text: format!(", {entry}"),
                }];
            }
            let behind = range(map).start + 1;
            let is_tight = self
                .text
                .get(behind..)
                .is_some_and(|rest| rest.starts_with('}'));
            let space = if is_tight { " " } else { "" };
            return vec![Splice {
                range: behind..behind,
                text: format!(" {entry}{space}"),
            }];
        }
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return vec![self.append(0, rest, value)];
        };
        let start = first.key_place.span.start as usize;
        let line = self.line_start(start);
        let before = self.between(line, start).trim_start_matches('\u{feff}');
        if !before.bytes().all(|byte| byte == b' ') {
            return Vec::new();
        }
        let lines = self.lines(before.len(), rest, value);
        let behind = self.line_end(end(&last.value).max(last.key_place.span.end as usize));
        let after = if self.between(0, behind).ends_with('\n') {
            Splice {
                range: behind..behind,
                text: lines.clone(),
            }
        } else {
            Splice {
                range: behind..behind,
                text: format!("{}{}", self.line_break(), lines.trim_end()),
            }
        };
        // Nothing can be appended after a block scalar that keeps its trailing blank lines, so insert in front instead.
        let ahead = start - before.len();
        let first = Splice {
            range: ahead..ahead,
            text: lines,
        };
        vec![after, first]
    }

    /// Appends an entry at the end of the text.
    fn append(&self, indent: usize, rest: &[String], value: &Value) -> Splice {
        let end = self.text.len();
        let lines = self.lines(indent, rest, value);
        let text = if self.text.is_empty() || self.text.ends_with('\n') {
            lines
        } else {
            format!("{}{lines}", self.line_break())
        };
        Splice {
            range: end..end,
            text,
        }
    }

    /// Removes an entry, and the maps that become empty.
    fn remove(&self, trail: &[(&Node, usize)]) -> Vec<Splice> {
        let alone = |(map, _): &&(&Node, usize)| entries(map).len() == 1;
        let above = trail.iter().rev().take_while(alone).count();
        let Some((map, at)) = trail
            .get(trail.len().saturating_sub(above + 1))
            .or(trail.first())
        else {
            return Vec::new();
        };
        let entries = entries(map);
        let Some(entry) = entries.get(*at) else {
            return Vec::new();
        };
        let start = entry.key_place.span.start as usize;
        let stop = end(&entry.value).max(entry.key_place.span.end as usize);
        if self.is_flow(map) {
            let range = match (
                entries.get(at + 1),
                at.checked_sub(1).and_then(|at| entries.get(at)),
            ) {
                (Some(next), _) => start..next.key_place.span.start as usize,
                (None, Some(previous)) => end(&previous.value)..stop,
                (None, None) => start..stop,
            };
            return vec![Splice {
                range,
                text: String::new(),
            }];
        }
        let line = self.line_start(start);
        let before = self.between(line, start);
        if !before
            .trim_start_matches('\u{feff}')
            .bytes()
            .all(|byte| byte == b' ')
        {
            return Vec::new();
        }
        let line = line + before.len() - before.trim_start_matches('\u{feff}').len();
        let cut = |stop: usize| Splice {
            range: line..stop,
            text: String::new(),
        };
        let behind = self.line_end(stop);
        // A block scalar that keeps its trailing blank lines takes them along, otherwise the scalar before would gain
        // them.
        let rest = self.text.get(behind..).unwrap_or("");
        let blank: usize = rest
            .split_inclusive('\n')
            .take_while(|line| line.trim().is_empty())
            .map(str::len)
            .sum();
        vec![cut(behind), cut(behind + blank)]
    }

    /// Writes an entry in block style.
    fn lines(&self, indent: usize, rest: &[String], value: &Value) -> String {
        let mut map = Map::new();
        if let Some((first, rest)) = rest.split_first() {
            map.insert(first.clone(), nested(rest, value));
        }
        let lines = notation::block(indent, &map);
        match self.line_break() {
            "\n" => lines,
            other => lines.replace('\n', other),
        }
    }

    fn line_break(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.between(0, at).rfind('\n').map_or(0, |found| found + 1)
    }

    /// Returns where the next line starts, or the end of the text.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or("");
        rest.find('\n')
            .map_or(self.text.len(), |found| at + found + 1)
    }

    /// Returns the offset after a key's colon.
    fn colon(&self, entry: &Entry) -> Option<usize> {
        let behind = entry.key_place.span.end as usize;
        let at = self.text.get(behind..)?.find(':')?;
        let gap = self.between(behind, behind + at);
        gap.trim().is_empty().then_some(behind + at + 1)
    }

    fn between(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or("")
    }

    fn is_flow(&self, node: &Node) -> bool {
        is_collection(node)
            && self
                .text
                .get(range(node).start..)
                .is_some_and(|text| text.starts_with(['{', '[']))
    }
}

/// Wraps a value in one map per segment of a path.
fn nested(path: &[String], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |inner, key| {
        let mut map = Map::new();
        map.insert(key.clone(), inner);
        Value::Object(map)
    })
}

fn entries(node: &Node) -> &[Entry] {
    match &node.content {
        Content::Mapping(entries) => entries,
        Content::Scalar(_) | Content::Sequence(_) | Content::Broken => &[],
    }
}

fn is_collection(node: &Node) -> bool {
    matches!(node.content, Content::Mapping(_) | Content::Sequence(_))
}

fn range(node: &Node) -> Range<usize> {
    node.place.span.start as usize..node.place.span.end as usize
}

fn end(node: &Node) -> usize {
    node.place.span.end as usize
}
