//! Adopting source revisions: the daemon reconciles the last good one.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::controller::Controller;
use super::history_log::Detected;
use super::schedule::later;
use super::selection::{is_same_template, touched};
use super::source::{SourceError, SourceRevision};
use super::status::{AlertKind, Finding, Mistake, ObjectStatus, RejectedCommit};
use super::zones::pushed;
use crate::diag::Severity;
use crate::live::Reach;
use crate::model::{Digest, KeyPath, ObjectName, count};
use crate::report::{Problem, problems};
use crate::tree::{
    Desired, Loaded, Precedence, WatchPolicy, commit_facts, precedence, short_commit,
};

impl Controller {
    /// Reads the source, and adopts its revision when that is good.
    pub(super) async fn look_at_source(&mut self, now: Timestamp) {
        self.timers.source = later(now, self.setup.poll);
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
            self.keep_revision(now);
            return;
        }
        let cluster = &revision.loaded.desired.cluster.name;
        if self.led.as_ref().is_some_and(|led| led != cluster) {
            // The lease that is held says nothing about that cluster.
            tracing::info!(%cluster, "the tree is for another cluster now");
            self.leads_another = true;
            return;
        }
        let is_elsewhere = self.revision.as_ref().is_none_or(|current| {
            self.setup.platform_of(&current.loaded.desired)
                != self.setup.platform_of(&revision.loaded.desired)
        });
        let named = if is_elsewhere {
            let from = (&self.setup, &self.source);
            match (self.applied.find(&revision, from, &mut self.conditions)).await {
                Ok(named) => named,
                Err(reason) => {
                    self.refuse(AlertKind::SourceUnreadable, commit, reason, now);
                    return;
                }
            }
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
        let (zones, conditions) = (&mut self.observed.zones, &mut self.conditions);
        let cut = (self.applied).cut(&mut revision, &self.setup, zones, conditions);
        match cut.await {
            Ok(()) => self.adopt(revision, now),
            Err(reason) => self.refuse(AlertKind::SourceUnreadable, commit, reason, now),
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
    fn keep_revision(&mut self, now: Timestamp) {
        self.conditions.source = None;
        self.history_log
            .end(Finding::BadTree, None, now, "a good tree is in force");
        self.published.change(|status| {
            let source = &mut status.cluster.source;
            source.seen.clone_from(&source.commit);
            source.problem = None;
            source.rejected = None;
        });
    }

    fn adopt(&mut self, revision: SourceRevision, now: Timestamp) {
        self.is_quiet = false;
        self.conditions.source = None;
        self.history_log
            .end(Finding::BadTree, None, now, "a good tree is in force");
        let desired = &revision.loaded.desired;
        self.applied.begin_base(desired);
        let before = self.revision.as_ref().map(|before| &before.loaded);
        let is_other_cluster =
            before.is_some_and(|before| before.desired.cluster != desired.cluster);
        if is_other_cluster {
            self.observed.platform.disconnect();
        }
        let mut touched = touched(before.map(|before| &before.desired), desired);
        if before.is_some_and(|before| before.watch != revision.loaded.watch) {
            touched = desired.object_names();
        }
        let lost_some = before
            .is_some_and(|before| before.desired.accounts.len() != desired.accounts.len())
            || !touched.is_empty();
        let tree = revision.digest().clone();
        let is_new = self.published.status().cluster.source.tree.as_ref() != Some(&tree);
        self.timers.objects.follow(&desired.object_names(), now);
        self.timers.domains.follow(&revision, &touched, now);
        if self.setup.probe.is_some() {
            self.timers.brands.follow(&revision, &touched, now);
        }
        let template = (self.revision.as_ref()).and_then(SourceRevision::template);
        if !is_same_template(template, revision.template()) {
            for name in pushed(&revision.loaded) {
                self.timers.objects.requeue(&name.into(), now);
            }
        }
        for name in &touched {
            self.timers.objects.requeue(name, now);
            self.objects.redeclare(name);
        }
        self.observed.look_for_departed |= lost_some;
        let all = desired.object_names();
        self.objects.follow(&all);
        self.applied.without_base.retain(|name| all.contains(name));
        self.observed.platform.follow(desired);
        (self.history_log).follow(|name| desired.account(name).is_some(), now);
        self.show_revision(&revision, &touched, is_new.then_some(tree), now);
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
    fn show_revision(
        &self,
        revision: &SourceRevision,
        touched: &BTreeSet<ObjectName>,
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
                let policy = revision.loaded.watch.of(name.account());
                let object = match name {
                    ObjectName::Template => {
                        status.template.get_or_insert_with(|| unread(name, now))
                    }
                    ObjectName::Account(account) => (status.accounts.entry(account.clone()))
                        .or_insert_with(|| unread(name, now)),
                    ObjectName::Zone(_) => continue,
                };
                declare(Arc::make_mut(object), desired, policy);
            }
            for object in status.accounts.values_mut() {
                if object.dns.is_some() && !self.timers.domains.knows(&object.name) {
                    Arc::make_mut(object).dns = None;
                }
                if object.probe.is_some() && !self.timers.brands.knows(&object.name) {
                    Arc::make_mut(object).probe = None;
                }
            }
        });
    }

    /// Keeps the adopted revision, and reports why the new one was refused.
    fn refuse(&mut self, kind: AlertKind, commit: Option<String>, reason: String, now: Timestamp) {
        let rejected = commit.as_ref().and_then(|id| {
            let facts = commit_facts(self.source.folder(), id)?;
            Some(RejectedCommit {
                id: id.clone(),
                subject: facts.subject,
                author: facts.author,
            })
        });
        let told = match &rejected {
            Some(commit) => format!("{reason}; by {}: {}", commit.author, commit.subject),
            None => reason.clone(),
        };
        let is_known = matches!(&self.conditions.source, Some((known, words)) if *known == kind && *words == told);
        if !is_known {
            tracing::warn!(reason = %told, "the previous tree stays in force");
        }
        if kind != AlertKind::SourceUnreadable {
            self.history_log.begin(Detected {
                finding: Finding::BadTree,
                account: None,
                keys: Vec::new(),
                message: told.clone(),
                commit: commit.clone(),
                begun: None,
                at: now,
            });
        }
        self.published.change(|status| {
            let source = &mut status.cluster.source;
            source.checked = Some(now);
            source.problem = Some(reason);
            source.rejected = rejected;
            if commit.is_some() {
                source.seen = commit;
            }
        });
        self.conditions.source = Some((kind, told));
    }
}

fn unread(name: &ObjectName, now: Timestamp) -> Arc<ObjectStatus> {
    Arc::new(ObjectStatus::unread(name.clone(), now))
}

/// Copies what the tree declares into a status.
fn declare(object: &mut ObjectStatus, desired: &Desired, policy: WatchPolicy) {
    object.policy = policy;
    let name = object.name.account();
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
    let mut mistakes: Vec<Mistake> = found.into_iter().map(mistake).collect();
    // What prevents the adoption comes first.
    mistakes.sort_by_key(|mistake| !mistake.is_error);
    mistakes
}
