//! Tree and platform → plan: what `plan`, `drift` and `apply` begin with.

use std::collections::BTreeSet;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::args::{PlatformArgs, TreeArgs};
use super::failure::Failure;
use super::platform::{self, Platform};
use super::progress;
use super::tree::{self, OpenTree};
use super::ui::Ui;
use crate::live::Live;
use crate::model::Digest;
use crate::plan::{self, Planned};
use crate::report::{self, Command, Facts, Report};

/// Starts the runtime that requests run on.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime")?;
    Ok(runtime)
}

/// The platform as it was read, and what is to be done about it.
pub(crate) struct Survey {
    pub(crate) live: Live,
    pub(crate) planned: Planned,
    pub(crate) digest: Digest,
}

impl Survey {
    /// Reads the platform and plans; sends nothing that writes (invariant 2).
    pub(crate) async fn take(
        ui: Ui,
        tree: &OpenTree,
        platform: &Platform,
        prune: bool,
    ) -> Result<Self, Failure> {
        let desired = &tree.loaded.desired;
        let live = progress::during(
            ui,
            &format!("reading {} accounts", desired.accounts.len()),
            platform.collect(desired),
        )
        .await?;
        let options = plan::Options {
            prune,
            allow: BTreeSet::new(),
            now: Timestamp::now(),
        };
        let planned = plan::plan(desired, None, &live, &tree.loaded.sources, &options);
        let digest = planned.plan.digest();
        Ok(Self {
            live,
            planned,
            digest,
        })
    }

    /// Gives a report its facts.
    pub(crate) fn facts<'a>(&'a self, command: Command, tree: &'a OpenTree) -> Facts<'a> {
        Facts {
            live: Some(&self.live),
            differences: Some(&self.planned.differences),
            plan: (command != Command::Drift).then_some((&self.planned.plan, &self.digest)),
            ..tree_facts(command, tree)
        }
    }
}

/// Gives a report of a tree that was not compared with anything its facts.
pub(crate) fn tree_facts(command: Command, tree: &OpenTree) -> Facts<'_> {
    let loaded = &tree.loaded;
    Facts {
        desired: Some(&loaded.desired),
        ..Facts::new(command, &loaded.diagnostics, &loaded.sources)
    }
}

/// Compares a tree with a platform and reports on it; a tree with errors is compared with nothing.
pub(crate) async fn look(
    ui: Ui,
    command: Command,
    tree_args: &TreeArgs,
    platform_args: &PlatformArgs,
    prune: bool,
) -> Result<Report, Failure> {
    let tree = tree::open(
        ui,
        &tree_args.tree,
        &tree_args.choice,
        platform_args.several(),
    )?;
    if tree.loaded.has_errors() {
        return Ok(report::report(&tree_facts(command, &tree)));
    }
    let platform = platform::connect(&tree_args.tree, &tree, platform_args).await?;
    let survey = Survey::take(ui, &tree, &platform, prune).await?;
    let mut facts = survey.facts(command, &tree);
    facts.requests = platform.requests();
    let report = report::report(&facts);
    platform.stop().await;
    Ok(report)
}
