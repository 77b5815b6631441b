//! `diff --cluster A --cluster B [TREE]`

use crate::cli::args::{DiffArgs, OutputArgs, Several};
use crate::cli::failure::Failure;
use crate::cli::tree;
use crate::cli::ui::Ui;
use crate::cli::{Exit, output, survey};
use crate::diff::{compare, recorded};
use crate::report::{self, Command, Facts};
use crate::tree::Desired;

/// Compares what a tree declares for two clusters; the first one stands where a platform does otherwise.
pub(crate) fn diff(ui: Ui, args: &DiffArgs) -> Result<Exit, Failure> {
    let [from, to] = args.clusters.as_slice() else {
        let message = "name two clusters: --cluster staging --cluster production";
        return Err(Failure::Usage(message.to_owned()));
    };
    if !args.selection.below.is_empty() {
        let message = "--below asks a platform, and here none is asked; choose by --label";
        return Err(Failure::Usage(message.to_owned()));
    }
    let shown = OutputArgs::printing(args.list.format);
    let open = |cluster: &str| {
        let choice = args.choice(cluster);
        let mut tree = tree::open(ui, &args.tree, &choice, Several::Refuse)?;
        tree.choose(&args.selection, &[])?;
        Ok::<_, Failure>(tree)
    };
    let (before, after) = (open(from)?, open(to)?);
    for tree in [&before, &after] {
        if tree.loaded.has_errors() {
            let report = report::report(&survey::tree_facts(Command::Validate, tree));
            output::deliver(ui, &report, &shown)?;
            return Ok(Exit::of(&report));
        }
    }
    let desired = &after.loaded.desired;
    let base = as_if_on(desired, &before.loaded.desired);
    let live = recorded(desired, &base);
    let mut differences = compare(desired, Some(&base), &live, &after.loaded.sources);
    differences.forget_causes();
    let mut notes = vec![format!(
        "no platform was read: the first value is what the tree declares for {from}, the second one what it declares for {to}"
    )];
    notes.extend(after.left_out());
    let mut report = report::report(&Facts {
        live: Some(&live),
        differences: Some(&differences),
        notes: &notes,
        ..survey::tree_facts(Command::Diff, &after)
    });
    report.recorded = true;
    // An account has another id on each platform.
    for account in &mut report.accounts {
        account.id = None;
    }
    output::deliver(ui, &report, &shown)?;
    Ok(Exit::of(&report))
}

/// Returns what a cluster declares, with the identities that its accounts have on another one.
fn as_if_on(cluster: &Desired, declared: &Desired) -> Desired {
    let mut declared = declared.clone();
    for account in &mut declared.accounts {
        if let Some(namesake) = cluster.account(&account.name) {
            account.make_mut().identity = namesake.identity.clone();
        }
    }
    declared
}
