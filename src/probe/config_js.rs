//! Finds the API in the user interface's `js/config.js`, without running it.
//!
//! The file is an AMD module that returns an object; people edit it by hand, and builds minify it. What is read here are
//! variables, assignments, objects, texts, and parts of `window.location` added up. Of everything else it is not known
//! what it does, and so nothing is said about the API; a mistake is told only where no browser runs the file.

use std::collections::BTreeMap;

use url::Url;

use super::javascript::{Kind, Token, Unread, mistake, tokens};

/// How deeply brackets may stand in one another.
const DEEPEST: usize = 64;

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
const NOT_CLOSED: &str = "a bracket is not closed";

/// What `config.js` says about the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiRoot {
    /// `api.default`, to which the user interface appends `whitelabel/HOST`.
    At(String),
    /// It names none, so that the user interface takes port 8000 of the page's host (U3).
    Usual(String),
    /// It computes it in a way that is not understood here; holds the expression.
    NotUnderstood(String),
    /// No browser runs it; holds what is wrong, and where.
    Mistake(String),
    /// The text is no configuration of Monster UI.
    NotConfig,
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(String),
    Object(Object),
    Function,
    /// Something that is no text.
    Other,
    /// Not known; holds the expression.
    Unknown(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Object {
    members: BTreeMap<String, Value>,
    /// Whether it has members that are not known.
    is_open: bool,
}

impl Object {
    fn get(&self, key: &str) -> Option<Value> {
        let open = || Value::Unknown(key.to_owned());
        let found = self.members.get(key).cloned();
        found.or_else(|| self.is_open.then(open))
    }
}

/// Finds the API of a page at `page`.
pub(super) fn api_root(source: &str, page: &Url) -> ApiRoot {
    let found = tokens(source).and_then(|tokens| {
        if !tokens.iter().any(|token| is_word(token, "define")) {
            return Ok(None);
        }
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            depth: 0,
            page,
            scope: BTreeMap::new(),
            is_shared: false,
            is_touched: false,
        };
        reader.module()
    });
    match found {
        Ok(Some(config)) => root_of(&config, page),
        _ if is_page(source) => ApiRoot::NotConfig,
        Ok(None) => ApiRoot::NotConfig,
        Err(Unread::Mistake(what)) => ApiRoot::Mistake(what),
        Err(Unread::NotUnderstood(what)) => ApiRoot::NotUnderstood(what),
    }
}

fn root_of(config: &Value, page: &Url) -> ApiRoot {
    let usual = || {
        let (scheme, host) = (page.scheme(), page.host_str().unwrap_or_default());
        ApiRoot::Usual(format!("{scheme}://{host}:8000/v2/"))
    };
    let member = |object: &Value, key: &str| match object {
        Value::Object(object) => object.get(key),
        Value::Unknown(what) => Some(Value::Unknown(what.clone())),
        _ => None,
    };
    let api = member(config, "api");
    match api.and_then(|api| member(&api, "default")) {
        Some(Value::Text(root)) => ApiRoot::At(root),
        Some(Value::Unknown(what)) => ApiRoot::NotUnderstood(what),
        Some(_) | None => usual(),
    }
}

/// Returns whether a text is a page, which a web server may give in place of a file that is not there.
fn is_page(source: &str) -> bool {
    let start = source.trim_start();
    start.starts_with('<') && !start.starts_with("<!--")
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(&token.kind, Kind::Word(it) if it == word)
}

/// Reads statements and expressions from left to right.
struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    page: &'t Url,
    /// The variables.
    scope: BTreeMap<String, Value>,
    /// Whether two names may stand for one object: then an assignment may change both.
    is_shared: bool,
    /// Whether code that is not understood may have changed an object.
    is_touched: bool,
}

type Reading<T> = Result<T, Unread>;

