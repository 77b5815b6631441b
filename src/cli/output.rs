//! Delivers a report: to standard output in one format, and to files in any.

use std::collections::BTreeMap;
use std::{env, fs};

use anyhow::Context as _;
use camino::Utf8Path;

use super::Exit;
use super::args::{Format, OutputArgs, ProbeArgs, ProbeFormat};
use super::failure::Failure;
use super::file::{self, Readers};
use super::progress::Phase;
use super::screen::{self, Shown};
use super::ui::{self, Ui};
use crate::forge::ForgeKind;
use crate::model::{AccountName, ClusterName};
use crate::probe::ProbeReport;
use crate::report::gallery::Gallery;
use crate::report::html::ProbeView;
use crate::report::markdown::Pictures;
use crate::report::{
    Illustration, Places, Report, github, html, illustrations, json, junit, markdown, sarif, text,
};

/// Writes a report to all requested destinations.
pub(crate) fn deliver(ui: Ui, report: &Report, args: &OutputArgs) -> Result<(), Failure> {
    deliver_with(ui, report, &Gallery::default(), args)
}

/// Writes a report with pictures, for formats that show any.
pub(crate) fn deliver_with(
    ui: Ui,
    report: &Report,
    gallery: &Gallery,
    args: &OutputArgs,
) -> Result<(), Failure> {
    let drawn = write_files(ui, report, gallery, args)?;
    print((report, &drawn, gallery), args, ui.stdout_options())
}

/// Writes the report of an apply whose plan was already shown.
pub(crate) fn deliver_outcome(
    ui: Ui,
    report: &Report,
    gallery: &Gallery,
    args: &OutputArgs,
) -> Result<(), Failure> {
    let drawn = write_files(ui, report, gallery, args)?;
    let options = text::Options {
        plan_seen: true,
        ..ui.stdout_options()
    };
    print((report, &drawn, gallery), args, options)
}

fn write_files(
    ui: Ui,
    report: &Report,
    gallery: &Gallery,
    args: &OutputArgs,
) -> Result<Drawn, Failure> {
    let drawn = match &args.pictures {
        Some(folder) => draw(report, gallery, folder)?,
        None => Drawn::new(),
    };
    let phase = Phase::begin(ui, "writing reports", args.output.len());
    for output in &args.output {
        phase.at(output.file.as_str());
        let pictures = linked(&drawn, args, output.file.parent())?;
        rendered(
            (report, &pictures, gallery),
            output.format,
            ui::file_options(),
            |shown| pour(&output.file, shown),
        )?;
        phase.step();
    }
    Ok(drawn)
}

fn print(
    (report, drawn, gallery): (&Report, &Drawn, &Gallery),
    args: &OutputArgs,
    options: text::Options,
) -> Result<(), Failure> {
    let pictures = linked(drawn, args, None)?;
    let of = (report, &pictures, gallery);
    rendered(of, args.format, options, ui::output)
}

/// The pictures that were drawn: the file of each, in the folder for them.
type Drawn = BTreeMap<AccountName, String>;

/// Draws the brands whose login page changes into a folder.
fn draw(report: &Report, gallery: &Gallery, folder: &Utf8Path) -> Result<Drawn, Failure> {
    let drawn = illustrations(report, gallery);
    fs::create_dir_all(folder).with_context(|| folder.to_string())?;
    let written = drawn.into_iter().map(|(name, Illustration { file, png })| {
        let path = folder.join(&file);
        file::write_bytes(&path, Readers::AsBefore, &png).with_context(|| path.to_string())?;
        Ok((name, file))
    });
    written.collect()
}

