//! `apply [TREE|PLAN]`

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8Path;

use crate::apply::{self, Applied, Mandate, Rollout};
use crate::cli::approval::Approval;
use crate::cli::args::{ApplyArgs, Format};
use crate::cli::base::Ground;
use crate::cli::carry::{self, Manner, StateFolder};
use crate::cli::failure::Failure;
use crate::cli::lease::{self, Room, Solitude};
use crate::cli::pictures::{self, Before};
use crate::cli::platform::{self, Platform};
use crate::cli::primary;
use crate::cli::shard;
use crate::cli::survey::{self, Dns, Purpose, Survey};
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, approval, output, recovery, saved};
use crate::model::{AccountName, Shard};
use crate::plan::Plan;
use crate::report::gallery::Gallery;
use crate::report::{self, Command, Facts, Report, text};
use crate::tree::{ClusterConfig, Desired, MAX_ASSET_BYTES};

pub(crate) fn apply(ui: Ui, args: &ApplyArgs) -> Result<Exit, Failure> {
    if !args.yes && !args.platform.sandbox && !ui.is_interactive() {
        let message = "nobody can be asked here; look at `emblazon plan` and then say `--yes`";
        return Err(Failure::Usage(message.to_owned()));
    }
    let is_saved = args.target.is_file();
    // A saved plan has deletions only when they were asked for, and whoever names it has seen them.
    let prune = args.prune.prune || is_saved;
    let approval = Approval::new(&args.prune.allow, prune, args.expect.as_ref())?;
    let runtime = survey::runtime()?;
    if is_saved {
        if args.records.skip_dns {
            let message = "a saved plan is carried out as it is; make it with `plan --skip-dns`";
            return Err(Failure::Usage(message.to_owned()));
        }
        runtime.block_on(saved_plan(ui, args, &approval))
    } else {
        runtime.block_on(fresh_plan(ui, args, &approval))
    }
}

async fn fresh_plan(ui: Ui, args: &ApplyArgs, approval: &Approval) -> Result<Exit, Failure> {
    let folder = &args.target;
    let several = args.platform.several();
    let mut tree = tree::open_touched(ui, folder, &args.choice, several, &args.scope)?;
    if tree.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Apply, &tree));
        output::deliver(ui, &report, &args.output)?;
        return Ok(Exit::of(&report));
    }
    let solitude = Solitude::default();
    let cluster = tree.loaded.desired.cluster.clone();
    let room = room(args, folder, &cluster, args.scope.shard);
    let work = fresh(ui, args, approval, &mut tree, &solitude);
    Box::pin(lease::alone(ui, room, &solitude, work)).await
}

/// Says what is to be had alone.
fn room<'a>(
    args: &'a ApplyArgs,
    folder: &'a Utf8Path,
    cluster: &'a ClusterConfig,
    shard: Option<Shard>,
) -> Room<'a> {
    Room {
        folder,
        cluster,
        shard,
        platform: &args.platform,
        remote: &args.base.remote,
        lease: &args.lease,
        purpose: "apply",
    }
}

/// Finds out what was applied last, and refuses to go back by accident.
async fn ground(
    ui: Ui,
    args: &ApplyArgs,
    folder: &Utf8Path,
    tree: &OpenTree,
    revision: Option<&str>,
) -> Result<Ground, Failure> {
    let ground = Ground::find(ui, folder, tree, revision, &args.platform, &args.base).await?;
    match ground.older(folder).filter(|_| !args.rollback) {
        Some(older) => Err(Failure::Refused(format!(
            "{older}; say --rollback to go back to it"
        ))),
        None => Ok(ground),
    }
}

