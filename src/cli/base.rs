//! The base of a command: fetched before the plan, moved after a complete apply.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::args::{BaseArgs, PlatformArgs, RemoteArgs};
use super::failure::Failure;
use super::progress;
use super::tree::OpenTree;
use super::ui::Ui;
use crate::apply::remote::{GitError, LocalClone, Remote};
use crate::apply::{Applied, AppliedRef, AuditRef, Recalled, Unseen, left_open};
use crate::daemon::{BaseFile, RefValues};
use crate::diff::{
    Differences, KeptReason, RestoredValue, WrittenParts, WrittenTree, laid_over, recorded,
};
use crate::model::{ObjectName, Shard, count};
use crate::plan::Plan;
use crate::reconcile::{Advance, BaseRefs, Trees};
use crate::tree::{
    Base, ClusterConfig, Desired, Forgotten, Known, NotCommitted, Precedence, Selection, committed,
    precedence, short_commit,
};

/// What a kept sandbox is called in the file of its base: it has another URL in each command.
const SANDBOX: &str = "sandbox";

/// The Git state of a tree and its cluster.
pub(crate) struct GitState {
    /// Absent on a sandbox that ends with its command, which has none.
    pub(crate) base: Option<Base>,
    /// Remembers the base of a sandbox that is kept; it has no refs.
    kept: Option<BaseFile>,
    /// The commit that the tree is; absent where it does not matter.
    commit: Option<Result<String, NotCommitted>>,
    refs: Option<BaseRefs>,
    /// What incomplete runs wrote since the base.
    recalled: Recalled,
    /// The accounts that are looked at, unless all are.
    selection: Option<Selection>,
}

/// The result of an apply, from which the base follows.
#[derive(Clone, Copy)]
pub(crate) struct ApplyRecord<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) applied: Option<&'a Applied>,
    /// The desired state that it led to.
    pub(crate) desired: &'a Desired,
    /// The differences before it; absent for a plan read from a file.
    pub(crate) differences: Option<&'a Differences>,
    /// What in the plan's scope was not read.
    pub(crate) unseen: Option<Unseen>,
}

impl GitState {
    /// Finds the base; asks the remote unless told otherwise. A commit counts only if it is in the history of the
    /// revision, or of `HEAD` without one.
    pub(crate) async fn find(
        ui: Ui,
        folder: &Utf8Path,
        tree: &OpenTree,
        revision: Option<&str>,
        platform: &PlatformArgs,
        args: &BaseArgs,
    ) -> Result<Self, Failure> {
        let any = |reference: AppliedRef| reference;
        Self::find_by(ui, (folder, tree), revision, platform, args, any).await
    }

    /// Finds the base for a comparison that writes nothing; the branch need not contain it.
    pub(crate) async fn find_for_branch(
        ui: Ui,
        folder: &Utf8Path,
        tree: &OpenTree,
        revision: Option<&str>,
        platform: &PlatformArgs,
        args: &BaseArgs,
    ) -> Result<Self, Failure> {
        let any = AppliedRef::on_any_branch;
        Self::find_by(ui, (folder, tree), revision, platform, args, any).await
    }

