//! Adopting source revisions: the daemon reconciles the last good one.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::assessment::names;
use super::base::BaseFile;
use super::controller::Controller;
use super::history_log::Detected;
use super::schedule::{Name, later};
use super::selection::{is_same_template, touched};
use super::shard_state::ShardState;
use super::source::{SourceError, SourceRevision};
use super::status::{AlertKind, Finding, Mistake, ObjectStatus};
use super::zones::pushed;
use crate::apply::remote::GitError;
use crate::apply::{AppliedRef, Recall};
use crate::diag::Severity;
use crate::diff::{WrittenTree, laid_over, without_records};
use crate::live::{Live, Reach};
use crate::model::{Digest, KeyPath, count};
use crate::report::{Problem, problems};
use crate::tree::{
    Base, Desired, Loaded, Precedence, Refusal, WatchPolicy, precedence, short_commit,
};

impl Controller {
    /// Reads the source, and adopts its revision when that is good.
    pub(super) async fn look_at_source(&mut self, now: Timestamp) {
        self.look_at = later(now, self.setup.poll);
        let cluster = self.setup.cluster.clone();
        // A revision that was cut to a shard is not all of its commit.
        let whole = (self.revision.as_ref()).filter(|_| self.setup.shard.is_none());
        let known = whole.cloned();
        let read = self.source.read(cluster.as_deref(), known, now).await;
        match read {
            Ok(revision) => self.consider(revision, now).await,
            Err(error) => self.report_source_error(error, now),
        }
    }

    /// Reports why the source gave no revision.
    pub(super) fn report_source_error(&mut self, error: SourceError, now: Timestamp) {
        let (kind, commit, reason) = match error {
            SourceError::Unreadable(reason) => (AlertKind::SourceUnreadable, None, reason),
            SourceError::Untrusted { commit, reason } => {
                (AlertKind::UntrustedCommit, Some(commit), reason)
            }
        };
        self.refuse(kind, commit, reason, now);
        self.publish(now);
    }

    async fn consider(&mut self, mut revision: SourceRevision, now: Timestamp) {
        let commit = revision.id().map(str::to_owned);
        let mistakes = mistakes(&revision.loaded);
        let errors = mistakes.iter().filter(|mistake| mistake.is_error).count();
        let first = mistakes.iter().find(|mistake| mistake.is_error);
        let first = first.map(|mistake| mistake.message.clone());
        self.published.change(|status| {
            status.cluster.source.checked = Some(now);
            status.cluster.source.mistakes = mistakes;
        });
        let what = commit.as_deref().map_or_else(
            || "the tree".to_owned(),
            |commit| format!("commit {}", short_commit(commit)),
        );
        if let Some(first) = first {
            let errors = count(errors, "error");
            let reason = format!("{what} has {errors}, the first: {first}");
            self.refuse(AlertKind::BadTree, commit, reason, now);
            return;
        }
        if let Some(breach) = self.breach(&revision.loaded) {
            let reason = format!("{what} is not trusted: {breach}");
            self.refuse(AlertKind::UntrustedCommit, commit, reason, now);
            return;
        }
        if self
            .revision
            .as_ref()
            .is_some_and(|current| current.is(&revision))
        {
            self.stay_in_force(now);
            return;
        }
        let is_elsewhere = self.revision.as_ref().is_none_or(|current| {
            self.platform_of(&current.loaded.desired) != self.platform_of(&revision.loaded.desired)
        });
        let named = if is_elsewhere {
            self.find_base(&revision).await
        } else {
            None
        };
        if let (Some(applied), Some(commit)) = (&named, &commit)
            && self.revision.is_none()
            && precedence(self.source.folder(), commit, applied) == Precedence::Before
        {
            let reason = format!(
                "commit {} comes before commit {}, which was applied already; `emblazon apply --rollback` goes back to it",
                short_commit(commit),
                short_commit(applied)
            );
            let commit = Some(commit.clone());
            self.refuse(AlertKind::SourceUnreadable, commit, reason, now);
            return;
        }
        if self.take_share(&mut revision).await {
            self.put_in_force(revision, now);
        }
    }

