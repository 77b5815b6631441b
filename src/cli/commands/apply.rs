//! `apply [TREE]`

use camino::Utf8PathBuf;

use crate::apply::{self, Applied};
use crate::cli::args::{ApplyArgs, Format};
use crate::cli::failure::Failure;
use crate::cli::platform::{self, Platform};
use crate::cli::progress::Progress;
use crate::cli::survey::{self, Survey};
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::Ui;
use crate::cli::{Exit, output};
use crate::report::{self, Command, Facts, text};
use crate::tree::MAX_ASSET_BYTES;

pub(crate) fn apply(ui: Ui, args: &ApplyArgs) -> Result<Exit, Failure> {
    if !args.yes && !args.platform.sandbox && !ui.is_interactive() {
        let message = "nobody can be asked here; look at `emblazon plan` and then say `--yes`";
        return Err(Failure::Usage(message.to_owned()));
    }
    survey::runtime()?.block_on(run(ui, args))
}

async fn run(ui: Ui, args: &ApplyArgs) -> Result<Exit, Failure> {
    let folder = &args.tree.tree;
    let tree = tree::open(ui, folder, &args.tree.choice, args.platform.several())?;
    if tree.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Apply, &tree));
        output::deliver(ui, &report, &args.output)?;
        return Ok(Exit::of(&report));
    }
    let platform = platform::connect(folder, &tree, &args.platform).await?;
    let survey = Survey::take(ui, &tree, &platform, args.prune.prune).await?;
    show_plan(ui, &tree, &survey, args)?;
    let steps = survey.planned.plan.steps.len();
    let mut facts = survey.facts(Command::Apply, &tree);
    let applied;
    if steps > 0 {
        if !args.yes && !args.platform.sandbox && !ui.confirm("Apply this plan?")? {
            return Err(Failure::Refused("not applied".to_owned()));
        }
        applied = carry_out(ui, &tree, &platform, &survey, folder.join(".emblazon")).await?;
        facts.applied = Some(&applied);
    }
    facts.requests = platform.requests();
    let report = report::report(&facts);
    output::deliver(ui, &report, &args.output)?;
    let mut exit = Exit::of(&report);
    if platform.is_sandbox() && steps > 0 {
        exit = exit.max(plan_again(ui, &tree, &platform, args).await?);
    }
    platform.stop().await;
    Ok(exit)
}

/// Shows what will be done: as data when that is a text, else as talk.
fn show_plan(ui: Ui, tree: &OpenTree, survey: &Survey, args: &ApplyArgs) -> Result<(), Failure> {
    let plan = report::report(&survey.facts(Command::Plan, tree));
    if args.output.format == Format::Text {
        ui.data(&(text::render(&plan, ui.stdout_options()) + "\n"))
    } else {
        ui.talk(&text::render(&plan, ui.stderr_options()));
        Ok(())
    }
}

async fn carry_out(
    ui: Ui,
    tree: &OpenTree,
    platform: &Platform,
    survey: &Survey,
    state_dir: Utf8PathBuf,
) -> Result<Applied, Failure> {
    todo!()
}
