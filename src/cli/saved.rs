//! Saved plans: written by `plan --out`, read by `apply` and `show`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};

use anyhow::Context as _;
use camino::Utf8Path;

use super::approval::Approval;
use super::args::Several;
use super::args::{BaseArgs, RemoteArgs, ScopeArgs, SelectionArgs, TreeChoice, validate_command};
use super::failure::Failure;
use super::file::{self, Readers};
use super::signature;
use super::tree::{self, OpenTree};
use super::ui::Ui;
use crate::model::{AccountName, Digest};
use crate::plan::{
    self, Action, Plan, PlanFormatError, Precondition, Refusal, RefusalKind, Risk, Step, Subject,
};
use crate::tree::{Desired, GitTree, Precedence, short_commit};

/// Size limit of a saved plan; one for 10,000 accounts has a tenth of it.
const MAX_PLAN_BYTES: u64 = 256 << 20;

/// Saves a plan with the commit of its tree, and signs it if there is a key.
pub(crate) fn write(
    file: &Utf8Path,
    plan: &Plan,
    (folder, choice): (&Utf8Path, &TreeChoice),
    key: Option<&Utf8Path>,
) -> Result<(), Failure> {
    let mut plan = plan.clone();
    plan.commit = commit(&plan, folder, choice);
    let sealed = plan.sealed();
    let signature = match key {
        Some(key) => Some(signature::sign(sealed.as_bytes(), key)?),
        None => None,
    };
    // Only its owner may read it: it shows brands before they are published.
    let private = |file: &Utf8Path, bytes: &[u8]| {
        file::write_bytes(file, Readers::Owner, bytes).with_context(|| file.to_string())
    };
    private(file, sealed.as_bytes())?;
    if let Some(signature) = signature {
        private(&signature::beside(file), &signature)?;
    }
    Ok(())
}

/// Returns the commit that holds the plan's tree; `None` for a work tree with changes.
fn commit(plan: &Plan, folder: &Utf8Path, choice: &TreeChoice) -> Option<String> {
    let revision = choice.rev.as_deref().unwrap_or("HEAD");
    let source = GitTree::open(folder, revision).ok()?;
    let only = plan.scope.selection.as_ref();
    let loaded = crate::tree::load_some(&source, Some(plan.cluster.as_str()), only).ok()?;
    (loaded.desired.digest() == plan.tree).then(|| source.commit())
}

/// Reads a plan, and verifies its checksum.
pub(crate) fn read(file: &Utf8Path) -> Result<Plan, Failure> {
    unsealed(file, &bytes_of(file)?)
}

/// Reads a plan that an allowed signer has signed, and returns the signer.
pub(crate) fn read_signed(file: &Utf8Path, signers: &Utf8Path) -> Result<(Plan, String), Failure> {
    let bytes = bytes_of(file)?;
    let signer = signature::signer(file, &bytes, signers)?;
    Ok((unsealed(file, &bytes)?, signer))
}

fn unsealed(file: &Utf8Path, bytes: &[u8]) -> Result<Plan, Failure> {
    Plan::unsealed(bytes).map_err(|error| match error {
        PlanFormatError::Version { .. } | PlanFormatError::Changed => {
            Failure::Refused(format!("{file}: {error}"))
        }
        PlanFormatError::Shape(_) => Failure::Usage(format!("{file}: {error}")),
    })
}

fn bytes_of(file: &Utf8Path) -> Result<Vec<u8>, Failure> {
    match read_bounded(file) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Failure::Usage(no_such_plan(file)))
        }
        Err(error) => Err(error).with_context(|| file.to_string())?,
    }
}

/// Returns the message for a plan that is not there.
pub(crate) fn no_such_plan(file: &Utf8Path) -> String {
    format!("there is no file {file}; `emblazon plan --out {file}` saves a plan there")
}

/// Refuses a file that could not be written, before anything is read for it.
pub(crate) fn check_folder(file: &Utf8Path) -> Result<(), Failure> {
    match file.parent().filter(|folder| !folder.as_str().is_empty()) {
        Some(folder) if !folder.is_dir() => Err(Failure::Usage(format!(
            "--out {file}: there is no folder {folder}; make it, or name a file in another one"
        ))),
        _ => Ok(()),
    }
}

fn read_bounded(file: &Utf8Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?
        .take(MAX_PLAN_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PLAN_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("over {MAX_PLAN_BYTES} bytes are no plan"),
        ));
    }
    Ok(bytes)
}

/// The tree from which a saved plan is derived again.
pub(crate) struct Origin {
    pub(crate) tree: OpenTree,
    /// The revision at which it was read; absent for the files as they are.
    pub(crate) revision: Option<String>,
    /// The scope of the plan when it was made.
    pub(crate) scope: ScopeArgs,
}

