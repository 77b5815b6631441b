//! `plan [TREE]`

use crate::cli::args::PlanArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;
use crate::cli::{Exit, output, survey};
use crate::report::Command;

pub(crate) fn plan(ui: Ui, args: &PlanArgs) -> Result<Exit, Failure> {
    let report = survey::runtime()?.block_on(survey::look(
        ui,
        Command::Plan,
        &args.tree,
        &args.platform,
        args.prune.prune,
    ))?;
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}
