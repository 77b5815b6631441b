//! `restore RUN [ACCOUNT …]`

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::history::{NEWEST, NO_HISTORY, find};
use crate::apply::lease::LeaseGuard;
use crate::apply::{
    self, Manifest, RecordsBack, RestoreTarget, RunId, SnapshotStore, StoredAssets,
};
use crate::cli::approval::{Approval, PlanOrigin};
use crate::cli::args::{BaseArgs, Format, RestoreArgs, Several, TreeChoice};
use crate::cli::audit_trail::{Approving, RunPlace, audit_trail};
use crate::cli::base::GitState;
use crate::cli::execute::{self, StateFolder};
use crate::cli::failure::Failure;
use crate::cli::lease::{LeaseRequest, with_lease};
use crate::cli::platform::{self, Platform};
use crate::cli::primary;
use crate::cli::tree::{self, OpenTree};
use crate::cli::ui::{self, Ui};
use crate::cli::{Exit, deadline, output};
use crate::diff::ZoneDifference;
use crate::live::{Live, Reading, Unmanaged};
use crate::model::{AccountName, DomainName, Identity, Realm};
use crate::plan::{self, Plan, Planned, Refusal, RefusalKind, Subject};
use crate::reconcile::Execution;
use crate::report::gallery::Gallery;
use crate::report::{self, Command, Facts, text};
use crate::tree::{Desired, DesiredAccount};

/// What follows a restore.
const NEXT: &str = "the tree is as it was: the next `apply` writes again what this undid, and a daemon with `apply: auto` does so at once; revert the commit first, or bring what is live into the tree with `emblazon import`";

pub(crate) fn restore(ui: Ui, args: &RestoreArgs) -> Result<Exit, Failure> {
    deadline::run_on(run(ui, args))
}

async fn run(ui: Ui, args: &RestoreArgs) -> Result<Exit, Failure> {
    let state = state(args)?;
    let run = find(&state, &args.run, &args.history())?;
    is_no_restore(args, &state, &run)?;
    // Wrong arguments are reported before anybody waits or confirms.
    approval(args, false)?;
    let store = SnapshotStore::new(&state);
    let manifest = store.manifest(&run).map_err(failed)?;
    let choice = TreeChoice {
        cluster: Some(manifest.cluster.to_string()),
        rev: None,
    };
    let tree = tree::open(ui, &args.tree, &choice, Several::Refuse)?;
    let only: BTreeSet<AccountName> = args.accounts.iter().map(AccountName::new).collect();
    let back = restore_target(&tree, &manifest, &store, &only)?;
    if !is_sure(args) && !ui.is_interactive() && !args.dry_run {
        return Err(Failure::Usage(format!(
            "nobody can be asked here; look at `{}` and then pass `--yes`",
            args.look()
        )));
    }
    let request = LeaseRequest {
        folder: &args.tree,
        cluster: &tree.loaded.desired.cluster,
        shard: None,
        platform: &args.platform,
        remote: &args.remote,
        lease: &args.lease,
        purpose: "restore",
    };
    let trip = Trip {
        args,
        run: &run,
        tree: &tree,
        manifest: &manifest,
        store: &store,
        only: &only,
        follows_apply: false,
    };
    if args.dry_run {
        return Box::pin(connect_and_go_back(ui, &trip, back, None)).await;
    }
    let work = async |guard| {
        let base = BaseArgs {
            remote: args.remote.clone(),
            no_fetch: false,
            forget: Vec::new(),
        };
        let found = GitState::find(ui, &args.tree, &tree, None, &args.platform, &base);
        let mut git = found.await?.for_run(None, !args.lease.no_push);
        connect_and_go_back(ui, &trip, back, Some((&guard, &mut git))).await
    };
    Box::pin(with_lease(ui, request, work)).await
}

/// Refuses `last` where the last run was itself a restore: the same command once more would undo it.
fn is_no_restore(args: &RestoreArgs, state: &Utf8Path, run: &RunId) -> Result<(), Failure> {
    let (record, _) = apply::run_of(state, run).map_err(failed)?;
    let Some(restored) = record.and_then(|record| record.restores) else {
        return Ok(());
    };
    if args.run != NEWEST {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "the last run, {run}, restored {restored}: name the run that is to be restored, as `{}` lists them; `{}` undoes the restore",
        args.history(),
        args.together(run.as_str(), &[])
    )))
}

