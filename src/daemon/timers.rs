//! When each piece of work is due. Pure: `now` is an argument.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::brands::Brands;
use super::conditions::Outage;
use super::domains::Domains;
use super::schedule::{ReadSchedule, back_off, later};
use super::setup::Setup;
use crate::model::ObjectName;

/// How long after one read that a hint brought forward the next one of the same account comes.
const BETWEEN_HINTS: SignedDuration = SignedDuration::from_secs(2);
/// How long after a hint a difference counts as what the platform told of.
const CONFIRMED_SOON: SignedDuration = SignedDuration::from_secs(30);

/// When the source, each object, each domain and each brand is due.
pub(super) struct Timers {
    pub(super) objects: ReadSchedule,
    pub(super) domains: Domains,
    pub(super) brands: Brands,
    /// When the source is read next.
    pub(super) source: Timestamp,
    /// The current outage of the platform, if any: reads wait for its back-off.
    outage: Option<Outage>,
    /// When a hint brought the read of an account forward last.
    hinted: BTreeMap<ObjectName, Timestamp>,
    seed: u64,
}

impl Timers {
    /// Has the source read at `now`; objects and domains follow from it.
    pub(super) fn new(setup: &Setup, seed: u64, now: Timestamp) -> Self {
        Self {
            objects: ReadSchedule::new(setup.interval, seed),
            domains: Domains::new(setup.dns_interval, seed),
            brands: brands(setup, seed),
            source: now,
            outage: None,
            hinted: BTreeMap::new(),
            seed,
        }
    }

    /// Forgets objects and domains: the tree that they belong to is let go of.
    pub(super) fn clear(&mut self, setup: &Setup) {
        self.objects = ReadSchedule::new(setup.interval, self.seed);
        self.domains = Domains::new(setup.dns_interval, self.seed);
        self.brands = brands(setup, self.seed);
    }

    /// Adopts other intervals; what is due earlier stays so.
    pub(super) fn set_intervals(&mut self, setup: &Setup, now: Timestamp) {
        self.objects.set_interval(setup.interval, now);
        self.domains.set_interval(setup.dns_interval, now);
    }

    /// Corrects all deadlines after the clock was set back, so that nothing waits longer than if it were scheduled now.
    pub(super) fn set_back(&mut self, now: Timestamp, poll: SignedDuration, latest: Timestamp) {
        self.objects.set_back(now);
        self.domains.set_back(now);
        self.brands.schedule.set_back(now);
        self.source = self.source.min(later(now, poll));
        if let Some(outage) = &mut self.outage {
            outage.retry_at = outage.retry_at.min(latest);
        }
    }

    /// Returns the objects to read now. During an outage, one object serves as the probe.
    pub(super) fn due(&self, now: Timestamp) -> BTreeSet<ObjectName> {
        match &self.outage {
            Some(outage) if outage.retry_at > now => BTreeSet::new(),
            Some(_) => self.objects.names().take(1).collect(),
            None => self.objects.due(now),
        }
    }

    /// Returns when the next work is due.
    pub(super) fn next(&self) -> Timestamp {
        let work = match &self.outage {
            Some(outage) => Some(outage.retry_at),
            None => self.objects.next(),
        };
        let times = [work, self.domains.next(), self.brands.next()];
        times.into_iter().flatten().fold(self.source, Ord::min)
    }

    /// Makes all objects, domains and brands due now.
    pub(super) fn requeue_all(&mut self, now: Timestamp) {
        self.objects.requeue_all(now);
        self.domains.requeue_all(now);
        self.brands.schedule.requeue_all(now);
    }

    /// Makes an object, its domain and its brand due now.
    pub(super) fn requeue(&mut self, name: &ObjectName, now: Timestamp) {
        self.objects.requeue(name, now);
        self.domains.requeue(name, now);
        self.brands.schedule.requeue(name, now);
    }

    /// Brings a read forward, but never two within [`BETWEEN_HINTS`].
    pub(super) fn hint(&mut self, name: &ObjectName, now: Timestamp) {
        let at = next_hinted(self.hinted.get(name).copied(), now);
        self.hinted.insert(name.clone(), at);
        self.objects.requeue(name, at);
    }

    /// Has an object read again, to confirm what the last read showed: soon, if the platform told of the change.
    pub(super) fn confirm(&mut self, name: &ObjectName, pause: SignedDuration, now: Timestamp) {
        let hinted = self.hinted.get(name);
        let is_told = hinted.is_some_and(|hinted| now.duration_since(*hinted) < CONFIRMED_SOON);
        let pause = if is_told {
            pause.min(BETWEEN_HINTS)
        } else {
            pause
        };
        self.objects.requeue(name, later(now, pause));
    }

    /// Returns the current outage, if any.
    pub(super) fn outage(&self) -> Option<Outage> {
        self.outage
    }

    /// Ends the back-off of an outage: a person asks.
    pub(super) fn end_back_off(&mut self, now: Timestamp) {
        if let Some(outage) = &mut self.outage {
            outage.retry_at = now;
        }
    }

