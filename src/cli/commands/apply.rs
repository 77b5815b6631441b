//! `apply [TREE|PLAN]`

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8Path;

use super::restore::restore_at_once;
use crate::apply::lease::LeaseGuard;
use crate::apply::{self, Applied, ApprovedPlan, Rollout, StepResult, Unseen};
use crate::cli::approval::{Approval, PlanOrigin};
use crate::cli::args::{ApplyArgs, BaseArgs, Format, PlanOptions, ScopeArgs};
use crate::cli::audit_trail::{Approving, RunPlace, audit_trail};
use crate::cli::base::{ApplyRecord, GitState};
use crate::cli::canary::CanaryProbe;
use crate::cli::execute::{self, StateFolder};
use crate::cli::failure::Failure;
use crate::cli::lease::{LeaseRequest, with_lease};
use crate::cli::pictures::{self, Before};
use crate::cli::platform::{self, Platform};
use crate::cli::primary;
use crate::cli::saved::Origin;
use crate::cli::shard;
use crate::cli::survey::{self, Dns, Purpose, Survey};
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::unknown::no_such_account;
use crate::cli::{Exit, approval, deadline, output, recovery, saved, selection};
use crate::model::{AccountName, Digest, Shard};
use crate::plan::{self, Plan, RefusalKind, StepId, Subject};
use crate::reconcile::Execution;
use crate::report::gallery::Gallery;
use crate::report::{self, Command, Facts, Report, text};
use crate::tree::{Base, ClusterConfig, Desired, MAX_ASSET_BYTES};

pub(crate) fn apply(ui: Ui, args: &ApplyArgs) -> Result<Exit, Failure> {
    if !args.yes && !args.platform.sandbox.is_wanted() && !ui.is_interactive() {
        return Err(Failure::Usage(format!(
            "nobody can be asked here; look at `{}` and then pass `--yes`",
            args.look()
        )));
    }
    if !args.target.exists() {
        return Err(Failure::Usage(format!(
            "there is no folder and no file {0}; name the folder with emblazon.yaml, or a plan that `emblazon plan --out {0}` saved",
            args.target
        )));
    }
    let is_saved = args.target.is_file();
    let mut asked = args.prune.asked();
    if is_saved {
        // A saved plan has these steps only if they were requested, and whoever names the plan has seen them.
        asked.extend([
            RefusalKind::Prune,
            RefusalKind::RepairTemplate,
            RefusalKind::Executes,
        ]);
    }
    let approval = Approval::new(&args.prune.allow, &asked, args.expect.as_ref(), args.look())?;
    if is_saved {
        if let Some(option) = args.ignored_by_saved_plan() {
            return Err(Failure::Usage(format!(
                "a saved plan is carried out as it is; make it with `plan {option}`"
            )));
        }
        deadline::run_on(saved_plan(ui, args, &approval))
    } else {
        if args.signed_by.is_some() {
            let message = "--signed-by is for a saved plan; make one with `plan --out FILE --sign KEY`, and name that file";
            return Err(Failure::Usage(message.to_owned()));
        }
        deadline::run_on(fresh_plan(ui, args, &approval))
    }
}

async fn fresh_plan(ui: Ui, args: &ApplyArgs, approval: &Approval) -> Result<Exit, Failure> {
    let folder = &args.target;
    let several = args.platform.several();
    let mut tree = tree::open_touched(ui, folder, &args.choice, several, &args.scope)?;
    let asked = &args.scope.selection;
    selection::narrow(ui, (folder, &mut tree), asked, &args.platform).await?;
    if tree.loaded.has_errors() {
        let report = report::report(&survey::tree_facts(Command::Apply, &tree));
        output::deliver(ui, &report, &args.output)?;
        return Ok(Exit::of(&report));
    }
    let cluster = tree.loaded.desired.cluster.clone();
    let request = lease_request(args, folder, &cluster, args.scope.shard);
    let work = async |guard| Box::pin(fresh(ui, args, approval, &mut tree, &guard)).await;
    Box::pin(with_lease(ui, request, work)).await
}

fn lease_request<'a>(
    args: &'a ApplyArgs,
    folder: &'a Utf8Path,
    cluster: &'a ClusterConfig,
    shard: Option<Shard>,
) -> LeaseRequest<'a> {
    LeaseRequest {
        folder,
        cluster,
        shard,
        platform: &args.platform,
        remote: &args.base.remote,
        lease: &args.lease,
        purpose: "apply",
    }
}

