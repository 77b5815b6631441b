//! The requests that a client waits for, for display.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The requests that a client waits for; clones share it. It holds hosts, methods and paths, and no secrets.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Sent>,
}

#[derive(Clone, Debug)]
struct Sent {
    host: String,
    call: String,
    attempt: u32,
    at: Instant,
}

/// A request that was sent but not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Host and port.
    pub host: String,
    /// The method and the path.
    pub call: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// How long the client has waited.
    pub time: Duration,
}

/// A request in flight; it is over when this is dropped.
#[derive(Debug)]
pub(super) struct Under<'a> {
    activity: &'a Activity,
    number: u64,
}

impl Activity {
    /// Returns the request that has been in flight longest.
    #[must_use]
    pub fn longest(&self, now: Instant) -> Option<Waiting> {
        let state = self.state();
        // Requests are numbered in the order they are sent.
        let (_, sent) = state.waiting.first_key_value()?;
        Some(Waiting {
            host: sent.host.clone(),
            call: sent.call.clone(),
            attempt: sent.attempt,
            time: now.saturating_duration_since(sent.at),
        })
    }

    /// Records that a request is being sent.
    pub(super) fn begin(&self, host: &str, call: &str, attempt: u32, at: Instant) -> Under<'_> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let sent = Sent {
            host: host.to_owned(),
            call: call.to_owned(),
            attempt,
            at,
        };
        state.waiting.insert(number, sent);
        Under {
            activity: self,
            number,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        self.activity.state().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_told() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let activity = Activity::default();
        assert_eq!(activity.longest(start), None);
        let first = activity.begin("h:1", "GET /v2/a", 1, start);
        let _second = activity.begin("h:1", "GET /v2/b", 2, start + second);
        let longest = |now| {
            let waiting = activity.clone().longest(now).unwrap();
            (waiting.call, waiting.attempt, waiting.time)
        };
        let now = start + second * 4;
        assert_eq!(longest(now), ("GET /v2/a".to_owned(), 1, second * 4));
        drop(first);
        assert_eq!(longest(now), ("GET /v2/b".to_owned(), 2, second * 3));
    }
}
