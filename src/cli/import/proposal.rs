//! Proposes accepted drift as a pull request.

use std::collections::BTreeSet;
use std::env;
use std::time::Duration;

use camino::Utf8Path;
use jiff::Timestamp;

use super::accepted;
use crate::apply::remote::{LocalClone, Remote};
use crate::cli::args::ImportArgs;
use crate::cli::failure::Failure;
use crate::cli::tree::OpenTree;
use crate::cli::ui::Ui;
use crate::forge::{ForgeKind, Publisher, PullOutcome};
use crate::import::Imported;
use crate::propose::{Desk, Proposal, ProposeError, Proposed, Withdrawn};
use crate::report::text::visible;

/// Pause before the second attempt at the forge.
const PAUSE: Duration = Duration::from_secs(2);

/// Where a pull request goes, and what it is on top of.
pub(crate) struct ProposalDesk {
    /// Absent in a dry run, which asks no forge.
    desk: Option<Desk>,
    kind: Option<ForgeKind>,
    /// The newest commit of the branch that it is for.
    pub(crate) parent: String,
}

impl ProposalDesk {
    /// Finds remote and forge, and fetches the branch that the pull request is for.
    pub(crate) async fn open(args: &ImportArgs) -> Result<Self, Failure> {
        let remote = remote(&args.tree, args.remote.as_deref())?;
        let into = match &args.into {
            Some(into) => into.clone(),
            None => remote.main_branch().await.map_err(failed)?.ok_or_else(|| {
                let name = remote.name();
                Failure::Usage(format!(
                    "remote {name} names no main branch; say with --into which branch the pull request is for"
                ))
            })?,
        };
        let parent = remote.branch(&into).await.map_err(failed)?;
        let parent = parent.ok_or_else(|| {
            let name = remote.name();
            Failure::Usage(format!(
                "remote {name} has no branch {into}; `git ls-remote --heads {name}` lists them"
            ))
        })?;
        if args.dry_run {
            return Ok(Self {
                desk: None,
                kind: None,
                parent,
            });
        }
        let target = args
            .forge
            .target((None, None), &|name| env::var(name).ok())
            .map_err(Failure::from)?;
        let kind = Some(target.kind);
        let publisher = Publisher::new(target, PAUSE).map_err(Failure::from)?;
        Ok(Self {
            desk: Some(Desk {
                remote,
                into,
                publisher,
            }),
            kind,
            parent,
        })
    }

    /// Proposes what was accepted, or withdraws an earlier proposal of which nothing is left.
    pub(crate) async fn propose(
        &self,
        ui: Ui,
        tree: &OpenTree,
        args: &ImportArgs,
        imported: &Imported,
    ) -> Result<(), Failure> {
        let Some(desk) = &self.desk else {
            return Ok(());
        };
        let loaded = &tree.loaded;
        let names = loaded.desired.accounts.iter().map(|account| &account.name);
        let accounts = args
            .accept
            .iter()
            .map(|text| accepted(text, names.clone()).map(|accepted| accepted.account))
            .collect::<Result<BTreeSet<_>, Failure>>()?;
        let limit = self.kind.map_or(0, ForgeKind::longest_comment);
        let folder = tree.source.folder();
        let proposal = Proposal::new(loaded, &folder, &accounts, imported, limit);
        let Some(proposal) = proposal else {
            // What could not be read or declared may still differ.
            if imported.unread + imported.refused > 0 {
                return Ok(());
            }
            let cluster = &loaded.desired.cluster.name;
            let withdrawn = desk.withdraw(cluster, &accounts, &self.parent).await;
            if let Withdrawn::Closed(number) = withdrawn.map_err(refused)? {
                ui.message(&format!(
                    "pull request {number} closed: nothing of it is left"
                ));
            }
            return Ok(());
        };
        let proposed = desk
            .propose(&proposal, &self.parent, Timestamp::now())
            .await;
        ui.message(&visible(&told(&proposed.map_err(refused)?)));
        Ok(())
    }
}

fn told(Proposed { pull, is_pushed }: &Proposed) -> String {
    let what = match (pull.outcome, is_pushed) {
        (PullOutcome::Opened, _) => "opened",
        (PullOutcome::Updated, _) | (PullOutcome::Unchanged, true) => "brought up to date",
        (PullOutcome::Unchanged, false) => "left alone: it says the same",
        (PullOutcome::Declined, _) => "stays closed: somebody closed it for this very change",
        (PullOutcome::Foreign, _) => "is somebody else's, and its description stays as it is",
    };
    let link = (pull.link.as_ref()).map_or_else(String::new, |link| format!(": {link}"));
    format!("pull request {} {what}{link}", pull.number)
}

fn remote(tree: &Utf8Path, name: Option<&str>) -> Result<Remote, Failure> {
    let clone = LocalClone::find(tree).map_err(failed)?;
    let clone = clone.ok_or_else(|| {
        Failure::Usage(format!(
            "{tree} is in no Git repository; --pull-request needs a clone of the one that the forge has"
        ))
    })?;
    clone.remote(name).map_err(failed)?.ok_or_else(|| {
        Failure::Usage(
            "the repository has no remote origin; name the one to push to with --remote".to_owned(),
        )
    })
}

fn failed(error: crate::apply::remote::GitError) -> Failure {
    Failure::Failed(error.into())
}

fn refused(error: ProposeError) -> Failure {
    match error {
        ProposeError::Git(error) => failed(error),
        ProposeError::Forge(error) => error.into(),
        ProposeError::Foreign { .. } => Failure::Refused(visible(&error.to_string()).into_owned()),
    }
}
