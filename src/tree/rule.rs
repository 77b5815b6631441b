//! Rules of the house: conditions in CEL (the Common Expression Language) that a planned change must meet.
//!
//! A rule comes from the tree, so it is bounded: in length, in brackets, in loops within loops, and in steps. It can look
//! at its data and at nothing else; no function makes a value larger than what it is given.

use std::fmt;

use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Parser;
use cel::{Context, IdedExpr, Value as CelValue};
use serde_json::Value;

use super::Origin;
use crate::model::ClusterName;

/// The longest condition, in bytes.
const MAX_LENGTH: usize = 1_000;
/// How many brackets a condition may open: the parser descends into each.
const MAX_BRACKETS: usize = 40;
/// How many loops may be within one another.
const MAX_LOOPS: u32 = 2;
/// How many steps a condition may take: its parts, for each pass of its loops.
const MAX_STEPS: u64 = 200_000;
/// The stack of the parser: what a condition needs at most, where nothing is optimised.
const STACK: usize = 64 << 20;
/// The longest reason of the parser that is shown, in characters.
const MAX_REASON: usize = 160;

/// What a condition may name, with the members that it may select.
pub const RULE_DATA: [(&str, &[&str]); 5] = [
    ("cluster", &[]),
    ("kind", &[]),
    ("effect", &[]),
    ("account", &["name", "labels", "protected"]),
    ("changes", &[]),
];
/// The members of a change.
pub const CHANGE_MEMBERS: [&str; 6] = ["key", "before", "after", "cause", "file", "declared_in"];

/// The functions and operators that a condition may use, as the parser names them.
const FUNCTIONS: [&str; 18] = [
    "!_",
    "-_",
    "@in",
    "@not_strictly_false",
    "_!=_",
    "_&&_",
    "_<=_",
    "_<_",
    "_==_",
    "_>=_",
    "_>_",
    "_?_:_",
    "_[_]",
    "_||_",
    "contains",
    "endsWith",
    "size",
    "startsWith",
];

/// A rule as `policy.rules` declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// Its name.
    pub name: String,
    /// The condition, in CEL.
    pub check: String,
    /// What somebody reads whose change does not meet it.
    pub message: String,
}

/// A rule of the house.
#[derive(Clone, PartialEq, Eq)]
pub struct HouseRule {
    /// Its text.
    pub text: RuleText,
    /// Where the tree declares it.
    pub origin: Origin,
    /// The cluster for which the tree was read.
    pub cluster: ClusterName,
}

/// Writes what counts: the place of a rule is no part of the digest of a tree.
impl fmt::Debug for HouseRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl RuleText {
    /// Returns what is wrong with the condition, if anything is.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        on_large_stack(|| Condition::parse(&self.check).err())
            .unwrap_or_else(|reason| Some(reason.to_owned()))
    }

    /// Returns whether data meet the condition. `data` is an object with the names of [`RULE_DATA`].
    ///
    /// # Errors
    /// Why that cannot be told; then nothing that depends on it may be done.
    pub fn is_met_by(&self, data: &Value) -> Result<bool, String> {
        let evaluated = on_large_stack(|| Condition::parse(&self.check)?.evaluate(data));
        evaluated.map_err(str::to_owned)?
    }
}

/// Runs something on a stack that no condition within the bounds exhausts, wherever it is called from.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK);
        let running = builder.spawn_scoped(scope, work);
        let running = running.map_err(|_| "there is no memory to read it")?;
        running.join().map_err(|_| "it cannot be read")
    })
}

/// A condition that was read, within its bounds.
struct Condition {
    expression: IdedExpr,
    /// Its parts, and how many loops are within one another.
    parts: u64,
    loops: u32,
    /// The length of the longest list that is written in it.
    longest: usize,
}

/// What is known while a condition is looked through.
#[derive(Default)]
struct Scope {
    /// The variables of the loops around, and whether each is a change.
    variables: Vec<(String, bool)>,
    loops: u32,
    deepest: u32,
    parts: u64,
    longest: usize,
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!(
                "it has {} bytes, and at most {MAX_LENGTH} are allowed",
                text.len()
            ));
        }
        let opens = |c: &char| matches!(c, '(' | '[' | '{');
        if text.chars().filter(opens).count() > MAX_BRACKETS {
            return Err(format!("it opens more than {MAX_BRACKETS} brackets"));
        }
        let expression = Parser::new().parse(text).map_err(|errors| {
            let first = errors.errors.first();
            first.map_or_else(
                || "it cannot be read".to_owned(),
                |error| reason(error.pos, &error.msg),
            )
        })?;
        let mut scope = Scope::default();
        scope.look(&expression)?;
        Ok(Self {
            expression,
            parts: scope.parts,
            loops: scope.deepest,
            longest: scope.longest,
        })
    }

    fn evaluate(&self, data: &Value) -> Result<bool, String> {
        let passes = longest(data).max(self.longest as u64).max(1);
        let steps = (self.parts).saturating_mul(passes.saturating_pow(self.loops));
        if steps > MAX_STEPS {
            return Err("there is too much to look at".to_owned());
        }
        let mut context = Context::default();
        for (name, value) in data.as_object().into_iter().flatten() {
            let added = context.add_variable(name.clone(), value);
            added.map_err(|error| short(&error.to_string()))?;
        }
        match CelValue::resolve(&self.expression, &context) {
            Ok(CelValue::Bool(met)) => Ok(met),
            Ok(_) => Err("it is neither true nor false".to_owned()),
            Err(error) => Err(short(&error.to_string())),
        }
    }
}

