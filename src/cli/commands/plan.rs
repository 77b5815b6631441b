//! `plan [TREE]`

use crate::cli::args::PlanArgs;
use crate::cli::failure::Failure;
use crate::cli::survey::{self, Dns, Look, Purpose};
use crate::cli::ui::Ui;
use crate::cli::{Exit, approval, output, saved};
use crate::report::Command;

pub(crate) fn plan(ui: Ui, args: &PlanArgs) -> Result<Exit, Failure> {
    let rules = approval::rules(approval::lifted(&args.prune.allow, args.prune.prune));
    let look = Look {
        command: Command::Plan,
        tree: &args.tree,
        platform: &args.platform,
        base: &args.base,
        scope: &args.scope,
        purpose: if args.out.is_some() {
            Purpose::Write
        } else {
            Purpose::Show
        },
        rules: &rules,
        only: None,
        dns: Dns::Skipped,
    };
    let (report, plan) = survey::runtime()?.block_on(survey::look(ui, look))?;
    output::deliver(ui, &report, &args.output)?;
    if let (Some(file), Some(plan)) = (&args.out, plan) {
        saved::write(file, &plan, &args.tree.tree, &args.tree.choice)?;
        ui.talk(&format!("saved; carry it out with `emblazon apply {file}`"));
    }
    Ok(Exit::of(&report))
}
