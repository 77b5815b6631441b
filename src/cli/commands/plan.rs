//! `plan [TREE]`

use crate::cli::args::PlanArgs;
use crate::cli::failure::Failure;
use crate::cli::survey::{self, Dns, Look, Purpose};
use crate::cli::ui::Ui;
use crate::cli::{Exit, approval, deadline, output, recorded, saved};
use crate::report::Command;

pub(crate) fn plan(ui: Ui, args: &PlanArgs) -> Result<Exit, Failure> {
    if let Some(file) = &args.out {
        saved::check_folder(file)?;
    }
    let mut rules = approval::rules(approval::lifted(&args.prune.allow, &args.prune.asked()));
    rules.no_remove = args.prune.no_remove;
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
        records: Dns::unless(args.records.skip_dns),
        pictures: args.output.shows_pictures(),
    };
    let seen = if args.recorded {
        deadline::run(ui, recorded::look(ui, look))?
    } else {
        deadline::run(ui, survey::look(ui, look))?
    };
    output::deliver_with(ui, &seen.report, &seen.gallery, &args.output)?;
    if let (Some(file), Some(plan)) = (&args.out, seen.plan) {
        let tree = (args.tree.tree.as_path(), &args.tree.choice);
        saved::write(file, &plan, tree, args.sign.as_deref())?;
        let signed = args.sign.as_ref().map_or("", |_| " and signed");
        ui.message(&format!(
            "saved{signed}; carry it out with `{}`",
            args.carried_out(file)
        ));
    }
    Ok(Exit::of(&seen.report).with(&seen.report, args.severity.lowest()))
}
