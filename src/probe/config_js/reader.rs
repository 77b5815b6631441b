//! Goes through the tokens of a script from left to right.

use std::collections::BTreeMap;

use url::Url;

use super::value::Value;
use crate::probe::javascript::{Kind, Token, Unread, mistake};

/// How deeply brackets may stand in one another.
const DEEPEST: usize = 64;
const NOT_CLOSED: &str = "a bracket is not closed";

/// Reads statements and expressions from left to right.
pub(super) struct Reader<'t> {
    pub(super) tokens: &'t [Token],
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) page: &'t Url,
    /// The variables.
    pub(super) scope: BTreeMap<String, Value>,
    /// Whether two names may stand for one object: then an assignment may change both.
    pub(super) is_shared: bool,
    /// Whether code that is not understood may have changed an object.
    pub(super) is_touched: bool,
}

pub(super) type Reading<T> = Result<T, Unread>;

impl<'t> Reader<'t> {
    pub(super) fn new(tokens: &'t [Token], page: &'t Url) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
            page,
            scope: BTreeMap::new(),
            is_shared: false,
            is_touched: false,
        }
    }

    pub(super) fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    pub(super) fn is_mark(&self, mark: char) -> bool {
        self.peek() == Some(&Kind::Mark(mark))
    }

    pub(super) fn is_mark_at(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).map(|token| &token.kind) == Some(&Kind::Mark(mark))
    }

    pub(super) fn begins_line(&self) -> bool {
        self.tokens
            .get(self.at)
            .is_none_or(|token| token.begins_line)
    }

    pub(super) fn line(&self) -> usize {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(1, |token| token.line)
    }

    /// Moves past a mark, if it comes next.
    pub(super) fn takes(&mut self, mark: char) -> bool {
        let is_next = self.is_mark(mark);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let is_next = self.tokens.get(self.at).is_some_and(|it| is_word(it, word));
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn name(&mut self) -> Reading<String> {
        match self.peek() {
            Some(Kind::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => self.not_understood(),
        }
    }

    /// Ends the reading at what comes next.
    pub(super) fn not_understood<T>(&self) -> Reading<T> {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let end = rest.iter().skip(1).position(|token| token.begins_line);
        let line = end.map_or(rest, |end| &rest[..=end]);
        Err(Unread::NotUnderstood(written(line)))
    }

    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Reading<T>) -> Reading<T> {
        if self.depth == DEEPEST {
            return self.not_understood();
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Moves into a function that stands here: past its head. Returns how its body is written.
    pub(super) fn function_head(&mut self) -> Reading<Option<Body>> {
        let start = self.at;
        if self.takes_word("function") {
            if !self.is_mark('(') {
                self.name()?;
            }
            if !self.is_mark('(') {
                return self.not_understood();
            }
            self.parameters()?;
            return Ok(Some(Body::Statements));
        }
        let end = match self.peek() {
            Some(Kind::Mark('(')) => self.matching(start)?,
            Some(Kind::Word(_)) => start + 1,
            _ => return Ok(None),
        };
        if !self.is_mark_at(end, '=') || !self.is_mark_at(end + 1, '>') {
            return Ok(None);
        }
        self.parameters()?;
        self.at += 2;
        Ok(Some(if self.is_mark('{') {
            Body::Statements
        } else {
            Body::Expression
        }))
    }

    /// Reads the parameters of a function: nothing is known about them.
    pub(super) fn parameters(&mut self) -> Reading<()> {
        let start = self.at;
        if self.is_mark('(') {
            self.balanced()?;
        } else {
            self.at += 1;
        }
        for token in &self.tokens[start..self.at] {
            if let Kind::Word(name) = &token.kind {
                self.scope
                    .insert(name.clone(), Value::Unknown(name.clone()));
            }
        }
        Ok(())
    }

    /// Reads `name.member['member']`.
    pub(super) fn path(&mut self) -> Reading<(String, Vec<String>)> {
        let name = self.name()?;
        let mut members = Vec::new();
        loop {
            if self.takes('.') {
                members.push(self.name()?);
                continue;
            }
            let member = match (self.is_mark('['), self.tokens.get(self.at + 1)) {
                (true, Some(token)) if self.is_mark_at(self.at + 2, ']') => &token.kind,
                _ => return Ok((name, members)),
            };
            let Kind::Text(member) = member else {
                return Ok((name, members));
            };
            members.push(member.clone());
            self.at += 3;
        }
    }

    /// Notes that code which is not understood names an object or a function of ours, and so may change an object.
    pub(super) fn touch(&mut self, at: usize) {
        if let Some(Kind::Word(word)) = self.tokens.get(at).map(|token| &token.kind) {
            self.is_touched |= self.is_ours(word);
        }
    }

    /// Returns whether a name stands for an object or a function of this file.
    pub(super) fn is_ours(&self, name: &str) -> bool {
        let value = self.scope.get(name);
        matches!(value, Some(Value::Object(_) | Value::Function))
    }

    /// Moves past a pair of brackets and everything between them.
    pub(super) fn balanced(&mut self) -> Reading<()> {
        let end = self.matching(self.at)?;
        for at in self.at..end {
            self.touch(at);
        }
        self.at = end;
        Ok(())
    }

    /// Returns what follows the bracket that closes the one at `start`.
    pub(super) fn matching(&self, start: usize) -> Reading<usize> {
        let mut open = Vec::new();
        for (at, token) in self.tokens.iter().enumerate().skip(start) {
            match token.kind {
                Kind::Mark(mark @ ('(' | '[' | '{')) => open.push(mark),
                Kind::Mark(mark @ (')' | ']' | '}')) => {
                    let fits = matches!(
                        (open.pop(), mark),
                        (Some('('), ')') | (Some('['), ']') | (Some('{'), '}')
                    );
                    if !fits {
                        return Err(not_open(token.line, mark));
                    }
                }
                _ => {}
            }
            if open.is_empty() {
                return Ok(at + 1);
            }
        }
        Err(mistake(self.line(), NOT_CLOSED))
    }

    /// Tells that neither a comma nor the bracket that closes comes next.
    pub(super) fn unclosed<T>(&self) -> Reading<T> {
        match self.peek() {
            None => Err(mistake(self.line(), NOT_CLOSED)),
            Some(Kind::Mark(mark @ (';' | ')' | ']' | '}'))) => {
                let what = format!("a {mark} stands where a comma or another bracket belongs");
                Err(mistake(self.line(), &what))
            }
            Some(_) => self.not_understood(),
        }
    }
}

pub(super) fn is_word(token: &Token, word: &str) -> bool {
    matches!(&token.kind, Kind::Word(it) if it == word)
}

pub(super) fn not_open(line: usize, mark: char) -> Unread {
    mistake(line, &format!("a {mark} closes what is not open"))
}

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A line may end it.
    Statement,
    /// Only a comma or a bracket ends it.
    Brackets,
}

/// How the body of a function is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Statements,
    Expression,
}

/// Writes an expression for a message, at most so long.
pub(super) fn written(tokens: &[Token]) -> String {
    const LONGEST: usize = 120;
    let text: String = tokens
        .iter()
        .map(|token| match &token.kind {
            Kind::Word(word) | Kind::Number(word) => word.clone(),
            Kind::Text(text) | Kind::Template(text) => format!("{text:?}"),
            Kind::Pattern => "/…/".to_owned(),
            Kind::Mark(mark) => mark.to_string(),
        })
        .collect();
    text.chars().take(LONGEST).collect()
}
