//! The primitives of decoding: maps with known keys, texts, booleans, choices, lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics, Place, Spanned};
use crate::tree::check::{Guesses, Problem};
use crate::tree::node::{Content, Entry, Node};

/// Collects the mistakes of one file while it is decoded; every method reports mistakes and continues.
#[derive(Debug, Default)]
pub(in crate::tree) struct Reader {
    /// Diagnostics found so far.
    pub(in crate::tree) diagnostics: Diagnostics,
    /// Places of secrets, which must not be shown, not even in the source line that a diagnostic quotes.
    pub(in crate::tree) secrets: Vec<Place>,
    /// Remaining budget for comparing mistyped words with known ones.
    pub(in crate::tree) guesses: Guesses,
    /// Text of the file, for fixes that move a part of it.
    pub(in crate::tree) text: Arc<str>,
    /// The known keys of each map by the map's offset, where they are collected: what is formatted has their order.
    pub(in crate::tree) orders: Option<BTreeMap<u32, Vec<&'static str>>>,
}

/// Maximum number of mistyped keys per map that are read as the key that was meant.
const MOST_MEANT: usize = 4;

/// The entries of a map.
#[derive(Clone, Copy, Debug)]
pub(in crate::tree) struct Fields<'n> {
    entries: &'n [Entry],
    /// Mistyped keys, with the known keys that were meant: a mistake is reported once, and the content below it is
    /// still decoded.
    meant: [Option<(&'static str, &'n Entry)>; MOST_MEANT],
}

impl<'n> Fields<'n> {
    fn new(entries: &'n [Entry]) -> Self {
        Self {
            entries,
            meant: [None; MOST_MEANT],
        }
    }

    /// Treats a mistyped key as a known one.
    fn mean(&mut self, key: &'static str, entry: &'n Entry) {
        if let Some(free) = self.meant.iter_mut().find(|meant| meant.is_none()) {
            *free = Some((key, entry));
        }
    }

    fn meant(self, key: &str) -> Option<&'n Entry> {
        let mut meant = self.meant.into_iter().flatten();
        meant
            .find(|(known, _)| *known == key)
            .map(|(_, entry)| entry)
    }

    /// Returns the entry with a key; entries without a value are ignored, as they were already reported.
    pub(in crate::tree) fn entry(self, key: &str) -> Option<&'n Entry> {
        let meant = || self.meant(key).filter(|entry| !entry.value.is_empty());
        self.iter().find(|entry| entry.key == key).or_else(meant)
    }

    /// Returns the value of a key.
    pub(in crate::tree) fn get(self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Returns whether a key is present, with or without a value.
    pub(in crate::tree) fn has(self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key) || self.meant(key).is_some()
    }

    /// Lists the keys that are present, with or without a value.
    pub(in crate::tree) fn written(self) -> impl Iterator<Item = &'n str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Returns whether no key is present at all.
    pub(in crate::tree) fn is_empty(self) -> bool {
        self.entries.is_empty()
    }

    /// Iterates over the entries that have a value.
    pub(in crate::tree) fn iter(self) -> impl Iterator<Item = &'n Entry> {
        self.entries.iter().filter(|entry| !entry.value.is_empty())
    }
}

impl Reader {
    /// Reports a mistake.
    pub(in crate::tree) fn report(
        &mut self,
        code: Code,
        message: impl Into<String>,
        help: impl Into<String>,
        place: Place,
        label: &str,
    ) {
        self.diagnostics
            .push(Diagnostic::new(code, message, help).at(place, label));
    }

    /// Reports a problem at the place of the value or key that it is about.
    pub(in crate::tree) fn problem(&mut self, problem: Problem, place: Place) {
        self.diagnostics.push(problem.at(place));
    }

    /// Attaches a replacement to the mistake that was reported last, if there is one.
    pub(in crate::tree) fn mended_by(&mut self, place: Place, text: Option<&str>) {
        if let Some(text) = text
            && let Some(mistake) = self.diagnostics.pop()
        {
            self.diagnostics.push(mistake.mended_by(place, text));
        }
    }

    /// Marks every scalar in a node as secret.
    pub(in crate::tree) fn hide(&mut self, node: &Node) {
        self.hide_except(node, &[]);
    }

    /// Marks every scalar in a node as secret, except those below some keys.
    pub(in crate::tree) fn hide_except(&mut self, node: &Node, shown: &[&str]) {
        match &node.content {
            Content::Scalar(_) => self.secrets.push(node.place),
            Content::Sequence(items) => items.iter().for_each(|item| self.hide_except(item, shown)),
            Content::Mapping(entries) => {
                for entry in entries {
                    if !shown.contains(&entry.key.as_str()) {
                        self.hide_except(&entry.value, shown);
                    }
                }
            }
            Content::Broken => {}
        }
    }

    /// Reports a mistake that a second place explains.
    pub(in crate::tree) fn report_both(
        &mut self,
        code: Code,
        message: impl Into<String>,
        help: impl Into<String>,
        (place, label): (Place, &str),
        (other, other_label): (Place, &str),
    ) {
        let diagnostic = Diagnostic::new(code, message, help);
        self.diagnostics
            .push(diagnostic.at(place, label).see(other, other_label));
    }

