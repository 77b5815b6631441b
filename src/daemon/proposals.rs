//! What is known of keeping the drift of each account, from one piece of work to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::DropGuard;

use super::proposal_work::WorkResult;
use crate::model::{AccountName, Digest};

/// What is known of keeping the drift of each account.
#[derive(Default)]
pub(super) struct Proposals {
    pub(super) states: BTreeMap<AccountName, ProposalState>,
    /// The accounts that have a branch at the remote; unknown before the remote was asked.
    pub(super) branches: Option<BTreeSet<AccountName>>,
    /// When the remote is asked again, after a failure.
    pub(super) ask_at: Option<Timestamp>,
    /// The accounts whose proposal could not be withdrawn: how often, and when it is tried again.
    pub(super) stuck: BTreeMap<AccountName, (u32, Timestamp)>,
    /// When it was last looked at what is due; what was due by then waits for something else.
    pub(super) looked_at: Timestamp,
    pub(super) work: JoinSet<Option<WorkResult>>,
    /// Cuts the work short when dropped.
    pub(super) cut: Option<DropGuard>,
}

/// What is known of keeping the drift of one account.
#[derive(Debug, Default)]
pub(super) struct ProposalState {
    /// What the patch was made from.
    pub(super) made_from: Option<Digest>,
    /// What the published one was made from, or could not be made from.
    pub(super) shown_from: Option<Digest>,
    /// What the proposal was made from.
    pub(super) proposed_from: Option<Digest>,
    /// Whether a person asked for a pull request.
    pub(super) is_asked: bool,
    pub(super) failures: u32,
    pub(super) retry_at: Option<Timestamp>,
}

impl Proposals {
    /// Waits for the work in flight; for ever when there is none.
    pub(super) async fn arrive(&mut self) -> Option<WorkResult> {
        match self.work.join_next().await {
            Some(done) => done.ok().flatten(),
            None => pending().await,
        }
    }

    /// Returns whether an account is worked on.
    pub(super) fn is_busy(&self) -> bool {
        !self.work.is_empty()
    }

    /// Returns when something is tried again.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let retries = self.states.values().filter_map(|state| state.retry_at);
        let stuck = self.stuck.values().map(|(_, at)| *at);
        let times = retries.chain(stuck).chain(self.ask_at);
        let next = times.filter(|at| *at > self.looked_at).min();
        next.filter(|_| !self.is_busy())
    }

    /// Has a pull request opened, or tried again, because a person asks for it.
    pub(super) fn ask(&mut self, name: &AccountName) {
        let state = self.states.entry(name.clone()).or_default();
        *state = ProposalState {
            made_from: state.made_from.take(),
            shown_from: state.shown_from.take(),
            is_asked: true,
            ..ProposalState::default()
        };
    }

    /// Brings retries forward that a clock which was set back put off.
    pub(super) fn set_back(&mut self, latest: Timestamp) {
        for at in self
            .states
            .values_mut()
            .filter_map(|it| it.retry_at.as_mut())
        {
            *at = (*at).min(latest);
        }
        for (_, at) in self.stuck.values_mut() {
            *at = (*at).min(latest);
        }
        self.ask_at = self.ask_at.map(|at| at.min(latest));
    }

    pub(super) fn has_branch(&self, name: &AccountName) -> bool {
        (self.branches.as_ref()).is_some_and(|branches| branches.contains(name))
    }
}
