//! Probes of the brands, as their customers see them. They run beside the cycles, as DNS checks do.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::brand_state::ProbeLimits;
use super::brands::{BATCH, ProbeAnswers};
use super::controller::Controller;
use super::history_log::Detected;
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
        for (target, probe) in asked.into_iter().zip(found) {
            let name = target.account.clone();
            // The tree may have changed in the meantime.
            let (wanted, _) = targets(&loaded.desired, &loaded.sources, |it| *it == name);
            let Some(state) = (self.timers.brands.states.get_mut(&name))
                .filter(|_| wanted.first() == Some(&target))
            else {
                continue;
            };
            let before = state.seen_well;
            let summary = state.take_in(&probe, limits, now);
            self.note_probe(&name, &summary, before, now);
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

    /// Opens or closes the brand's incident in the history log.
    fn note_probe(
        &mut self,
        name: &AccountName,
        summary: &ProbeSummary,
        begun: Option<Timestamp>,
        now: Timestamp,
    ) {
        if let Some(seen) = summary.seen.filter(|_| summary.confirmed.is_some()) {
            self.history_log.begin(Detected {
                finding: Finding::Brand,
                account: Some(name.clone()),
                keys: Vec::new(),
                message: format!("{name}: {}", summary.headline()),
                commit: None,
                begun: begun.filter(|begun| *begun < seen),
                at: seen,
            });
        } else if summary.view.is_declared() == Some(true) {
            self.history_log.end(
                Finding::Brand,
                Some(name),
                now,
                "customers see the declared brand",
            );
        }
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