impl Reader<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn is_mark(&self, mark: char) -> bool {
        self.peek() == Some(&Kind::Mark(mark))
    }

    fn is_mark_at(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).map(|token| &token.kind) == Some(&Kind::Mark(mark))
    }

    fn begins_line(&self) -> bool {
        self.tokens
            .get(self.at)
            .is_none_or(|token| token.begins_line)
    }

    fn line(&self) -> usize {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(1, |token| token.line)
    }

    /// Moves past a mark, if it comes next.
    fn takes(&mut self, mark: char) -> bool {
        let is_next = self.is_mark(mark);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = self.tokens.get(self.at).is_some_and(|it| is_word(it, word));
        self.at += usize::from(is_next);
        is_next
    }

    fn name(&mut self) -> Reading<String> {
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
    fn not_understood<T>(&self) -> Reading<T> {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let end = rest.iter().skip(1).position(|token| token.begins_line);
        let line = end.map_or(rest, |end| &rest[..=end]);
        Err(Unread::NotUnderstood(written(line)))
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Reading<T>) -> Reading<T> {
        if self.depth == DEEPEST {
            return self.not_understood();
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Reads the whole file; returns what its module is.
    fn module(&mut self) -> Reading<Option<Value>> {
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
    fn defined(&mut self) -> Reading<Option<Value>> {
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

    /// Moves into a function that stands here: past its head. Returns how its body is written.
    fn function_head(&mut self) -> Reading<Option<Body>> {
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
    fn parameters(&mut self) -> Reading<()> {
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

    /// Reads the body of the module's function; returns what it returns.
    fn body(&mut self, body: Body) -> Reading<Option<Value>> {
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
    fn after_return(&mut self, returned: Option<Value>) -> Reading<Option<Value>> {
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
    fn named_or_expression(&mut self) -> Reading<Value> {
        let was_shared = self.is_shared;
        let start = self.at;
        let value = self.expression(Place::Statement)?;
        if self.at == start + 1 {
            self.is_shared = was_shared;
        }
        Ok(value)
    }

    fn statement(&mut self) -> Reading<()> {
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

    fn end_statement(&mut self) -> Reading<()> {
        if self.takes(';') || self.begins_line() || self.is_mark('}') {
            return Ok(());
        }
        if let Some(Kind::Mark(mark @ (')' | ']'))) = self.peek() {
            return Err(not_open(self.line(), *mark));
        }
        self.not_understood()
    }

    fn declarations(&mut self) -> Reading<()> {
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

    fn function(&mut self) -> Reading<()> {
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
    fn assignment(&mut self) -> Reading<()> {
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

    /// Reads `name.member['member']`.
    fn path(&mut self) -> Reading<(String, Vec<String>)> {
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

    /// Reads an expression up to what ends it.
    fn expression(&mut self, place: Place) -> Reading<Value> {
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

    fn is_ended(&self, place: Place) -> bool {
        match self.peek() {
            None | Some(Kind::Mark(',' | ';' | ')' | ']' | '}')) => true,
            Some(Kind::Mark(_)) => false,
            Some(Kind::Word(word)) if matches!(word.as_str(), "in" | "instanceof") => false,
            Some(_) => place == Place::Statement && self.begins_line(),
        }
    }

    /// Moves to the end of an expression that is not understood.
    fn skip(&mut self, place: Place) -> Reading<()> {
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
    fn goes_on(&self, place: Place) -> bool {
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
    fn operator_is_there(&self) -> Reading<()> {
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

    /// Notes that code which is not understood names an object or a function of ours, and so may change an object.
    fn touch(&mut self, at: usize) {
        if let Some(Kind::Word(word)) = self.tokens.get(at).map(|token| &token.kind) {
            self.is_touched |= self.is_ours(word);
        }
    }

    /// Returns whether a name stands for an object or a function of this file.
    fn is_ours(&self, name: &str) -> bool {
        let value = self.scope.get(name);
        matches!(value, Some(Value::Object(_) | Value::Function))
    }

    /// Moves past a pair of brackets and everything between them.
    fn balanced(&mut self) -> Reading<()> {
        let end = self.matching(self.at)?;
        for at in self.at..end {
            self.touch(at);
        }
        self.at = end;
        Ok(())
    }

    /// Returns what follows the bracket that closes the one at `start`.
    fn matching(&self, start: usize) -> Reading<usize> {
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
    fn unclosed<T>(&self) -> Reading<T> {
        match self.peek() {
            None => Err(mistake(self.line(), NOT_CLOSED)),
            Some(Kind::Mark(mark @ (';' | ')' | ']' | '}'))) => {
                let what = format!("a {mark} stands where a comma or another bracket belongs");
                Err(mistake(self.line(), &what))
            }
            Some(_) => self.not_understood(),
        }
    }

    fn operand(&mut self) -> Reading<Value> {
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

    fn simple(&mut self, value: Value) -> Value {
        self.at += 1;
        value
    }

    /// Moves past a function that is a value: what it does is not looked at.
    fn inner_function(&mut self, body: Body) -> Reading<Value> {
        match body {
            Body::Statements if self.is_mark('{') => self.balanced()?,
            Body::Statements => return self.not_understood(),
            Body::Expression => {
                self.expression(Place::Brackets)?;
            }
        }
        Ok(Value::Function)
    }

    fn variable(&mut self) -> Reading<Value> {
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

    fn array(&mut self) -> Reading<Value> {
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

    fn takes_spread(&mut self) -> bool {
        let is_spread = (0..3).all(|dot| self.is_mark_at(self.at + dot, '.'));
        self.at += if is_spread { 3 } else { 0 };
        is_spread
    }

    fn object(&mut self) -> Reading<Value> {
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

    fn member(&mut self, object: &mut Object) -> Reading<()> {
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
    fn value(&mut self, key: &str) -> Reading<Value> {
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

fn not_open(line: usize, mark: char) -> Unread {
    mistake(line, &format!("a {mark} closes what is not open"))
}

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A line may end it.
    Statement,
    /// Only a comma or a bracket ends it.
    Brackets,
}

/// How the body of a function is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Statements,
    Expression,
}

/// Notes that an object has members that are not known, which may replace those before them.
fn open(object: &mut Object, what: &str) {
    object.is_open = true;
    for value in object.members.values_mut() {
        *value = Value::Unknown(what.to_owned());
    }
}

fn assign(target: &mut Value, members: &[String], value: Value) {
    match (target, members) {
        (target, []) => *target = value,
        (Value::Object(object), [first, rest @ ..]) => {
            let member = object.members.entry(first.clone());
            let absent = Value::Unknown(first.clone());
            assign(member.or_insert(absent), rest, value);
        }
        (Value::Unknown(_), _) => {}
        (target, [first, ..]) => *target = Value::Unknown(first.clone()),
    }
}

fn added(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Text(left), Value::Text(right) | Value::Number(right)) => {
            Value::Text(left + &right)
        }
        (Value::Number(left), Value::Text(right)) => Value::Text(left + &right),
        _ => Value::Unknown(String::new()),
    }
}

/// Returns a part of the page's location.
fn location(path: &[&str], page: &Url) -> Option<String> {
    let path = match path {
        ["window" | "document" | "self", rest @ ..] => rest,
        all => all,
    };
    let host = page.host_str().unwrap_or_default();
    let authority = match page.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    match path {
        ["location", "hostname"] => Some(host.to_owned()),
        ["location", "host"] => Some(authority),
        ["location", "protocol"] => Some(format!("{}:", page.scheme())),
        ["location", "origin"] => Some(format!("{}://{authority}", page.scheme())),
        ["location", "port"] => Some(page.port().map(|it| it.to_string()).unwrap_or_default()),
        ["location", "pathname"] => Some(page.path().to_owned()),
        _ => None,
    }
}

/// Writes an expression for a message, at most so long.
fn written(tokens: &[Token]) -> String {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page() -> Url {
        Url::parse("https://portal.acme.example/").unwrap()
    }

    #[test]
    fn the_api_is_found_as_people_and_builds_write_it() {
        #[track_caller]
        #[allow(clippy::needless_pass_by_value, reason = "the table reads better")]
        fn check(source: &str, expected: ApiRoot) {
            assert_eq!(api_root(source, &page()), expected, "{source}");
        }
        let at = |text: &str| ApiRoot::At(text.to_owned());
        let usual = || ApiRoot::Usual("https://portal.acme.example:8000/v2/".to_owned());
        check(
            "define({ api: { 'default': 'https://api.example/v2/' } });",
            at("https://api.example/v2/"),
        );
        check(
            "define(function(require) {\n return {\n  api: {\n // default: 'http://localhost:8000/v2/'\n  default: \"https://api.example:8443/v2/\",\n provisioner: 'x' }, whitelabel: { companyName: '2600Hz' } }; });",
            at("https://api.example:8443/v2/"),
        );
        check(
            r#"define(function(e){return{api:{default:"https:\/\/a.example\/v2\/"},whitelabel:{nav:{}}}})"#,
            at("https://a.example/v2/"),
        );
        check(
            "define(function() { return { api: { /* default: 'x' */ } }; });",
            usual(),
        );
        check(
            "define(function() { return { whitelabel: { companyName: 'x' } }; });",
            usual(),
        );
        // A `default` of another object is not the API's.
        check(
            "define({ api: { socket: 'x' }, other: { default: 'y' } })",
            usual(),
        );
        check(
            "define({ api: { default: window.location.protocol + '//' + window.location.hostname + ':8443/v2/' } })",
            at("https://portal.acme.example:8443/v2/"),
        );
        check(
            "define({ api: { default: location.origin + '/v2/' } })",
            at("https://portal.acme.example/v2/"),
        );
        check(
            "define({ api: { default: settings.api } })",
            ApiRoot::NotUnderstood("settings.api".to_owned()),
        );
        check(
            "define({ api: { default: `https://${location.host}/v2/` } })",
            ApiRoot::NotUnderstood("\"https://${location.host}/v2/\"".to_owned()),
        );
        check(
            "define({ api: { default: 'https:\\u002f\\x2fa.example/v2/' } })",
            at("https://a.example/v2/"),
        );
        // What is set last counts.
        check(
            "define({ api: { default: 'x' }, api: { default: 'y/' } })",
            at("y/"),
        );
        check("define({ api: { default: 'x', default: 'y/' } })", at("y/"));
        check(
            "define(function () { var config = { api: { default: 'x' } }; config.api.default = 'y/'; return config; });",
            at("y/"),
        );
        check(
            "var host = 'a.example', port = 8443\ndefine(['lodash'], (_) => ({ api: { default: 'https://' + host + ':' + port + '/' } }))",
            at("https://a.example:8443/"),
        );
        check(
            "define('config', [], () => { 'use strict'; const _ = require('lodash'); return { api: { default: ('a' + 'b/') } } })",
            at("ab/"),
        );
        // A line that ends after `return` returns nothing.
        check(
            "define(function () { return\n { api: { default: 'x' } }; });",
            ApiRoot::NotConfig,
        );
        check("<!DOCTYPE html><html>it's</html>", ApiRoot::NotConfig);
        check("", ApiRoot::NotConfig);
    }

    #[test]
    fn what_is_computed_otherwise_is_not_known() {
        #[track_caller]
        fn check(source: &str, expected: &str) {
            let expected = ApiRoot::NotUnderstood(expected.to_owned());
            assert_eq!(api_root(source, &page()), expected, "{source}");
        }
        check(
            "define({ api: { default: a ? 'b' : 'c' } })",
            "a?\"b\":\"c\"",
        );
        check("define({ api: { default: 'b'.trim() } })", "\"b\".trim()");
        check("define({ api: { default: 'b', ...more } })", "more");
        check("define({ api: { default: 'b', [key]: 'c' } })", "[key]");
        check("define(config)", "config");
        check(
            "define(function () { var a = { api: { default: 'b' } }; change(a); return a; })",
            "change(a);returna;})",
        );
        // Two names for one object, and code that may change an object.
        check(
            "define(function () {\n var a = { api: { default: 'b' } };\n var c = a.api;\n c.default = 'd';\n return a;\n})",
            "c.default=\"d\";",
        );
        check(
            "define(function () {\n var a = { api: { default: 'b' } };\n var c = change(a);\n return a;\n})",
            "define(function(){",
        );
        check("if (a) { define({}) }", "if(a){define({})}");
    }

    #[test]
    fn what_no_browser_runs_is_a_mistake() {
        #[track_caller]
        fn check(source: &str, expected: &str) {
            let expected = ApiRoot::Mistake(expected.to_owned());
            assert_eq!(api_root(source, &page()), expected, "{source}");
        }
        check(
            "define({\n api: { default: 'x' }\n whitelabel: {} })",
            "line 3: a comma is missing before whitelabel",
        );
        check(
            "define({ api: { default: 'x' socket: 'y' } })",
            "line 1: a comma is missing before socket",
        );
        check(
            "define({ api: { default 'x' } })",
            "line 1: a colon is missing after default",
        );
        check(
            "define({ api: { default: 'x'; } })",
            "line 1: a ; stands where a comma or another bracket belongs",
        );
        check(
            "define({ api: { default: 'x',, } })",
            "line 1: a comma has nothing before it",
        );
        check(
            "define({ api: { default: } })",
            "line 1: a value is missing",
        );
        check(
            "define({ api: { default: 'x' }",
            "line 1: a bracket is not closed",
        );
        check(
            "define({ api: { default: 'x' } }));",
            "line 1: a ) closes what is not open",
        );
        check(
            "define(function () { return { api: { default: 'x' ) } } });",
            "line 1: a ) stands where a comma or another bracket belongs",
        );
        check(
            "define({ a: 'b\n' })",
            "line 1: a text has no closing quote",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_text_is_too_strange(source in "(define\\(|api|default|function|return|var|=>|\\.\\.\\.|[{}()\\[\\]:;,+='\"`\\\\/*. \né]){0,40}") {
            let _ = api_root(&source, &page());
        }
    }
}
