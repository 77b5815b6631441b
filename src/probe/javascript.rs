//! Splits JavaScript into tokens (ECMA-262, section 12), as far as a configuration needs it.

/// One token, and whether a line begins before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) begins_line: bool,
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    Number(String),
    /// A text, with its escapes decoded.
    Text(String),
    /// A template with something computed in it, as it is written.
    Template(String),
    /// A regular expression.
    Pattern,
    Mark(char),
}

/// Why a text was not split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// No browser runs it; holds what is wrong, and where.
    Mistake(String),
    /// A browser may run it; holds what is not understood.
    NotUnderstood(String),
}

/// Characters that word processors write instead of quotes.
const CURLY: [char; 4] = ['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}'];

/// Splits a text into tokens; comments are dropped.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, Unread> {
    let mut reader = Reader {
        rest: source.strip_prefix('\u{feff}').unwrap_or(source),
        line: 1,
        begins_line: true,
        found: Vec::new(),
    };
    while reader.step()? {}
    Ok(reader.found)
}

/// Where a token begins.
#[derive(Clone, Copy, Debug)]
struct Start {
    line: usize,
    begins_line: bool,
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    begins_line: bool,
    found: Vec<Token>,
}

pub(super) fn mistake(line: usize, what: &str) -> Unread {
    Unread::Mistake(format!("line {line}: {what}"))
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

impl<'a> Reader<'a> {
    /// Reads what comes next; returns whether there is anything.
    fn step(&mut self) -> Result<bool, Unread> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(false);
        };
        if self.rest.starts_with("//") || self.rest.starts_with("<!--") {
            let end = self.rest.find(is_line_end);
            self.take(end.unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            let Some(end) = self.rest.find("*/") else {
                return Err(mistake(self.line, "a comment has no end"));
            };
            self.take(end + 2);
        } else if first.is_whitespace() || first == '\u{feff}' {
            self.take(first.len_utf8());
        } else if matches!(first, '"' | '\'') {
            let start = self.start();
            self.take(1);
            let text = self.text(first, start.line)?;
            self.push(Kind::Text(text), start);
        } else if first == '`' {
            self.template()?;
        } else if first.is_ascii_digit() {
            let start = self.start();
            let length = self.rest.find(|c| !is_of_word(c) && c != '.');
            let number = self.take(length.unwrap_or(self.rest.len()));
            self.push(Kind::Number(number.to_owned()), start);
        } else if is_of_word(first) {
            let start = self.start();
            let length = self.rest.find(|c| !is_of_word(c));
            let word = self.take(length.unwrap_or(self.rest.len()));
            self.push(Kind::Word(word.to_owned()), start);
        } else if first == '/' && self.begins_pattern()? {
            self.pattern()?;
        } else {
            self.mark(first)?;
        }
        Ok(true)
    }

    fn start(&self) -> Start {
        Start {
            line: self.line,
            begins_line: self.begins_line,
        }
    }

    fn push(&mut self, kind: Kind, start: Start) {
        self.begins_line = false;
        self.found.push(Token {
            kind,
            begins_line: start.begins_line,
            line: start.line,
        });
    }

    /// Moves on by so many bytes, and counts the lines among them.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        let lines = taken.matches('\n').count();
        self.line += lines;
        self.begins_line |= taken.contains(is_line_end);
        self.rest = rest;
        taken
    }

    fn mark(&mut self, first: char) -> Result<(), Unread> {
        if CURLY.contains(&first) {
            let what = format!("{first} is no quote that JavaScript knows");
            return Err(mistake(self.line, &what));
        }
        if !first.is_ascii() || matches!(first, '\\' | '#' | '@') {
            return Err(Unread::NotUnderstood(first.to_string()));
        }
        let start = self.start();
        self.take(1);
        self.push(Kind::Mark(first), start);
        Ok(())
    }

    /// Returns whether a slash begins a regular expression; else it divides.
    fn begins_pattern(&self) -> Result<bool, Unread> {
        match self.found.last().map(|token| &token.kind) {
            // After either, both are possible.
            Some(Kind::Mark(')' | '}')) => Err(Unread::NotUnderstood("/".to_owned())),
            Some(Kind::Mark(']') | Kind::Number(_) | Kind::Text(_) | Kind::Template(_)) => {
                Ok(false)
            }
            Some(Kind::Word(word)) => Ok(matches!(
                word.as_str(),
                "return" | "typeof" | "case" | "in" | "of" | "delete" | "void"
            )),
            Some(Kind::Mark(_) | Kind::Pattern) | None => Ok(true),
        }
    }

    fn pattern(&mut self) -> Result<(), Unread> {
        let start = self.start();
        let mut is_class = false;
        let mut is_escaped = false;
        for (at, character) in self.rest.char_indices().skip(1) {
            match character {
                _ if is_line_end(character) => break,
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '[' => is_class = true,
                ']' => is_class = false,
                '/' if !is_class => {
                    let after = &self.rest[at + 1..];
                    let flags = after.find(|c| !is_of_word(c)).unwrap_or(after.len());
                    self.take(at + 1 + flags);
                    self.push(Kind::Pattern, start);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(mistake(self.line, "a regular expression has no end"))
    }

    fn template(&mut self) -> Result<(), Unread> {
        let start = self.start();
        self.take(1);
        let end = self.rest.find('`');
        let is_plain = end.is_some_and(|end| !self.rest[..end].contains("${"));
        if is_plain {
            let text = self.text('`', start.line)?;
            self.push(Kind::Text(text), start);
            return Ok(());
        }
        let mut is_escaped = false;
        let mut depth = 0_usize;
        let mut before = ' ';
        for (at, character) in self.rest.char_indices() {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '{' if before == '$' || depth > 0 => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                // A template in a template.
                '`' if depth > 0 => return Err(Unread::NotUnderstood("`".to_owned())),
                '`' => {
                    let written = self.take(at).to_owned();
                    self.take(1);
                    self.push(Kind::Template(written), start);
                    return Ok(());
                }
                _ => {}
            }
            before = character;
        }
        Err(mistake(start.line, "a template has no end"))
    }

    /// Reads a text up to its closing quote.
    fn text(&mut self, quote: char, line: usize) -> Result<String, Unread> {
        let mut text = String::new();
        loop {
            let Some(first) = self.rest.chars().next() else {
                return Err(mistake(line, "a text has no closing quote"));
            };
            if quote != '`' && matches!(first, '\n' | '\r') {
                return Err(mistake(line, "a text has no closing quote"));
            }
            self.take(first.len_utf8());
            match first {
                _ if first == quote => return Ok(text),
                '\\' => text.extend(self.escaped()?),
                _ => text.push(first),
            }
        }
    }

    /// Reads what follows a backslash; a line that goes on stands for nothing.
    fn escaped(&mut self) -> Result<Option<char>, Unread> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        self.take(first.len_utf8());
        Ok(match first {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'v' => Some('\u{b}'),
            'x' => self.code(2)?,
            'u' if self.rest.starts_with('{') => {
                self.take(1);
                let length = self.rest.find('}').unwrap_or(0);
                let code = self.code(length)?;
                self.take(1);
                code
            }
            'u' => self.code(4)?,
            // The old octal numbers.
            '0'..='9' => return Err(Unread::NotUnderstood(format!("\\{first}"))),
            '\r' => {
                let is_pair = self.rest.starts_with('\n');
                self.take(usize::from(is_pair));
                None
            }
            _ if is_line_end(first) => None,
            other => Some(other),
        })
    }

    /// Reads a hexadecimal number of so many digits.
    fn code(&mut self, length: usize) -> Result<Option<char>, Unread> {
        let digits = self.rest.get(..length).unwrap_or_default();
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(mistake(self.line, "an escape lacks its hexadecimal digits"));
        }
        let code = u32::from_str_radix(digits, 16).ok();
        match code.and_then(char::from_u32) {
            Some(character) => {
                self.take(length);
                Ok(Some(character))
            }
            // Half of a surrogate pair.
            None => Err(Unread::NotUnderstood(format!("\\u{digits}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_as_a_browser_reads_them() {
        #[track_caller]
        fn check(source: &str, expected: &str) {
            let found = tokens(source).unwrap();
            let kinds: Vec<Kind> = found.into_iter().map(|token| token.kind).collect();
            assert_eq!(kinds, [Kind::Text(expected.to_owned())], "{source}");
        }
        check(r"'https:\/\/a\u002fb'", "https://a/b");
        check(r"'\x2f\u{2f}\u{00002F}'", "///");
        check(r#""it's \"so\"""#, "it's \"so\"");
        check("'a\\\nb'", "ab");
        check("'a\\\r\nb'", "ab");
        check(r"'\n\t\q'", "\n\tq");
        check("`a\nb`", "a\nb");
    }

    #[test]
    fn what_no_browser_runs_is_a_mistake() {
        #[track_caller]
        fn check(source: &str, expected: &str) {
            assert_eq!(
                tokens(source),
                Err(Unread::Mistake(expected.to_owned())),
                "{source}"
            );
        }
        check("a = 'b\nc'", "line 1: a text has no closing quote");
        check("\n\"b", "line 2: a text has no closing quote");
        check("/* a", "line 1: a comment has no end");
        check("`a", "line 1: a template has no end");
        check("a = /b\n", "line 1: a regular expression has no end");
        check(r"'\u00'", "line 1: an escape lacks its hexadecimal digits");
        check(
            "\u{2018}a\u{2019}",
            "line 1: \u{2018} is no quote that JavaScript knows",
        );
    }

    #[test]
    fn slashes_divide_or_begin_a_pattern() {
        #[track_caller]
        fn check(source: &str, expected: usize) {
            let found = tokens(source).unwrap();
            let patterns = found.iter().filter(|token| token.kind == Kind::Pattern);
            assert_eq!(patterns.count(), expected, "{source}");
        }
        check("a: /['\"/]/g, b", 1);
        check(r"a = /\//", 1);
        check("a / b / c", 0);
        check("return /'/", 1);
        check("4 / 2 // '", 0);
    }
}
