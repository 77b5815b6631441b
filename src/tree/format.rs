//! Brings the files of a tree into one form: known keys in the order in which the reader knows them, quotes only where
//! they matter.
//!
//! Lines move as they are, with the comments above and behind them; what the reader does not know keeps its order, behind
//! what it knows. Names that people choose (clusters, hosts, overrides) keep theirs. Each result is parsed again, and is
//! used only if it means the same.

use std::collections::BTreeMap;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};

use super::cluster::LoadError;
use super::decode::Reader;
use super::decode::account::AccountContext;
use super::decode::layer::{LAYER_KEYS, LayerContext};
use super::edit::{Shape, scalar};
use super::files::{self, Files, Role};
use super::layer::LayerName;
use super::node::{Content, Entry, Node};
use super::source::TreeSource;
use super::yaml;
use crate::diag::{Diagnostics, FileId};
use crate::model::ClusterName;

/// One file of a tree, and its canonical form.
#[derive(Debug)]
pub struct Formatted {
    /// Path relative to the root of the tree.
    pub path: Utf8PathBuf,
    /// The file as it is.
    pub before: String,
    /// Its canonical form, or the mistakes because of which it stays as it is.
    pub after: Result<String, Diagnostics>,
}

/// Formats every file that a tree reads as YAML.
///
/// # Errors
/// If there is no tree, or it cannot be listed.
pub fn format(source: &dyn TreeSource) -> Result<Vec<Formatted>, LoadError> {
    let files = Files::classify(&source.list()?);
    files.config()?;
    let files = (files.files.into_iter()).filter(|file| file.role != Role::Misplaced);
    let formatted = files.map(|file| {
        let parsed = files::parse(source, &file);
        let after = if parsed.diagnostics.is_empty() {
            Ok(formatted(&parsed.text, &file.role, &file.path))
        } else {
            Err(parsed.diagnostics)
        };
        Formatted {
            path: file.path,
            before: parsed.text,
            after,
        }
    });
    Ok(formatted.collect())
}

/// Returns the canonical form of a text without mistakes.
fn formatted(original: &str, role: &Role, path: &Utf8Path) -> String {
    let mark = if original.starts_with('\u{feff}') {
        "\u{feff}"
    } else {
        ""
    };
    let text = &original[mark.len()..];
    let Some(root) = read(text) else {
        return original.to_owned();
    };
    let wanted = Shape::of(&root);
    let means_the_same =
        |text: &String| read(text).is_some_and(|root| Shape::of(&root).says(&wanted));
    let ended = Some(text).filter(|text| !text.ends_with('\n'));
    let ended = ended.map(|text| format!("{text}\n"));
    let text = ended
        .filter(means_the_same)
        .unwrap_or_else(|| text.to_owned());
    let text = Some(requoted(&text)).filter(means_the_same).unwrap_or(text);
    let text = Some(ordered(&text, role, path))
        .filter(means_the_same)
        .unwrap_or(text);
    format!("{mark}{text}")
}

fn read(text: &str) -> Option<Node> {
    let (root, diagnostics) = yaml::parse(FileId(0), text);
    root.filter(|_| diagnostics.is_empty())
}

/// Rewrites the quoted texts.
fn requoted(text: &str) -> String {
    let mut places = Vec::new();
    if let Some(root) = read(text) {
        quotes(text, &root, &mut places);
    }
    let mut text = text.to_owned();
    for (range, written) in places.into_iter().rev() {
        // A remark behind it stays in its column.
        let behind = &text[range.end..];
        let is_remarked =
            behind.starts_with(' ') && behind.trim_start_matches(' ').starts_with('#');
        let shorter = text[range.clone()].chars().count();
        let shorter = shorter.saturating_sub(written.chars().count());
        let padding = if is_remarked { shorter } else { 0 };
        text.replace_range(range, &format!("{written}{:padding$}", ""));
    }
    text
}

/// Finds the quoted texts of a node, in the order of the text, and how they are written.
fn quotes(text: &str, node: &Node, found: &mut Vec<(Range<usize>, String)>) {
    let mut quoted = |range: Range<usize>, value: &str| {
        let written = &text[range.clone()];
        // The content of a block scalar may look like a quoted text; folded lines stay as they are.
        let is_quoted = written.starts_with(['"', '\''])
            && written != value.trim_end()
            && !written.contains('\n');
        if is_quoted {
            found.push((range, scalar(value)));
        }
    };
    match &node.content {
        Content::Scalar(it) => quoted(range(node), &it.text),
        Content::Sequence(items) => items.iter().for_each(|item| quotes(text, item, found)),
        Content::Mapping(entries) => {
            for entry in entries {
                let key = entry.key_place.span;
                let key = key.start as usize..key.end as usize;
                let written = &text[key.clone()];
                if written.starts_with(['"', '\'']) && !written.contains('\n') {
                    found.push((key, scalar(&entry.key)));
                }
                quotes(text, &entry.value, found);
            }
        }
        Content::Broken => {}
    }
}

