//! Finds every mistake in the daemon's file in one run: what is wrong is blanked out, and the rest is parsed again.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::tree::check::nearest;

/// One mistake in the daemon's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    /// Line and column, from 1; absent when it concerns the whole file.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The line, unless it may contain a secret.
    pub quoted: Option<String>,
}

/// Parses a text, and continues behind each mistake as far as its lines show where it ends.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<ConfigMistake>> {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut found: Vec<ConfigMistake> = Vec::new();
    let mut blanked: Vec<String> = Vec::new();
    loop {
        let error = match serde_yaml::from_str(&lines.join("\n")) {
            Ok(value) if found.is_empty() => return Ok(value),
            Ok(_) => return Err(found),
            Err(error) => error,
        };
        let words = error.to_string();
        let missing = words.split("missing field `").nth(1);
        let missing = missing.and_then(|rest| rest.split('`').next());
        let is_misspelt = |key: &str| found.iter().any(|known| known.help == meant(key));
        let is_blanked = missing
            .is_some_and(|key| is_misspelt(key) || blanked.iter().any(|known| known == key))
            || (words.contains("invalid type: unit value") && !found.is_empty());
        if is_blanked {
            // The only remaining error is caused by the blanking.
            return Err(found);
        }
        let place = (error.location()).map(|place| (place.line(), place.column()));
        let mistake = ConfigMistake::new(&words, place, &lines);
        let place = mistake.place;
        found.push(mistake);
        let Some((line, column)) = place else {
            return Err(found);
        };
        let from = match missing {
            Some(_) => map_of(&lines, line),
            None => Some((line, column)),
        };
        let Some(key) = from.and_then(|(line, column)| blank(&mut lines, line, column)) else {
            return Err(found);
        };
        blanked.push(key);
    }
}

impl ConfigMistake {
    /// Creates a mistake that concerns the whole file; the message contains the remedy, after a semicolon.
    pub(super) fn of_whole(message: &str) -> Self {
        let (message, help) = message.split_once("; ").unwrap_or((message, ""));
        Self {
            place: None,
            message: message.to_owned(),
            help: help.to_owned(),
            quoted: None,
        }
    }

    /// Returns it in one line.
    pub(super) fn in_one_line(&self) -> String {
        let place = self
            .place
            .map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        format!("{place}: {}; {}", self.message, self.help)
    }

    fn new(words: &str, place: Option<(usize, usize)>, lines: &[&str]) -> Self {
        let words = words.split(" at line ").next().unwrap_or(words);
        let place = place.filter(|place| *place != (1, 1) || words.contains("unknown field"));
        let line = place.and_then(|(line, _)| lines.get(line.checked_sub(1)?).copied());
        let is_secret = ["token", "secret", "password", "url"]
            .iter()
            .any(|word| words.contains(word) || line.is_some_and(|line| line.contains(word)));
        let mut message = words.replace('`', "");
        let mut help = "see examples/watch/watch.yaml for every key".to_owned();
        if let Some((what, expected)) = words.split_once(", expected ") {
            let word = what.split('`').nth(1);
            let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            let near = word.and_then(|word| nearest(word, known.iter().copied()));
            message = what.replace("field", "key").replace('`', "");
            help = match near {
                Some(word) => meant(word),
                None if known.is_empty() => format!("write {expected}"),
                None => format!("known here: {}", known.join(", ")),
            };
        } else if let Some((what, remedy)) = words.split_once("; ") {
            (message, help) = (what.to_owned(), remedy.to_owned());
        } else if let Some((_, field)) = words.split_once("missing field ") {
            help = format!("add {}", field.replace('`', ""));
        }
        if is_secret && let Some((before, _)) = message.split_once(" string \"") {
            message = format!("{before} a text");
        }
        Self {
            place,
            message,
            help,
            quoted: line.filter(|_| !is_secret).map(str::to_owned),
        }
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let (Some((number, column)), Some(line)) = (self.place, &self.quoted) {
            let margin = number.to_string().len();
            let mark = format!("{}^", " ".repeat(column.saturating_sub(1)));
            write!(f, "\n{number} | {line}\n{:margin$} | {mark}", "")?;
        }
        if self.help.is_empty() {
            return Ok(());
        }
        write!(f, "\n  help: {}", self.help)
    }
}

fn meant(word: &str) -> String {
    format!("did you mean {word}?")
}

fn depth(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Returns where the map begins that has its first key on a line: the line of its list item, or of its own key.
fn map_of(lines: &[&str], line: usize) -> Option<(usize, usize)> {
    let at = line.checked_sub(1)?;
    let text = lines.get(at)?;
    if text.trim_start().starts_with("- ") {
        return Some((line, 1));
    }
    let above = lines[..at]
        .iter()
        .rposition(|above| !above.trim().is_empty() && depth(above) < depth(text))?;
    Some((above + 1, depth(lines[above]) + 1))
}

/// Blanks out the entry at a place, with everything below it, and returns its key; `None` when the lines do not show
/// where it ends.
fn blank(lines: &mut [&str], line: usize, column: usize) -> Option<String> {
    let at = line.checked_sub(1).filter(|at| *at < lines.len())?;
    let text = lines[at];
    let before = text.get(..column.saturating_sub(1)).unwrap_or(text);
    if text.trim().is_empty() || before.contains(['{', '[']) {
        return None;
    }
    let own = depth(text);
    let is_item = text.trim_start().starts_with("- ");
    let goes_on = |text: &str| {
        text.trim().is_empty()
            || depth(text) > own
            || (depth(text) == own && !is_item && text.trim_start().starts_with("- "))
    };
    let end = lines[at + 1..].iter().position(|text| !goes_on(text));
    let end = end.map_or(lines.len(), |count| at + 1 + count);
    let key = text.trim_start().split(':').next().map(str::to_owned);
    lines[at..end].fill("");
    key
}
