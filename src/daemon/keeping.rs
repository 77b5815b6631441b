//! Keeps drift, where somebody wants to: shows what the live values change in the tree and, by policy (`heal: propose`) or
//! because a person asked, proposes it as a pull request. Nothing of it is written on the platform.
//!
//! One account at a time is worked on, beside the loop. What emblazon proposed is brought up to date while the drift
//! changes, and withdrawn when a read shows that it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::controller::Controller;
use super::proposal_work::{
    KeptPatch, ProposalPlace, ProposalWork, WithdrawalWork, Work, WorkResult,
};
use super::schedule::{back_off, later};
use super::source::SourceRevision;
use super::status::{Intervention, InterventionKind, Keep, KeepingPull, Outcome};
use crate::diff::{Change, ChangeKey};
use crate::forge::PullOutcome;
use crate::model::{AccountName, Digest, ObjectName};
use crate::propose::{Proposed, Withdrawn};
use crate::tree::{HealMode, kept_branch, plain_name};

/// Most accounts for which it is shown what keeping their drift changes; drift of more accounts has a common cause.
const MOST_SHOWN: usize = 100;
/// Most pull requests that are open because of the policy.
const MOST_PROPOSED: usize = 20;
/// The largest patch that is shown, in bytes.
const LARGEST_PATCH: usize = 2_000_000;

/// The drift of one account, and what a patch for it is made from.
struct Drifted {
    changes: Vec<Change>,
    made_from: Digest,
    policy: HealMode,
    /// Whether somebody decided to leave it for a while.
    is_declined: bool,
}

impl Controller {
    /// Begins the next piece of work, if one is due and none is in flight.
    pub(super) async fn keep_drift(&mut self, now: Timestamp) {
        let Some(revision) = self.revision.clone() else {
            return;
        };
        if self.proposals.is_busy() || self.timers.outage().is_some() {
            return;
        }
        self.proposals.looked_at = now;
        let drifted = self.drifted(&revision);
        self.forget_kept(&drifted);
        let place = self.proposal_place(&revision);
        self.refuse_asked(&drifted, place.is_some(), now);
        if let Some((place, _)) = &place {
            self.look_for_branches(place, &revision, now).await;
        }
        let place = place.filter(|_| self.interventions.pause().is_none());
        if let Some((name, drift, proposes)) = self.next_to_keep(&drifted, place.is_some(), now) {
            let work = self.proposal_work(&revision, (name, drift), place.filter(|_| proposes));
            self.begin_work(Work::Keep(Box::new(work)));
        } else if let Some(place) = place
            && let Some(name) = self.next_to_withdraw(now)
        {
            let loaded = Arc::clone(&revision.loaded);
            let work = WithdrawalWork {
                name,
                loaded,
                place,
            };
            self.begin_work(Work::Withdraw(Box::new(work)));
        }
    }

    /// Works beside the loop, until the daemon ends or no longer leads; on a thread of its own, because comparing a large
    /// tree takes a while.
    fn begin_work(&mut self, work: Work) {
        let cut = self.queue.stopped().child_token();
        let runtime = Handle::current();
        let token = cut.clone();
        self.proposals.work.spawn_blocking(move || {
            runtime.block_on(async {
                tokio::select! {
                    done = work.run() => Some(done),
                    () = token.cancelled() => None,
                }
            })
        });
        self.proposals.cut = Some(cut.drop_guard());
    }

    /// Works off everything that is due, for a daemon that runs once.
    pub(super) async fn keep_drift_and_wait(&mut self) {
        loop {
            self.keep_drift(Timestamp::now()).await;
            if !self.proposals.is_busy() {
                return;
            }
            let stop = self.queue.stopped();
            tokio::select! {
                done = self.proposals.arrive() => self.take_proposal(done, Timestamp::now()),
                () = stop.cancelled() => return,
            }
        }
    }