    /// Returns what a tree names without being trusted to, and the lines that would allow it.
    pub(super) fn breach(&self, loaded: &Loaded) -> Option<String> {
        if self.setup.sandbox.is_some() {
            return None;
        }
        let reach = match self.setup.platform {
            Some(_) => Reach::Elsewhere,
            None => Reach::Declared,
        };
        let trust = &self.setup.trust;
        let missing = trust.missing(loaded, self.source.folder(), reach);
        let claims: Vec<String> = missing.iter().map(ToString::to_string).collect();
        (!claims.is_empty()).then(|| {
            format!(
                "{}; if that is right, let the daemon's file say trust: {{{}}}",
                claims.join("; "),
                trust.lines(&missing).join(", ")
            )
        })
    }

    /// Records that the source still holds the adopted revision.
    fn stay_in_force(&mut self, now: Timestamp) {
        self.conditions.source = None;
        self.history_log
            .end(Finding::BadTree, &None, now, "a good tree is in force");
        self.published.change(|status| {
            let source = &mut status.cluster.source;
            source.seen.clone_from(&source.commit);
            source.problem = None;
        });
    }

    fn put_in_force(&mut self, revision: SourceRevision, now: Timestamp) {
        self.is_quiet = false;
        self.conditions.source = None;
        self.history_log
            .end(Finding::BadTree, &None, now, "a good tree is in force");
        let desired = &revision.loaded.desired;
        let before = self.revision.as_ref().map(|before| &before.loaded);
        let is_other_cluster =
            before.is_some_and(|before| before.desired.cluster != desired.cluster);
        if is_other_cluster {
            self.platform.disconnect();
        }
        let mut touched = touched(before.map(|before| &before.desired), desired);
        if before.is_some_and(|before| before.watch != revision.loaded.watch) {
            touched = names(desired);
        }
        let lost_some = before
            .is_some_and(|before| before.desired.accounts.len() != desired.accounts.len())
            || !touched.is_empty();
        let tree = revision.digest().clone();
        let is_new = self.published.status().cluster.source.tree.as_ref() != Some(&tree);
        self.schedule.follow(&names(desired), now);
        self.names.follow(&revision, &touched, now);
        let template = (self.revision.as_ref()).and_then(SourceRevision::template);
        if !is_same_template(template, revision.template()) {
            for name in pushed(&revision.loaded) {
                self.schedule.requeue(&Some(name.clone()), now);
            }
        }
        for name in &touched {
            self.schedule.requeue(name, now);
            let record = self.records.entry(name.clone()).or_default();
            record.drift_history.forget();
            record.retry_at = None;
            record.failures = 0;
            record.failure = None;
        }
        self.look_for_departed |= lost_some;
        let all = names(desired);
        self.records.retain(|name, _| all.contains(name));
        self.without_base.retain(|name| all.contains(name));
        self.platform.follow(desired);
        self.history_log.follow(|name| all.contains(name), now);
        self.show_force(&revision, &touched, is_new.then_some(tree), now);
        self.published.put_files(Arc::clone(&revision.files));
        if is_new {
            tracing::info!(
                commit = revision
                    .commit
                    .as_ref()
                    .map_or("none", |commit| short_commit(&commit.id)),
                touched = touched.len(),
                "another tree is in force"
            );
        }
        self.revision = Some(revision);
    }