/// Returns the length of the longest list or map in some data.
fn longest(data: &Value) -> u64 {
    let of = |values: &mut dyn Iterator<Item = &Value>, length: usize| {
        values.map(longest).fold(length as u64, u64::max)
    };
    match data {
        Value::Array(items) => of(&mut items.iter(), items.len()),
        Value::Object(members) => of(&mut members.values(), members.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Returns the parser's reason, with the place within the condition.
fn reason((line, column): (isize, isize), message: &str) -> String {
    if message.contains("Recursion limit") {
        return "it is nested too deeply".to_owned();
    }
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message = message.split(" expecting ").next().unwrap_or(message);
    short(&format!("line {line}, column {column}: {message}"))
}

fn short(text: &str) -> String {
    text.chars().take(MAX_REASON).collect()
}

impl Scope {
    /// Looks through an expression, and returns what a rule may not have.
    fn look(&mut self, expression: &IdedExpr) -> Result<(), String> {
        self.parts += 1;
        match &expression.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(name),
            Expr::Call(call) => {
                if !FUNCTIONS.contains(&call.func_name.as_str()) {
                    return Err(format!(
                        "{} is not for rules; they compare (==, !=, <, in), join (&&, ||, !, ?:), look into lists (all, exists) and texts (startsWith, endsWith, contains), and use has and size",
                        word(&call.func_name)
                    ));
                }
                self.all(call.target.iter().map(AsRef::as_ref).chain(&call.args))
            }
            Expr::List(list) => {
                self.longest = self.longest.max(list.elements.len());
                self.all(&list.elements)
            }
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self.all([&entry.key, &entry.value]),
                EntryExpr::StructField(field) => self.look(&field.value),
            }),
            Expr::Select(select) => {
                self.member(&select.operand, &select.field)?;
                self.look(&select.operand)
            }
            Expr::Comprehension(found) => {
                self.look(&found.iter_range)?;
                if self.loops == MAX_LOOPS {
                    return Err(format!(
                        "more than {MAX_LOOPS} of all and exists are within one another"
                    ));
                }
                self.loops += 1;
                self.deepest = self.deepest.max(self.loops);
                let is_change = matches!(&found.iter_range.expr, Expr::Ident(name) if name == "changes" && self.found(name).is_none());
                let before = self.variables.len();
                self.variables.push((found.iter_var.clone(), is_change));
                let second = found.iter_var2.iter().map(|name| (name.clone(), false));
                self.variables.extend(second);
                let within = [
                    &found.accu_init,
                    &found.loop_cond,
                    &found.loop_step,
                    &found.result,
                ];
                let looked = self.all(within);
                self.variables.truncate(before);
                self.loops -= 1;
                looked
            }
            Expr::Struct(_) | Expr::Unspecified => {
                Err("it makes a value of a type, which rules do not have".to_owned())
            }
        }
    }

    fn all<'e>(
        &mut self,
        expressions: impl IntoIterator<Item = &'e IdedExpr>,
    ) -> Result<(), String> {
        expressions.into_iter().try_for_each(|it| self.look(it))
    }

    /// Returns what a variable of a loop is, if there is one of that name.
    fn found(&self, name: &str) -> Option<bool> {
        let mut variables = self.variables.iter().rev();
        variables
            .find(|(known, _)| known == name)
            .map(|(_, is_change)| *is_change)
    }

    fn name(&self, name: &str) -> Result<(), String> {
        let is_data = RULE_DATA.iter().any(|(known, _)| *known == name);
        // The parser names its own variables with an @.
        if is_data || name.starts_with('@') || self.found(name).is_some() {
            return Ok(());
        }
        let known = RULE_DATA.map(|(name, _)| name);
        Err(format!(
            "there is no {name}; a rule sees {}",
            known.join(", ")
        ))
    }

    fn member(&self, operand: &IdedExpr, member: &str) -> Result<(), String> {
        let Expr::Ident(name) = &operand.expr else {
            return Ok(());
        };
        let members: &[&str] = match self.found(name) {
            Some(true) => &CHANGE_MEMBERS,
            Some(false) => return Ok(()),
            None => {
                let data = RULE_DATA.iter().find(|(known, _)| known == name);
                data.map_or(&[], |(_, members)| members)
            }
        };
        if members.contains(&member) {
            Ok(())
        } else if members.is_empty() {
            Err(format!(
                "{name} has no members, so {name}.{member} is nothing"
            ))
        } else {
            Err(format!(
                "{name} has no {member}; it has {}",
                members.join(", ")
            ))
        }
    }
}

/// Returns an operator or a function as it is written; loops that collect are made of the parser's sums.
fn word(name: &str) -> String {
    match name {
        "_+_" => "+, or one of map, filter and exists_one,".to_owned(),
        _ => name.trim_matches('_').to_owned(),
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