    /// Reads a map with known keys.
    pub(in crate::tree) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&'static str],
    ) -> Fields<'n> {
        let Content::Mapping(entries) = &node.content else {
            return self.map(node, what);
        };
        self.order(node, || known.to_vec());
        let mut fields = Fields::new(entries);
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let meant = self.unknown_key(entry, what, known);
                // The fix must not create a duplicate key.
                if let Some(meant) = meant.filter(|word| !fields.has(word)) {
                    self.mended_by(entry.key_place, Some(meant));
                    fields.mean(meant, entry);
                }
            } else if entry.value.is_empty() {
                self.no_value(entry);
            }
        }
        fields
    }

    /// Collects the order of a map's known keys, where orders are collected.
    pub(in crate::tree) fn order(&mut self, map: &Node, known: impl FnOnce() -> Vec<&'static str>) {
        if let Some(orders) = &mut self.orders {
            orders.insert(map.place.span.start, known());
        }
    }

    /// Reads a map with arbitrary keys.
    pub(in crate::tree) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Fields<'n> {
        let Content::Mapping(entries) = &node.content else {
            self.wrong_type(node, what, "a map");
            return Fields::new(&[]);
        };
        for entry in entries.iter().filter(|entry| entry.value.is_empty()) {
            self.no_value(entry);
        }
        Fields::new(entries)
    }

    /// Reads a list.
    pub(in crate::tree) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        if let Content::Sequence(items) = &node.content {
            return items;
        }
        self.wrong_type(node, what, "a list");
        &[]
    }

    /// Reads a string, even if it looks like a number or a boolean.
    pub(in crate::tree) fn text(&mut self, node: &Node, what: &str) -> Option<Spanned<String>> {
        match &node.content {
            Content::Scalar(scalar) if !node.is_null() && !node.is_empty() => Some(Spanned {
                value: scalar.text.clone(),
                place: node.place,
            }),
            _ => {
                self.wrong_type(node, what, "a string");
                None
            }
        }
    }

    /// Reads a list of strings.
    pub(in crate::tree) fn texts(&mut self, node: &Node, what: &str) -> Vec<Spanned<String>> {
        let items = self.list(node, what);
        items
            .iter()
            .filter_map(|item| self.text(item, &format!("an item of {what}")))
            .collect()
    }

    /// Reads `true` or `false`.
    pub(in crate::tree) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        let Content::Scalar(scalar) = &node.content else {
            self.wrong_type(node, what, "true or false");
            return None;
        };
        let (plain, quoted) = (scalar.plain, !scalar.plain);
        match scalar.text.as_str() {
            "true" | "True" | "TRUE" if plain => return Some(true),
            "false" | "False" | "FALSE" if plain => return Some(false),
            _ if node.is_empty() || node.is_null() => {
                self.wrong_type(node, what, "true or false");
                return None;
            }
            _ => {}
        }
        let lower = scalar.text.to_lowercase();
        let (help, meant) = match lower.as_str() {
            "true" | "false" if quoted => (
                format!(
                    "write {lower} without quotes: the server turns the text into a boolean, which would be drift for ever"
                ),
                Some(lower.as_str()),
            ),
            "yes" | "y" | "on" | "1" | "true" => ("write true".to_owned(), Some("true")),
            "no" | "n" | "off" | "0" | "false" => ("write false".to_owned(), Some("false")),
            _ => ("write true or false".to_owned(), None),
        };
        self.report(
            Code::EB0203,
            format!("{what} is {:?}, which is not a boolean", scalar.text),
            help,
            node.place,
            "expected true or false",
        );
        self.mended_by(node.place, meant);
        None
    }

    /// Reads one of several words.
    pub(in crate::tree) fn choice<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(node, what)?;
        let found = choices.iter().find(|(word, _)| *word == text.value);
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let meant = self.guesses.nearest(&text.value, || words.iter().copied());
        let help = meant.map_or_else(
            || format!("write one of {}", words.join(", ")),
            |word| format!("did you mean {word}?"),
        );
        self.report(
            Code::EB0204,
            format!("{what} cannot be {:?}", text.value),
            help,
            node.place,
            "none of the words that are known here",
        );
        self.mended_by(node.place, meant);
        None
    }

    /// Reports a node of the wrong type.
    pub(in crate::tree) fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) {
        let place = node.place;
        match &node.content {
            Content::Broken => {}
            _ if node.is_null() => self.report(
                Code::EB0210,
                format!("{what} is null"),
                format!("write {wanted}, or delete the key; null means \"must not be there\" and is for settings and assets"),
                place,
                "null has no meaning here",
            ),
            Content::Mapping(entries) if entries.iter().any(|entry| entry.value.is_empty()) => self.report(
                Code::EB0202,
                format!("{what} is a map, but must be {wanted}"),
                "put it in quotes if it begins with {{domain}}: braces without quotes are a map",
                place,
                &format!("expected {wanted} here"),
            ),
            _ => self.report(
                Code::EB0202,
                format!("{what} is {}, but must be {wanted}", node.describe()),
                format!("write {wanted}"),
                place,
                &format!("expected {wanted} here"),
            ),
        }
    }

    /// Reports an unknown key, and returns the one that was probably meant.
    pub(in crate::tree) fn unknown_key(
        &mut self,
        entry: &Entry,
        what: &str,
        known: &[&'static str],
    ) -> Option<&'static str> {
        let meant = self.guesses.nearest(&entry.key, || known.iter().copied());
        let help = meant.map_or_else(
            || format!("known here: {}", known.join(", ")),
            |word| format!("did you mean {word}?"),
        );
        self.report(
            Code::EB0201,
            format!("{what} has no key {}", entry.key),
            help,
            entry.key_place,
            "unknown key",
        );
        meant
    }

    fn no_value(&mut self, entry: &Entry) {
        self.report(
            Code::EB0207,
            format!("{} has no value", entry.key),
            "write the value; null for \"must not be there\", \"\" for an empty text, {} for an empty map; or delete the key",
            entry.key_place,
            "its value is missing",
        );
    }
}