    async fn find_by(
        ui: Ui,
        (folder, tree): (&Utf8Path, &OpenTree),
        revision: Option<&str>,
        platform: &PlatformArgs,
        args: &BaseArgs,
        counting: impl FnOnce(AppliedRef) -> AppliedRef,
    ) -> Result<Self, Failure> {
        let desired = &tree.loaded.desired;
        let only = tree.loaded.selection.as_ref();
        let known = Known {
            loaded: &tree.loaded,
            revision,
        };
        let cluster = &desired.cluster;
        let mut git = Self {
            base: None,
            kept: None,
            commit: None,
            refs: None,
            recalled: Recalled::default(),
            selection: only.cloned(),
        };
        if platform.sandbox.is_wanted() {
            if let Some(state) = platform.sandbox.runs() {
                git.keep(ui, &state, desired);
                git.forget(&args.forget, desired)?;
            }
            return Ok(git);
        }
        if is_elsewhere(platform, cluster) {
            git.base = Some(Base::OtherPlatform);
            return Ok(git);
        }
        let base = match LocalClone::find(folder) {
            Ok(Some(clone)) => {
                let remote = remote(&clone, &args.remote)?;
                git.commit = Some(committed(folder, known));
                let reference = AppliedRef::new(folder, &cluster.name, clone, remote);
                let reference = counting(reference.only(only.cloned()));
                let mut refs = BaseRefs::new(reference);
                let base = read(ui, &mut refs, known, args).await?;
                if let Some(refusal) = base.refusal() {
                    ui.warning(&refusal);
                }
                // Without a base, what was written since it is unknown too.
                if matches!(base, Base::Known { .. } | Base::NoRef { .. }) {
                    let recalled = refs.recall(revision, Some(known), !args.no_fetch);
                    git.recalled = recalled.await;
                }
                git.refs = Some(refs);
                base
            }
            Ok(None) => Base::NotAGitRepository,
            Err(error) => Base::Unreadable {
                reason: error.to_string(),
            },
        };
        git.base = Some(base);
        git.forget(&args.forget, desired)?;
        Ok(git)
    }

    /// Reads the base of a sandbox that is kept.
    fn keep(&mut self, ui: Ui, state: &Utf8Path, desired: &Desired) {
        let file = BaseFile::new(state, &desired.cluster.name, SANDBOX.to_owned());
        match file.read(desired) {
            Ok(Some(mut kept)) => {
                if let Some(only) = &self.selection {
                    let accounts = &mut kept.desired.accounts;
                    accounts.retain(|account| only.contains(&account.name));
                }
                self.base = Some(Base::Known {
                    commit: None,
                    desired: Box::new(kept.desired),
                });
            }
            Ok(None) => {}
            Err(error) => ui.warning(&format!(
                "what was applied last to this sandbox is not known: {}: {error}; the next complete apply writes it anew",
                file.path()
            )),
        }
        self.kept = Some(file);
    }

    /// Has the base forget what is to be kept although the tree no longer declares it.
    fn forget(&mut self, forget: &[Forgotten], desired: &Desired) -> Result<(), Failure> {
        let Some(base) = self.base.as_mut() else {
            return Ok(());
        };
        for forgotten in forget {
            let name = forgotten.account();
            for tree in &mut self.recalled.trees {
                tree.parts.forget(&name);
            }
            base.forget(forgotten, desired, self.selection.as_ref())
                .map_err(|error| Failure::Usage(error.to_string()))?;
        }
        Ok(())
    }

    /// Refuses to write while the remote was asked for the base and did not answer: each change by hand would then look
    /// like one from Git.
    pub(crate) fn check_answered(&self) -> Result<(), Failure> {
        match &self.base {
            Some(base @ Base::NotFetched { .. }) => Err(Failure::Refused(base.explained())),
            _ => Ok(()),
        }
    }

    /// Returns the desired state of the base, if it is known.
    pub(crate) fn desired(&self) -> Option<&Desired> {
        self.base.as_ref()?.desired()
    }

    /// Returns the desired state of the base for cutting it to a shard.
    pub(crate) fn desired_mut(&mut self) -> Option<&mut Desired> {
        match self.base.as_mut()? {
            Base::Known { desired, .. } => Some(desired),
            _ => None,
        }
    }

    /// Returns the desired state of the base for cutting it to a shard, and what was written since.
    pub(crate) fn before_mut(&mut self) -> (Option<&mut Desired>, &[WrittenTree]) {
        let base = match self.base.as_mut() {
            Some(Base::Known { desired, .. }) => Some(&mut **desired),
            _ => None,
        };
        (base, &self.recalled.trees)
    }

    /// Returns what incomplete runs have written since the base.
    pub(crate) fn written(&self) -> &[WrittenTree] {
        &self.recalled.trees
    }