/// Plans, shows, asks, carries out, and keeps what was applied.
async fn fresh(
    ui: Ui,
    args: &ApplyArgs,
    approval: &Approval,
    open: &mut OpenTree,
    solitude: &Solitude,
) -> Result<Exit, Failure> {
    let folder = &args.target;
    let rollout = rollout(args, &open.loaded.desired)?;
    let mut ground = ground(ui, args, folder, open, args.choice.rev.as_deref()).await?;
    if let Some(shard) = args.scope.shard {
        shard::divide(open, ground.desired_mut(), shard);
    }
    let platform = platform::connect(folder, open, &args.platform).await?;
    let state = StateFolder::choose(&platform, folder)?;
    let manner = manner(open, approval, &state.path, rollout, solitude);
    recovery::recover(
        ui,
        open,
        &platform,
        &manner,
        args.scope.shard,
        is_sure(args),
    )
    .await?;
    // What a run left in pieces was read without the cache.
    let platform = platform.with_scope(&args.scope);
    let rules = approval.rules();
    let survey = Survey::take(
        ui,
        (folder, &mut *open),
        &platform,
        ground.desired_mut(),
        &rules,
        (Purpose::Write, Dns::unless(args.records.skip_dns)),
    )
    .await?;
    let tree = &*open;
    let shard = tree.shard_facts();
    let mut facts = survey.facts(Command::Plan, tree);
    facts.base = ground.base.as_ref();
    facts.shard = shard.as_ref();
    let left_out: Vec<String> = tree.left_out().into_iter().collect();
    facts.notes = &left_out;
    show_plan(ui, &report::report(&facts), args)?;
    approval.check_digest(&survey.digest)?;
    let plan = &survey.planned.plan;
    let desired = &tree.loaded.desired;
    // What an apply replaces is gone afterwards, so pictures are read before.
    let gallery = if args.output.shows_pictures() {
        pictures::gather(
            ui,
            &report::report(&facts),
            tree,
            &survey.live,
            &Before::Live(platform.reader()),
        )
        .await
    } else {
        Gallery::default()
    };
    let is_held = !approval.held(plan, desired).is_empty();
    let applied;
    facts.command = Command::Apply;
    if !plan.steps.is_empty() && !is_held {
        ask(args).await?;
        let mandate = approval.mandate(plan, desired);
        applied = carry_out(ui, (folder, tree), &platform, mandate, manner).await?;
        facts.applied = Some(&applied);
    }
    let is_known = !survey.planned.differences.is_incomplete() && !plan.scope.records_unread;
    let notes = record(ui, &ground, plan, is_known, facts.applied, args).await;
    facts.notes = &notes;
    let mut exit = conclude(ui, &platform, facts, &gallery, args)?;
    if platform.is_sandbox() && !plan.steps.is_empty() {
        let again = plan_again(ui, open, &platform, args).await?;
        if exit == Exit::Done {
            exit = again;
        }
    }
    platform.stop().await;
    Ok(exit)
}

/// Carries out a plan that was saved: exactly that one, once.
async fn saved_plan(ui: Ui, args: &ApplyArgs, approval: &Approval) -> Result<Exit, Failure> {
    let folder = &args.tree;
    let plan = saved::read(&args.target)?;
    approval.check_digest(&plan.digest())?;
    let tree = saved::tree_of(ui, &plan, folder, &args.choice)?;
    let solitude = Solitude::default();
    let shard = plan.scope.shard.map(|it| it.shard);
    let room = room(args, folder, &tree.loaded.desired.cluster, shard);
    let work = saved(ui, args, approval, (&tree, plan), &solitude);
    Box::pin(lease::alone(ui, room, &solitude, work)).await
}

async fn saved(
    ui: Ui,
    args: &ApplyArgs,
    approval: &Approval,
    (tree, mut plan): (&OpenTree, Plan),
    solitude: &Solitude,
) -> Result<Exit, Failure> {
    let folder = &args.tree;
    let digest = plan.digest();
    let desired = &tree.loaded.desired;
    let rollout = rollout(args, desired)?;
    let revision = plan.commit.as_deref().or(args.choice.rev.as_deref());
    let ground = ground(ui, args, folder, tree, revision).await?;
    let platform = platform::connect(folder, tree, &args.platform).await?;
    let state = StateFolder::choose(&platform, folder)?;
    let used =
        apply::used_by(&state.path, &digest).map_err(|error| Failure::Failed(error.into()))?;
    if let Some(record) = used {
        return Err(Failure::Refused(format!(
            "the plan {} was carried out by the run {}; a plan is used once, plan again",
            digest.short(),
            record.run
        )));
    }
    let manner = manner(tree, approval, &state.path, rollout, solitude);
    let shard = plan.scope.shard.map(|it| it.shard);
    recovery::recover(ui, tree, &platform, &manner, shard, is_sure(args)).await?;
    // What held the whole run when it was planned may not hold it now, and the other way round.
    let held = approval.held(&plan, desired);
    plan.refusals.retain(|refusal| refusal.subject.is_some());
    plan.refusals.extend(held.iter().cloned());
    let since = ground.since(&plan);
    let about_since: Vec<String> = (since.iter())
        .map(|since| {
            format!("{since}; where it changed what the plan is about, the step is left out")
        })
        .collect();
    let mut facts = Facts {
        plan: Some((&plan, &digest)),
        base: ground.base.as_ref(),
        notes: &about_since,
        ..Facts::new(Command::Plan, &[], &tree.loaded.sources)
    };
    show_plan(ui, &report::report(&facts), args)?;
    let applied;
    facts.command = Command::Apply;
    if !plan.steps.is_empty() && held.is_empty() {
        ask(args).await?;
        let mandate = approval.mandate(&plan, desired);
        applied = carry_out(ui, (folder, tree), &platform, mandate, manner).await?;
        facts.applied = Some(&applied);
    }
    let is_known = plan.scope.unreadable == 0 && !plan.scope.records_unread;
    let notes = match since {
        // The tree that is live now is neither this one nor that.
        Some(since) => told(ui, Some(format!("the base stays as it was: {since}"))),
        None => record(ui, &ground, &plan, is_known, facts.applied, args).await,
    };
    facts.notes = &notes;
    let exit = conclude(ui, &platform, facts, &Gallery::default(), args)?;
    platform.stop().await;
    Ok(exit)
}