/// Moves known keys to their positions.
fn ordered(text: &str, role: &Role, path: &Utf8Path) -> String {
    let Some(root) = read(text) else {
        return text.to_owned();
    };
    let orders = orders(&root, role, path);
    Lines { text, orders }.node(&root, 0..text.len())
}

/// Returns the keys of each map of a file, by the offset of the map, in canonical order.
fn orders(root: &Node, role: &Role, path: &Utf8Path) -> BTreeMap<u32, Vec<&'static str>> {
    let mut reader = Reader {
        orders: Some(BTreeMap::new()),
        ..Reader::default()
    };
    let folder = path.parent().unwrap_or(Utf8Path::new(""));
    match role {
        Role::Config => drop(reader.config(root)),
        Role::Template => drop(reader.template(root)),
        Role::Brand(name) => {
            let around = LayerContext {
                folder,
                extra_keys: &[],
            };
            let fields = reader.fields(root, "a brand", &LAYER_KEYS);
            drop(reader.layer(LayerName::Brand(name.clone()), fields, around));
        }
        Role::Account(_) => {
            let context = AccountContext {
                cluster: &ClusterName::new(""),
                clusters: &[],
                folder,
                extra_keys: &[],
            };
            drop(reader.account(root, context));
        }
        Role::Misplaced => {}
    }
    reader.orders.unwrap_or_default()
}

/// The text of a file, whose parts are put in order.
struct Lines<'t> {
    text: &'t str,
    orders: BTreeMap<u32, Vec<&'static str>>,
}

