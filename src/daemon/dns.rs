//! DNS checks of the accounts' domains. They run beside the cycles, so a server that does not answer delays nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::controller::Controller;
use super::domains::{BATCH, DomainAnswers, checklist};
use super::history_log::CheckResult;
use super::status::{DnsSummary, Finding};
use crate::dns::{Standing, ZoneOptions};
use crate::model::{AccountName, DomainName};
use crate::tree::{DnsMode, DnsWatch};

impl Controller {
    /// Starts the checks of the domains that are due, without waiting for the answers.
    pub(super) fn ask_dns(&mut self, now: Timestamp) {
        if self.timers.domains.is_asking()
            || self.timers.domains.next().is_none_or(|next| next > now)
        {
            return;
        }
        let Some(revision) = &self.revision else {
            return;
        };
        let due: BTreeSet<AccountName> = (self.timers.domains.due(now).into_iter())
            .take(BATCH)
            .collect();
        for name in &due {
            self.timers.domains.schedule.read(&name.into(), now);
        }
        let sandbox = self.setup.sandbox.as_ref();
        let options = match sandbox {
            Some(sandbox) => Ok((sandbox.resolver)
                .map(|resolver| ZoneOptions::at(resolver).looking_for(&revision.loaded.dns))),
            None => ZoneOptions::declared(&revision.loaded.dns).map(Some),
        };
        let options = match options {
            Ok(Some(options)) => options,
            // A sandbox without DNS has nothing to check.
            Ok(None) => return,
            Err(error) => {
                self.conditions.dns = Some(error.to_string());
                return;
            }
        };
        if let Some(list) = checklist(revision, |name| due.contains(name)) {
            self.timers.domains.asking.spawn(async move {
                let (checks, traffic) = list.check(&options, &|_| ()).await;
                let questions = traffic.questions;
                DomainAnswers { checks, questions }
            });
        }
    }

    /// Checks all domains that are due, and waits for the answers.
    pub(super) async fn ask_dns_and_wait(&mut self, stop: &CancellationToken) {
        loop {
            self.ask_dns(Timestamp::now());
            if !self.timers.domains.is_asking() {
                return self.publish(Timestamp::now());
            }
            tokio::select! {
                answers = self.timers.domains.arrive() => self.take_answers(answers),
                () = stop.cancelled() => return,
            }
        }
    }

    /// Returns who writes an account's records where the tree manages them and this daemon does not.
    fn writer_elsewhere(&self, name: &AccountName) -> Option<&'static str> {
        let loaded = &self.revision.as_ref()?.loaded;
        let account = loaded.desired.account(name)?;
        if account.dns != DnsMode::Manage {
            None
        } else if loaded.watch.of(Some(name)).dns != DnsWatch::Push {
            Some(
                "the tree manages these records; `emblazon apply` writes them, and the daemon does with watch: {dns: push}",
            )
        } else {
            None
        }
    }

    /// Processes the answers of a batch.
    pub(super) fn take_answers(&mut self, answers: DomainAnswers) {
        let now = Timestamp::now();
        self.timers.domains.questions += answers.questions;
        let mut told: Vec<(AccountName, DnsSummary)> = Vec::new();
        // The tree may have changed in the meantime.
        let answered: BTreeSet<&AccountName> =
            answers.checks.iter().map(|(name, _)| name).collect();
        let now_asked: BTreeMap<AccountName, DomainName> = (self.revision.as_ref())
            .and_then(|revision| checklist(revision, |name| answered.contains(name)))
            .map(|list| list.domains.into_iter().collect())
            .unwrap_or_default();
        for (name, check) in answers.checks {
            let is_asked = now_asked.get(&name) == Some(&check.domain);
            let Some(domain_state) = self
                .timers
                .domains
                .states
                .get_mut(&name)
                .filter(|_| is_asked)
            else {
                continue;
            };
            let before = domain_state.asked_well;
            let mut summary = domain_state.take_in(&name, check, now);
            if summary.standing == Standing::Differs
                && let Some(writer) = self.writer_elsewhere(&name)
            {
                summary.lines.push(writer.to_owned());
            }
            let is_well = matches!(summary.standing, Standing::InSync | Standing::Propagating);
            self.history_log.note_check(
                CheckResult {
                    finding: Finding::Dns,
                    account: &name,
                    headline: summary.headline().to_owned(),
                    confirmed: summary.confirmed.and(summary.seen),
                    well_before: before,
                    end: is_well.then_some("it is as the template has it"),
                },
                now,
            );
            self.timers
                .domains
                .plan_ahead(&name, self.setup.confirm_after, now);
            told.push((name, summary));
        }
        self.conditions.dns = self.timers.domains.silence();
        let questions = self.timers.domains.questions;
        self.published.change(|status| {
            status.cluster.dns_questions = questions;
            for (name, summary) in told {
                if let Some(object) = status.accounts.get_mut(&name) {
                    Arc::make_mut(object).dns = Some(summary);
                }
            }
        });
    }
}
