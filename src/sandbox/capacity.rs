//! A server that can do only so much: what is more waits in a queue.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much a server can do. A real Kazoo on two cores gives about 160 reads a second (Speed, in what was observed).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// The requests that it answers in a second when it is busy.
    pub per_second: u32,
    /// How many it works on at the same time; one takes `workers / per_second` seconds.
    pub workers: u16,
}

/// Hands out times on the workers, first come, first served.
#[derive(Debug)]
pub(super) struct Queue {
    service: Duration,
    /// When each worker has done what it was given.
    free: Mutex<Vec<Instant>>,
}

impl Queue {
    pub(super) fn new(capacity: Capacity) -> Self {
        let workers = capacity.workers.max(1);
        let service = Duration::from_secs(u64::from(workers)) / capacity.per_second.max(1);
        Self {
            service,
            free: Mutex::new(vec![Instant::now(); usize::from(workers)]),
        }
    }

    /// Waits until a worker has done the request, and returns how long that took, the time in the queue included.
    ///
    /// Times are planned ahead, so a timer that is late makes one answer late, and not the next ones.
    pub(super) async fn work(&self) -> Duration {
        let now = Instant::now();
        let done = self.take(now);
        tokio::time::sleep_until(done).await;
        done - now
    }

    /// Gives a request that came at a time to the worker that is free first, and returns when it is done.
    fn take(&self, now: Instant) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(worker) = free.iter_mut().min() else {
            return now;
        };
        *worker = (*worker).max(now) + self.service;
        *worker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four at once on two workers that take 10 ms each: two wait. Who comes when all is done does not.
    #[test]
    fn what_is_more_waits() {
        let queue = Queue::new(Capacity {
            per_second: 200,
            workers: 2,
        });
        let now = Instant::now();
        let done = [0, 0, 0, 0, 50].map(|at| {
            let came = now + Duration::from_millis(at);
            (queue.take(came) - now).as_millis()
        });
        assert_eq!(done, [10, 10, 20, 20, 60]);
    }
}
