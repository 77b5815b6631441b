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

/// How much the quickest latency is forgotten with each answer, so that a server which has become
/// slower for good is not held back for ever.
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
                let quickest = self.quickest.entry(kind).or_insert(latency);
                *quickest = latency.min(*quickest * FORGET);
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
