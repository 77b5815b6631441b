//! `apply [TREE]`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, anyhow};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::apply::{self, Applied, Event};
use crate::cli::args::{ApplyArgs, Format};
use crate::cli::base::{self, Ground};
use crate::cli::failure::Failure;
use crate::cli::lease::Held;
use crate::cli::platform::{self, Platform};
use crate::cli::progress::Progress;
use crate::cli::survey::{self, Survey};
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, output};
use crate::plan::{Step, Subject};
use crate::report::{self, Command, text};
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
    if args.platform.sandbox {
        return work(ui, args, &tree, &CancellationToken::new()).await;
    }
    let cluster = &tree.loaded.desired.cluster.name;
    let remote = base::arbiter(folder, &tree, &args.platform, &args.base)?;
    let cancel = CancellationToken::new();
    let held = Held::take(
        ui,
        &StateFolder::of_tree(folder),
        cluster,
        remote.filter(|_| !args.no_push),
        args.wait_for_lease.unwrap_or_default(),
    )
    .await?;
    let work = work(ui, args, &tree, &cancel);
    Box::pin(held.during(ui, &cancel, work)).await
}

/// Finds out what was applied last, plans, asks, carries out, and keeps what was applied.
async fn work(
    ui: Ui,
    args: &ApplyArgs,
    tree: &OpenTree,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let folder = &args.tree.tree;
    let revision = args.tree.choice.rev.as_deref();
    let ground = Ground::find(ui, folder, tree, revision, &args.platform, &args.base).await?;
    if let Some(older) = ground.older(folder).filter(|_| !args.rollback) {
        let message = format!("{older}; say --rollback to go back to it");
        return Err(Failure::Refused(message));
    }
    let platform = platform::connect(folder, tree, &args.platform).await?;
    let base = ground.desired();
    let survey = Survey::take(ui, tree, &platform, base, args.prune.prune).await?;
    show_plan(ui, tree, &survey, &ground, args)?;
    let steps = survey.planned.plan.steps.len();
    let mut applied = None;
    if steps > 0 {
        if !args.yes && !args.platform.sandbox && !asked("Apply this plan?").await? {
            return Err(Failure::Refused("not applied".to_owned()));
        }
        applied = Some(carry_out(ui, tree, &platform, &survey, folder, cancel).await?);
    }
    let recorded = ground.record(&survey.planned, applied.as_ref(), !args.no_push);
    let notes: Vec<String> = recorded.await.into_iter().collect();
    for note in &notes {
        ui.talk(&text::visible(note));
    }
    let mut facts = survey.facts(Command::Apply, tree);
    facts.applied = applied.as_ref();
    facts.base = ground.base.as_ref();
    facts.notes = &notes;
    facts.requests = platform.requests();
    let report = report::report(&facts);
    output::deliver_outcome(ui, &report, &args.output)?;
    let mut exit = Exit::of(&report);
    if platform.is_sandbox() && steps > 0 {
        let again = plan_again(ui, tree, &platform, args).await?;
        if exit == Exit::Done {
            exit = again;
        }
    }
    platform.stop().await;
    Ok(exit)
}

/// Asks without holding up what goes on besides: the lease must be renewed while somebody thinks.
async fn asked(question: &'static str) -> Result<bool, Failure> {
    tokio::task::spawn_blocking(move || ui::confirm(question))
        .await
        .map_err(|error| Failure::Failed(error.into()))?
}

/// Shows what will be done: as data when that is a text, else as talk.
fn show_plan(
    ui: Ui,
    tree: &OpenTree,
    survey: &Survey,
    ground: &Ground,
    args: &ApplyArgs,
) -> Result<(), Failure> {
    let mut facts = survey.facts(Command::Plan, tree);
    facts.base = ground.base.as_ref();
    let plan = report::report(&facts);
    if args.output.format == Format::Text {
        ui::data(&(text::render(&plan, ui.stdout_options()) + "\n"))
    } else {
        ui.talk(&text::render(&plan, ui.stderr_options()));
        Ok(())
    }
}