/// Says who goes first and when to stop.
fn rollout(args: &ApplyArgs, desired: &Desired) -> Result<Rollout, Failure> {
    let canary: BTreeSet<AccountName> = args.canary.iter().map(AccountName::new).collect();
    let is_known = |name: &&AccountName| desired.accounts.iter().any(|known| known.name == **name);
    if let Some(unknown) = canary.iter().find(|name| !is_known(name)) {
        return Err(Failure::Usage(format!(
            "--canary {unknown}: the tree has no such account; write the name of its folder"
        )));
    }
    Ok(Rollout {
        canary,
        max_failures: args.max_failures,
    })
}

fn is_sure(args: &ApplyArgs) -> bool {
    args.yes || args.platform.sandbox
}

async fn ask(args: &ApplyArgs) -> Result<(), Failure> {
    if is_sure(args) || ui::ask("Apply this plan?").await? {
        Ok(())
    } else {
        Err(Failure::Refused("not applied".to_owned()))
    }
}

/// Shows what will be done: as data when that is a text, else as talk.
fn show_plan(ui: Ui, plan: &Report, args: &ApplyArgs) -> Result<(), Failure> {
    if args.output.format == Format::Text {
        ui::data(&format_args!(
            "{}\n",
            text::render(plan, ui.stdout_options())
        ))
    } else {
        ui.talk(&text::render(plan, ui.stderr_options()).to_string());
        Ok(())
    }
}

/// Moves the base, and says what became of it.
async fn record(
    ui: Ui,
    ground: &Ground,
    plan: &Plan,
    is_known: bool,
    applied: Option<&Applied>,
    args: &ApplyArgs,
) -> Vec<String> {
    let recorded = ground.record(plan, is_known, applied, !args.lease.no_push);
    told(ui, recorded.await)
}

/// Says what became of the base, and keeps it for the report.
fn told(ui: Ui, note: Option<String>) -> Vec<String> {
    if let Some(note) = &note {
        ui.talk(&text::visible(note));
    }
    note.into_iter().collect()
}

fn manner<'a>(
    tree: &OpenTree,
    approval: &Approval,
    state: &'a Utf8Path,
    rollout: Rollout,
    solitude: &Solitude,
) -> Manner<'a> {
    Manner {
        state,
        billing: approval.billing(tree.loaded.desired.policy.billing),
        rollout,
        primary: None,
        solitude: solitude.clone(),
    }
}

async fn carry_out(
    ui: Ui,
    (folder, tree): (&Utf8Path, &OpenTree),
    platform: &Platform,
    mandate: Mandate<'_>,
    mut manner: Manner<'_>,
) -> Result<Applied, Failure> {
    let state = manner.state;
    let is_part = mandate.plan.scope.shard.is_some();
    manner.primary = primary::for_plan(folder, tree, platform, mandate.plan).await?;
    let source = Arc::clone(&tree.source);
    let files = |path: &Utf8Path| source.read(path, MAX_ASSET_BYTES);
    let applied = carry::carry_out(ui, platform, mandate, &files, manner).await?;
    // Another shard may be about to keep what only its coming snapshot names.
    if applied.is_complete() && !is_part {
        carry::clear_up(ui, state, tree.loaded.desired.policy.snapshots);
    }
    Ok(applied)
}

fn conclude(
    ui: Ui,
    platform: &Platform,
    mut facts: Facts<'_>,
    gallery: &Gallery,
    args: &ApplyArgs,
) -> Result<Exit, Failure> {
    facts.requests = platform.requests();
    let report = report::report(&facts);
    output::deliver_outcome(ui, &report, gallery, &args.output)?;
    Ok(Exit::of(&report))
}

/// Shows that nothing is left to do; on a sandbox, where reading costs nothing.
async fn plan_again(
    ui: Ui,
    tree: &mut OpenTree,
    platform: &Platform,
    args: &ApplyArgs,
) -> Result<Exit, Failure> {
    let rules = approval::rules(approval::lifted(&[], args.prune.prune));
    let survey = Survey::take(
        ui,
        (&args.target, &mut *tree),
        platform,
        None,
        &rules,
        (Purpose::Show, Dns::unless(args.records.skip_dns)),
    )
    .await?;
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
