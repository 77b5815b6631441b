//! `validate [TREE]`

use crate::cli::args::ValidateArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;
use crate::cli::{Exit, output, tree};
use crate::report::{self, Command, Facts};

pub(crate) fn validate(ui: Ui, args: &ValidateArgs) -> Result<Exit, Failure> {
    let tree = tree::open(&args.tree.tree, &args.tree.choice, false)?;
    let report = report::report(&Facts {
        desired: Some(&tree.loaded.desired),
        ..Facts::new(Command::Validate, &tree.loaded.diagnostics, &tree.loaded.sources)
    });
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}