/// Carries the plan out. Ctrl-C ends the run after the writes that are in hand.
async fn carry_out(
    ui: Ui,
    tree: &OpenTree,
    platform: &Platform,
    survey: &Survey,
    folder: &Utf8Path,
    cancel: &CancellationToken,
) -> Result<Applied, Failure> {
    let plan = &survey.planned.plan;
    let state = StateFolder::choose(platform, folder)?;
    let mut options = apply::Options::new(state.path.clone(), Timestamp::now);
    tell_of_interrupted(ui, &state.path);
    options.cancel = cancel.clone();
    options.billing = tree.loaded.desired.policy.billing;
    let interrupted = watch_for_interrupt(ui, options.cancel.clone());
    let progress = Progress::new(ui);
    let done = AtomicUsize::new(0);
    let source = Arc::clone(&tree.source);
    let files = |path: &Utf8Path| source.read(path, MAX_ASSET_BYTES);
    let template = platform.template_writer();
    let applied = apply::run(
        plan,
        &platform.writer(),
        Some(&template),
        &files,
        &options,
        &|event| match event {
            Event::Begun(step) => {
                progress.update(done.load(Ordering::Relaxed), plan.steps.len(), title(step));
            }
            Event::Ended(step, _) => {
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress.update(done, plan.steps.len(), title(step));
            }
        },
    )
    .await
    .map_err(|error| Failure::Failed(error.into()));
    interrupted.abort();
    applied
}

/// Says what the last run had in hand when it was killed; the new plan has read what became of it.
fn tell_of_interrupted(ui: Ui, state: &Utf8Path) {
    let last = apply::runs(state)
        .ok()
        .and_then(|runs| runs.last().cloned());
    let entries = last.and_then(|run| apply::read_journal(state, &run).ok());
    let Some(interrupted) = entries.and_then(|entries| apply::interrupted(&entries)) else {
        return;
    };
    let run = interrupted
        .run
        .map_or_else(String::new, |run| format!(" {run}"));
    ui.talk(&format!(
        "the run{run} before this one did not end; what it had in hand:"
    ));
    for hand in interrupted.in_hand {
        let subject = match &hand.subject {
            Subject::Account { name, .. } => name.as_str(),
            Subject::Template => "domain template",
        };
        ui.talk(&format!(
            "  {}: {}",
            text::visible(subject),
            text::visible(&hand.write)
        ));
    }
    ui.talk("its snapshots are kept; this run goes by what is live now");
}

fn title(step: &Step) -> &str {
    match &step.subject {
        Subject::Account { name, .. } => name.as_str(),
        Subject::Template => "domain template",
    }
}

fn watch_for_interrupt(ui: Ui, cancel: CancellationToken) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ui.talk("stopping after what is in hand");
            cancel.cancel();
        }
    })
}

/// Where snapshots and journals go.
struct StateFolder {
    path: Utf8PathBuf,
    /// Takes the folder away when the run is over.
    _passing: Option<TempDir>,
}

impl StateFolder {
    /// Names the folder of a platform's runs, below the tree.
    fn of_tree(folder: &Utf8Path) -> Utf8PathBuf {
        folder.join(".emblazon")
    }

    /// A platform's are kept below the tree. A sandbox's are gone with it: its journal must not be taken for a
    /// platform's.
    fn choose(platform: &Platform, folder: &Utf8Path) -> Result<Self, Failure> {
        if !platform.is_sandbox() {
            return Ok(Self {
                path: Self::of_tree(folder),
                _passing: None,
            });
        }
        let passing = tempfile::tempdir().context("a temporary folder")?;
        let path = Utf8PathBuf::from_path_buf(passing.path().to_owned())
            .map_err(|path| anyhow!("the temporary folder {} is not UTF-8", path.display()))?;
        Ok(Self {
            path,
            _passing: Some(passing),
        })
    }
}

/// Shows that nothing is left to do; on a sandbox, where reading costs nothing.
async fn plan_again(
    ui: Ui,
    tree: &OpenTree,
    platform: &Platform,
    args: &ApplyArgs,
) -> Result<Exit, Failure> {
    let survey = Survey::take(ui, tree, platform, None, args.prune.prune).await?;
    let plan = report::report(&survey.facts(Command::Plan, tree));
    let exit = Exit::of(&plan);
    let options = ui.stdout_options();
    let text = if plan.summary().steps == 0 {
        format!("\nPlanned again:\n{}", text::summary(&plan, options))
    } else {
        format!(
            "\nWhat is still to be done:\n\n{}",
            text::render(&plan, options)
        )
    };
    if args.output.format == Format::Text {
        ui::data(&text)?;
    } else {
        ui.talk(&text);
    }
    Ok(exit)
}
