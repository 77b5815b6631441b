//! Parses text into a [`Node`]: the part of YAML that people mean when they say YAML.
//!
//! Anchors, aliases, merge keys, tags and several documents in one file are rejected, because tools disagree on each of
//! them, and none is needed where layers do the sharing.

use std::collections::BTreeMap;

use granit_parser::{
    ErrorKind, Event, Parser, ScalarStyle, ScanError, Span as ParserSpan, StrInput,
};

use super::node::{Content, Entry, Node, Scalar};
use super::unclosed::Unclosed;
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Place, Span};
use crate::model::PLACEHOLDER;

/// Maximum size of a file that is read as YAML, in bytes.
pub(super) const MAX_YAML_BYTES: u64 = 1 << 20;

/// Maximum nesting depth; a whitelabel has three levels.
pub(super) const MAX_DEPTH: usize = 32;

/// Reads one document.
///
/// The node is absent if the text is not YAML, or contains no document. Mistakes that leave the structure clear are
/// reported, and the rest of the file is read.
pub(super) fn parse(file: FileId, text: &str) -> (Option<Node>, Diagnostics) {
    let mut reader = Reader::new(file, text);
    reader.check_characters();
    if !reader.diagnostics.is_empty() {
        return (None, reader.diagnostics);
    }
    let node = match reader.document() {
        Ok(node) => node,
        Err(Stop::Syntax(error)) => {
            let diagnostic = reader.syntax_error(&error);
            reader.diagnostics.push(diagnostic);
            None
        }
        Err(Stop::Depth(place)) => {
            reader.diagnostics.push(
                Diagnostic::new(
                    Code::EB0110,
                    format!("nested over {MAX_DEPTH} levels deep"),
                    "flatten the document",
                )
                .at(place, "this is one level too deep"),
            );
            None
        }
    };
    (node, reader.diagnostics)
}

/// The reason why parsing cannot continue.
enum Stop {
    Syntax(ScanError),
    Depth(Place),
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Syntax(error)
    }
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    diagnostics: Diagnostics,
}

impl<'t> Reader<'t> {
    fn new(file: FileId, text: &'t str) -> Self {
        let options = granit_parser::options! {
            disallow_directives: true,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            emit_comments: false,
        };
        Self {
            file,
            text,
            parser: Parser::new_from_str_with_options(text, options),
            diagnostics: Diagnostics::new(),
        }
    }

    /// Rejects invisible characters, some of which the parser would accept as content.
    fn check_characters(&mut self) {
        let invisible = |(at, character): &(usize, char)| match character {
            '\n' | '\r' | '\t' => false,
            '\u{feff}' => *at != 0,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
            other => other.is_control(),
        };
        if let Some((at, character)) = self.text.char_indices().find(invisible) {
            let place = self.place(at, at + character.len_utf8());
            self.report(
                Code::EB0107,
                format!(
                    "control character U+{:04X} in the file",
                    u32::from(character)
                ),
                "delete it, or write it as an escape such as \"\\u00A0\" in double quotes",
                place,
                "nobody can see it here",
            );
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(..) if root.is_some() => {
                    let place = self.span(span);
                    self.report(
                        Code::EB0106,
                        "a second document in the file",
                        "move it into a file of its own",
                        place,
                        "it starts here",
                    );
                    return Ok(root);
                }
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, ParserSpan), Stop> {
        self.parser
            .next_event()
            .unwrap_or_else(|| Ok((Event::StreamEnd, ParserSpan::default())))
            .map_err(Stop::from)
    }

    fn node(&mut self, event: Event<'t>, span: ParserSpan, depth: usize) -> Result<Node, Stop> {
        let place = self.span(span);
        if depth > MAX_DEPTH {
            return Err(Stop::Depth(place));
        }
        if event.tag().is_some() {
            let tag = span.tag_span().map_or(place, |tag| self.span(tag));
            self.report(
                Code::EB0105,
                format!("tag {}", self.slice(tag)),
                "delete the tag: a value's type follows from its key",
                tag,
                "tags are not read",
            );
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                // The parser reports an omitted value as a tilde, but the two do not mean the same here.
                let nothing = plain && place.span.start == place.span.end;
                let scalar = Scalar {
                    text: if nothing {
                        String::new()
                    } else {
                        text.into_owned()
                    },
                    plain,
                };
                Ok(Node {
                    content: Content::Scalar(scalar),
                    place,
                })
            }
            Event::SequenceStart(..) => self.sequence(place, depth),
            Event::MappingStart(..) => self.mapping(place, depth),
            _ => {
                self.report(
                    Code::EB0103,
                    format!("alias {}", self.slice(place)),
                    "write the value out, or move what is shared into a layer in brands/",
                    place,
                    "aliases are not read",
                );
                Ok(Node {
                    content: Content::Broken,
                    place,
                })
            }
        }
    }

