//! `show PLAN`

use crate::cli::args::ShowArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;
use crate::cli::{Exit, output, saved};
use crate::diag::SourceMap;
use crate::report::{self, Command, Facts};

/// Shows a saved plan; needs neither its tree nor its platform.
pub(crate) fn show(ui: Ui, args: &ShowArgs) -> Result<Exit, Failure> {
    let plan = saved::read(&args.plan)?;
    let digest = plan.digest();
    let sources = SourceMap::default();
    let facts = Facts {
        plan: Some((&plan, &digest)),
        ..Facts::new(Command::Plan, &[], &sources)
    };
    let report = report::report(&facts);
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}
