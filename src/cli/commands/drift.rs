//! `drift [TREE]`

use std::collections::BTreeSet;

use crate::cli::args::DriftArgs;
use crate::cli::failure::Failure;
use crate::cli::survey::{self, Dns, Look, Purpose};
use crate::cli::ui::Ui;
use crate::cli::{Exit, approval, deadline, output};
use crate::report::Command;

pub(crate) fn drift(ui: Ui, args: &DriftArgs) -> Result<Exit, Failure> {
    let rules = approval::rules(BTreeSet::new());
    let look = Look {
        command: Command::Drift,
        tree: &args.tree,
        platform: &args.platform,
        base: &args.base,
        scope: &args.scope,
        purpose: Purpose::Show,
        rules: &rules,
        only: args.only.map(Into::into),
        dns: Dns::unless(args.skip_dns),
        records: Dns::Skipped,
        pictures: args.output.shows_pictures(),
    };
    let seen = deadline::run(ui, survey::look(ui, look))?;
    output::deliver_with(ui, &seen.report, &seen.gallery, &args.output)?;
    Ok(Exit::of(&seen.report).with(&seen.report, args.severity.lowest()))
}
