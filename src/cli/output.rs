//! Where a report goes: standard output in one format, and files in any.

use std::env;
use std::fmt::Display;
use std::fs::File;

use anyhow::Context as _;

use super::Exit;
use super::args::{Format, OutputArgs};
use super::failure::Failure;
use super::ui::{self, Ui};
use crate::forge::Kind;
use crate::report::gallery::Gallery;
use crate::report::{Report, github, html, json, junit, markdown, sarif, text};

/// Writes a report wherever it was asked for.
pub(crate) fn deliver(ui: Ui, report: &Report, args: &OutputArgs) -> Result<(), Failure> {
    deliver_with(ui, report, &Gallery::default(), args)
}

/// Does the same with pictures, for formats that show any.
pub(crate) fn deliver_with(
    ui: Ui,
    report: &Report,
    gallery: &Gallery,
    args: &OutputArgs,
) -> Result<(), Failure> {
    write_files(report, gallery, args)?;
    ui::data(&rendered(report, gallery, args.format, ui.stdout_options()))
}

/// Does the same for an apply whose plan was shown before.
pub(crate) fn deliver_outcome(
    ui: Ui,
    report: &Report,
    gallery: &Gallery,
    args: &OutputArgs,
) -> Result<(), Failure> {
    write_files(report, gallery, args)?;
    let options = text::Options {
        plan_seen: true,
        ..ui.stdout_options()
    };
    ui::data(&rendered(report, gallery, args.format, options))
}

fn write_files(report: &Report, gallery: &Gallery, args: &OutputArgs) -> Result<(), Failure> {
    for output in &args.output {
        let text = rendered(report, gallery, output.format, ui::file_options());
        // Written where it is to be: the file may be a device, a pipe or a link, which a renamed one would replace.
        File::create(&output.file)
            .and_then(|file| ui::pour(file, &text))
            .with_context(|| output.file.to_string())?;
    }
    Ok(())
}

/// Returns what renders a report while it is written.
fn rendered<'a>(
    report: &'a Report,
    gallery: &'a Gallery,
    format: Format,
    options: text::Options,
) -> Box<dyn Display + 'a> {
    match format {
        Format::Text => Box::new(text::render(report, options)),
        Format::Html => Box::new(html::render(report, gallery, Exit::of(report).code())),
        Format::Json => Box::new(json::render(report)),
        Format::Markdown => Box::new(markdown::render(report, longest_comment())),
        Format::Sarif => Box::new(sarif::render(report, Exit::of(report).code())),
        Format::Junit => Box::new(junit::render(report)),
        Format::Github => Box::new(github::render(report)),
    }
}

/// Returns what a comment may have where this runs: that of the strictest forge outside of any CI system.
fn longest_comment() -> usize {
    let kind = Kind::detect(&|name| env::var(name).ok());
    kind.unwrap_or(Kind::Github).longest_comment()
}
