//! `validate [TREE]`

use crate::cli::args::ValidateArgs;
use crate::cli::failure::Failure;
use crate::cli::ui::Ui;
use crate::cli::{Exit, output, platform, tree};
use crate::report::{self, Command, Facts, Report};
use crate::tree::Loaded;

/// Checks a tree for each of its clusters; a mistake that all of them show is reported once.
pub(crate) fn validate(ui: Ui, args: &ValidateArgs) -> Result<Exit, Failure> {
    if let Some(file) = args.sandbox.seed(&args.tree.tree) {
        platform::seed(&file)?;
    }
    let trees = tree::open_all(&args.tree.tree, &args.tree.choice, args.no_cache)?;
    let mut reports = trees.iter().map(report_on);
    let Some(mut report) = reports.next() else {
        return Err(Failure::Usage("the tree declares no cluster".to_owned()));
    };
    for other in reports {
        report.also(other);
    }
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report).with(&report, args.severity.lowest()))
}

fn report_on(loaded: &Loaded) -> Report {
    report::report(&Facts {
        desired: Some(&loaded.desired),
        lint: &loaded.lint_notes,
        ..Facts::new(Command::Validate, &loaded.diagnostics, &loaded.sources)
    })
}