/// Restores accounts from a run that has just ended, under its lease and on its platform.
pub(super) async fn restore_at_once(
    ui: Ui,
    args: &RestoreArgs,
    tree: &OpenTree,
    (platform, state): (&Platform, &Utf8Path),
    (guard, git): (&LeaseGuard, &mut GitState),
) -> Result<Exit, Failure> {
    let run = find(state, &args.run, &args.history())?;
    let store = SnapshotStore::new(state);
    let manifest = store.manifest(&run).map_err(failed)?;
    let only: BTreeSet<AccountName> = args.accounts.iter().map(AccountName::new).collect();
    let back = restore_target(tree, &manifest, &store, &only)?;
    let trip = Trip {
        args,
        run: &run,
        tree,
        manifest: &manifest,
        store: &store,
        only: &only,
        follows_apply: true,
    };
    let write = Some((guard, git));
    Box::pin(go_back(ui, &trip, back, (platform, state), write)).await
}

async fn connect_and_go_back(
    ui: Ui,
    trip: &Trip<'_>,
    back: RestoreTarget,
    write: Option<(&LeaseGuard, &mut GitState)>,
) -> Result<Exit, Failure> {
    let args = trip.args;
    let state = state(args)?;
    let platform = platform::connect(ui, &args.tree, trip.tree, &args.platform).await?;
    let exit = go_back(ui, trip, back, (&platform, &state), write).await?;
    platform.stop().await;
    Ok(exit)
}

fn state(args: &RestoreArgs) -> Result<Utf8PathBuf, Failure> {
    StateFolder::of_choice(&args.platform.sandbox, &args.tree)
        .ok_or_else(|| Failure::Usage(NO_HISTORY.to_owned()))
}

/// Returns whether no confirmation is needed; a sandbox has no other users.
fn is_sure(args: &RestoreArgs) -> bool {
    args.yes || args.platform.sandbox.is_wanted()
}

/// The restore that was requested.
#[derive(Clone, Copy)]
struct Trip<'a> {
    args: &'a RestoreArgs,
    run: &'a RunId,
    tree: &'a OpenTree,
    manifest: &'a Manifest,
    store: &'a SnapshotStore,
    /// The requested accounts; empty for all accounts of the run.
    only: &'a BTreeSet<AccountName>,
    /// Whether it follows an apply, whose report is on standard output.
    follows_apply: bool,
}

impl Trip<'_> {
    /// Returns the rules to plan by. The tree's other accounts count too, so that shares are shares of all accounts.
    fn rules(&self, approval: &Approval, back: &RestoreTarget) -> plan::Options {
        let mut rules = approval.rules();
        let others = self.tree.loaded.desired.accounts.iter();
        let others = others.filter(|it| back.desired.account(&it.name).is_none());
        rules.part.left_out = u32::try_from(others.count()).unwrap_or(u32::MAX);
        rules
    }
}

/// Returns the restore target for some accounts of the snapshot, under the tree's policy.
fn restore_target(
    tree: &OpenTree,
    manifest: &Manifest,
    store: &SnapshotStore,
    only: &BTreeSet<AccountName>,
) -> Result<RestoreTarget, Failure> {
    let desired = &tree.loaded.desired;
    let back = apply::restore_target(manifest, store, &desired.cluster, only);
    let mut back = back.map_err(|error| match error {
        apply::RestoreError::NoAccount { .. } => Failure::Usage(error.to_string()),
        apply::RestoreError::Snapshot(error) => failed(error),
    })?;
    back.desired.policy = desired.policy.clone();
    // What the tree says is never written is not written by a restore either.
    for account in &mut back.desired.accounts {
        if let Some(declared) = desired.account(&account.name) {
            let account = account.make_mut();
            account.policy.mode = declared.policy.mode;
            account.policy.protected = declared.policy.protected;
            account.ignore.clone_from(&declared.ignore);
            account.labels.clone_from(&declared.labels);
        }
    }
    Ok(back)
}