    /// Publishes the adopted revision; `new` is its digest if the tree changed. Objects that were not touched stay
    /// shared with readers.
    fn show_force(
        &self,
        revision: &SourceRevision,
        touched: &BTreeSet<Name>,
        new: Option<Digest>,
        now: Timestamp,
    ) {
        let desired = &revision.loaded.desired;
        self.published.change(|status| {
            status.cluster.name = Some(desired.cluster.name.clone());
            let source = &mut status.cluster.source;
            let commit = revision.commit.as_ref();
            source.seen = commit.map(|commit| commit.id.clone());
            source.commit.clone_from(&source.seen);
            source.subject = commit.map(|commit| commit.subject.clone());
            source.signer = commit.and_then(|commit| commit.signer.clone());
            source.problem = None;
            if let Some(tree) = new {
                source.since = Some(now);
                source.tree = Some(tree);
            }
            (status.accounts).retain(|name, _| desired.account(name).is_some());
            if desired.template.is_none() {
                status.template = None;
            }
            for name in touched {
                let policy = revision.loaded.watch.of(name.as_ref());
                let object = match name {
                    None => status.template.get_or_insert_with(|| unread(name, now)),
                    Some(account) => (status.accounts.entry(account.clone()))
                        .or_insert_with(|| unread(name, now)),
                };
                declare(Arc::make_mut(object), desired, policy);
            }
            for object in status.accounts.values_mut() {
                if object.dns.is_some() && !self.names.knows(&object.name) {
                    Arc::make_mut(object).dns = None;
                }
            }
        });
    }

    /// Keeps the adopted revision, and reports why the new one was refused.
    fn refuse(&mut self, kind: AlertKind, commit: Option<String>, reason: String, now: Timestamp) {
        let is_known = matches!(&self.conditions.source, Some((known, words)) if *known == kind && *words == reason);
        if !is_known {
            tracing::warn!(%reason, "the previous tree stays in force");
        }
        if kind != AlertKind::SourceUnreadable {
            self.history_log.begin(Detected {
                finding: Finding::BadTree,
                name: None,
                keys: Vec::new(),
                message: reason.clone(),
                commit: commit.clone(),
                begun: None,
                at: now,
            });
        }
        self.published.change(|status| {
            let source = &mut status.cluster.source;
            source.checked = Some(now);
            source.problem = Some(reason.clone());
            if commit.is_some() {
                source.seen = commit;
            }
        });
        self.conditions.source = Some((kind, reason));
    }

    /// Finds the base: from the applied ref, and object by object from the daemon's own file.
    ///
    /// Returns the commit that the ref names, even when it cannot be the base because it is not in the history of
    /// `revision`: the caller must not adopt an older commit by accident. A commit without a required signature counts
    /// for nothing.
    async fn find_base(&mut self, revision: &SourceRevision) -> Option<String> {
        let desired = &revision.loaded.desired;
        self.base = None;
        self.without_base.clear();
        self.applied = None;
        self.conditions.untrusted_base = None;
        self.shard_state = ShardState::default();
        self.written = None;
        let named = match self.setup.platform {
            None => self.find_applied_commit(revision).await,
            Some(_) => None,
        };
        // A record of partial writes is no more trustworthy than the base that it extends.
        let mut written = if self.conditions.untrusted_base.is_some() {
            Vec::new()
        } else {
            self.find_written(revision).await
        };
        if self.setup.shard.is_some() {
            // A shard takes its accounts and its base from the ref, which all shards see.
            return named;
        }
        let platform = self.platform_of(desired);
        let file = BaseFile::new(&self.setup.state, &desired.cluster.name, platform);
        match file.read(desired) {
            // If the ref names another commit, somebody else has applied since.
            Ok(Some(kept)) if self.applied.is_none() || self.applied == kept.commit => {
                tracing::info!("what was applied last is known object by object");
                self.base = Some(kept.desired);
                // The daemon's own file is as new as its record beside the ref.
                written.clear();
                self.lose_base(kept.without_base, "it was lost before the last restart");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(path = %file.path(), %error, "what was applied last was kept, but cannot be used");
                if self.base.is_none() {
                    self.lose_base(names(desired), &format!("{}: {error}", file.path()));
                }
            }
        }
        self.base_file = Some(file);
        without_records(&mut written, self.base.as_ref());
        let over = laid_over(
            self.base.as_ref(),
            &written,
            (desired, false),
            &Live::default(),
        );
        self.base = over.or(self.base.take());
        named
    }

