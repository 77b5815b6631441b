//! The domains whose DNS is checked: their schedule and the state of each.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::domain_state::DomainState;
use super::schedule::{ReadSchedule, back_off, later};
use super::selection::is_same_template;
use super::source::SourceRevision;
use crate::dns::{Checklist, DomainCheck, declared_template};
use crate::model::{AccountName, ObjectName};
use crate::tree::{DesiredTemplate, DnsWatch};

/// Domains checked in one batch.
pub(super) const BATCH: usize = 50;
/// Consecutive checks without any answer, for every domain, before DNS is reported as unreachable.
const SILENCES: u32 = 2;

/// The domains with their schedule and the state of each.
pub(super) struct Domains {
    pub(super) schedule: ReadSchedule,
    interval: SignedDuration,
    seed: u64,
    pub(super) states: BTreeMap<AccountName, DomainState>,
    /// The template that the states were judged against.
    template: Option<DesiredTemplate>,
    pub(super) asking: JoinSet<DomainAnswers>,
    pub(super) questions: u64,
}

/// The answers of one batch.
#[derive(Default)]
pub(super) struct DomainAnswers {
    pub(super) checks: Vec<(AccountName, DomainCheck)>,
    pub(super) questions: u64,
}

impl Domains {
    pub(super) fn new(interval: SignedDuration, seed: u64) -> Self {
        Self {
            schedule: ReadSchedule::new(interval, seed),
            interval,
            seed,
            states: BTreeMap::new(),
            template: None,
            asking: JoinSet::new(),
            questions: 0,
        }
    }

    /// Changes the interval.
    pub(super) fn set_interval(&mut self, interval: SignedDuration, now: Timestamp) {
        self.interval = interval;
        self.schedule.set_interval(interval, now);
    }

    /// Checks the domains of this tree from now on, and no others. Drops the known state of touched accounts.
    pub(super) fn follow(
        &mut self,
        snapshot: &SourceRevision,
        touched: &BTreeSet<ObjectName>,
        now: Timestamp,
    ) {
        let asked = asked_for(snapshot);
        let names: BTreeSet<ObjectName> = asked.iter().map(ObjectName::from).collect();
        let is_new = |name: &&AccountName| !self.states.contains_key(*name);
        // Checks of a large tree start with one batch; the others spread over the interval.
        let later_ones: Vec<ObjectName> = (asked.iter().filter(is_new).skip(BATCH))
            .map(ObjectName::from)
            .collect();
        self.schedule.follow(&names, now);
        for name in &later_ones {
            self.schedule.read(name, now);
        }
        self.states.retain(|name, _| asked.contains(name));
        let template = snapshot.template();
        let is_all = !is_same_template(self.template.as_ref(), template);
        self.template = template.cloned();
        for name in asked {
            let domain_state = self.states.entry(name.clone()).or_default();
            let name = ObjectName::from(name);
            if is_all || touched.contains(&name) {
                *domain_state = DomainState::default();
                if !later_ones.contains(&name) {
                    self.schedule.requeue(&name, now);
                }
            }
        }
    }

    /// Returns whether an account's domain is checked and has been checked once.
    pub(super) fn knows(&self, name: &ObjectName) -> bool {
        let domain_state = (name.account()).and_then(|name| self.states.get(name));
        domain_state.is_some_and(|domain_state| *domain_state != DomainState::default())
    }

    /// Returns the accounts whose domain is to be checked now.
    pub(super) fn due(&self, now: Timestamp) -> Vec<AccountName> {
        let due = self.schedule.due(now);
        due.iter()
            .filter_map(ObjectName::account)
            .cloned()
            .collect()
    }

    /// Schedules the check of an account's domain.
    pub(super) fn requeue(&mut self, name: &ObjectName, at: Timestamp) {
        self.schedule.requeue(name, at);
    }

    /// Corrects the schedule after the clock was set back.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        self.schedule.set_back(now);
    }

    /// Schedules the checks of all domains for `now`.
    pub(super) fn requeue_all(&mut self, now: Timestamp) {
        self.schedule.requeue_all(now);
    }

    /// Returns when the next check is due; `None` while a batch is in flight.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.schedule.next().filter(|_| self.asking.is_empty())
    }

    /// Returns whether a batch is in flight.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// Returns whether a difference was seen once and waits for confirmation.
    pub(super) fn is_confirming(&self) -> bool {
        self.states.values().any(DomainState::is_confirming)
    }

    /// Waits for the answers of a batch; for ever when none is in flight.
    pub(super) async fn arrive(&mut self) -> DomainAnswers {
        match self.asking.join_next().await {
            Some(answers) => answers.unwrap_or_default(),
            None => pending().await,
        }
    }

    /// Returns why DNS counts as unreachable: no domain got any answer, several times in a row.
    pub(super) fn silence(&self) -> Option<String> {
        let mut silent = self
            .states
            .values()
            .map(|domain_state| domain_state.silences);
        let is_silent = !self.states.is_empty() && silent.all(|times| times >= SILENCES);
        is_silent.then(|| {
            "no domain's DNS can be asked; look at the resolvers (dns.resolvers in emblazon.yaml) and at the way to them"
                .to_owned()
        })
    }

    /// Schedules the next check: soon after a difference to confirm, at expiry after an old answer, with a growing
    /// back-off after silence.
    pub(super) fn plan_ahead(
        &mut self,
        name: &AccountName,
        confirm_after: SignedDuration,
        now: Timestamp,
    ) {
        let Some(domain_state) = self.states.get(name) else {
            return;
        };
        let name = ObjectName::from(name);
        if domain_state.is_confirming() {
            self.schedule.requeue(&name, later(now, confirm_after));
        } else if domain_state.silences > 0 {
            let pause = back_off(domain_state.silences, &name, self.seed).max(confirm_after);
            self.schedule
                .put_off(&name, later(now, pause.min(self.interval)));
        } else if let Some(old_for) = domain_state.old_for {
            let old_for = SignedDuration::from_secs(i64::from(old_for)).max(confirm_after);
            self.schedule.requeue(&name, later(now, old_for));
        }
    }
}

/// Returns the accounts whose domain is checked.
fn asked_for(snapshot: &SourceRevision) -> BTreeSet<AccountName> {
    let Some(list) = checklist(snapshot, |name| {
        snapshot.loaded.watch.of(Some(name)).dns != DnsWatch::Off
    }) else {
        return BTreeSet::new();
    };
    list.domains.into_iter().map(|(name, _)| name).collect()
}

pub(super) fn checklist(
    snapshot: &SourceRevision,
    is_wanted: impl Fn(&AccountName) -> bool,
) -> Option<Checklist> {
    let template = declared_template(snapshot.template()?);
    Some(Checklist::new(
        &snapshot.loaded.desired,
        template,
        is_wanted,
    ))
}