impl Lines<'_> {
    /// Returns a part of the text that a node lies in, in order.
    fn node(&self, node: &Node, part: Range<usize>) -> String {
        match &node.content {
            Content::Mapping(entries) if !entries.is_empty() => {
                let sorted = self.sorted(node, entries);
                if self.text[range(node).start..].starts_with('{') {
                    self.flow(entries, sorted, part)
                } else {
                    self.block(entries, sorted, part)
                }
            }
            Content::Sequence(items) => self.list(items, part),
            _ => self.text[part].to_owned(),
        }
    }

    /// Returns the positions of a map's entries in canonical order, if that differs from the order of the text.
    fn sorted(&self, node: &Node, entries: &[Entry]) -> Option<Vec<usize>> {
        let order = self.orders.get(&node.place.span.start)?;
        let rank = |at: &usize| order.iter().position(|key| *key == entries[*at].key);
        let mut sorted: Vec<usize> = (0..entries.len()).collect();
        sorted.sort_by_key(|at| rank(at).unwrap_or(usize::MAX));
        (!sorted.is_sorted()).then_some(sorted)
    }

    fn list(&self, items: &[Node], part: Range<usize>) -> String {
        let starts: Vec<usize> = items.iter().map(|item| range(item).start).collect();
        let first = starts.first().copied().unwrap_or(part.end);
        let mut text = self.text[part.start..first].to_owned();
        for (at, item) in items.iter().enumerate() {
            let end = starts.get(at + 1).copied().unwrap_or(part.end);
            text.push_str(&self.node(item, starts[at]..end));
        }
        text
    }

    /// Orders a map in braces; what stands between two entries stays there.
    fn flow(&self, entries: &[Entry], sorted: Option<Vec<usize>>, part: Range<usize>) -> String {
        let within = |entry: &Entry| entry.key_place.span.start as usize..end(entry);
        let gap = |at: usize| {
            let before = at.checked_sub(1).map_or(part.start, |at| end(&entries[at]));
            let start = entries.get(at).map(|entry| within(entry).start);
            &self.text[before..start.unwrap_or(part.end)]
        };
        let is_movable = (1..entries.len()).all(|at| !gap(at).contains('#'));
        let sorted = sorted.filter(|_| is_movable);
        let sorted = sorted.unwrap_or_else(|| (0..entries.len()).collect());
        let mut text = String::new();
        for (at, from) in sorted.into_iter().enumerate() {
            let entry = &entries[from];
            let start = range(&entry.value).start.max(within(entry).start);
            text.push_str(gap(at));
            text.push_str(&self.text[within(entry).start..start]);
            text.push_str(&self.node(&entry.value, start..end(entry)));
        }
        text.push_str(gap(entries.len()));
        text
    }

    /// Orders a map of lines; blank lines between two entries stay there, comments go with the entry below.
    fn block(&self, entries: &[Entry], sorted: Option<Vec<usize>>, part: Range<usize>) -> String {
        let first = entries[0].key_place.span.start as usize;
        let indent = first - self.line_start(first);
        let is_whole = part.start <= self.line_start(first) && self.is_blank(first - indent..first);
        let is_movable = entries[1..].iter().all(|entry| {
            let start = entry.key_place.span.start as usize;
            start - self.line_start(start) == indent && self.is_blank(start - indent..start)
        });
        if !is_movable {
            return self.text[part].to_owned();
        }
        let mut lead = if is_whole {
            self.lead(part.start, self.line_start(first))
        } else {
            first
        };
        let mut text = self.text[part.start..lead].to_owned();
        let mut blocks: Vec<String> = Vec::new();
        let mut gaps: Vec<&str> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let next = entries.get(at + 1).map_or(part.end, |next| {
                self.line_start(next.key_place.span.start as usize)
            });
            let stop = self.stop(entry, next);
            let stop = stop + self.deeper(indent, stop..next);
            let value = self.value_start(entry);
            let mut block = self.text[lead..value].to_owned();
            block.push_str(&self.node(&entry.value, value..stop));
            blocks.push(block);
            lead = match entries.get(at + 1) {
                Some(_) => stop + blank(&self.text[stop..next]),
                None => next,
            };
            gaps.push(&self.text[stop..lead]);
        }
        // The first line of a list's item goes on behind its hyphen, where no comment of its own can stand.
        let is_ahead = |at: usize| is_whole || !blocks[at].trim_start().starts_with('#');
        let sorted = sorted.filter(|sorted| is_ahead(sorted[0]));
        let sorted = sorted.unwrap_or_else(|| (0..entries.len()).collect());
        if !is_whole {
            blocks[0].insert_str(0, &" ".repeat(indent));
        }
        for (at, (from, gap)) in sorted.into_iter().zip(gaps).enumerate() {
            let skipped = if at == 0 && !is_whole { indent } else { 0 };
            text.push_str(&blocks[from][skipped..]);
            text.push_str(gap);
        }
        text
    }

    /// Returns where the comments of a first entry start: what is above a blank line, or tells an editor the schema,
    /// belongs to the map.
    fn lead(&self, start: usize, end: usize) -> usize {
        let mut lead = start;
        let mut at = start;
        for line in self.text[start..end].split_inclusive('\n') {
            at += line.len();
            let comment = line.trim_start().strip_prefix('#');
            if comment.is_none_or(|it| it.trim_start().starts_with("yaml-language-server:")) {
                lead = at;
            }
        }
        lead
    }

    /// Returns where the lines of an entry end.
    fn stop(&self, entry: &Entry, next: usize) -> usize {
        let key = entry.key_place.span.end as usize;
        let stop = self.line_end(end(entry)).min(next);
        // Blank lines behind a block scalar may be part of it.
        let header = &self.text[key..range(&entry.value).start.max(key)];
        let header = header.trim_start_matches([':', ' ']);
        let keeps = header.starts_with(['|', '>'])
            && (header.split_whitespace().next()).is_some_and(|header| header.contains('+'));
        if keeps {
            stop + blank(&self.text[stop..next])
        } else {
            stop
        }
    }

    /// Returns where the part of an entry's value starts: behind the key's line for a map or a list of lines, so that the
    /// comments above its first entry belong to it.
    fn value_start(&self, entry: &Entry) -> usize {
        let key = entry.key_place.span.end as usize;
        let start = range(&entry.value).start.max(key);
        start.min(self.line_end(key))
    }

    /// Returns the length of the comments behind an entry that are indented deeper than its key, and so belong to it.
    fn deeper(&self, indent: usize, part: Range<usize>) -> usize {
        let (mut length, mut at) = (0, 0);
        for line in self.text[part].split_inclusive('\n') {
            at += line.len();
            let content = line.trim_start();
            if content.starts_with('#') && line.len() - content.len() > indent {
                length = at;
            } else if !content.is_empty() {
                break;
            }
        }
        length
    }

    fn is_blank(&self, part: Range<usize>) -> bool {
        self.text[part].bytes().all(|byte| byte == b' ')
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |found| found + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n');
        end.map_or(self.text.len(), |found| at + found + 1)
    }
}

/// Returns the length of the blank lines at the start of a text.
fn blank(text: &str) -> usize {
    let lines = text.split_inclusive('\n');
    let blank = lines.take_while(|line| line.trim().is_empty() && line.ends_with('\n'));
    blank.map(str::len).sum()
}

fn range(node: &Node) -> Range<usize> {
    node.place.span.start as usize..node.place.span.end as usize
}

fn end(entry: &Entry) -> usize {
    (entry.value.place.span.end).max(entry.key_place.span.end) as usize
}