fn run_place<'a>(
    args: &'a ApplyArgs,
    folder: &'a Utf8Path,
    cluster: &'a ClusterConfig,
) -> RunPlace<'a> {
    RunPlace {
        folder,
        cluster,
        platform: &args.platform,
        remote: &args.base.remote,
        push: !args.lease.no_push,
    }
}

/// The input of a plan, or of deriving a saved plan again.
struct PlanRequest<'a> {
    folder: &'a Utf8Path,
    revision: Option<&'a str>,
    base: &'a BaseArgs,
    scope: &'a ScopeArgs,
    rules: plan::Options,
    dns: Dns,
    /// The saved plan, which must not have been executed before.
    unused: Option<&'a Plan>,
}

impl PlanRequest<'_> {
    /// Returns what an equal plan is made with; a cluster of `several` must be named.
    fn options(&self, several: bool) -> PlanOptions<'_> {
        PlanOptions {
            several,
            revision: self.revision,
            base: self.base,
            scope: self.scope,
            skip_dns: self.dns == Dns::Skipped,
        }
    }
}

/// What is prepared before anything is written.
struct Ready {
    platform: Platform,
    state: StateFolder,
    rollout: Rollout,
    survey: Survey,
}

/// Finds the base, refuses an unintended rollback, runs the recovery, reads the platform, and plans.
async fn make_ready(
    ui: Ui,
    args: &ApplyArgs,
    open: &mut OpenTree,
    guard: &LeaseGuard,
    plan_request: PlanRequest<'_>,
) -> Result<(GitState, Ready), Failure> {
    let PlanRequest { folder, scope, .. } = plan_request;
    let rollout = rollout(args, &open.loaded.desired)?;
    let mut git = GitState::find(
        ui,
        folder,
        open,
        plan_request.revision,
        &args.platform,
        plan_request.base,
    )
    .await?
    .for_run(scope.shard, !args.lease.no_push);
    git.check_answered()?;
    if let Some(older) = git.older(folder).filter(|_| !args.rollback) {
        return Err(Failure::Refused(format!(
            "{older}; pass --rollback to go back to it"
        )));
    }
    if let Some(shard) = scope.shard {
        shard::divide(open, git.desired_mut(), shard);
    }
    let platform = platform::connect(ui, folder, open, &args.platform).await?;
    let state = StateFolder::choose(&platform, folder)?;
    if let Some(plan) = plan_request.unused {
        is_unused(&state, plan, || {
            args.anew(plan, &plan_request.options(tree::clusters(open) > 1))
        })?;
    }
    let runs = (&*state.path, scope.shard);
    let history = args.history();
    let audit = audit_trail(
        run_place(args, folder, &open.loaded.desired.cluster),
        None,
        Approving::of(None, args.yes, &args.platform),
    );
    let consent = (is_sure(args), audit);
    recovery::recover(ui, open, &platform, runs, guard, consent, &history).await?;
    // The recovery must read without the cache.
    let platform = platform.with_scope(scope);
    let survey = Survey::take(
        ui,
        (folder, &mut *open),
        &platform,
        git.before_mut(),
        &plan_request.rules,
        (Purpose::Write, plan_request.dns),
    )
    .await?;
    let ready = Ready {
        platform,
        state,
        rollout,
        survey,
    };
    Ok((git, ready))
}

/// The plan to execute: a fresh one, or what of a saved one still follows.
struct Job<'a> {
    plan: Cow<'a, Plan>,
    digest: Digest,
    /// Whether a guard refuses it as a whole.
    is_held: bool,
    /// The steps that no longer follow from tree and platform.
    withheld: BTreeMap<StepId, String>,
    /// Objects that differ but have no step in the saved plan.
    unplanned: Vec<Subject>,
    /// A note that another commit was applied since the plan was saved.
    since: Option<String>,
    notes: Vec<String>,
    /// How it is approved.
    approving: Approving<'a>,
}