    /// Returns the confirmed drift of the accounts that were read.
    fn drifted(&self, revision: &SourceRevision) -> BTreeMap<AccountName, Drifted> {
        let stands = revision.id().map_or_else(
            || format!("{} {:p}", revision.digest(), Arc::as_ptr(&revision.loaded)),
            str::to_owned,
        );
        let records = self.objects.records().iter();
        let drifted = records.filter_map(|(object, record)| {
            let name = object.account()?;
            revision.loaded.desired.account(name)?;
            self.observed
                .platform
                .live
                .accounts
                .get(name)?
                .document
                .known()?;
            let policy = revision.loaded.watch.of(Some(name)).heal;
            let confirmed = record
                .drift
                .iter()
                .filter(|drift| drift.confirmed.is_some());
            let changes: Vec<Change> = confirmed.map(|drift| drift.change.clone()).collect();
            if changes.is_empty() || policy == HealMode::Off {
                return None;
            }
            let from = serde_json::to_string(&(&stands, &changes)).ok()?;
            let drifted = Drifted {
                changes,
                made_from: Digest::of(from.as_bytes()),
                policy,
                is_declined: self.interventions.declined().contains_key(object),
            };
            Some((name.clone(), drifted))
        });
        drifted.take(MOST_SHOWN).collect()
    }

    /// Takes back what is shown of drift that is gone or another by now.
    fn forget_kept(&mut self, drifted: &BTreeMap<AccountName, Drifted>) {
        let mut stale = Vec::new();
        self.proposals.states.retain(|name, state| {
            let known = drifted.get(name);
            let shown = state.shown_from.as_ref();
            let is_stale =
                shown.is_some_and(|shown| known.is_none_or(|known| known.made_from != *shown));
            if is_stale {
                state.shown_from = None;
                state.retry_at = None;
                stale.push(name.clone());
            }
            known.is_some() || state.is_asked
        });
        if stale.is_empty() {
            return;
        }
        for name in &stale {
            self.published.put_patch(name, None);
        }
        self.published.change(|status| {
            for name in stale {
                if let Some(object) = status.object_mut(&(&name).into()) {
                    Arc::make_mut(object).keep = None;
                }
            }
        });
    }

    /// Ends the requests of people that cannot be carried out.
    fn refuse_asked(
        &mut self,
        drifted: &BTreeMap<AccountName, Drifted>,
        has_place: bool,
        now: Timestamp,
    ) {
        let mut refused = Vec::new();
        for (name, state) in &mut self.proposals.states {
            let reason = if !drifted.contains_key(name) {
                "its drift is gone, or no second read has confirmed it"
            } else if !has_place {
                "the tree is not a commit of a Git remote that is pushed to, or the daemon's file names no forge"
            } else {
                continue;
            };
            if std::mem::take(&mut state.is_asked) {
                refused.push((name.clone(), reason));
            }
        }
        for (name, reason) in refused {
            self.end_asked(&name, false, format!("not proposed: {reason}"), now);
        }
    }

    /// Writes down what became of a person's request.
    fn end_asked(&mut self, name: &AccountName, is_done: bool, message: String, now: Timestamp) {
        let outcome = Outcome {
            at: now,
            is_done,
            message,
        };
        let target = Some(ObjectName::from(name));
        let is_it =
            |one: &Intervention| one.kind == InterventionKind::Propose && one.object == target;
        self.history_log.settle(is_it, &outcome);
    }

    /// Returns where proposals go, and on top of which commit; `None` where there is no forge, no remote, or no commit.
    fn proposal_place(&self, revision: &SourceRevision) -> Option<(ProposalPlace, String)> {
        let forge = self.setup.forge.clone().filter(|_| self.setup.push)?;
        let cluster = &revision.loaded.desired.cluster.name;
        let reference = self.source.applied_ref(cluster).ok().flatten()?;
        let place = ProposalPlace {
            remote: reference.remote()?.clone(),
            into: self.source.branch(),
            forge,
        };
        Some((place, revision.id()?.to_owned()))
    }

