//! `plan`, and the guards that it lifts.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueHint};

use super::again::{Again, tree_option};
use super::dns::RecordsArgs;
use super::git::BaseArgs;
use super::output::OutputArgs;
use super::platform::PlatformArgs;
use super::scope::ScopeArgs;
use super::severity::SeverityArgs;
use super::tree::TreeArgs;
use crate::cli::approval::GuardName;
use crate::plan::RefusalKind;

/// Show what an apply would change, without changing anything
///
/// Reads the platform, compares it with the tree, and shows every difference with the place in the tree that declares
/// it. Sends no request that writes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  emblazon plan
  emblazon plan --sandbox examples/quickstart
  emblazon plan --account acme                          one brand only
  emblazon plan --below northwind --label tier!=trial   a reseller's, by their labels
  emblazon plan --no-remove                             add and change, remove nothing
  emblazon plan --cluster staging --format json
  emblazon plan --output json=report.json --output text=report.txt
  emblazon plan --out change.plan && emblazon apply change.plan
  emblazon plan --out change.plan --sign ~/.ssh/id_ed25519
  emblazon plan --recorded --rev refs/pull/7/head       what a stranger's branch would change

The credentials come from where emblazon.yaml says; when it says nothing, from EMBLAZON_API_KEY or
EMBLAZON_TOKEN.

Exit codes: 0 nothing to do, 2 changes are pending, 3 the tree has errors, 5 a guard refused
something, 6 something could not be read and no difference was found.")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(flatten)]
    pub(crate) prune: PruneArgs,
    #[command(flatten)]
    pub(crate) records: RecordsArgs,
    /// Compare with the commit that was applied last instead of with a platform; needs no credentials and sends nothing
    #[arg(long, conflicts_with_all = ["sandbox", "out"], help_heading = "Reading")]
    pub(crate) recorded: bool,
    /// Save the plan, for approval and a later `apply FILE`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<Utf8PathBuf>,
    /// Sign the saved plan with this SSH key, as Git signs commits; the signature is FILE.sig
    #[arg(long, value_name = "KEY", requires = "out", value_hint = ValueHint::FilePath)]
    pub(crate) sign: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) severity: SeverityArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl PlanArgs {
    /// Returns the command that carries out the saved plan, run from the same folder.
    pub(crate) fn carried_out(&self, file: &Utf8Path) -> String {
        let again = Again::on_platform(&self.platform, self.tree.choice.cluster.as_deref());
        let tree = tree_option(&self.tree.tree);
        again.command("apply", [file.as_str()].into_iter().chain(tree))
    }
}

/// Guards that the user lifts.
#[derive(Args, Debug)]
pub(crate) struct PruneArgs {
    /// Remove nothing from the platform: neither keys nor assets, hosts, records or whitelabels. What would go is shown as
    /// kept
    #[arg(long, conflicts_with_all = ["prune", "repair_template"])]
    pub(crate) no_remove: bool,
    /// Delete whitelabels that the tree declares as `whitelabel: null`
    #[arg(long)]
    pub(crate) prune: bool,
    /// Replace a domain template that the server cannot serve, and nobody can therefore read, with the declared one
    #[arg(long)]
    pub(crate) repair_template: bool,
    /// Lift a guard for this plan only; with `apply`, it requires --expect
    #[arg(long, value_name = "GUARD", value_delimiter = ',')]
    pub(crate) allow: Vec<GuardName>,
}

impl PruneArgs {
    /// Returns the guards that are lifted by an option of their own.
    pub(crate) fn asked(&self) -> Vec<RefusalKind> {
        let prune = self.prune.then_some(RefusalKind::Prune);
        let repair = self.repair_template.then_some(RefusalKind::RepairTemplate);
        prune.into_iter().chain(repair).collect()
    }

    /// Returns the words that lift the same guards for another command.
    pub(super) fn words(&self) -> Vec<String> {
        let no_remove = self.no_remove.then(|| "--no-remove".to_owned());
        let prune = self.prune.then(|| "--prune".to_owned());
        let repair = (self.repair_template).then(|| "--repair-template".to_owned());
        let names = self.allow.iter().filter_map(|guard| guard.0.guard());
        let allow: Vec<&str> = names.collect();
        let allow = (!allow.is_empty()).then(|| ["--allow".to_owned(), allow.join(",")]);
        let allow = allow.into_iter().flatten();
        (no_remove.into_iter())
            .chain(prune)
            .chain(repair)
            .chain(allow)
            .collect()
    }
}