/// Plans, shows the plan, asks, executes it, and records what was applied.
async fn fresh(
    ui: Ui,
    args: &ApplyArgs,
    approval: &Approval,
    open: &mut OpenTree,
    guard: &LeaseGuard,
) -> Result<Exit, Failure> {
    let folder = &args.target;
    let plan_request = PlanRequest {
        folder,
        revision: args.choice.rev.as_deref(),
        base: &args.base,
        scope: &args.scope,
        rules: plan::Options {
            no_remove: args.prune.no_remove,
            ..approval.rules()
        },
        dns: Dns::unless(args.records.skip_dns),
        unused: None,
    };
    let (mut git, ready) = make_ready(ui, args, open, guard, plan_request).await?;
    let plan = &ready.survey.planned.plan;
    let job = Job {
        plan: Cow::Borrowed(plan),
        digest: ready.survey.digest.clone(),
        is_held: !approval.held(plan, &open.loaded.desired).is_empty(),
        withheld: BTreeMap::new(),
        unplanned: Vec::new(),
        since: None,
        notes: open.left_out().into_iter().collect(),
        approving: Approving::of(args.expect.as_ref(), args.yes, &args.platform),
    };
    let has_steps = !plan.steps.is_empty();
    let stage = (&mut git, &ready);
    let mut exit = show_and_do(ui, args, approval, (folder, open), (stage, job), guard).await?;
    let Ready { platform, .. } = ready;
    if platform.is_sandbox() && has_steps {
        let again = plan_again(ui, open, &platform, args).await?;
        if exit == Exit::Done {
            exit = again;
        }
    }
    platform.stop().await;
    Ok(exit)
}

/// Executes a saved plan, once: those of its steps that still follow.
async fn saved_plan(ui: Ui, args: &ApplyArgs, approval: &Approval) -> Result<Exit, Failure> {
    let folder = &args.tree;
    let (plan, signer) = match &args.signed_by {
        Some(signers) => {
            let (plan, signer) = saved::read_signed(&args.target, signers)?;
            ui.message(&format!("signed by {}", text::visible(&signer)));
            (plan, Some(signer))
        }
        None => (saved::read(&args.target)?, None),
    };
    approval.check_digest(&plan.digest(), PlanOrigin::Saved)?;
    if let Some(shard) = args.scope.shard
        && plan.scope.shard.map(|it| it.shard) != Some(shard)
    {
        return Err(Failure::Refused(format!(
            "a saved plan is carried out as it is, and this one is not that of shard {shard}; make it with `plan --shard {shard}`"
        )));
    }
    let mut origin = saved::origin(ui, &plan, (folder, &args.choice), args.scope.no_cache)?;
    let cluster = origin.tree.loaded.desired.cluster.clone();
    let request = lease_request(args, folder, &cluster, origin.scope.shard);
    let work = async |guard| {
        let found = (&mut origin, plan, signer.as_deref());
        Box::pin(saved(ui, args, approval, found, &guard)).await
    };
    Box::pin(with_lease(ui, request, work)).await
}

async fn saved(
    ui: Ui,
    args: &ApplyArgs,
    approval: &Approval,
    (origin, plan, signer): (&mut Origin, Plan, Option<&str>),
    guard: &LeaseGuard,
) -> Result<Exit, Failure> {
    let folder = &args.tree;
    let digest = plan.digest();
    let Origin {
        tree,
        revision,
        scope,
    } = origin;
    let base = saved::base_args(&plan, &args.base)?;
    let plan_request = PlanRequest {
        folder,
        revision: revision.as_deref(),
        base: &base,
        scope,
        rules: saved::rules(&plan, approval),
        dns: Dns::unless(saved::skips_dns(&plan)),
        unused: Some(&plan),
    };
    let (mut git, ready) = make_ready(ui, args, tree, guard, plan_request).await?;
    let mut now = ready.survey.planned.plan.clone();
    now.base = (git.base.as_ref().and_then(Base::commit)).map(str::to_owned);
    saved::is_from(&plan, &now.tree, revision.as_deref())?;
    let is_same_base = plan.base == now.base && git.written().is_empty();
    let live = &ready.survey.live;
    let confirmed = plan::confirm(&plan, &now, live, is_same_base).map_err(|error| {
        Failure::Refused(format!(
            "{error}: somebody changed the file, or another version of emblazon made it; make it again with `{}`",
            args.made_again()
        ))
    })?;
    // Guards that refused the run when it was planned may not refuse it now, and vice versa.
    let mut plan = plan;
    plan.refusals = now.refusals;
    let mut held = saved::held(&plan, approval, &tree.loaded.desired);
    if let Some(later) = saved::later(&plan, (folder, &args.choice))? {
        saved::check_later(&plan, &tree.loaded.desired, &later)?;
        let more = saved::held_later(&plan, approval, &later, &held);
        held.extend(more);
    }
    let is_held = !held.is_empty();
    plan.refusals.retain(|refusal| refusal.subject.is_some());
    plan.refusals.extend(held);
    plan.unknown = now.unknown;
    let since = git.since(&plan);
    let mut notes: Vec<String> = (since.iter())
        .map(|since| {
            format!("{since}; where it changed what the plan is about, the step is left out")
        })
        .collect();
    // Once another commit was applied, differences from this one's tree are expected.
    let unplanned = match since {
        Some(_) => Vec::new(),
        None => confirmed.beside,
    };
    notes.extend(
        Unplanned(&unplanned)
            .told()
            .map(|told| format!("{told}; plan again")),
    );
    notes.extend(tree.left_out());
    let job = Job {
        plan: Cow::Owned(plan),
        digest,
        is_held,
        withheld: confirmed.withheld,
        unplanned,
        since,
        notes,
        approving: signer.map_or(Approving::SavedPlan, Approving::Signature),
    };
    let stage = (&mut git, &ready);
    let exit = show_and_do(ui, args, approval, (folder, tree), (stage, job), guard).await?;
    ready.platform.stop().await;
    Ok(exit)
}