    /// Returns notes about incomplete runs: what is known of them, and what is in doubt.
    pub(crate) fn told(&self) -> Vec<String> {
        let trees = self.recalled.trees.iter();
        let restored: BTreeSet<ObjectName> = trees
            .clone()
            .flat_map(|tree| tree.parts.restored.iter().filter_map(RestoredValue::object))
            .collect();
        let restored = (!restored.is_empty()).then(|| {
            let objects = count(restored.len(), "object");
            format!("a restore wrote {objects} since: what differs there comes from Git, and the next `apply` writes it again")
        });
        let written = trees
            .filter(|tree| tree.parts.objects() > 0)
            .map(|tree| {
                let objects = count(tree.parts.objects(), "object");
                let commit = short_commit(&tree.commit);
                format!("from Git, partly applied: commit {commit}, which was not applied completely, reached {objects}")
            });
        written
            .chain(restored)
            .chain(self.recalled.doubts.iter().cloned())
            .collect()
    }

    /// Returns a note if the tree is no commit's, so that an apply cannot make it the base.
    pub(crate) fn uncommitted(&self) -> Option<String> {
        let why = self.commit.as_ref()?.as_ref().err()?;
        Some(format!("what is applied does not become the base: {why}"))
    }

    /// Returns the commit that the tree is, if it is one.
    pub(crate) fn commit(&self) -> Option<&str> {
        self.commit.as_ref()?.as_ref().ok().map(String::as_str)
    }

    /// Prepares the refs for a run that writes; `push` moves those of the remote too.
    pub(crate) fn for_run(mut self, shard: Option<Shard>, push: bool) -> Self {
        self.refs = self.refs.map(|refs| refs.for_runs(shard, push));
        self
    }

    /// Records what a run may write, before it writes. If it is killed, its writes are then not taken for manual edits.
    pub(crate) async fn announce(&mut self, plan: &Plan, desired: &Desired) -> Option<String> {
        let (Some(Ok(commit)), Some(refs)) = (&self.commit, &mut self.refs) else {
            return None;
        };
        let base = self.base.as_ref().and_then(Base::desired);
        let trees = base.map(|base| Trees { base, desired });
        let parts = WrittenParts::planned(plan);
        let announced = refs.announce(commit, parts, trees).await;
        let error = announced.err()?;
        Some(not_remembered(&error.to_string()))
    }

    /// Records what a restore is about to write; `there` is the state that it leads to, and `undone` what the run did
    /// that is restored. Returns a note if it cannot.
    pub(crate) async fn restore(
        &mut self,
        plan: &Plan,
        there: &Desired,
        undone: Option<&Plan>,
    ) -> Option<String> {
        let parts = WrittenParts::restored(plan, there, undone);
        if let Some(file) = &mut self.kept {
            let base = self.base.as_ref().and_then(Base::desired)?;
            let tree = WrittenTree {
                commit: String::new(),
                desired: there.clone(),
                parts,
            };
            let after = recorded(base, there);
            let base = laid_over(Some(base), &[tree], (base, false), &after)?;
            let written = file.write(RefValues::default(), &base, &BTreeSet::new());
            return written
                .err()
                .map(|error| not_remembered(&error.to_string()));
        }
        let refs = self.refs.as_mut()?;
        // Without a base, nothing counts as drift.
        let commit = refs.base()?.to_owned();
        let recorded = refs.restore(&commit, parts).await;
        recorded
            .err()
            .map(|error| not_remembered(&error.to_string()))
    }

    /// After an apply that left nothing to do, moves the base; else records what it wrote. Returns notes about the
    /// outcome.
    pub(crate) async fn record(&mut self, apply_record: ApplyRecord<'_>) -> Vec<String> {
        let (is_whole, note) = self.complete(apply_record).await;
        let mut notes: Vec<String> = note.into_iter().collect();
        let remembered = match &mut self.refs {
            Some(refs) if is_whole => refs.forget_written().await.map_err(|error| {
                format!("what runs wrote before stays noted beside the base: {error}")
            }),
            _ => self.remember(apply_record).await,
        };
        notes.extend(remembered.err());
        notes
    }

