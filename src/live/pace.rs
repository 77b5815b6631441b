//! Limits the requests in flight.
//!
//! A real server is busy with two connections; more only raise everybody's latency (Speed, in what was observed). How
//! many keep it busy follows from the latencies, as in TCP Vegas: of `limit` requests that take `latency` each, where
//! one alone takes `quickest`, `limit × (1 − quickest / latency)` wait in a queue. If fewer than one waits, the server
//! may have room; if more do, the limit creeps back. So the server is never idle, and other clients wait behind at most
//! one of our requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

/// The initial limit.
const START: f64 = 2.0;

/// Factor that the limit is multiplied by after a 429 or a 503.
const OVERLOAD_FACTOR: f64 = 0.5;

/// With fewer of our requests in the queue than this, the limit rises.
const ROOM: f64 = 0.6;

/// With more of our requests in the queue than this, the limit falls. One is there by intent; the rest allows for the
/// latency that a busy client adds itself.
const CROWD: f64 = 1.5;

/// The least number of answers that count in a round: with fewer, chance decides.
const SAMPLES: usize = 6;

/// Answers that take this many times the quickest one show a queue that is not of our making: the limit falls at once.
const SLOW: f64 = 3.0;

/// Factor that the limit is then multiplied by.
const SLOW_FACTOR: f64 = 0.8;

/// Latencies below this, in seconds, all count as quick: they depend on scheduling, not on a queue.
const QUICK: f64 = 0.003;

/// After how many rounds one request is sent alone, to measure the quickest latency again: the server may have become
/// slower, and a permanent queue looks the same.
const ROUNDS: f64 = 400.0;

/// Kinds of requests whose latencies can be compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RequestKind {
    /// Reads one document.
    Document,
    /// Asks whether one document has changed; usually answered without a body.
    Revision,
    /// Reads one asset.
    Asset,
    /// Anything else; its latency says nothing.
    Other,
}

/// The outcome of one request, for the controller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sample {
    /// It was answered in this time.
    Answered(RequestKind, Duration),
    /// The server is overloaded: 429, 503, or no answer in time.
    Overloaded,
    /// It says nothing about the server's load.
    Nothing,
}

/// The quickest latency since the last measurement of a request alone, and in the period before that.
#[derive(Clone, Copy, Debug)]
struct Quickest {
    now: f64,
    before: f64,
}

/// Computes the limit; pure.
#[derive(Clone, Debug)]
pub(super) struct ConcurrencyController {
    limit: f64,
    cap: f64,
    quickest: BTreeMap<RequestKind, Quickest>,
    /// How many rounds remain until the next measurement of a request alone.
    rounds: f64,
    /// How many answers that measurement still takes: those that were in flight, and those sent alone.
    alone: usize,
    /// The best ratio of quickest latency to actual latency in this round: a single slow answer says nothing, but a
    /// queue slows all.
    best: f64,
    /// How many answers this round has had.
    seen: usize,
    /// Whether no queue has been seen yet, so that the limit doubles with each round.
    is_starting: bool,
    /// How many answers to wait for before the limit may fall again: those in flight were sent under the old limit and
    /// say nothing about the new one.
    settling: u32,
}

impl ConcurrencyController {
    /// Creates a controller that starts at two and never exceeds `cap`.
    pub(super) fn new(cap: u16) -> Self {
        let cap = f64::from(cap.max(1));
        Self {
            limit: START.min(cap),
            cap,
            quickest: BTreeMap::new(),
            rounds: ROUNDS,
            alone: 0,
            best: 0.0,
            seen: 0,
            is_starting: true,
            settling: 0,
        }
    }

    /// Returns how many requests may be in flight now, at least one.
    pub(super) fn limit(&self) -> usize {
        // The limit is between 1 and the cap, which came from a u16.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 65535"
        )]
        let limit = self.limit as usize;
        limit.max(1)
    }

    /// Adjusts the limit to one sample.
    pub(super) fn observe(&mut self, sample: Sample) {
        self.settling = self.settling.saturating_sub(1);
        match sample {
            Sample::Nothing | Sample::Answered(RequestKind::Other, _) => {}
            Sample::Overloaded => self.fall(OVERLOAD_FACTOR),
            Sample::Answered(kind, latency) => self.answered(kind, latency.as_secs_f64()),
        }
    }

    fn answered(&mut self, kind: RequestKind, latency: f64) {
        let quickest = self.quickest.entry(kind).or_insert(Quickest {
            now: f64::INFINITY,
            before: f64::INFINITY,
        });
        quickest.now = quickest.now.min(latency);
        let usual = quickest.now.min(quickest.before).max(QUICK);
        if self.is_looking() {
            return;
        }
        self.seen += 1;
        // The first answers belong to requests that were sent under the previous limit.
        if self.seen > self.limit() {
            self.best = self.best.max(usual / latency.max(usual));
        }
        let queued = self.limit * (1.0 - self.best);
        // One quick answer proves that there is room; it takes many slow ones to prove that there is none.
        let has_room = self.is_starting && self.seen > self.limit() && queued < ROOM;
        if !has_room && self.seen < self.limit() + self.limit().max(SAMPLES) {
            return;
        }
        let is_slow = self.best * SLOW < 1.0;
        (self.best, self.seen) = (0.0, 0);
        if queued < ROOM {
            let step = if self.is_starting { self.limit } else { 1.0 };
            self.limit = (self.limit + step).min(self.cap);
        } else {
            self.is_starting = false;
            if is_slow {
                self.fall(SLOW_FACTOR);
            } else if queued > CROWD {
                self.limit = (self.limit - 1.0).max(1.0);
            }
        }
    }

    /// Counts rounds, and starts a measurement of one request alone now and then; returns whether one is running.
    fn is_looking(&mut self) -> bool {
        if self.alone > 0 {
            self.alone -= 1;
            self.is_starting = true;
            return true;
        }
        self.rounds -= 1.0 / self.limit;
        if self.rounds > 0.0 {
            return false;
        }
        self.rounds = ROUNDS;
        self.alone = self.limit();
        self.limit = 1.0;
        for quickest in self.quickest.values_mut() {
            quickest.before = quickest.now;
            quickest.now = f64::INFINITY;
        }
        true
    }

    fn fall(&mut self, factor: f64) {
        self.is_starting = false;
        if self.settling == 0 {
            self.settling = u32::try_from(self.limit()).unwrap_or(u32::MAX);
            self.limit = (self.limit * factor).max(1.0);
        }
    }
}