/// Objects that differ but have no step in a saved plan.
struct Unplanned<'a>(&'a [Subject]);

impl Unplanned<'_> {
    fn told(&self) -> Option<String> {
        const MOST: usize = 3;
        let titles: Vec<&str> = self.0.iter().map(Subject::title).collect();
        match titles.as_slice() {
            [] => None,
            [one] => Some(format!(
                "{one} differs, too, and the plan has no step for it"
            )),
            many => {
                let named = many[..many.len().min(MOST)].join(", ");
                let more = match many.len().saturating_sub(MOST) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                Some(format!(
                    "{named}{more} differ, too, and the plan has no steps for them"
                ))
            }
        }
    }
}

/// Shows the plan, asks, executes it, and records what was applied.
async fn show_and_do(
    ui: Ui,
    args: &ApplyArgs,
    approval: &Approval,
    (folder, tree): (&Utf8Path, &OpenTree),
    ((git, ready), job): ((&mut GitState, &Ready), Job<'_>),
    guard: &LeaseGuard,
) -> Result<Exit, Failure> {
    let Ready {
        platform,
        state,
        rollout,
        survey,
    } = ready;
    let plan = &*job.plan;
    let shard = tree.shard_facts();
    let base = git.base.clone();
    let mut known = git.told();
    known.extend(job.notes);
    known.extend(git.uncommitted());
    known.extend(idle_canaries(args, rollout, plan));
    let mut facts = survey.facts(Command::Plan, tree);
    facts.plan = Some((plan, &job.digest));
    facts.base = base.as_ref();
    facts.shard = shard.as_ref();
    facts.notes = &known;
    show_plan(ui, &report::report(&facts), args)?;
    approval.check_digest(&job.digest, PlanOrigin::Fresh)?;
    let desired = &tree.loaded.desired;
    // Pictures are read before the apply, which replaces them.
    let gallery = if args.output.shows_pictures() {
        pictures::gather(
            ui,
            &report::report(&facts),
            tree,
            &Before::Live(platform.reader()),
        )
        .await
    } else {
        Gallery::default()
    };
    let canary = CanaryProbe::prepare(args, (folder, tree), platform, rollout)?;
    let applied;
    facts.command = Command::Apply;
    if !plan.steps.is_empty() && !job.is_held {
        ask(args).await?;
        announce(ui, git, plan, desired).await;
        let approved = approval.approved(plan, desired);
        let place = run_place(args, folder, &desired.cluster);
        let audit = audit_trail(place, git.commit(), job.approving);
        let billing = approval.billing(desired.policy.billing);
        let execution = Execution {
            rollout: rollout.clone(),
            withheld: job.withheld,
            canary_check: canary.as_ref().map(CanaryProbe::check),
            known: platform.known(&survey.live),
            ..Execution::new(&state.path, billing, audit)
        };
        applied = execute_plan(ui, (folder, tree), platform, approved, execution, guard).await?;
        facts.applied = Some(&applied);
    }
    let differences = &survey.planned.differences;
    let apply_record = ApplyRecord {
        plan,
        applied: facts.applied,
        desired,
        differences: Some(differences),
        unseen: unseen(survey, args),
    };
    // What is live now is neither the old tree nor this one.
    let notes = match job.since.or_else(|| Unplanned(&job.unplanned).told()) {
        Some(why) => {
            let mut notes = vec![format!("the base stays as it was: {why}")];
            notes.extend(git.remember(apply_record).await.err());
            notes
        }
        None => git.record(apply_record).await,
    };
    let notes = told(ui, notes);
    facts.notes = &notes;
    let begun = facts.applied.map(|applied| begun(plan, applied));
    let exit = conclude(ui, platform, facts, &gallery, args)?;
    if let Some(unseen) = canary.as_ref().and_then(CanaryProbe::failure) {
        ui.message(unseen);
        let begun = begun.unwrap_or_default();
        let place = (platform, state);
        return unseen_canary(ui, args, (folder, tree), place, begun, (guard, git)).await;
    }
    if let (Some(probe), Some(begun)) = (&canary, begun.as_deref())
        && !probe.has_passed()
        && !begun.is_empty()
    {
        let (look, restore) = (args.probe_of(folder, begun), args.restore_of(folder, begun));
        ui.message(&format!(
            "the run ended before it was known what customers see: `{look}` looks, `{restore}` restores what was there before"
        ));
    }
    if exit == Exit::Done && !job.unplanned.is_empty() {
        return Ok(Exit::Differences);
    }
    Ok(exit)
}

/// Returns what in the plan's scope was not read.
fn unseen(survey: &Survey, args: &ApplyArgs) -> Option<Unseen> {
    let are_records_unread = survey.planned.plan.scope.records_unread;
    if survey.planned.differences.is_incomplete() {
        Some(Unseen::Unread)
    } else if are_records_unread && args.records.skip_dns {
        Some(Unseen::RecordsSkipped)
    } else {
        are_records_unread.then_some(Unseen::Records)
    }
}

/// Names the accounts that a run has begun.
fn begun(plan: &Plan, applied: &Applied) -> Vec<String> {
    let steps = plan.steps.iter().zip(&applied.outcomes);
    let begun: BTreeSet<&AccountName> = steps
        .filter(|(_, outcome)| {
            !matches!(
                outcome.result,
                StepResult::NotBegun { .. } | StepResult::Skipped { .. }
            )
        })
        .filter_map(|(step, _)| match &step.subject {
            Subject::Account { name, .. } => Some(name),
            Subject::Template | Subject::Zone(_) => None,
        })
        .collect();
    begun.into_iter().map(ToString::to_string).collect()
}

/// Restores the accounts that went first, whose customers do not see them, if that is wanted; with them those that gave
/// them a domain.
async fn unseen_canary(
    ui: Ui,
    args: &ApplyArgs,
    (folder, tree): (&Utf8Path, &OpenTree),
    (platform, state): (&Platform, &StateFolder),
    accounts: Vec<String>,
    write: (&LeaseGuard, &mut GitState),
) -> Result<Exit, Failure> {
    // They were written by a run before this one.
    if accounts.is_empty() {
        return Ok(Exit::Refused);
    }
    if !args.restore_canary {
        return Ok(Exit::Partly);
    }
    let mut restore_args = args.restore(folder, "last", accounts);
    // These have the report of the apply.
    restore_args.output.output.clear();
    let place = (platform, &*state.path);
    let restored = restore_at_once(ui, &restore_args, tree, place, write).await?;
    Ok(match restored {
        Exit::Done => Exit::Partly,
        other => other,
    })
}

/// Refuses a plan that was already executed; `anew` returns the command that makes and executes an equal one.
fn is_unused(
    state: &StateFolder,
    plan: &Plan,
    anew: impl FnOnce() -> String,
) -> Result<(), Failure> {
    let digest = plan.digest();
    let used =
        apply::used_by(&state.path, &digest).map_err(|error| Failure::Failed(error.into()))?;
    match used {
        Some(record) => Err(Failure::Refused(format!(
            "the plan {} was carried out by the run {}, and a saved plan is used once; to do the same once more, plan anew with `{}`",
            digest.short(),
            record.run,
            anew()
        ))),
        None => Ok(()),
    }
}

/// Returns a note if accounts that are to go first have nothing to do, and others do.
fn idle_canaries(args: &ApplyArgs, rollout: &Rollout, plan: &Plan) -> Option<String> {
    let idle: Vec<&str> = (rollout.idle(plan).into_iter())
        .map(AccountName::as_str)
        .collect();
    if plan.steps.is_empty() || idle.is_empty() {
        return None;
    }
    let verb = if idle.len() == 1 { "has" } else { "have" };
    let rest = if args.probe.is_some() {
        "only a look at what customers see goes first"
    } else if idle.len() == rollout.canary.len() {
        "no account goes first"
    } else {
        "the others that it names go first"
    };
    let names = idle.join(", ");
    Some(format!("--canary: {names} {verb} nothing to do, so {rest}"))
}

/// Returns the rollout that the arguments ask for.
fn rollout(args: &ApplyArgs, desired: &Desired) -> Result<Rollout, Failure> {
    let canary: BTreeSet<AccountName> = args.canary.iter().map(AccountName::new).collect();
    let is_known = |name: &&AccountName| desired.accounts.iter().any(|known| known.name == **name);
    let unknown = canary.iter().find(|name| !is_known(name));
    if let Some(unknown) = unknown
        && args.scope.selection.chooses()
    {
        return Err(Failure::Usage(format!(
            "--canary: {unknown} is not chosen; choose it too, with `--account {unknown}`"
        )));
    }
    if let Some(unknown) = unknown {
        let known = desired.accounts.iter().map(|account| &account.name);
        let message = no_such_account(unknown.as_str(), known);
        return Err(Failure::Usage(format!("--canary: {message}")));
    }
    Ok(Rollout {
        canary,
        max_failures: args.max_failures,
    })
}

fn is_sure(args: &ApplyArgs) -> bool {
    args.yes || args.platform.sandbox.is_wanted()
}

async fn ask(args: &ApplyArgs) -> Result<(), Failure> {
    if is_sure(args) || ui::ask("Apply this plan?").await? {
        Ok(())
    } else {
        Err(Failure::Refused("not applied".to_owned()))
    }
}

/// Shows the plan: on standard output if the report is text, else on standard error.
fn show_plan(ui: Ui, plan: &Report, args: &ApplyArgs) -> Result<(), Failure> {
    if args.output.format == Format::Text {
        ui::page(&text::render(plan, ui.stdout_options()))?;
        ui::data(&"\n")
    } else {
        ui.message_page(&text::render(plan, ui.stderr_options()));
        Ok(())
    }
}

/// Records what is about to be written.
async fn announce(ui: Ui, git: &mut GitState, plan: &Plan, desired: &Desired) {
    if let Some(note) = git.announce(plan, desired).await {
        ui.message(&text::visible(&note));
    }
}

/// Prints the notes about the base, and returns them for the report.
fn told(ui: Ui, notes: Vec<String>) -> Vec<String> {
    for note in &notes {
        ui.message(&text::visible(note));
    }
    notes
}

async fn execute_plan(
    ui: Ui,
    (folder, tree): (&Utf8Path, &OpenTree),
    platform: &Platform,
    approved: ApprovedPlan<'_>,
    mut execution: Execution<'_>,
    guard: &LeaseGuard,
) -> Result<Applied, Failure> {
    execution.retention = Some(tree.loaded.desired.policy.snapshots);
    execution.primary = primary::for_plan(folder, tree, platform, approved.plan).await?;
    let source = Arc::clone(&tree.source);
    let files = |path: &Utf8Path| source.read(path, MAX_ASSET_BYTES);
    execute::execute_plan(ui, platform, approved, &files, execution, guard).await
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

/// Shows that a second plan is empty; only on a sandbox, where reading costs nothing.
async fn plan_again(
    ui: Ui,
    tree: &mut OpenTree,
    platform: &Platform,
    args: &ApplyArgs,
) -> Result<Exit, Failure> {
    let mut rules = approval::rules(approval::lifted(&[], &args.prune.asked()));
    rules.no_remove = args.prune.no_remove;
    let survey = Survey::take(
        ui,
        (&args.target, &mut *tree),
        platform,
        (None, &[]),
        &rules,
        (Purpose::Show, Dns::unless(args.records.skip_dns)),
    )
    .await?;
    let plan = report::report(&survey.facts(Command::Plan, tree));
    let exit = Exit::of(&plan);
    let is_data = args.output.format == Format::Text;
    let options = if is_data {
        ui.stdout_options()
    } else {
        ui.stderr_options()
    };
    let (heading, page) = if plan.summary().steps == 0 {
        ("\nPlanned again:\n", text::summary(&plan, options))
    } else {
        (
            "\nWhat is still to be done:\n\n",
            text::render(&plan, options),
        )
    };
    if is_data {
        ui::data(&heading)?;
        ui::page(&page)?;
    } else {
        ui.message(heading);
        ui.message_page(&page);
    }
    Ok(exit)
}