    /// Records what an apply wrote beyond the base.
    pub(crate) async fn remember(&mut self, apply_record: ApplyRecord<'_>) -> Result<(), String> {
        let Some(applied) = apply_record.applied else {
            return Ok(());
        };
        let count = applied.count();
        let commit = match &self.commit {
            Some(Ok(commit)) => commit,
            Some(Err(why)) if count.done + count.unknown > 0 => {
                return Err(not_remembered(&why.to_string()));
            }
            Some(Err(_)) | None => return Ok(()),
        };
        let Some(refs) = &mut self.refs else {
            return Ok(());
        };
        let parts = if count.done + count.unknown > 0 {
            WrittenParts::done(apply_record.plan, applied, apply_record.differences)
        } else {
            WrittenParts::default()
        };
        let base = self.base.as_ref().and_then(Base::desired);
        let desired = apply_record.desired;
        let trees = base.map(|base| Trees { base, desired });
        let remembered = refs.remember(commit, parts, trees).await;
        remembered.map_err(|error| not_remembered(&error.to_string()))
    }

    /// Returns a note if the tree is, or may be, older than what was applied last: the base, or what runs for some
    /// accounts wrote since.
    pub(crate) fn older(&self, folder: &Utf8Path) -> Option<String> {
        let commit = self.commit.as_ref()?.as_ref().ok()?;
        let base = self.base.as_ref().and_then(Base::commit);
        base.and_then(|base| self.older_than_base(folder, commit, base))
            .or_else(|| self.older_than_written(folder, commit))
    }

    fn older_than_base(&self, folder: &Utf8Path, commit: &str, base: &str) -> Option<String> {
        let (this, applied) = (short_commit(commit), short_commit(base));
        match precedence(folder, commit, base) {
            Precedence::NotBefore => None,
            Precedence::Before => Some(format!(
                "commit {this} comes before commit {applied}, which was applied already"
            )),
            Precedence::CutOff => {
                let remote = self.refs.as_ref().and_then(BaseRefs::remote);
                let remote = remote.map_or("origin", Remote::name);
                Some(format!(
                    "commit {this} may come before commit {applied}, which was applied already: this clone is too shallow to determine it; `git fetch --unshallow {remote}` gets the history"
                ))
            }
        }
    }

    fn older_than_written(&self, folder: &Utf8Path, commit: &str) -> Option<String> {
        let is_looked_at = |parts: &WrittenParts| match &self.selection {
            Some(selection) => selection.0.iter().any(|name| parts.covers(name)),
            None => parts.objects() > 0,
        };
        let mut written = self.refs.as_ref()?.written();
        let (newer, parts) = written.find(|(newer, parts)| {
            is_looked_at(parts) && precedence(folder, commit, newer) == Precedence::Before
        })?;
        Some(format!(
            "commit {} comes before commit {}, of which {} was written already",
            short_commit(commit),
            short_commit(newer),
            count(parts.objects(), "object")
        ))
    }

    /// Returns a note if another commit was applied since a plan was saved.
    pub(crate) fn since(&self, plan: &Plan) -> Option<String> {
        let base = self.base.as_ref()?.commit()?;
        (plan.base.as_deref() != Some(base)).then(|| {
            format!(
                "commit {} was applied since the plan was made",
                short_commit(base)
            )
        })
    }

    /// Moves the base after an apply that left nothing to do. Returns whether the base is now complete, and a note about
    /// it.
    async fn complete(&mut self, apply_record: ApplyRecord<'_>) -> (bool, Option<String>) {
        let left = self.left_open(apply_record);
        let stays = |why: &str| (false, Some(format!("the base stays as it was: {why}")));
        if let Some(file) = &mut self.kept {
            return match (left, apply_record.plan.scope.shard) {
                (Some(why), _) => stays(why),
                (None, Some(_)) => stays("only a shard was looked at"),
                (None, None) => {
                    let refs = RefValues::default();
                    match file.write(refs, apply_record.desired, &BTreeSet::new()) {
                        Ok(()) => (true, None),
                        Err(error) => stays(&format!("{}: {error}", file.path())),
                    }
                }
            };
        }
        let (Some(commit), Some(refs)) = (&self.commit, &mut self.refs) else {
            return (false, None);
        };
        let commit = match commit {
            Ok(commit) => commit,
            Err(why) => return stays(&why.to_string()),
        };
        if let Some(why) = left {
            return stays(why);
        }
        match refs.complete(commit).await {
            whole @ Advance::Base { .. } => (true, Some(whole.to_string())),
            open => stays(&open.to_string()),
        }
    }

