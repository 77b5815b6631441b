//! `drift [TREE]`

use crate::cli::args::DriftArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;
use crate::cli::{Exit, output, survey};
use crate::report::Command;

pub(crate) fn drift(ui: Ui, args: &DriftArgs) -> Result<Exit, Failure> {
    let report = survey::runtime()?.block_on(survey::look(
        ui,
        Command::Drift,
        &args.tree,
        &args.platform,
        false,
    ))?;
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}