    fn sequence(&mut self, start: Place, depth: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::Anchor(..) => self.anchor(span),
                Event::SequenceEnd => {
                    let place =
                        self.collection(start, span, items.last().map(|node: &Node| node.place));
                    return Ok(Node {
                        content: Content::Sequence(items),
                        place,
                    });
                }
                event => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, start: Place, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::Anchor(..) => self.anchor(span),
                Event::MappingEnd => {
                    let last = entries.last().map(|entry| entry.value.place);
                    let place = self.collection(start, span, last);
                    return Ok(Node {
                        content: Content::Mapping(entries),
                        place,
                    });
                }
                event => {
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.value()?;
                    let value = self.node(event, span, depth + 1)?;
                    if let Some(entry) = self.entry(key, value, &mut seen) {
                        entries.push(entry);
                    }
                }
            }
        }
    }

    /// Reads up to the start of a key's value, and reports anchors on the way.
    fn value(&mut self) -> Result<(Event<'t>, ParserSpan), Stop> {
        loop {
            match self.next()? {
                (Event::Anchor(..), span) => self.anchor(span),
                other => return Ok(other),
            }
        }
    }

    fn entry(
        &mut self,
        key: Node,
        value: Node,
        seen: &mut BTreeMap<String, Place>,
    ) -> Option<Entry> {
        let key_place = key.place;
        if key.is_null() || key.is_empty() {
            self.report(
                Code::EB0111,
                "a key that is null",
                "write the key's name, in quotes if it is the word null",
                key_place,
                "a key must be a string",
            );
            return None;
        }
        let scalar = match key.content {
            Content::Scalar(scalar) => scalar,
            Content::Broken => return None,
            Content::Sequence(_) | Content::Mapping(_) => {
                // A placeholder without quotes is a map in a map: report it once, for the outer one. The diagnostics of
                // the inner one are the last ones.
                let is_before = |diagnostic: &Diagnostic| {
                    let place = diagnostic.primary.as_ref().map(|label| label.place.span);
                    place.is_none_or(|span| span.start < key_place.span.start)
                };
                let before = self.diagnostics.iter().rposition(is_before);
                let within = self
                    .diagnostics
                    .split_off(before.map_or(0, |last| last + 1));
                let others = within.into_iter().filter(|it| it.code != Code::EB0111);
                self.diagnostics.extend(others);
                let diagnostic = Diagnostic::new(
                    Code::EB0111,
                    "a key that is a list or a map",
                    "put the key in quotes: \"{{domain}}\" without quotes is a map in YAML",
                )
                .at(key_place, "a key must be a string");
                self.diagnostics.push(match self.slice(key_place) {
                    PLACEHOLDER => diagnostic.mended_by(key_place, format!("\"{PLACEHOLDER}\"")),
                    _ => diagnostic,
                });
                return None;
            }
        };
        if scalar.plain && scalar.text == "<<" {
            self.report(
                Code::EB0104,
                "merge key <<",
                "move what is shared into a layer in brands/ and name it in extends",
                key_place,
                "merge keys are not read",
            );
            return None;
        }
        if let Some(first) = seen.get(&scalar.text) {
            self.diagnostics.push(
                Diagnostic::new(
                    Code::EB0102,
                    format!("key {} twice in one map", scalar.text),
                    "keep one of the two",
                )
                .at(key_place, "the second one")
                .see(*first, "the first one"),
            );
            return None;
        }
        seen.insert(scalar.text.clone(), key_place);
        Some(Entry {
            key: scalar.text,
            key_place,
            value,
        })
    }

    fn anchor(&mut self, span: ParserSpan) {
        let place = self.span(span);
        self.report(
            Code::EB0103,
            format!("anchor {}", self.slice(place)),
            "delete it; move what is shared into a layer in brands/",
            place,
            "anchors are not read",
        );
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let at = error.marker().byte_offset().unwrap_or(self.text.len());
        if let Some(quote) = Unclosed::find(self.text, at) {
            let end = self.place(quote.end, quote.end);
            let mark = quote.mark;
            return Diagnostic::new(
                Code::EB0101,
                "not valid YAML: unclosed quote",
                format!("close it with {mark} behind the text"),
            )
            .at(self.place(quote.start, quote.end), "it opens here")
            .mended_by(end, mark.to_string());
        }
        let info = error.info();
        let tab = self.indenting_tab(at, &info);
        let place = tab.map_or(self.place(at, at), |tab| self.place(tab, tab + 1));
        let (code, help) = match error.kind() {
            ErrorKind::RecursionLimitExceeded => (Code::EB0110, "flatten the document"),
            _ if tab.is_some() => (Code::EB0101, "indent with spaces: YAML does not take tabs"),
            _ => (
                Code::EB0101,
                "look here and on the line above for a missing quote, colon or space",
            ),
        };
        Diagnostic::new(code, format!("not valid YAML: {info}"), help)
            .at(place, "the parser gave up here")
    }

    fn report(
        &mut self,
        code: Code,
        message: impl Into<String>,
        help: &str,
        place: Place,
        text: &str,
    ) {
        self.diagnostics
            .push(Diagnostic::new(code, message, help).at(place, text));
    }

    /// Returns the place of a collection, from its start to the end of its content: the parser's own end of a block
    /// collection is after blank lines and comments.
    fn collection(&self, start: Place, end: ParserSpan, last: Option<Place>) -> Place {
        let end = self.span(end);
        let block = end.span.start == end.span.end;
        let end = match last {
            Some(last) if block => last.span.end,
            _ => end.span.end,
        };
        Place {
            file: self.file,
            span: Span {
                start: start.span.start,
                end: end.max(start.span.start),
            },
        }
    }

    fn span(&self, span: ParserSpan) -> Place {
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(start).max(start);
        let covered = self.text.get(start..end).unwrap_or("");
        self.place(start, start + covered.trim_end().len())
    }

    fn place(&self, start: usize, end: usize) -> Place {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Place {
            file: self.file,
            span: Span {
                start: offset(start),
                end: offset(end),
            },
        }
    }

    fn slice(&self, place: Place) -> &'t str {
        self.text
            .get(place.span.start as usize..place.span.end as usize)
            .unwrap_or("")
    }

    /// Finds the tab that indents the line on which the parser gave up, or the next one if it complains about a tab.
    fn indenting_tab(&self, at: usize, info: &str) -> Option<usize> {
        let before = self.text.get(..self.text.floor_char_boundary(at))?;
        let mut start = before.rfind('\n').map_or(0, |end| end + 1);
        let lines = self.text.get(start..)?.split_inclusive('\n');
        let mut not_blank = lines.filter_map(|line| {
            let place = start + line.len() - line.trim_start_matches(' ').len();
            start += line.len();
            (!line.trim().is_empty()).then_some((place, line))
        });
        let here = not_blank.next();
        let next = not_blank.next().filter(|_| info.contains("a tab"));
        let tab = [here, next]
            .into_iter()
            .flatten()
            .find(|(_, line)| line.trim_start_matches(' ').starts_with('\t'));
        tab.map(|(place, _)| place)
    }
}