    /// Asks the remote once which accounts have a branch, from before this daemon led.
    async fn look_for_branches(
        &mut self,
        place: &ProposalPlace,
        revision: &SourceRevision,
        now: Timestamp,
    ) {
        let is_early = self.proposals.ask_at.is_some_and(|at| at > now);
        if self.proposals.branches.is_some() || is_early {
            return;
        }
        let cluster = &revision.loaded.desired.cluster.name;
        let start = format!("refs/heads/emblazon/{}/keep-", plain_name(cluster));
        match place.remote.values(&start).await {
            Ok(found) => {
                let names = revision.loaded.desired.accounts.iter();
                let names = names.map(|account| account.name.clone());
                let has = |name: &AccountName| {
                    let only = BTreeSet::from([name.clone()]);
                    found.contains_key(&format!("refs/heads/{}", kept_branch(cluster, &only)))
                };
                self.proposals.branches = Some(names.filter(has).collect());
                self.proposals.ask_at = None;
            }
            Err(error) => {
                tracing::warn!(%error, "what was proposed before is not known; asking again");
                self.proposals.ask_at = Some(later(now, self.setup.poll));
            }
        }
    }

    /// Returns the next account whose patch or proposal is not up to date, and whether it is to be proposed.
    fn next_to_keep<'d>(
        &mut self,
        drifted: &'d BTreeMap<AccountName, Drifted>,
        has_place: bool,
        now: Timestamp,
    ) -> Option<(AccountName, &'d Drifted, bool)> {
        let open = self.proposals.branches.as_ref().map_or(0, BTreeSet::len);
        for (name, drift) in drifted {
            let has_branch = self.proposals.has_branch(name);
            let state = self.proposals.states.entry(name.clone()).or_default();
            if state.retry_at.is_some_and(|at| at > now) {
                continue;
            }
            let by_policy = drift.policy == HealMode::Propose
                && !drift.is_declined
                && (has_branch || open < MOST_PROPOSED);
            let proposes = has_place
                && (state.is_asked || has_branch || by_policy)
                && state.proposed_from.as_ref() != Some(&drift.made_from);
            if proposes || state.made_from.as_ref() != Some(&drift.made_from) {
                return Some((name.clone(), drift, proposes));
            }
        }
        None
    }

    /// Returns an account with a branch whose drift is gone, as a read has shown.
    fn next_to_withdraw(&self, now: Timestamp) -> Option<AccountName> {
        let branches = self.proposals.branches.iter().flatten();
        let waits = |name: &AccountName| {
            let stuck = self.proposals.stuck.get(name);
            stuck.is_some_and(|(_, at)| *at > now)
        };
        let mut open = branches.filter(|name| !waits(name));
        let is_gone = |name: &&AccountName| {
            let live = self.observed.platform.live.accounts.get(*name);
            let is_known = live.is_some_and(|live| {
                let document = live.document.known();
                document.is_some_and(|document| {
                    let assets = document.iter().flat_map(|it| it.assets.values());
                    assets.into_iter().all(|asset| asset.known().is_some())
                })
            });
            let record = self.objects.get(&ObjectName::from(*name));
            is_known && record.is_some_and(|record| record.drift.is_empty())
        };
        open.find(is_gone).cloned()
    }

    fn proposal_work(
        &self,
        revision: &SourceRevision,
        (name, drift): (AccountName, &Drifted),
        place: Option<(ProposalPlace, String)>,
    ) -> ProposalWork {
        let is_asset = |change: &Change| matches!(change.key, ChangeKey::Asset(_));
        let client = self.observed.platform.client();
        ProposalWork {
            name,
            made_from: drift.made_from.clone(),
            loaded: Arc::clone(&revision.loaded),
            is_cut: self.setup.shard.is_some(),
            files: Arc::clone(&revision.files),
            accounts: self.observed.platform.live.accounts.clone(),
            client: client.filter(|_| drift.changes.iter().any(is_asset)),
            drift: drift.changes.clone(),
            place,
        }
    }

    /// Publishes what came of a piece of work.
    pub(super) fn take_proposal(&mut self, done: Option<WorkResult>, now: Timestamp) {
        match done {
            Some(WorkResult::Made {
                name,
                made_from,
                kept,
                proposed,
            }) => self.take_patch((name, made_from), kept, proposed, now),
            Some(WorkResult::Withdrawn { name, result }) => {
                self.take_withdrawal(name, result, now);
            }
            None => {}
        }
    }

    fn take_withdrawal(
        &mut self,
        name: AccountName,
        result: Result<Withdrawn, String>,
        now: Timestamp,
    ) {
        match result {
            Ok(withdrawn) => {
                if let Withdrawn::Closed(number) = withdrawn {
                    tracing::info!(account = %name, number, "the pull request was closed: its drift is gone");
                }
                if let Some(branches) = &mut self.proposals.branches {
                    branches.remove(&name);
                }
                self.proposals.stuck.remove(&name);
            }
            Err(reason) => {
                tracing::warn!(account = %name, reason, "the proposal stays, although its drift is gone");
                let failures = self
                    .proposals
                    .stuck
                    .get(&name)
                    .map_or(1, |(times, _)| times + 1);
                let pause = back_off(failures, &(&name).into(), self.seed).max(self.setup.poll);
                let stuck = (failures, later(now, pause));
                self.proposals.stuck.insert(name, stuck);
            }
        }
    }

    fn take_patch(
        &mut self,
        (name, made_from): (AccountName, Digest),
        kept: Result<Box<KeptPatch>, String>,
        proposed: Option<Result<Proposed, String>>,
        now: Timestamp,
    ) {
        let object = ObjectName::from(&name);
        let status = self.published.status();
        let known = status
            .object(&object)
            .and_then(|object| object.keep.clone());
        let mut keep = Keep {
            pull: known.and_then(|keep| keep.pull),
            ..Keep::default()
        };
        let mut patch = None;
        let mut failure = None;
        let is_made = kept.is_ok();
        match kept {
            Ok(kept) => {
                let KeptPatch { proposal, notes } = *kept;
                keep.notes = notes;
                match proposal {
                    Some(proposal) if proposal.patch.len() <= LARGEST_PATCH => {
                        keep.files = proposal.files.len();
                        keep.patch = Some(proposal.digest());
                        patch = Some(proposal.patch);
                    }
                    Some(proposal) => {
                        keep.files = proposal.files.len();
                        keep.problem = Some("the patch is too large to show".to_owned());
                    }
                    None => keep.problem = Some("nothing of it can be declared".to_owned()),
                }
            }
            Err(reason) => failure = Some(reason),
        }
        let is_proposed = proposed.is_some();
        match proposed {
            Some(Ok(Proposed { pull, .. })) => {
                keep.pull = Some(KeepingPull {
                    number: pull.number,
                    link: pull.link,
                    is_declined: pull.outcome == PullOutcome::Declined,
                });
                if let Some(branches) = &mut self.proposals.branches {
                    branches.insert(name.clone());
                }
                self.proposals.stuck.remove(&name);
            }
            Some(Err(reason)) => failure = Some(reason),
            None => {}
        }
        let state = self.proposals.states.entry(name.clone()).or_default();
        state.shown_from = Some(made_from.clone());
        if is_made {
            state.made_from = Some(made_from.clone());
        }
        if let Some(reason) = &failure {
            tracing::warn!(account = %name, reason, "its drift cannot be shown as a patch, or proposed");
            state.failures += 1;
            let pause = back_off(state.failures, &object, self.seed).max(self.setup.poll);
            state.retry_at = Some(later(now, pause));
            keep.problem = Some(reason.clone());
        } else {
            state.failures = 0;
            state.retry_at = None;
            if is_proposed {
                state.proposed_from = Some(made_from);
            }
        }
        let is_over = is_proposed || failure.is_some();
        if is_over && std::mem::take(&mut state.is_asked) {
            let message = match (&failure, &keep.pull) {
                (Some(reason), _) => format!("not proposed: {reason}"),
                (None, Some(pull)) if pull.is_declined => format!(
                    "not proposed: somebody closed pull request {} for this very change",
                    pull.number
                ),
                (None, Some(pull)) => format!("proposed as pull request {}", pull.number),
                (None, None) => "proposed".to_owned(),
            };
            self.end_asked(&name, failure.is_none(), message, now);
        }
        self.published.put_patch(&name, patch);
        let history = self.history_log.history();
        self.published.change(|status| {
            status.history = history;
            if let Some(object) = status.object_mut(&object) {
                Arc::make_mut(object).keep = Some(keep);
            }
        });
    }
}
