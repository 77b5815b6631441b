//! `plan [TREE]`

use crate::cli::args::PlanArgs;
use crate::cli::failure::Failure;
use crate::cli::survey::{self, Dns, Look};
use crate::cli::ui::Ui;
use crate::cli::{Exit, output};
use crate::report::Command;

pub(crate) fn plan(ui: Ui, args: &PlanArgs) -> Result<Exit, Failure> {
    let look = Look {
        command: Command::Plan,
        tree: &args.tree,
        platform: &args.platform,
        base: &args.base,
        prune: args.prune.prune,
        only: None,
        dns: Dns::Skipped,
    };
    let report = survey::runtime()?.block_on(survey::look(ui, look))?;
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}