/// Builds the approval from the command line. A restore implies the deletions that it needs, and the replacement of a
/// template that nobody can read; one that follows an apply also puts back the code that was there a moment ago.
fn approval(args: &RestoreArgs, follows_apply: bool) -> Result<Approval, Failure> {
    let mut asked = vec![
        RefusalKind::Prune,
        RefusalKind::Remove,
        RefusalKind::RepairTemplate,
    ];
    asked.extend(follows_apply.then_some(RefusalKind::Executes));
    let (expect, look) = (args.expect.as_ref(), args.look());
    if args.dry_run {
        return Ok(Approval::for_look(&args.allow, &asked, look));
    }
    Approval::new(&args.allow, &asked, expect, look)
}

/// Plans the restore, shows it, asks, and executes it; without a lease, it is only shown.
async fn go_back(
    ui: Ui,
    trip: &Trip<'_>,
    back: RestoreTarget,
    (platform, state): (&Platform, &Utf8Path),
    write: Option<(&LeaseGuard, &mut GitState)>,
) -> Result<Exit, Failure> {
    let Trip {
        args,
        run,
        tree,
        manifest,
        store,
        only,
        follows_apply,
    } = *trip;
    let approval = approval(args, follows_apply)?;
    let live = platform.collect_before(ui, &back.desired).await?;
    let rules = trip.rules(&approval, &back);
    let records = records_back(args, tree, platform, manifest, only).await?;
    let (mut planned, rest) = plan_back(&back, (&live, &records.zones), &rules, |planned| {
        if args.moved {
            return Ok(Vec::new());
        }
        moved(state, run, manifest, &live, planned)
    })?;
    explain_held(ui, trip, platform, (&back, &live), &mut planned).await?;
    if manifest.template_unread && only.is_empty() {
        let refusals = &mut planned.plan.refusals;
        refusals.retain(|refusal| refusal.kind != RefusalKind::EmptyTree);
        refusals.push(template_unread());
    }
    let refusals = records
        .moved
        .into_iter()
        .map(|(zone, reason)| moved_since(Subject::Zone(zone), &reason));
    planned.plan.refusals.extend(refusals);
    let digest = planned.plan.digest();
    for refusal in &mut planned.plan.refusals {
        if let Some(guard) = refusal.kind.guard()
            && !approval.allow.contains(&refusal.kind)
        {
            let whole = refusal.subject.is_none().then_some(&digest);
            refusal.help = args.lift(guard, whole);
        }
    }
    let mut facts = Facts {
        desired: Some(&back.desired),
        live: Some(&live),
        differences: Some(&planned.differences),
        plan: Some((&planned.plan, &digest)),
        ..Facts::new(Command::Plan, &[], &back.sources)
    };
    let mut shown = report::report(&facts);
    shown.is_of_restore();
    let Some((guard, git)) = write else {
        output::deliver(ui, &shown, &args.output)?;
        return Ok(Exit::of(&shown));
    };
    ui.message_page(&text::render(&shown, ui.stderr_options()));
    approval.check_digest(&digest, PlanOrigin::Restore)?;
    facts.command = Command::Apply;
    let is_held = !approval.held(&planned.plan, &rest).is_empty();
    let applied;
    if !planned.plan.steps.is_empty() && !is_held {
        if !is_sure(args) && !ui::ask("Restore this?").await? {
            return Err(Failure::Refused("not restored".to_owned()));
        }
        let undone = apply::plan_of(state, run);
        let recorded = git.restore(&planned.plan, &back.desired, undone.as_ref());
        if let Some(note) = recorded.await {
            ui.message(&text::visible(&note));
        }
        let place = RunPlace {
            folder: &args.tree,
            cluster: &tree.loaded.desired.cluster,
            platform: &args.platform,
            remote: &args.remote,
            push: !args.lease.no_push,
        };
        let approving = Approving::of(args.expect.as_ref(), args.yes, &args.platform);
        let audit = audit_trail(place, None, approving);
        let execution = Execution {
            primary: primary::for_plan(&args.tree, tree, platform, &planned.plan).await?,
            restores: Some(run.clone()),
            ..Execution::new(state, approval.billing(back.desired.policy.billing), audit)
        };
        let files = StoredAssets::new(store, &back.desired);
        let approved = approval.approved(&planned.plan, &rest);
        applied = execute::execute_plan(ui, platform, approved, &files, execution, guard).await?;
        facts.applied = Some(&applied);
    }
    facts.requests = platform.requests();
    let mut report = report::report(&facts);
    report.is_of_restore();
    // A reader of another format than text expects one report.
    if follows_apply && args.output.format != Format::Text {
        ui.message_page(&text::render(&report, ui.stderr_options()));
    } else {
        output::deliver_outcome(ui, &report, &Gallery::default(), &args.output)?;
    }
    // A sandbox that ends with its command is not applied to again.
    if report.summary().count.done > 0 && (!platform.is_sandbox() || platform.runs().is_some()) {
        tell_next(ui, &planned.plan, &tree.loaded.desired);
    }
    Ok(Exit::of_restore(&report))
}

