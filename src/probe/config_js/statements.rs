//! Reads statements: the module, what precedes it, and the body of its function.

use super::reader::{Body, Place, Reader, Reading, is_word, not_open};
use super::value::{Value, assign};
use crate::probe::javascript::Kind;

impl Reader<'_> {
    /// Reads the whole file; returns what its module is.
    pub(super) fn module(&mut self) -> Reading<Option<Value>> {
        let mut module = None;
        while self.at < self.tokens.len() {
            let calls = self
                .tokens
                .get(self.at)
                .is_some_and(|it| is_word(it, "define"))
                && self.is_mark_at(self.at + 1, '(');
            if calls && module.is_some() {
                return self.not_understood();
            }
            if calls {
                self.at += 2;
                module = Some(self.defined()?);
                self.end_statement()?;
            } else if self.takes_word("return") {
                return self.not_understood();
            } else {
                self.statement()?;
            }
        }
        if self.is_touched {
            self.at = 0;
            return self.not_understood();
        }
        Ok(module.flatten())
    }

    /// Reads the arguments of `define(…)`: a name, what it needs, and the module.
    pub(super) fn defined(&mut self) -> Reading<Option<Value>> {
        if matches!(self.peek(), Some(Kind::Text(_))) && self.is_mark_at(self.at + 1, ',') {
            self.at += 2;
        }
        if self.is_mark('[') {
            self.balanced()?;
            if !self.takes(',') {
                return self.not_understood();
            }
        }
        let module = if let Some(body) = self.function_head()? {
            self.body(body)?
        } else {
            match self.expression(Place::Brackets)? {
                Value::Function => return self.not_understood(),
                value => Some(value),
            }
        };
        self.takes(',');
        if !self.takes(')') {
            return self.unclosed();
        }
        Ok(module)
    }

    /// Reads the body of the module's function; returns what it returns.
    pub(super) fn body(&mut self, body: Body) -> Reading<Option<Value>> {
        if body == Body::Expression {
            return self.expression(Place::Brackets).map(Some);
        }
        if !self.takes('{') {
            return self.not_understood();
        }
        let mut returned = None;
        while !self.takes('}') {
            if self.peek().is_none() {
                return self.unclosed();
            }
            if self.takes_word("return") {
                // A line that ends after `return` ends the statement.
                if !self.begins_line() && !self.is_mark(';') && !self.is_mark('}') {
                    returned = Some(self.named_or_expression()?);
                }
                return self.after_return(returned);
            }
            self.statement()?;
        }
        Ok(None)
    }

    /// Nothing that follows `return` runs, except that functions exist before the first line.
    pub(super) fn after_return(&mut self, returned: Option<Value>) -> Reading<Option<Value>> {
        self.end_statement()?;
        while !self.takes('}') {
            match self.peek() {
                None => return self.unclosed(),
                Some(Kind::Mark('{' | '(' | '[')) => self.balanced()?,
                Some(_) => self.at += 1,
            }
        }
        Ok(returned)
    }

    /// A variable that is returned is not shared: nothing runs afterwards.
    pub(super) fn named_or_expression(&mut self) -> Reading<Value> {
        let was_shared = self.is_shared;
        let start = self.at;
        let value = self.expression(Place::Statement)?;
        if self.at == start + 1 {
            self.is_shared = was_shared;
        }
        Ok(value)
    }

    pub(super) fn statement(&mut self) -> Reading<()> {
        if self.takes(';') {
            return Ok(());
        }
        match self.peek() {
            Some(Kind::Text(_)) => {
                self.at += 1;
                self.end_statement()
            }
            Some(Kind::Word(word)) => match word.as_str() {
                "var" | "let" | "const" => {
                    self.at += 1;
                    self.declarations()
                }
                "function" => self.function(),
                "if" | "for" | "while" | "do" | "switch" | "try" | "throw" | "with" | "class"
                | "import" | "export" | "async" | "delete" | "new" => self.not_understood(),
                _ => self.assignment(),
            },
            Some(Kind::Mark(mark @ (')' | ']' | '}'))) => Err(not_open(self.line(), *mark)),
            _ => self.not_understood(),
        }
    }

    pub(super) fn end_statement(&mut self) -> Reading<()> {
        if self.takes(';') || self.begins_line() || self.is_mark('}') {
            return Ok(());
        }
        if let Some(Kind::Mark(mark @ (')' | ']'))) = self.peek() {
            return Err(not_open(self.line(), *mark));
        }
        self.not_understood()
    }

    pub(super) fn declarations(&mut self) -> Reading<()> {
        loop {
            let name = self.name()?;
            let value = if self.takes('=') {
                self.expression(Place::Statement)?
            } else {
                Value::Other
            };
            self.scope.insert(name, value);
            if !self.takes(',') {
                return self.end_statement();
            }
        }
    }

    pub(super) fn function(&mut self) -> Reading<()> {
        self.at += 1;
        let name = self.name()?;
        if !self.is_mark('(') {
            return self.not_understood();
        }
        self.balanced()?;
        if !self.is_mark('{') {
            return self.not_understood();
        }
        self.balanced()?;
        self.scope.insert(name, Value::Function);
        Ok(())
    }

    /// Reads `name.member.member = value`.
    pub(super) fn assignment(&mut self) -> Reading<()> {
        let start = self.at;
        let (name, members) = self.path()?;
        let is_assigned = self.is_mark('=')
            && !self.is_mark_at(self.at + 1, '=')
            && !self.is_mark_at(self.at + 1, '>');
        let leaves = name == "location" || members.iter().any(|it| it == "location");
        if !is_assigned || leaves {
            self.at = start;
            return self.not_understood();
        }
        self.at += 1;
        let value = self.expression(Place::Statement)?;
        if members.is_empty() {
            self.scope.insert(name, value);
            return self.end_statement();
        }
        if self.is_shared {
            self.at = start;
            return self.not_understood();
        }
        if let Some(target) = self.scope.get_mut(&name) {
            assign(target, &members, value);
        }
        self.end_statement()
    }
}
