//! `drift [TREE]`

use std::collections::BTreeSet;

use crate::cli::args::DriftArgs;
use crate::cli::failure::Failure;
use crate::cli::survey::Dns;
use crate::cli::ui::Ui;
use crate::cli::{Exit, approval, output, survey};
use crate::report::Command;

pub(crate) fn drift(ui: Ui, args: &DriftArgs) -> Result<Exit, Failure> {
    let dns = if args.skip_dns {
        Dns::Skipped
    } else {
        Dns::Included
    };
    let rules = approval::rules(false, BTreeSet::new());
    let (report, _) = survey::runtime()?.block_on(survey::look(
        ui,
        Command::Drift,
        &args.tree,
        &args.platform,
        &rules,
        dns,
    ))?;
    output::deliver(ui, &report, &args.output)?;
    Ok(Exit::of(&report))
}