/// Says what the next apply does with what was restored.
fn tell_next(ui: Ui, plan: &Plan, tree: &Desired) {
    let written = plan.steps.iter().map(|step| &step.subject);
    let (declared, gone): (BTreeSet<&Subject>, BTreeSet<&Subject>) = written.partition(
        |subject| !matches!(subject, Subject::Account { name, .. } if tree.account(name).is_none()),
    );
    if !declared.is_empty() {
        ui.message(NEXT);
    }
    if !gone.is_empty() {
        let titles: Vec<&str> = gone.iter().map(|subject| subject.title()).collect();
        ui.message(&format!(
            "not in the tree, so no `apply` touches it from now on: {}; revert the commit that removed it, or declare it again with `emblazon import`",
            titles.join(", ")
        ));
    }
}

/// Explains which account holds a domain that is to be restored, and what to do. Usually the same run changed that
/// account, and both must be restored together.
async fn explain_held(
    ui: Ui,
    trip: &Trip<'_>,
    platform: &Platform,
    (back, live): (&RestoreTarget, &Live),
    planned: &mut Planned,
) -> Result<(), Failure> {
    let is_held = |refusal: &Refusal| refusal.kind == RefusalKind::DomainHeld;
    if !planned.plan.refusals.iter().any(is_held) {
        return Ok(());
    }
    let command = companions(ui, trip, platform, (back, live)).await?;
    let tree = &trip.tree.loaded.desired;
    for refusal in planned.plan.refusals.iter_mut().filter(|it| is_held(it)) {
        let Some(Subject::Account { name, .. }) = &refusal.subject else {
            continue;
        };
        for (domain, holder) in holders(name, back, live) {
            if let Some(other) = trip.manifest.accounts.get(&holder.id) {
                refusal.message = format!(
                    "{domain} is held by {}, which the run changed too",
                    other.name
                );
                refusal.help = format!("restore them together: `{command}`");
            } else if let Some(other) = tree.accounts.iter().find(|it| is(it, &holder)) {
                refusal.message = format!(
                    "{domain} is held by {}, which the run did not change",
                    other.name
                );
                refusal.help = format!(
                    "restore the run that gave {} the domain (`{}`), or apply a tree in which it has another one",
                    other.name,
                    trip.args.history()
                );
            }
        }
    }
    Ok(())
}

/// Returns the command that restores all accounts that must go together, found by following each domain to its current
/// holder.
async fn companions(
    ui: Ui,
    trip: &Trip<'_>,
    platform: &Platform,
    (back, live): (&RestoreTarget, &Live),
) -> Result<String, Failure> {
    let mut together = trip.only.clone();
    let mut more = missing(trip, &together, back, live);
    while !more.is_empty() {
        together.extend(more);
        let back = restore_target(trip.tree, trip.manifest, trip.store, &together)?;
        let live = platform.collect_before(ui, &back.desired).await?;
        more = missing(trip, &together, &back, &live);
    }
    let names: Vec<&str> = together.iter().map(AccountName::as_str).collect();
    Ok(trip.args.together(trip.run.as_str(), &names))
}

/// Returns the accounts of the run that hold a domain which one of these accounts is to get back.
fn missing(
    trip: &Trip<'_>,
    together: &BTreeSet<AccountName>,
    back: &RestoreTarget,
    live: &Live,
) -> BTreeSet<AccountName> {
    let accounts = &trip.manifest.accounts;
    let held = back.desired.accounts.iter();
    let held = held.flat_map(|account| holders(&account.name, back, live));
    held.filter_map(|(_, holder)| Some(accounts.get(&holder.id)?.name.clone()))
        .filter(|name| !together.contains(name))
        .collect()
}

