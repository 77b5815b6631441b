//! The brands that are looked at as customers do: their schedule and the state of each.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::brand_state::BrandState;
use super::schedule::{ReadSchedule, later};
use super::source::SourceRevision;
use crate::model::{AccountName, ObjectName};
use crate::probe::{BrandProbe, BrandTarget, SharedPace, targets};

/// Brands probed in one batch.
pub(super) const BATCH: usize = 50;
/// Consecutive probes that showed nothing, for every brand, before that is reported.
const SILENCES: u32 = 2;

/// The brands with their schedule and the state of each; empty where nobody looks at them.
pub(super) struct Brands {
    pub(super) schedule: ReadSchedule,
    pub(super) states: BTreeMap<AccountName, BrandState>,
    pub(super) asking: JoinSet<ProbeAnswers>,
    /// How fast the API is asked, over all batches.
    pub(super) pace: SharedPace,
}

/// What was looked at in one batch, and what was seen.
pub(super) type ProbeAnswers = (Vec<BrandTarget>, Vec<BrandProbe>);

impl Brands {
    pub(super) fn new(interval: SignedDuration, pace: SharedPace, seed: u64) -> Self {
        Self {
            schedule: ReadSchedule::new(interval, seed),
            states: BTreeMap::new(),
            asking: JoinSet::new(),
            pace,
        }
    }

    /// Looks at the brands of this tree from now on, and at no others. Drops what is known of touched accounts.
    pub(super) fn follow(
        &mut self,
        revision: &SourceRevision,
        touched: &BTreeSet<ObjectName>,
        now: Timestamp,
    ) {
        let loaded = &revision.loaded;
        let (found, _) = targets(&loaded.desired, &loaded.sources, |_| true);
        let names: BTreeSet<ObjectName> = (found.iter())
            .map(|target| ObjectName::from(&target.account))
            .collect();
        self.schedule.follow(&names, now);
        (self.states).retain(|name, _| names.contains(&ObjectName::from(name)));
        for target in found {
            let name = ObjectName::from(&target.account);
            let state = self.states.entry(target.account).or_default();
            if touched.contains(&name) {
                state.redeclare();
                self.schedule.requeue(&name, now);
            }
        }
    }

    /// Returns whether an account's brand is looked at, and was.
    pub(super) fn knows(&self, name: &ObjectName) -> bool {
        let state = (name.account()).and_then(|name| self.states.get(name));
        state.is_some_and(BrandState::is_known)
    }

    /// Has a brand looked at before all others: it was just written.
    pub(super) fn put_first(&mut self, name: &ObjectName) {
        self.schedule.put_off(name, Timestamp::UNIX_EPOCH);
    }

    /// Returns when the next brand is due; `None` while a batch is in flight.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.schedule.next().filter(|_| self.asking.is_empty())
    }

    /// Returns whether a batch is in flight.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// Returns whether something was seen that waits for confirmation.
    pub(super) fn is_confirming(&self) -> bool {
        self.states.values().any(BrandState::is_confirming)
    }

    /// Waits for the answers of a batch; for ever when none is in flight.
    pub(super) async fn arrive(&mut self) -> ProbeAnswers {
        match self.asking.join_next().await {
            Some(answers) => answers.unwrap_or_default(),
            None => pending().await,
        }
    }

    /// Returns why nothing is known of any brand: no probe showed anything, several times in a row.
    pub(super) fn silence(&self) -> Option<String> {
        let mut silent = self.states.values().map(|state| state.silences);
        let is_silent = !self.states.is_empty() && silent.all(|times| times >= SILENCES);
        is_silent.then(|| {
            "no brand can be looked at; look at the resolvers (dns.resolvers in emblazon.yaml) and at the way from here to the user interface and the API; `emblazon probe` says what it meets".to_owned()
        })
    }

    /// Schedules the next probe of what waits for confirmation.
    pub(super) fn plan_ahead(
        &mut self,
        name: &AccountName,
        confirm_after: SignedDuration,
        now: Timestamp,
    ) {
        if self.states.get(name).is_some_and(BrandState::is_confirming) {
            self.schedule
                .requeue(&name.into(), later(now, confirm_after));
        }
    }
}