/// Opens the tree from which a plan was made: the commit that the plan names or, if this repository lacks it, the
/// current one. A tree that is not the plan's is refused.
pub(crate) fn origin(
    ui: Ui,
    plan: &Plan,
    (folder, choice): (&Utf8Path, &TreeChoice),
    no_cache: bool,
) -> Result<Origin, Failure> {
    if let Some(cluster) = choice
        .cluster
        .as_ref()
        .filter(|name| **name != plan.cluster.as_str())
    {
        return Err(Failure::Refused(format!(
            "the plan is for cluster {}, not for {cluster}; plan for {cluster}, or leave --cluster out",
            plan.cluster
        )));
    }
    let scope = ScopeArgs {
        no_cache,
        selection: SelectionArgs {
            accounts: chosen(plan),
            ..SelectionArgs::default()
        },
        changed_since: plan.scope.since.clone(),
        shard: plan.scope.shard.map(|it| it.shard),
    };
    let open = |revision: Option<String>| {
        let choice = TreeChoice {
            cluster: Some(plan.cluster.to_string()),
            rev: revision.clone(),
        };
        let tree = tree::open_touched(ui, folder, &choice, Several::Refuse, &scope)?;
        Ok::<_, Failure>((tree, revision))
    };
    let is_here = |commit: &&String| GitTree::open(folder, commit).is_ok();
    let named = plan.commit.as_ref();
    let (tree, revision) = match named.filter(is_here) {
        Some(commit) => open(Some(commit.clone()))?,
        None => open(choice.rev.clone())?,
    };
    if tree.loaded.has_errors() {
        return Err(Failure::Refused(format!(
            "the tree that the plan was made from has errors now; look at `{}`, and plan again",
            validate_command(folder, revision.as_deref(), plan.cluster.as_str())
        )));
    }
    // The digest of a shard is known only after the tree is cut.
    if scope.shard.is_none() {
        is_from(plan, &tree.loaded.desired.digest(), revision.as_deref())?;
    }
    Ok(Origin {
        tree,
        revision,
        scope,
    })
}

/// Returns the accounts that a plan was made for, if somebody named them.
fn chosen(plan: &Plan) -> Vec<String> {
    let scope = &plan.scope;
    let chosen = scope.selection.iter();
    let chosen = chosen.filter(|_| scope.since.is_none() && scope.shard.is_none());
    chosen
        .flat_map(|chosen| chosen.0.iter().map(ToString::to_string))
        .collect()
}

/// Returns the base options of the command line, with the plan's `--forget`.
pub(crate) fn base_args(plan: &Plan, args: &BaseArgs) -> Result<BaseArgs, Failure> {
    let mut forget = args.forget.clone();
    for text in &plan.forgotten {
        let forgotten = text.parse().map_err(|error| {
            Failure::Refused(format!("the plan is to forget {text}: {error}; plan again"))
        })?;
        if !forget.contains(&forgotten) {
            forget.push(forgotten);
        }
    }
    Ok(BaseArgs {
        remote: RemoteArgs {
            remote: args.remote.remote.clone(),
        },
        no_fetch: args.no_fetch,
        forget,
    })
}

/// Returns the rules for deriving a plan again; deletions, a repair and changes of
/// what runs code are allowed only if the saved plan has them.
pub(crate) fn rules(plan: &Plan, approval: &Approval) -> plan::Options {
    let mut rules = approval.rules();
    if !plan.steps.iter().any(|step| step.action == Action::Delete) {
        rules.allow.remove(&RefusalKind::Prune);
    }
    let is_repair = |step: &Step| step.precondition == Precondition::UnservableTemplate;
    if !plan.steps.iter().any(is_repair) {
        rules.allow.remove(&RefusalKind::RepairTemplate);
    }
    let executes = |step: &Step| step.risk == Risk::Executes;
    if !plan.steps.iter().any(executes) {
        rules.allow.remove(&RefusalKind::Executes);
    }
    rules.no_remove = plan.scope.no_remove;
    rules
}

/// Returns the refusals that block a plan as a whole now. `plan` has the current refusals.
pub(crate) fn held(plan: &Plan, approval: &Approval, desired: &Desired) -> Vec<Refusal> {
    let mut held = approval.held(plan, desired);
    // The current share of unreadable objects counts, not the one in the file.
    let is_unread = |refusal: &&Refusal| refusal.kind == RefusalKind::Unreadable;
    let unread = plan.refusals.iter().find(is_unread);
    if let Some(refusal) = unread.filter(|_| !held.iter().any(|it| is_unread(&it))) {
        held.push(Refusal {
            help: "run again when the platform answers".to_owned(),
            ..refusal.clone()
        });
    }
    held
}

