//! Outages of the platform.

use jiff::Timestamp;

use super::conditions::Outage;
use super::controller::{Controller, names_of};
use super::history_log::Detected;
use super::schedule::{back_off, later};
use super::status::Finding;

impl Controller {
    /// Starts or prolongs the outage, and postpones all reads.
    pub(super) fn lose_platform(&mut self, reason: &str, now: Timestamp) {
        self.is_quiet = false;
        let before = self.outage;
        let failures = before.map_or(0, |outage| outage.failures) + 1;
        let since = before.map_or(now, |outage| outage.since);
        let pause = back_off(failures, &None, self.seed).min(self.setup.interval);
        self.outage = Some(Outage {
            since,
            failures,
            retry_at: later(now, pause),
        });
        if before.is_none() {
            tracing::warn!(reason, "the platform cannot be read");
        }
        self.platform.disconnect();
        self.conditions.platform = Some(reason.to_owned());
        let all = names_of(self.revision.as_ref());
        self.platform.lose(&all, reason);
        self.history_log.begin(Detected {
            finding: Finding::Outage,
            name: None,
            keys: Vec::new(),
            message: reason.to_owned(),
            commit: None,
            begun: None,
            at: now,
        });
    }

    /// Ends the outage, if there is one.
    pub(super) fn find_platform(&mut self, now: Timestamp) {
        // An outage that began before this process started is over too.
        self.history_log
            .end(Finding::Outage, &None, now, "it could be read again");
        if self.outage.take().is_some() {
            tracing::info!("the platform can be read again");
            self.conditions.platform = None;
            self.schedule.requeue_all(now);
        }
    }
}