    /// Starts or prolongs the outage, which postpones all reads; returns whether it has just started.
    pub(super) fn begin_outage(&mut self, interval: SignedDuration, now: Timestamp) -> bool {
        let before = self.outage;
        let failures = before.map_or(0, |outage| outage.failures) + 1;
        let since = before.map_or(now, |outage| outage.since);
        let pause = back_off(failures, &ObjectName::Template, self.seed).min(interval);
        self.outage = Some(Outage {
            since,
            failures,
            retry_at: later(now, pause),
        });
        before.is_none()
    }

    /// Ends the outage, after which everything is due; returns whether there was one.
    pub(super) fn end_outage(&mut self, now: Timestamp) -> bool {
        let was_down = self.outage.take().is_some();
        if was_down {
            self.objects.requeue_all(now);
        }
        was_down
    }
}

fn brands(setup: &Setup, seed: u64) -> Brands {
    let probe = setup.probe.clone().unwrap_or_default();
    Brands::new(probe.interval, probe.pace.into(), seed)
}

/// Returns when a hint has an account read, given when the hint before it had: one that is planned is not put off.
fn next_hinted(last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    match last {
        Some(planned) if planned > now => planned.min(later(now, BETWEEN_HINTS)),
        Some(last) => later(last, BETWEEN_HINTS).max(now),
        None => now,
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::super::setup::Place;
    use super::*;
    use crate::model::AccountName;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    /// A minute of hints, four a second: the first has a read at once, and no later one waits longer than the pause.
    #[test]
    fn a_storm_of_hints_is_a_read_in_two_seconds() {
        let (mut last, mut reads) = (None, BTreeSet::new());
        for now in (0..60_000).step_by(250) {
            let planned = next_hinted(last, at(now));
            assert!(planned >= at(now) && planned <= at(now + 2000), "{now}");
            reads.insert(planned);
            last = Some(planned);
        }
        assert_eq!(reads.first(), Some(&at(0)));
        assert!(reads.len() <= 31, "{}", reads.len());
        assert_eq!(next_hinted(last, at(120_000)), at(120_000));
        // A clock that was set back puts nothing off for long.
        assert_eq!(next_hinted(Some(at(900_000)), at(0)), at(2000));
    }

    fn timers() -> Timers {
        let place = Place::Folder(Utf8PathBuf::new());
        let mut timers = Timers::new(&Setup::new(place, Utf8PathBuf::new()), 1, at(0));
        let names = ["acme", "beta"].map(|name| AccountName::new(name).into());
        timers.objects.follow(&names.into(), at(0));
        timers.source = at(3_600_000);
        timers
    }

    #[test]
    fn what_the_platform_told_of_is_confirmed_soon() {
        #[track_caller]
        fn check(hinted: Option<i64>, pause: i64, expected: i64) {
            let mut timers = timers();
            let [acme, beta] = ["acme", "beta"].map(|name| AccountName::new(name).into());
            if let Some(hinted) = hinted {
                timers.hint(&acme, at(hinted));
            }
            // The first round is spread over the interval.
            for name in [&acme, &beta, &acme, &beta] {
                timers.objects.read(name, at(100_000));
            }
            timers.confirm(&acme, SignedDuration::from_millis(pause), at(100_000));
            assert_eq!(timers.next(), at(expected));
        }
        check(None, 30_000, 130_000);
        check(Some(99_900), 30_000, 102_000);
        check(Some(99_900), 1000, 101_000);
        check(Some(60_000), 30_000, 130_000);
    }

    #[test]
    fn an_outage_reads_one_object_at_a_time_and_then_everything() {
        let mut timers = timers();
        assert_eq!(timers.due(at(0)).len(), 2);
        let interval = SignedDuration::from_mins(10);
        assert!(timers.begin_outage(interval, at(0)));
        assert!(timers.due(at(0)).is_empty());
        let retry = timers.next();
        assert!(retry > at(3000) && retry < at(7000), "{retry}");
        assert_eq!(timers.due(retry).len(), 1);
        assert!(!timers.begin_outage(interval, retry));
        assert!(timers.next().duration_since(retry) > retry.duration_since(at(0)));
        timers.end_back_off(retry);
        assert_eq!(timers.next(), retry);
        for name in timers.due(retry) {
            timers.objects.read(&name, retry);
        }
        assert!(timers.end_outage(retry));
        assert_eq!(timers.due(retry).len(), 2);
        assert!(!timers.end_outage(retry));
    }

    #[test]
    fn a_clock_that_was_set_back_delays_nothing() {
        let mut timers = timers();
        let (far, minute) = (at(86_400_000), SignedDuration::from_mins(1));
        timers.source = far;
        timers.begin_outage(SignedDuration::from_mins(10), far);
        timers.set_back(at(0), minute, later(at(0), minute));
        assert!(timers.next() <= at(60_000), "{}", timers.next());
    }
}
