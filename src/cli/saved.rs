//! Plans in files: written by `plan --out`, read by `apply` and `show`.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use anyhow::Context as _;
use camino::Utf8Path;

use super::args::TreeChoice;
use super::failure::Failure;
use super::tree::{self, OpenTree};
use super::ui::Ui;
use crate::plan::{Plan, PlanFormatError};
use crate::tree::{GitTree, Loaded, TreeSource};

/// The largest file that is read as a plan; one of 10,000 accounts has a tenth of it.
const MAX_PLAN_BYTES: u64 = 256 << 20;

/// Saves a plan, with the commit that its tree can be read from later.
pub(crate) fn write(
    file: &Utf8Path,
    plan: &Plan,
    folder: &Utf8Path,
    choice: &TreeChoice,
) -> Result<(), Failure> {
    let mut plan = plan.clone();
    plan.commit = commit(&plan, folder, choice);
    write_private(file, (plan.to_json() + "\n").as_bytes()).with_context(|| file.to_string())?;
    Ok(())
}

/// Writes a file that only its owner can read: it holds what brands will be before they are.
fn write_private(file: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file)?;
    #[cfg(unix)]
    if opened.metadata()?.is_file() {
        // One that was there before keeps its mode otherwise.
        opened.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    opened.write_all(bytes)
}

/// Finds the commit that holds the plan's tree; a work tree with changes is in none.
fn commit(plan: &Plan, folder: &Utf8Path, choice: &TreeChoice) -> Option<String> {
    let revision = choice.rev.as_deref().unwrap_or("HEAD");
    let source = GitTree::open(folder, revision).ok()?;
    let only = plan.scope.selection.as_ref();
    let loaded = crate::tree::load_some(&source, Some(plan.cluster.as_str()), only).ok()?;
    (loaded.desired.digest() == plan.tree).then(|| source.commit())
}

/// Reads a plan.
pub(crate) fn read(file: &Utf8Path) -> Result<Plan, Failure> {
    let text = read_bounded(file).with_context(|| file.to_string())?;
    Plan::from_json(&text).map_err(|error| match error {
        PlanFormatError::Version { .. } => Failure::Refused(format!("{file}: {error}")),
        PlanFormatError::Shape(_) => Failure::Usage(format!("{file}: {error}")),
    })
}

fn read_bounded(file: &Utf8Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?
        .take(MAX_PLAN_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_PLAN_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("over {MAX_PLAN_BYTES} bytes are no plan"),
        ));
    }
    Ok(text)
}

/// Finds the tree that a plan was made from: the one that is there, or the one in the plan's commit.
pub(crate) fn tree_of(
    ui: Ui,
    plan: &Plan,
    folder: &Utf8Path,
    choice: &TreeChoice,
) -> Result<OpenTree, Failure> {
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
    let choice = TreeChoice {
        cluster: Some(plan.cluster.to_string()),
        rev: choice.rev.clone(),
    };
    let only = plan.scope.selection.as_ref();
    let here = tree::open_some(ui, folder, &choice, only)?;
    let found = here.loaded.desired.digest();
    if found == plan.tree && !here.loaded.has_errors() {
        return Ok(here);
    }
    let at_commit = |commit: &String| -> Option<(GitTree, Loaded)> {
        let source = GitTree::open(folder, commit).ok()?;
        let loaded = crate::tree::load_some(&source, choice.cluster.as_deref(), only).ok()?;
        (loaded.desired.digest() == plan.tree && !loaded.has_errors()).then_some((source, loaded))
    };
    if let Some((source, loaded)) = plan.commit.as_ref().and_then(at_commit) {
        let source: Arc<dyn TreeSource + Send> = Arc::new(source);
        return Ok(OpenTree {
            source,
            loaded,
            since: plan.scope.since.clone(),
            shard: None,
        });
    }
    let commit = plan.commit.as_ref().map_or_else(String::new, |commit| {
        format!(", nor is its commit {commit} in this repository")
    });
    Err(Failure::Refused(format!(
        "the plan was made from another tree: it names {}, here is {}{commit}; plan again",
        plan.tree.short(),
        found.short()
    )))
}
