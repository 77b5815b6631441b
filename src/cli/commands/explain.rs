//! `explain CODE | ACCOUNT [KEY] [TREE]`

use std::fmt::Write as _;

use crate::cli::Exit;
use crate::cli::args::ExplainArgs;
use crate::cli::failure::Failure;
use crate::cli::tree::{self, Several};
use crate::cli::ui::{self, Ui};
use crate::diag::{Code, Severity};
use crate::model::{AccountName, KeyPath};
use crate::report::text;
use crate::tree::Loaded;
use crate::tree::check::nearest;

pub(crate) fn explain(ui: Ui, args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some(code) = Code::parse(&args.subject) {
        ui::data(&code_text(code, ui.width()))?;
        return Ok(Exit::Done);
    }
    if looks_like_code(&args.subject) {
        let codes = Code::ALL.iter().map(|code| code.as_str());
        let message = format!("there is no code {}", args.subject);
        return Err(Failure::Usage(
            message + &did_you_mean(&args.subject.to_uppercase(), codes),
        ));
    }
    let tree = tree::open(ui, &args.tree, &args.choice, Several::First)?;
    ui::data(&account_text(&tree.loaded, args)?)?;
    Ok(Exit::Done)
}

fn looks_like_code(subject: &str) -> bool {
    let prefix = subject.get(..2).unwrap_or_default();
    prefix.eq_ignore_ascii_case("EB")
        && subject.len() > 2
        && subject[2..]
            .chars()
            .all(|character| character.is_ascii_digit())
}

fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

fn code_text(code: Code, width: usize) -> String {
    let severity = match code.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let title = code.title();
    let explanation = text::fill(code.explanation(), width.min(100));
    format!("{severity} {code}: {title}\n\n{explanation}")
}

/// Writes what each layer says on each key, and marks the one that holds.
fn account_text(loaded: &Loaded, args: &ExplainArgs) -> Result<String, Failure> {
    let name = AccountName::new(args.subject.as_str());
    let key = args.key.as_deref().map(KeyPath::parse);
    let Some(found) = crate::tree::explain(loaded, &name, key.as_ref()) else {
        let known = loaded.layers.keys().map(AccountName::as_str);
        let message = format!("there is no account {name} in the tree");
        return Err(Failure::Usage(
            message + &did_you_mean(name.as_str(), known),
        ));
    };
    if found.is_empty() {
        let key = args.key.as_deref().unwrap_or("anything");
        return Ok(format!(
            "no layer of {name} declares {key}; what is live stays as it is\n"
        ));
    }
    let mut lines = String::new();
    let mut last = None;
    for entry in &found {
        if last != Some(&entry.address) {
            let _ = writeln!(lines, "{}", text::visible(entry.address.as_str()));
            last = Some(&entry.address);
        }
        let mark = if entry.won { '*' } else { ' ' };
        let value = entry.value.as_ref().map_or_else(
            || "null (must not be there)".to_owned(),
            ToString::to_string,
        );
        let position = loaded.sources.position(entry.place);
        let _ = writeln!(
            lines,
            "  {mark} {}  {}:{}:{}  ({})",
            text::visible(&value),
            text::visible(loaded.sources.path(entry.place).as_str()),
            position.line,
            position.column,
            text::visible(&entry.layer.to_string()),
        );
    }
    Ok(lines)
}