/// Admits as many requests as the controller allows, in order of arrival.
#[derive(Debug)]
pub(super) struct Pace {
    slots: Semaphore,
    state: Mutex<PaceState>,
}

#[derive(Debug)]
struct PaceState {
    controller: ConcurrencyController,
    /// Slots that exist: free ones and those in use.
    issued: usize,
}

/// The right to have one request in flight; released on drop.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    pace: &'a Pace,
    sample: Sample,
}

impl Pace {
    /// Creates a pace that never admits more than `cap` requests.
    pub(super) fn new(cap: u16) -> Self {
        let controller = ConcurrencyController::new(cap);
        let issued = controller.limit();
        Self {
            slots: Semaphore::new(issued),
            state: Mutex::new(PaceState { controller, issued }),
        }
    }

    /// Waits for a slot.
    pub(super) async fn enter(&self) -> Slot<'_> {
        if let Ok(permit) = self.slots.acquire().await {
            // The slot returns the permit when it is dropped, or withholds it.
            permit.forget();
        }
        Slot {
            pace: self,
            sample: Sample::Nothing,
        }
    }

    fn state(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot<'_> {
    /// Releases the slot and reports the outcome of the request.
    pub(super) fn finish(mut self, sample: Sample) {
        self.sample = sample;
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.controller.observe(self.sample);
        let limit = state.controller.limit();
        let others = state.issued - 1;
        let released = limit.saturating_sub(others);
        state.issued = others + released;
        self.pace.slots.add_permits(released);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_two_and_doubles_up_to_the_cap() {
        let mut controller = ConcurrencyController::new(8);
        assert_eq!(controller.limit(), 2);
        let quick = Sample::Answered(RequestKind::Document, Duration::from_millis(9));
        for expected in [2, 2, 4, 4, 4, 4, 4, 8] {
            controller.observe(quick);
            assert_eq!(controller.limit(), expected);
        }
        for _ in 0..1000 {
            controller.observe(quick);
        }
        assert_eq!(controller.limit(), 8);
    }

    /// A simulated server: some workers behind a queue, at a network distance; times in microseconds.
    #[derive(Clone, Copy, Debug)]
    struct Server {
        workers: usize,
        service: u64,
        way: u64,
        /// How long a busy client takes at most to send a request, and to notice an answer.
        client: u64,
    }

    /// What a client sees in the five seconds after the start-up time.
    #[derive(Clone, Copy, Debug)]
    struct Seen {
        /// Answers, as a share of what the server can give.
        share: f64,
        /// The mean latency, as a multiple of one request's alone.
        latency: f64,
        limit: usize,
    }

    /// Simulates a client that always has something to ask, until five seconds after `start`. Nothing sleeps: time is a
    /// number.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of ten seconds")]
    fn play(server: Server, cap: u16, start: u64) -> Seen {
        let mut controller = ConcurrencyController::new(cap);
        let mut free = vec![0_u64; server.workers];
        // Requests in flight: when the answer arrives, and when the request was sent.
        let mut flying: Vec<(u64, u64)> = Vec::new();
        let (mut now, mut answers, mut total) = (0, 0_u64, 0_u64);
        let mut chance = fastrand::Rng::with_seed(7);
        let mut late = || chance.u64(0..=server.client);
        let end = start + 5_000_000;
        while now < end {
            while flying.len() < controller.limit() {
                let worker = free.iter_mut().min().unwrap();
                *worker = (*worker).max(now + late() + server.way / 2) + server.service;
                flying.push((*worker + server.way / 2 + late(), now));
            }
            let (next, _) = flying
                .iter()
                .enumerate()
                .min_by_key(|(_, flight)| **flight)
                .unwrap();
            let (arrives, sent) = flying.swap_remove(next);
            now = arrives.max(now);
            let latency = Duration::from_micros(now - sent);
            controller.observe(Sample::Answered(RequestKind::Document, latency));
            if now >= start {
                answers += 1;
                total += now - sent;
            }
        }
        let possible = server.workers as f64 / server.service as f64 * (end - start) as f64;
        let alone = (server.service + server.way) as f64;
        Seen {
            share: answers as f64 / possible,
            latency: total as f64 / answers as f64 / alone,
            limit: controller.limit(),
        }
    }

    /// Speed: within five seconds the server is fully used, and each request takes less than twice its time alone.
    #[test]
    fn finds_the_best_rate_of_any_server() {
        for (workers, service) in [
            (1, 5_000),
            (2, 12_500),
            (2, 9_000),
            (4, 20_000),
            (8, 10_000),
        ] {
            for way in [0, 500, 20_000, 100_000] {
                let server = Server {
                    workers,
                    service,
                    way,
                    client: 0,
                };
                let seen = play(server, 64, 5_000_000);
                let needed = workers as u64 * (service + way) / service;
                if needed > 60 {
                    assert!(seen.limit > 60, "{server:?} {seen:?}");
                    continue;
                }
                assert!(seen.share >= 0.95, "{server:?} {seen:?}");
                assert!(seen.latency < 2.0 || workers == 1, "{server:?} {seen:?}");
                assert!(seen.latency <= 2.01, "{server:?} {seen:?}");
            }
        }
    }

    /// As observed on a real server: two connections keep it busy, and only a third is added.
    #[test]
    fn settles_where_a_real_server_is_busy() {
        let server = Server {
            workers: 2,
            service: 12_500,
            way: 300,
            client: 0,
        };
        let seen = play(server, 64, 5_000_000);
        assert!((2..=4).contains(&seen.limit), "{seen:?}");
    }

    /// A client machine that is busy with other things makes latencies uneven; the server is still kept busy.
    #[test]
    fn a_busy_client_keeps_the_server_busy() {
        for client in [500, 1_000, 2_000, 3_000] {
            let server = Server {
                workers: 2,
                service: 12_500,
                way: 300,
                client,
            };
            let seen = play(server, 64, 5_000_000);
            assert!(
                seen.share >= 0.95 && seen.latency < 2.0,
                "{client} {seen:?}"
            );
        }
    }

    /// Never above the cap, whatever the server can do.
    #[test]
    fn the_cap_holds() {
        let server = Server {
            workers: 64,
            service: 50_000,
            way: 0,
            client: 0,
        };
        assert_eq!(play(server, 5, 5_000_000).limit, 5);
    }

    /// Answers to requests that were sent under the old limit count as one bad sign, not as many.
    #[test]
    fn falls_once_for_a_burst_and_never_below_one() {
        let mut controller = ConcurrencyController::new(16);
        let quick = Sample::Answered(RequestKind::Asset, Duration::from_millis(1));
        for _ in 0..500 {
            controller.observe(quick);
        }
        assert_eq!(controller.limit(), 16);
        for _ in 0..8 {
            controller.observe(Sample::Overloaded);
        }
        assert_eq!(controller.limit(), 8);
        for _ in 0..500 {
            controller.observe(Sample::Overloaded);
        }
        assert_eq!(controller.limit(), 1);
        for _ in 0..8 {
            controller.observe(quick);
        }
        assert!(controller.limit() > 1);
    }

    /// A list takes long by nature; its latency is ignored.
    #[test]
    fn lists_say_nothing() {
        let mut controller = ConcurrencyController::new(16);
        for milliseconds in [1, 5000, 1, 9000] {
            let latency = Duration::from_millis(milliseconds);
            controller.observe(Sample::Answered(RequestKind::Other, latency));
        }
        controller.observe(Sample::Nothing);
        assert_eq!(controller.limit(), 2);
    }

    #[test]
    fn a_slow_server_becomes_the_measure() {
        let mut controller = ConcurrencyController::new(4);
        controller.observe(Sample::Answered(
            RequestKind::Document,
            Duration::from_millis(5),
        ));
        let mut most = 0;
        for _ in 0..4000 {
            controller.observe(Sample::Answered(
                RequestKind::Document,
                Duration::from_millis(50),
            ));
            most = most.max(controller.limit());
        }
        assert_eq!(most, 4, "{controller:?}");
    }

    /// Slots follow the limit down and up, including those that are dropped without a sample.
    #[tokio::test]
    async fn slots_follow_the_limit() {
        let pace = Pace::new(2);
        let first = pace.enter().await;
        let second = pace.enter().await;
        assert_eq!(pace.slots.available_permits(), 0);
        first.finish(Sample::Overloaded);
        assert_eq!(pace.slots.available_permits(), 0);
        drop(second);
        assert_eq!(pace.slots.available_permits(), 1);
        let quick = Sample::Answered(RequestKind::Asset, Duration::from_millis(1));
        for _ in 0..10 {
            pace.enter().await.finish(quick);
        }
        assert_eq!(pace.slots.available_permits(), 2);
    }
}
