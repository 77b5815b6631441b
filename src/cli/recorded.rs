//! A plan without a platform: the tree against the commit that was applied last. No credentials are looked up and no
//! command that the tree names is run, so the tree may be untrusted.

use super::args::PlatformArgs;
use super::base::GitState;
use super::failure::Failure;
use super::pictures::{self, Before};
use super::survey::{Look, Seen, tree_facts};
use super::tree;
use super::ui::Ui;
use crate::diff::{ManagedRecords, recorded};
use crate::model::Identity;
use crate::plan::{self, Planned};
use crate::report::gallery::Gallery;
use crate::report::{self, Facts, Report};
use crate::tree::{Base, Desired, GitTree, short_commit};

/// Compares a tree with the commit that was applied last, and reports.
pub(crate) async fn look(ui: Ui, look: Look<'_>) -> Result<Seen, Failure> {
    let folder = &look.tree.tree;
    let choice = &look.tree.choice;
    if look.scope.shard.is_some() {
        let message =
            "--recorded and --shard do not go together: nothing is read that could be shared out";
        return Err(Failure::Usage(message.to_owned()));
    }
    if !look.scope.selection.below.is_empty() {
        let message = "--recorded and --below do not go together: who is below whom is asked of the platform; choose by --label";
        return Err(Failure::Usage(message.to_owned()));
    }
    let tree = tree::open_touched(ui, folder, choice, look.platform.several(), look.scope)?;
    if tree.loaded.has_errors() {
        let mut report = report::report(&tree_facts(look.command, &tree));
        report.recorded = true;
        return Ok(Seen {
            report,
            gallery: Gallery::default(),
            plan: None,
        });
    }
    // A platform given by `--api` is not contacted either.
    let nowhere = PlatformArgs::nowhere();
    let revision = choice.rev.as_deref();
    let git = GitState::find_for_branch(ui, folder, &tree, revision, &nowhere, look.base).await?;
    let (commit, base) = match &git.base {
        Some(Base::Known {
            commit: Some(commit),
            desired,
        }) => (commit, &**desired),
        other => {
            let why = other.as_ref().map_or_else(String::new, Base::explained);
            return Err(Failure::Failed(anyhow::anyhow!(
                "--recorded has nothing to compare with: {why}"
            )));
        }
    };
    let desired = &tree.loaded.desired;
    let sources = &tree.loaded.sources;
    let live = recorded(desired, base);
    let rules = plan::Options {
        part: tree.part(),
        ..look.rules.clone()
    };
    let Planned { plan, differences } = plan::plan(desired, Some(base), &live, sources, &rules);
    let mut notes = vec![format!(
        "the live platform was not read: this is what the tree changes against commit {}, which was applied last; what somebody changed by hand since is not in it",
        short_commit(commit)
    )];
    if ManagedRecords::are_needed(desired, Some(base)) {
        notes.push("the records of accounts with dns: manage were not looked at".to_owned());
    }
    notes.extend(git.older(folder));
    notes.extend(tree.left_out());
    let digest = plan.digest();
    let mut report = report::report(&Facts {
        live: Some(&live),
        differences: Some(&differences),
        plan: Some((&plan, &digest)),
        base: git.base.as_ref(),
        notes: &notes,
        ..tree_facts(look.command, &tree)
    });
    disown(&mut report, desired);
    let gallery = if look.pictures {
        let source =
            GitTree::open(folder, commit).map_err(|error| Failure::Failed(error.into()))?;
        let before = Before::recorded(Box::new(source), base);
        pictures::gather(ui, &report, &tree, &before).await
    } else {
        Gallery::default()
    };
    Ok(Seen {
        report,
        gallery,
        plan: None,
    })
}

/// Removes what only a read of the platform provides: a digest that can be approved, and the ids of accounts that the
/// tree identifies by realm.
fn disown(report: &mut Report, desired: &Desired) {
    report.recorded = true;
    report.plan = None;
    for object in &mut report.accounts {
        let mut accounts = desired.accounts.iter();
        let account = accounts.find(|account| object.name.as_ref() == Some(&account.name));
        if !account.is_some_and(|account| matches!(account.identity.value, Identity::Id(_))) {
            object.id = None;
        }
    }
}