    /// Reads what incomplete runs have written since the base.
    async fn find_written(&mut self, revision: &SourceRevision) -> Vec<WrittenTree> {
        let Some(mut written) = self.reference.as_ref().map(AppliedRef::written) else {
            return Vec::new();
        };
        let recall = Recall {
            base: self.applied.as_deref(),
            revision: revision.id(),
            only: None,
            known: None,
            ask: self.setup.push,
        };
        let recalled = written.recall(recall).await;
        for doubt in recalled.doubts {
            tracing::warn!("{doubt}");
        }
        self.written = Some(written);
        recalled.trees
    }

    /// Marks objects whose base was lost, which people must decide on, and reports why.
    fn lose_base(&mut self, names: BTreeSet<Name>, reason: &str) {
        self.conditions.base = Some(format!(
            "what was applied last is not known any more ({reason}); what differs now may be the tree's change or somebody's, and waits for an approval or a resync"
        ));
        self.without_base = names;
    }

    async fn find_applied_commit(&mut self, revision: &SourceRevision) -> Option<String> {
        let cluster = &revision.loaded.desired.cluster.name;
        let unknown = |error: GitError| {
            tracing::warn!(%error, "what was applied last is not known");
        };
        let reference = self.source.applied_ref(cluster).map_err(unknown).ok()??;
        let mut reference = reference.at(revision.id());
        let base = if self.setup.push {
            reference.fetch(None).await
        } else {
            reference.recall(None).await.map_err(unknown).ok()?
        };
        self.reference = Some(reference);
        self.conditions.untrusted_base = base.refusal();
        if let Some(refusal) = &self.conditions.untrusted_base {
            tracing::warn!("{refusal}");
        } else {
            tracing::info!("{}", base.explained());
        }
        self.applied = base.proven().map(str::to_owned);
        self.base = base.desired().cloned();
        let is_unsigned = matches!(
            base,
            Base::Refused {
                why: Refusal::Unsigned { .. },
                ..
            }
        );
        base.commit().filter(|_| !is_unsigned).map(str::to_owned)
    }

    /// Returns the base URL of the platform that a tree is for.
    fn platform_of(&self, desired: &Desired) -> String {
        match (&self.setup.platform, &desired.cluster.api) {
            (Some(platform), _) => platform.api.clone(),
            (None, Some(api)) => api.value.clone(),
            (None, None) => String::new(),
        }
    }

    /// Writes the base to disk for the next start.
    pub(super) fn keep_base(&mut self) {
        if let (Some(file), Some(base)) = (&mut self.base_file, &self.base)
            && let Err(error) = file.write(self.applied.as_deref(), base, &self.without_base)
        {
            tracing::warn!(path = %file.path(), %error, "what was applied cannot be kept; after a restart a hand edit may be taken for what the tree changed");
        }
    }
}

fn unread(name: &Name, now: Timestamp) -> Arc<ObjectStatus> {
    Arc::new(ObjectStatus::unread(name.clone(), now))
}

/// Copies what the tree declares into a status.
fn declare(object: &mut ObjectStatus, desired: &Desired, policy: WatchPolicy) {
    object.policy = policy;
    let name = object.name.as_ref();
    let Some(account) = name.and_then(|name| desired.account(name)) else {
        return;
    };
    let text = |key: &str| {
        let declared = account.settings.get(&KeyPath::from(key))?;
        declared.value.as_ref()?.as_str().map(str::to_owned)
    };
    object.company = text("company_name");
    object.domain = text("domain");
    object.assets = (account.assets.iter())
        .filter_map(|(kind, declared)| Some((*kind, declared.value.clone()?)))
        .collect();
}

/// Returns the mistakes in a tree, for readers without its source map.
fn mistakes(loaded: &Loaded) -> Vec<Mistake> {
    let found = problems(&loaded.diagnostics, &loaded.sources);
    let mistake = |problem: Problem| {
        let place = problem.primary;
        Mistake {
            code: problem.code.to_string(),
            is_error: problem.severity == Severity::Error,
            line: place.as_ref().map(|place| place.from.line),
            column: place.as_ref().map(|place| place.from.column),
            file: place.map(|place| place.source.path),
            message: problem.message,
            help: problem.help,
        }
    };
    found.into_iter().map(mistake).collect()
}