/// Returns the other accounts that hold the domain which an account is to get back.
fn holders(name: &AccountName, back: &RestoreTarget, live: &Live) -> Vec<(DomainName, Unmanaged)> {
    let account = back.desired.account(name);
    let wanted = account.and_then(|account| DomainName::parse(account.declared_domain()?).ok());
    let Some(domain) = wanted else {
        return Vec::new();
    };
    let found = live.holders.get(&domain).and_then(Reading::known);
    let others = found.into_iter().flatten().filter(|holder| {
        let mut accounts = back.desired.accounts.iter();
        !accounts.any(|account| is(account, holder))
    });
    others
        .map(|holder| (domain.clone(), holder.clone()))
        .collect()
}

fn is(account: &DesiredAccount, found: &Unmanaged) -> bool {
    match &account.identity.value {
        Identity::Id(id) => *id == found.id,
        Identity::Realm(realm) => *realm == Realm::new(found.realm.as_str()),
    }
}

/// Plans the way back of the records that the run changed.
async fn records_back(
    args: &RestoreArgs,
    tree: &OpenTree,
    platform: &Platform,
    manifest: &Manifest,
    only: &BTreeSet<AccountName>,
) -> Result<RecordsBack, Failure> {
    let questions = RecordsBack::questions(manifest, only);
    if questions.is_empty() {
        return Ok(RecordsBack::default());
    }
    let reader = primary::of_tree(&args.tree, tree, platform).await?;
    let standings = reader.standings(&questions).await;
    Ok(RecordsBack::new(manifest, only, &standings, args.moved))
}

/// Plans the restore; objects that changed since the run are left out and refused by name. Also returns the remaining
/// desired state.
fn plan_back(
    back: &RestoreTarget,
    (live, zones): (&Live, &[ZoneDifference]),
    rules: &plan::Options,
    moved: impl FnOnce(&Planned) -> Result<Vec<Refusal>, Failure>,
) -> Result<(Planned, Desired), Failure> {
    let plan = |desired: &Desired| {
        plan::plan_with_records(desired, None, live, zones.to_vec(), &back.sources, rules)
    };
    let mut rest = back.desired.clone();
    let mut planned = plan(&rest);
    let refused = moved(&planned)?;
    if !refused.is_empty() {
        for refusal in &refused {
            match &refusal.subject {
                Some(Subject::Account { name, .. }) => {
                    rest.accounts.retain(|account| account.name != *name);
                }
                Some(Subject::Template) => rest.template = None,
                Some(Subject::Zone(_)) | None => {}
            }
        }
        planned.plan = plan(&rest).plan;
        // If nothing is left to restore, the refusal for an empty tree would be misleading.
        let refusals = &mut planned.plan.refusals;
        refusals.retain(|refusal| refusal.kind != RefusalKind::EmptyTree);
        refusals.extend(refused);
    }
    // Notes about the base do not apply to a restore.
    planned.differences.notes.clear();
    Ok((planned, rest))
}

fn moved(
    state: &Utf8Path,
    run: &RunId,
    manifest: &Manifest,
    live: &Live,
    planned: &Planned,
) -> Result<Vec<Refusal>, Failure> {
    let entries = apply::read_journal(state, run).map_err(failed)?;
    let kept = apply::plan_of(state, run);
    let moved = apply::moved_since(manifest, &entries, kept.as_ref(), live);
    let written: BTreeSet<&Subject> = planned
        .plan
        .steps
        .iter()
        .map(|step| &step.subject)
        .collect();
    let refused = moved
        .into_iter()
        .filter(|(subject, _)| written.contains(subject));
    Ok(refused
        .map(|(subject, reason)| moved_since(subject, &reason))
        .collect())
}

fn template_unread() -> Refusal {
    Refusal {
        kind: RefusalKind::RepairTemplate,
        subject: Some(Subject::Template),
        message: "the domain template stays as it is: nobody could read what was there before the run, so there is no snapshot of it".to_owned(),
        help: "declare in domains.yaml what it should have, and apply that".to_owned(),
    }
}

fn moved_since(subject: Subject, reason: &str) -> Refusal {
    Refusal {
        kind: RefusalKind::MovedSince,
        message: format!("{} moved since the run: {reason}", subject.title()),
        subject: Some(subject),
        help: "restore an older state over it with `--moved`, or leave it as it is".to_owned(),
    }
}

fn failed(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Failed(error.into())
}
