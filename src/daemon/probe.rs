//! Probes of the brands, as their customers see them. They run beside the cycles, as DNS checks do.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::brand_state::ProbeLimits;
use super::brands::{BATCH, ProbeAnswers};
use super::controller::Controller;
use super::history_log::CheckResult;
use super::setup::ProbeSetup;
use super::status::{Finding, ProbeSummary};
use crate::model::AccountName;
use crate::probe::{NoProbe, ProbeOptions, Prober, targets};
use crate::tree::Loaded;

impl Controller {
    /// Starts the probes of the brands that are due, without waiting for what they show.
    pub(super) fn ask_probes(&mut self, now: Timestamp) {
        let brands = &mut self.timers.brands;
        if brands.next().is_none_or(|next| next > now) {
            return;
        }
        let (Some(setup), Some(revision)) = (&self.setup.probe, &self.revision) else {
            return;
        };
        let loaded = Arc::clone(&revision.loaded);
        let due = brands.schedule.longest_due(now, BATCH);
        for name in &due {
            brands.schedule.read(name, now);
        }
        let options = match self.probe_options(setup, &loaded) {
            Ok(options) => options,
            Err(error) => {
                self.conditions.brands = Some(error.to_string());
                return;
            }
        };
        let is_due = |name: &AccountName| due.contains(&name.into());
        let (wanted, _) = targets(&loaded.desired, &loaded.sources, is_due);
        // A new one for each batch, so that renewed certificates and authorities are seen.
        let prober = Prober::new(options);
        self.timers.brands.asking.spawn(async move {
            let found = prober.probe(&wanted, &|| ()).await;
            (wanted, found)
        });
    }

    fn probe_options(&self, setup: &ProbeSetup, loaded: &Loaded) -> Result<ProbeOptions, NoProbe> {
        let sandbox = self.setup.sandbox.as_ref();
        let usual = match sandbox.and_then(|sandbox| sandbox.world.as_ref()) {
            Some(world) => ProbeOptions::within(world),
            None => ProbeOptions::declared(loaded, self.source.folder(), setup.ca_file.as_deref()),
        };
        Ok(ProbeOptions {
            pins: setup.resolve.clone(),
            from: setup.from,
            pace: self.timers.brands.pace.clone(),
            ..usual?
        })
    }

    /// Probes all brands that are due, and waits for what that shows.
    pub(super) async fn probe_and_wait(&mut self, stop: &CancellationToken) {
        loop {
            self.ask_probes(Timestamp::now());
            if !self.timers.brands.is_asking() {
                return self.publish(Timestamp::now());
            }
            tokio::select! {
                answers = self.timers.brands.arrive() => self.take_probes(answers),
                () = stop.cancelled() => return,
            }
        }
    }

    /// Processes what a batch showed.
    pub(super) fn take_probes(&mut self, (asked, found): ProbeAnswers) {
        let now = Timestamp::now();
        let (Some(setup), Some(revision)) = (&self.setup.probe, &self.revision) else {
            return;
        };
        let (limits, confirm_after) = (setup.limits(), setup.confirm_after);
        let loaded = Arc::clone(&revision.loaded);
        let mut told: Vec<(AccountName, ProbeSummary)> = Vec::new();
        // The tree may have changed in the meantime.
        let names: BTreeSet<&AccountName> = asked.iter().map(|target| &target.account).collect();
        let is_asked = |name: &AccountName| names.contains(name);
        let (wanted, _) = targets(&loaded.desired, &loaded.sources, is_asked);
        for (target, probe) in asked.iter().zip(found) {
            let name = target.account.clone();
            let Some(state) =
                (self.timers.brands.states.get_mut(&name)).filter(|_| wanted.contains(target))
            else {
                continue;
            };
            let before = state.seen_well;
            let summary = state.take_in(&probe, limits, now);
            let is_well = summary.view.is_declared() == Some(true);
            self.history_log.note_check(
                CheckResult {
                    finding: Finding::Brand,
                    account: &name,
                    headline: summary.headline(),
                    confirmed: summary.confirmed.and(summary.seen),
                    well_before: before,
                    end: is_well.then_some("customers see the declared brand"),
                },
                now,
            );
            self.timers.brands.plan_ahead(&name, confirm_after, now);
            told.push((name, summary));
        }
        self.conditions.brands = self.timers.brands.silence();
        self.published.change(|status| {
            for (name, summary) in told {
                if let Some(object) = status.accounts.get_mut(&name) {
                    Arc::make_mut(object).probe = Some(summary);
                }
            }
        });
    }
}

impl ProbeSetup {
    fn limits(&self) -> ProbeLimits {
        ProbeLimits {
            confirmations: self.confirmations,
            certificates: self.certificates,
        }
    }
}
