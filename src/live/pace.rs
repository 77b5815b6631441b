//! How many requests are out at the same time.
//!
//! A real server is busy with two connections; more only raise everybody's latency (Speed, in what was observed). So
//! the limit starts at two, creeps up while answers stay quick, and falls back fast.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

/// How many requests may be out at first.
const START: f64 = 2.0;

/// The limit's factor after a 429 or a 503.
const OVERLOAD_FACTOR: f64 = 0.5;

/// The limit's factor when latency rises.
const SLOW_FACTOR: f64 = 0.8;

/// An answer that takes this many times the quickest one shows a queue.
const SLOW: f64 = 2.0;

/// How much the quickest latency is forgotten with each answer while no more than [`START`] requests
/// are out: then it is the server that has become slower, and not our own queue.
const FORGET: f64 = 1.01;

/// Kinds of requests whose latencies can be compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Reads one document.
    Document,
    /// Reads one asset.
    Asset,
    /// Anything else; its latency says nothing.
    Other,
}

/// How one request went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sample {
    /// It was answered in this time.
    Answered(Kind, Duration),
    /// The server has too much to do: 429, 503, or no answer in time.
    Overloaded,
    /// It says nothing about the server's load.
    Nothing,
}

/// The limit as a pure value: additive increase, multiplicative decrease.
#[derive(Clone, Debug)]
pub(super) struct Controller {
    limit: f64,
    cap: f64,
    quickest: BTreeMap<Kind, f64>,
    /// How many answers to wait for before the limit may fall again: those in flight were sent
    /// under the old limit and tell nothing about the new one.
    settling: u32,
}

impl Controller {
    /// Starts at two, never goes over `cap`.
    pub(super) fn new(cap: u16) -> Self {
        let cap = f64::from(cap.max(1));
        Self {
            limit: START.min(cap),
            cap,
            quickest: BTreeMap::new(),
            settling: 0,
        }
    }

    /// Returns how many requests may be out now, at least one.
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

    /// Takes one sample in.
    pub(super) fn observe(&mut self, sample: Sample) {
        self.settling = self.settling.saturating_sub(1);
        match sample {
            Sample::Nothing | Sample::Answered(Kind::Other, _) => {}
            Sample::Overloaded => self.fall(OVERLOAD_FACTOR),
            Sample::Answered(kind, latency) => {
                let latency = latency.as_secs_f64();
                let forget = if self.limit > START { 1.0 } else { FORGET };
                let quickest = self.quickest.entry(kind).or_insert(latency);
                *quickest = latency.min(*quickest * forget);
                if latency > *quickest * SLOW {
                    self.fall(SLOW_FACTOR);
                } else {
                    self.limit = (self.limit + 1.0 / self.limit).min(self.cap);
                }
            }
        }
    }

    fn fall(&mut self, factor: f64) {
        if self.settling == 0 {
            self.settling = u32::try_from(self.limit()).unwrap_or(u32::MAX);
            self.limit = (self.limit * factor).max(1.0);
        }
    }
}

/// Lets as many requests out as the controller allows; first come, first served.
#[derive(Debug)]
pub(super) struct Pace {
    slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    controller: Controller,
    /// Slots that exist: free ones and those in use.
    issued: usize,
}

/// The right to have one request out; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    pace: &'a Pace,
    sample: Sample,
}

impl Pace {
    /// Never lets more than `cap` requests out.
    pub(super) fn new(cap: u16) -> Self {
        let controller = Controller::new(cap);
        let issued = controller.limit();
        Self {
            slots: Semaphore::new(issued),
            state: Mutex::new(State { controller, issued }),
        }
    }

    /// Waits for a slot.
    pub(super) async fn enter(&self) -> Slot<'_> {
        if let Ok(permit) = self.slots.acquire().await {
            // Given back by the slot, which may have to withhold it.
            permit.forget();
        }
        Slot {
            pace: self,
            sample: Sample::Nothing,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot<'_> {
    /// Gives the slot back and says how the request went.
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

    /// Answers with the latency of a server that works on two requests at a time, as the real one did:
    /// 9 ms each, and a queue for what is more.
    fn answer(limit: usize) -> Sample {
        let waiting = limit.saturating_sub(2);
        let latency = Duration::from_micros(9_000 + 5_500 * waiting as u64);
        Sample::Answered(Kind::Document, latency)
    }

    #[test]
    fn starts_at_two_and_creeps_up_to_the_cap() {
        let mut controller = Controller::new(8);
        assert_eq!(controller.limit(), 2);
        let quick = Sample::Answered(Kind::Document, Duration::from_millis(9));
        for _ in 0..3 {
            controller.observe(quick);
        }
        assert_eq!(controller.limit(), 3);
        for _ in 0..1000 {
            controller.observe(quick);
        }
        assert_eq!(controller.limit(), 8);
    }

    /// With the latencies of a real server the limit stays near the two connections that it can use.
    #[test]
    fn settles_where_a_real_server_is_busy() {
        let mut controller = Controller::new(64);
        let mut seen = Vec::new();
        for _ in 0..2000 {
            controller.observe(answer(controller.limit()));
            seen.push(controller.limit());
        }
        let settled = seen.get(1000..).unwrap_or_default();
        assert!(
            settled.iter().all(|limit| (2..=5).contains(limit)),
            "{settled:?}"
        );
    }

    /// Answers to requests that were sent under the old limit count as one bad sign, not as many.
    #[test]
    fn falls_once_for_a_burst_and_never_below_one() {
        let mut controller = Controller::new(16);
        let quick = Sample::Answered(Kind::Asset, Duration::from_millis(1));
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
        for _ in 0..3 {
            controller.observe(quick);
        }
        assert!(controller.limit() > 1);
    }

    /// A list takes long by nature; nothing follows from that.
    #[test]
    fn lists_say_nothing() {
        let mut controller = Controller::new(16);
        for milliseconds in [1, 5000, 1, 9000] {
            let latency = Duration::from_millis(milliseconds);
            controller.observe(Sample::Answered(Kind::Other, latency));
        }
        controller.observe(Sample::Nothing);
        assert_eq!(controller.limit(), 2);
    }

    #[test]
    fn a_slow_server_becomes_the_measure() {
        let mut controller = Controller::new(4);
        controller.observe(Sample::Answered(Kind::Document, Duration::from_millis(1)));
        for _ in 0..1000 {
            controller.observe(Sample::Answered(Kind::Document, Duration::from_millis(50)));
        }
        assert_eq!(controller.limit(), 4);
    }

    /// Slots follow the limit down and up, also those that are dropped without a word.
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
        let quick = Sample::Answered(Kind::Asset, Duration::from_millis(1));
        for _ in 0..10 {
            pace.enter().await.finish(quick);
        }
        assert_eq!(pace.slots.available_permits(), 2);
    }
}