    /// Returns why an apply is no complete apply of the tree, if so.
    fn left_open(&self, apply_record: ApplyRecord<'_>) -> Option<&'static str> {
        let plan = apply_record.plan;
        let since = plan.scope.since.as_deref();
        let is_part = plan.scope.selection.is_some();
        if is_part && plan.scope.shard.is_none() && since.is_none() {
            return Some("only some accounts were looked at");
        }
        if is_part && since.is_some() && since != self.refs.as_ref().and_then(BaseRefs::base) {
            return Some("only what changed since another commit was looked at");
        }
        // They are to be removed still: the next plan must know that the tree once had them.
        let kept = |found: &Differences| found.count_kept(KeptReason::NoRemove);
        if apply_record.differences.map_or(0, kept) > 0 {
            return Some("--no-remove left what is to be removed");
        }
        left_open(plan, apply_record.unseen, apply_record.applied)
    }
}

fn not_remembered(why: &str) -> String {
    format!(
        "what this run wrote is not remembered: {why}; until an apply completes, it may look like somebody's edit"
    )
}

async fn read(
    ui: Ui,
    refs: &mut BaseRefs,
    known: Known<'_>,
    args: &BaseArgs,
) -> Result<Base, Failure> {
    let remote = refs.remote().filter(|_| !args.no_fetch);
    let title = remote.map(|remote| format!("asking {} what was applied last", remote.name()));
    let reading = refs.read(known.revision, Some(known), title.is_some());
    let base = match title {
        Some(title) => progress::during(ui, &title, reading).await,
        None => reading.await,
    };
    base.map_err(|error| Failure::Failed(error.into()))
}

/// Returns the remote that arbitrates between hosts writing to the tree's cluster; `None` where none does.
pub(crate) fn arbiter(
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    platform: &PlatformArgs,
    args: &RemoteArgs,
) -> Result<Option<Remote>, Failure> {
    if platform.sandbox.is_wanted() || is_elsewhere(platform, cluster) {
        return Ok(None);
    }
    // Errors of Git are reported together with the base.
    match LocalClone::find(folder) {
        Ok(Some(clone)) => remote(&clone, args),
        Ok(None) | Err(_) => Ok(None),
    }
}

/// Returns the ref that keeps the heads of audit logs; `None` where there is no repository.
pub(crate) fn audit_ref(
    folder: &Utf8Path,
    cluster: &ClusterConfig,
    platform: &PlatformArgs,
    (args, push): (&RemoteArgs, bool),
) -> Option<AuditRef> {
    if platform.sandbox.is_wanted() || is_elsewhere(platform, cluster) {
        return None;
    }
    // Errors of Git are reported together with the base.
    let clone = LocalClone::find(folder).ok().flatten()?;
    let remote = remote(&clone, args).ok().flatten();
    Some(AuditRef::new(&cluster.name, clone, remote.filter(|_| push)))
}

fn remote(clone: &LocalClone, args: &RemoteArgs) -> Result<Option<Remote>, Failure> {
    clone
        .remote(args.remote.as_deref())
        .map_err(|error| match error {
            GitError::NoRemote(_) => Failure::Usage(error.to_string()),
            _ => Failure::Failed(error.into()),
        })
}

/// Returns whether `--api` names another platform than the tree does.
fn is_elsewhere(platform: &PlatformArgs, cluster: &ClusterConfig) -> bool {
    platform.api.as_ref().is_some_and(|api| !cluster.is_at(api))
}
