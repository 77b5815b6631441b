//! `report merge FILE…`

use std::fs::File;
use std::io::Read as _;

use anyhow::Context as _;
use camino::Utf8Path;

use crate::cli::args::ReportMergeArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;
use crate::cli::{Exit, output};
use crate::report::json;
use crate::report::merge::{Piece, merge};

/// Size limit of a report.
const MAX_REPORT_BYTES: u64 = 512 << 20;

pub(crate) fn report_merge(ui: Ui, args: &ReportMergeArgs) -> Result<Exit, Failure> {
    let pieces = args.files.iter().map(|file| read(file));
    let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
    let report =
        merge(pieces, args.partial).map_err(|error| Failure::Refused(error.to_string()))?;
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}

fn read(file: &Utf8Path) -> Result<Piece, Failure> {
    let mut text = String::new();
    let opened = File::open(file).with_context(|| file.to_string())?;
    let mut bounded = opened.take(MAX_REPORT_BYTES);
    (bounded.read_to_string(&mut text)).with_context(|| file.to_string())?;
    let report = json::of_shard(&text).map_err(|error| match error {
        json::PartError::Shape(_) => Failure::Usage(format!("{file}: {error}")),
        _ => Failure::Refused(format!("{file}: {error}")),
    })?;
    Ok(Piece {
        file: file.to_string(),
        report,
    })
}