/// Returns the links of a report to the pictures, from the folder that it is written to.
fn linked(drawn: &Drawn, args: &OutputArgs, from: Option<&Utf8Path>) -> Result<Pictures, Failure> {
    let Some(folder) = args.pictures.as_ref().filter(|_| !drawn.is_empty()) else {
        return Ok(Pictures::new());
    };
    let from = from.unwrap_or(Utf8Path::new(""));
    let below = folder.strip_prefix(from).map_err(|_| {
        Failure::Usage(format!(
            "--pictures {folder}: a report links to its pictures from its own folder; name a folder below {from}"
        ))
    })?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if !below.as_str().bytes().all(is_plain) {
        return Err(Failure::Usage(format!(
            "--pictures {folder}: a link in Markdown cannot spell this; name a folder of letters, digits, dots, hyphens and underscores"
        )));
    }
    let link = |file: &String| below.join(file).into_string();
    Ok(drawn
        .iter()
        .map(|(name, file)| (name.clone(), link(file)))
        .collect())
}

/// Passes a report, rendered while it is written, to `then`.
fn rendered<T>(
    (report, pictures, gallery): (&Report, &Pictures, &Gallery),
    format: Format,
    options: text::Options,
    then: impl FnOnce(&Shown<'_>) -> T,
) -> T {
    let exit = Exit::of(report).code();
    match format {
        Format::Text => then(&Shown::page(&text::render(report, options))),
        Format::Github => then(&Shown::commands(&github::render(report))),
        Format::Html => then(&Shown::machine(&html::render(report, gallery, exit))),
        Format::Json => then(&Shown::machine(&json::render(report))),
        Format::Markdown => then(&Shown::machine(&markdown::render(
            report,
            pictures,
            longest_comment(),
        ))),
        Format::Sarif => then(&Shown::machine(&sarif::render(report, exit))),
        Format::Junit => then(&Shown::machine(&junit::render(report))),
    }
}

/// What a page shows beside the results of a probe, by account, and the declared pictures.
pub(crate) type ProbePictures = (BTreeMap<AccountName, ProbeView>, Gallery);

/// Writes the results of a probe to all requested destinations.
pub(crate) fn deliver_probe(
    ui: Ui,
    report: &ProbeReport,
    pictures: &ProbePictures,
    (places, cluster, exit): (&Places, &ClusterName, Exit),
    args: &ProbeArgs,
) -> Result<(), Failure> {
    let of = (report, pictures, places, cluster, exit.code());
    let phase = Phase::begin(ui, "writing reports", args.output.len());
    for output in &args.output {
        phase.at(output.file.as_str());
        probed(of, output.format, ui::file_options(), |shown| {
            pour(&output.file, shown)
        })?;
        phase.step();
    }
    probed(of, args.format, ui.stdout_options(), ui::output)
}

/// Passes the results of a probe, rendered while they are written, to `then`.
fn probed<T>(
    (report, pictures, places, cluster, exit): (
        &ProbeReport,
        &ProbePictures,
        &Places,
        &ClusterName,
        u8,
    ),
    format: ProbeFormat,
    options: text::Options,
    then: impl FnOnce(&Shown<'_>) -> T,
) -> T {
    match format {
        ProbeFormat::Text => then(&Shown::page(&text::probe(report, options))),
        ProbeFormat::Json => then(&Shown::machine(&json::render_probe(report))),
        ProbeFormat::Markdown => then(&Shown::machine(&markdown::probe(report, longest_comment()))),
        ProbeFormat::Sarif => then(&Shown::machine(&sarif::probe(
            report, places, cluster, exit,
        ))),
        ProbeFormat::Junit => then(&Shown::machine(&junit::probe(report))),
        ProbeFormat::Html => {
            let (views, gallery) = pictures;
            then(&Shown::machine(&html::probe(
                report, views, gallery, cluster, exit,
            )))
        }
        ProbeFormat::Github => then(&Shown::commands(&github::probe(report, places))),
    }
}

/// Writes a file, rendered while it is written.
fn pour(path: &Utf8Path, shown: &Shown<'_>) -> Result<(), Failure> {
    file::write(path, Readers::AsBefore, |file| screen::pour(file, shown))
        .with_context(|| path.to_string())?;
    Ok(())
}

/// Returns the longest comment of the forge that this runs on; outside CI that of the strictest one.
fn longest_comment() -> usize {
    let kind = ForgeKind::detect(&|name| env::var(name).ok());
    kind.unwrap_or(ForgeKind::Github).longest_comment()
}
