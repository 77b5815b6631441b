//! Reads expressions.

use super::reader::{Body, Place, Reader, Reading, written};
use super::value::{Object, Value, added, location, open};
use crate::probe::javascript::{Kind, mistake};

/// Words before or after which another value may stand.
const OPERATORS: &[&str] = &[
    "async",
    "await",
    "class",
    "delete",
    "extends",
    "function",
    "in",
    "instanceof",
    "new",
    "of",
    "typeof",
    "void",
    "yield",
];

impl Reader<'_> {
    /// Reads an expression up to what ends it.
    pub(super) fn expression(&mut self, place: Place) -> Reading<Value> {
        let start = self.at;
        let mut value = self.deeper(Self::operand)?;
        while self.is_mark('+') && !self.is_mark_at(self.at + 1, '+') {
            self.at += 1;
            let next = self.deeper(Self::operand)?;
            value = added(value, next);
        }
        if self.is_ended(place) {
            if let Value::Unknown(what) = &mut value {
                *what = written(&self.tokens[start..self.at]);
            }
            return Ok(value);
        }
        self.skip(place)?;
        Ok(Value::Unknown(written(&self.tokens[start..self.at])))
    }

    pub(super) fn is_ended(&self, place: Place) -> bool {
        match self.peek() {
            None | Some(Kind::Mark(',' | ';' | ')' | ']' | '}')) => true,
            Some(Kind::Mark(_)) => false,
            Some(Kind::Word(word)) if matches!(word.as_str(), "in" | "instanceof") => false,
            Some(_) => place == Place::Statement && self.begins_line(),
        }
    }

    /// Moves to the end of an expression that is not understood.
    pub(super) fn skip(&mut self, place: Place) -> Reading<()> {
        while !self.is_ended(place) || self.goes_on(place) {
            if place == Place::Brackets {
                self.operator_is_there()?;
            }
            match self.peek() {
                None => return Ok(()),
                Some(Kind::Mark('{' | '(' | '[')) => self.balanced()?,
                Some(_) => {
                    self.touch(self.at);
                    self.at += 1;
                }
            }
        }
        Ok(())
    }

    /// Returns whether a line that begins here belongs to the expression before it.
    pub(super) fn goes_on(&self, place: Place) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let is_operator = matches!(
            before.map(|token| &token.kind),
            Some(Kind::Mark(
                '=' | '+' | '-' | '*' | '?' | ':' | '|' | '&' | '<' | '>' | '!' | '.'
            ))
        );
        let is_value = matches!(
            self.peek(),
            Some(Kind::Word(_) | Kind::Text(_) | Kind::Number(_) | Kind::Template(_))
        );
        place == Place::Statement && is_operator && is_value
    }

    /// In an object, two values with nothing between them are a mistake: mostly a comma that was forgotten.
    pub(super) fn operator_is_there(&self) -> Reading<()> {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let ends_value = match before.map(|token| &token.kind) {
            Some(Kind::Word(word)) => !OPERATORS.contains(&word.as_str()),
            Some(Kind::Mark(mark)) => matches!(mark, ')' | ']' | '}'),
            before => before.is_some(),
        };
        let what = match self.peek() {
            Some(Kind::Word(word)) if !OPERATORS.contains(&word.as_str()) => word,
            Some(Kind::Text(text)) => text,
            _ => return Ok(()),
        };
        if !ends_value {
            return Ok(());
        }
        let what = format!("a comma is missing before {what}");
        Err(mistake(self.line(), &what))
    }

    pub(super) fn operand(&mut self) -> Reading<Value> {
        let Some(first) = self.peek().cloned() else {
            return Err(mistake(self.line(), "a value is missing"));
        };
        if matches!(first, Kind::Word(_) | Kind::Mark('('))
            && let Some(body) = self.function_head()?
        {
            return self.inner_function(body);
        }
        match first {
            Kind::Mark('{') => self.object(),
            Kind::Mark('[') => self.array(),
            Kind::Mark('(') => {
                self.at += 1;
                let value = self.expression(Place::Brackets)?;
                if self.takes(')') {
                    Ok(value)
                } else {
                    self.unclosed()
                }
            }
            Kind::Mark(',' | ']' | '}') => Err(mistake(self.line(), "a value is missing")),
            Kind::Mark(mark) => {
                self.at += 1;
                Ok(Value::Unknown(mark.to_string()))
            }
            Kind::Text(text) => Ok(self.simple(Value::Text(text))),
            Kind::Number(number) => Ok(self.simple(Value::Number(number))),
            Kind::Template(text) => Ok(self.simple(Value::Unknown(text))),
            Kind::Pattern => Ok(self.simple(Value::Other)),
            Kind::Word(word) => match word.as_str() {
                "true" | "false" | "null" | "undefined" => Ok(self.simple(Value::Other)),
                "new" | "typeof" | "void" | "delete" | "await" | "async" | "class" | "yield" => {
                    Ok(self.simple(Value::Unknown(word)))
                }
                _ => self.variable(),
            },
        }
    }

    pub(super) fn simple(&mut self, value: Value) -> Value {
        self.at += 1;
        value
    }

    /// Moves past a function that is a value: what it does is not looked at.
    pub(super) fn inner_function(&mut self, body: Body) -> Reading<Value> {
        match body {
            Body::Statements if self.is_mark('{') => self.balanced()?,
            Body::Statements => return self.not_understood(),
            Body::Expression => {
                self.expression(Place::Brackets)?;
            }
        }
        Ok(Value::Function)
    }

    pub(super) fn variable(&mut self) -> Reading<Value> {
        let start = self.at;
        let (name, members) = self.path()?;
        let path: Vec<&str> = std::iter::once(name.as_str())
            .chain(members.iter().map(String::as_str))
            .collect();
        let goes_on = !self.is_ended(Place::Statement) && !self.is_mark('+');
        self.is_touched |= goes_on && self.is_ours(&name);
        if let Some(part) = location(&path, self.page) {
            return Ok(Value::Text(part));
        }
        let mut value = self.scope.get(&name).cloned();
        for member in &members {
            value = match value {
                Some(Value::Object(object)) => object.get(member),
                _ => None,
            };
        }
        self.is_shared |= matches!(value, Some(Value::Object(_) | Value::Function));
        let unknown = || Value::Unknown(written(&self.tokens[start..self.at]));
        Ok(value.unwrap_or_else(unknown))
    }

    pub(super) fn array(&mut self) -> Reading<Value> {
        self.at += 1;
        loop {
            if self.takes(']') {
                return Ok(Value::Other);
            }
            if self.takes(',') {
                continue;
            }
            self.takes_spread();
            self.expression(Place::Brackets)?;
            if !self.is_mark(',') && !self.is_mark(']') {
                return self.unclosed();
            }
        }
    }

    pub(super) fn takes_spread(&mut self) -> bool {
        let is_spread = (0..3).all(|dot| self.is_mark_at(self.at + dot, '.'));
        self.at += if is_spread { 3 } else { 0 };
        is_spread
    }

    pub(super) fn object(&mut self) -> Reading<Value> {
        self.at += 1;
        let mut object = Object::default();
        while !self.takes('}') {
            if self.takes_spread() {
                let what = written(&self.tokens[self.at..self.tokens.len().min(self.at + 1)]);
                self.expression(Place::Brackets)?;
                open(&mut object, &what);
            } else {
                self.member(&mut object)?;
            }
            if !self.takes(',') && !self.is_mark('}') {
                return self.unclosed();
            }
        }
        Ok(Value::Object(object))
    }

    pub(super) fn member(&mut self, object: &mut Object) -> Reading<()> {
        let key = match self.peek() {
            Some(Kind::Word(word)) => word.clone(),
            Some(Kind::Text(text)) => text.clone(),
            Some(Kind::Number(number)) => number.clone(),
            Some(Kind::Mark('[')) => {
                let start = self.at;
                self.balanced()?;
                let what = written(&self.tokens[start..self.at]);
                self.value("")?;
                open(object, &what);
                return Ok(());
            }
            Some(Kind::Mark(',')) => {
                return Err(mistake(self.line(), "a comma has nothing before it"));
            }
            _ => return self.unclosed(),
        };
        self.at += 1;
        let value = match (key.as_str(), self.peek()) {
            ("get" | "set" | "async", Some(Kind::Word(_) | Kind::Text(_))) => {
                open(object, &key);
                self.at += 1;
                self.value(&key)?;
                return Ok(());
            }
            _ => self.value(&key)?,
        };
        object.members.insert(key, value);
        Ok(())
    }

    /// Reads what follows a key.
    pub(super) fn value(&mut self, key: &str) -> Reading<Value> {
        if self.takes(':') {
            let value = self.expression(Place::Brackets)?;
            return Ok(value);
        }
        match self.peek() {
            // A method.
            Some(Kind::Mark('(')) => {
                self.balanced()?;
                self.inner_function(Body::Statements)
            }
            Some(Kind::Mark(',' | '}')) => {
                let value = self.scope.get(key).cloned();
                self.is_shared |= matches!(value, Some(Value::Object(_) | Value::Function));
                Ok(value.unwrap_or_else(|| Value::Unknown(key.to_owned())))
            }
            Some(Kind::Word(_) | Kind::Text(_) | Kind::Number(_)) => {
                let what = format!("a colon is missing after {key}");
                Err(mistake(self.line(), &what))
            }
            _ => self.unclosed(),
        }
    }
}
