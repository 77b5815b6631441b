//! Options about reports and their formats.

use std::str::FromStr;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum, ValueHint};

/// Format and destination of a report.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutputArgs {
    /// What to print: text, html, json, markdown, sarif, junit or github
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: Format,
    /// Also write the report to a file; may be repeated
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(crate) output: Vec<Output>,
    /// Draw the login page of each brand that changes, live and after, as a PNG into this folder, and show it in
    /// Markdown; `comment` uploads the pictures
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) pictures: Option<Utf8PathBuf>,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, on a terminal
    Text,
    /// For people, as one page with pictures
    Html,
    /// For programs
    Json,
    /// For people, as a comment on a forge
    Markdown,
    /// For code scanning
    Sarif,
    /// For test reports
    Junit,
    /// For the log of a GitHub workflow, as annotations
    Github,
}

impl OutputArgs {
    /// Prints in one format, and writes no file.
    pub(crate) fn printing(format: ListFormat) -> Self {
        Self {
            format: match format {
                ListFormat::Text => Format::Text,
                ListFormat::Json => Format::Json,
            },
            output: Vec::new(),
            pictures: None,
        }
    }

    /// Returns whether any format shows pictures.
    pub(crate) fn shows_pictures(&self) -> bool {
        let mut formats = self.output.iter().map(|output| output.format);
        self.pictures.is_some()
            || self.format == Format::Html
            || formats.any(|format| format == Format::Html)
    }
}

/// The format of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How to print a list.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// What to print: text or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: ListFormat,
}

/// A format and a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output<F = Format> {
    pub(crate) format: F,
    pub(crate) file: Utf8PathBuf,
}

impl<F: ValueEnum> FromStr for Output<F> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = text
            .split_once('=')
            .filter(|(_, file)| !file.is_empty())
            .ok_or("write FORMAT=FILE, such as json=report.json")?;
        Ok(Self {
            format: F::from_str(format, false).map_err(|_| unknown::<F>(format))?,
            file: file.into(),
        })
    }
}

fn unknown<F: ValueEnum>(format: &str) -> String {
    let known = F::value_variants().iter();
    let known = known.filter_map(ValueEnum::to_possible_value);
    let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
    format!("{format:?} is no format; known are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs() {
        #[track_caller]
        fn check(text: &str, expected: Result<(Format, &str), ()>) {
            let found = text.parse::<Output>();
            let found = found
                .as_ref()
                .map(|output| (output.format, output.file.as_str()));
            assert_eq!(found.map_err(|_| ()), expected, "{text}");
        }
        check("json=a.json", Ok((Format::Json, "a.json")));
        check("text=a=b", Ok((Format::Text, "a=b")));
        check("json", Err(()));
        check("json=", Err(()));
        check("xml=a", Err(()));
        assert_eq!(
            "xml=a".parse::<Output>().unwrap_err(),
            "\"xml\" is no format; known are text, html, json, markdown, sarif, junit, github"
        );
    }
}