/// Returns the tree that is checked out, and its commit, if it came after that of a plan: whoever freezes a cluster or
/// protects an account means plans that were saved before, too.
pub(crate) fn later(
    plan: &Plan,
    (folder, choice): (&Utf8Path, &TreeChoice),
) -> Result<Option<(String, Desired)>, Failure> {
    let revision = choice.rev.as_deref().unwrap_or("HEAD");
    let found = GitTree::open(folder, revision).ok();
    let Some((planned, source)) = plan.commit.as_ref().zip(found) else {
        return Ok(None);
    };
    let commit = source.commit();
    if crate::tree::precedence(folder, planned, &commit) != Precedence::Before {
        return Ok(None);
    }
    let cluster = plan.cluster.as_str();
    let loaded = crate::tree::load(&source, Some(cluster));
    let loaded = loaded.ok().filter(|loaded| !loaded.has_errors());
    match loaded {
        Some(loaded) => Ok(Some((commit, loaded.desired))),
        None => Err(Failure::Refused(format!(
            "commit {} came after the plan's, and whether its policy forbids the plan cannot be read; look at `{}`, and mend it first",
            short_commit(&commit),
            validate_command(folder, Some(&commit), cluster)
        ))),
    }
}

/// Refuses a plan when a later commit changed who may write what the plan writes: such a change is no guard that one plan
/// could be let through.
pub(crate) fn check_later(
    plan: &Plan,
    planned: &Desired,
    (commit, later): &(String, Desired),
) -> Result<(), Failure> {
    let what = changed_since(plan, planned, later);
    what.map_or(Ok(()), |what| {
        Err(Failure::Refused(format!(
            "commit {}, which came after the plan's, changed {what}; plan again",
            short_commit(commit)
        )))
    })
}

/// Names what differs of the rules by which the plan's accounts may be written.
fn changed_since(plan: &Plan, planned: &Desired, later: &Desired) -> Option<String> {
    if later.policy.rules != planned.policy.rules {
        return Some("the rules of the house".to_owned());
    }
    if later.policy.code != planned.policy.code {
        return Some("policy.code".to_owned());
    }
    if later.cluster.auth != planned.cluster.auth {
        return Some("with which key it is written (auth)".to_owned());
    }
    let names = plan.steps.iter().filter_map(|step| match &step.subject {
        Subject::Account { name, .. } => Some(name),
        Subject::Template | Subject::Zone(_) => None,
    });
    let names: BTreeSet<&AccountName> = names.collect();
    names.into_iter().find_map(|name| {
        // What the plan's own commit does not have, it deletes.
        let known = planned.account(name)?;
        let Some(now) = later.account(name) else {
            return Some(format!("the tree, so that {name} is no longer in it"));
        };
        let is_same = known.identity.value == now.identity.value
            && known.policy.mode == now.policy.mode
            && known.ignore == now.ignore;
        (!is_same).then(|| format!("which account {name} is, or what of it is written"))
    })
}

/// Returns the refusals of a later commit's policy, besides those that block a plan already.
pub(crate) fn held_later(
    plan: &Plan,
    approval: &Approval,
    (commit, desired): &(String, Desired),
    held: &[Refusal],
) -> Vec<Refusal> {
    let is_new = |refusal: &Refusal| {
        let is_same = |it: &Refusal| it.kind == refusal.kind && it.subject == refusal.subject;
        !held.iter().any(is_same)
    };
    let later = approval.held(plan, desired).into_iter().filter(is_new);
    let told = |refusal: Refusal| Refusal {
        message: format!(
            "{} (by commit {}, which came after the plan's)",
            refusal.message,
            short_commit(commit)
        ),
        ..refusal
    };
    later.map(told).collect()
}

/// Returns whether the plan was made without reading records; records that could not be read have a reason instead.
pub(crate) fn skips_dns(plan: &Plan) -> bool {
    let is_zone = |step: &Step| matches!(step.subject, Subject::Zone(_));
    plan.scope.records_unread && plan.unknown.zones.is_empty() && !plan.steps.iter().any(is_zone)
}

/// Checks that a tree is the plan's tree.
pub(crate) fn is_from(plan: &Plan, found: &Digest, revision: Option<&str>) -> Result<(), Failure> {
    if *found == plan.tree {
        return Ok(());
    }
    let (planned, found) = (plan.tree.short(), found.short());
    Err(Failure::Refused(match (revision, &plan.commit) {
        (Some(revision), Some(commit)) if revision == commit => format!(
            "the plan names commit {commit}, whose tree is {found}, and says that it was made from {planned}; plan again"
        ),
        (_, Some(commit)) => format!(
            "the plan was made from another tree: it names {planned}, here is {found}, nor is its commit {commit} in this repository; `git fetch` that commit, or plan again"
        ),
        (_, None) => format!(
            "the plan was made from another tree: it names {planned}, here is {found}, and no commit has it, for it was made from files that were not committed; put them back as they were, or plan again"
        ),
    }))
}
