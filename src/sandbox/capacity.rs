//! A limit on server capacity: excess requests wait in a queue.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The capacity of a server. A real Kazoo on two cores handles about 160 reads per second (see Speed in the
/// observations).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// The number of requests per second that it handles under full load.
    pub per_second: u32,
    /// The number of requests that it handles concurrently; each takes `workers / per_second` seconds.
    pub workers: u16,
}

/// Assigns requests to workers, first come, first served.
#[derive(Debug)]
pub(super) struct Queue {
    service: Duration,
    /// When each worker becomes free.
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

    /// Waits until a worker has handled the request, and returns how long that took, including the time in the queue.
    ///
    /// Times are scheduled ahead, so a late timer delays only one response, not those after it.
    pub(super) async fn work(&self) -> Duration {
        let now = Instant::now();
        let done = self.take(now);
        tokio::time::sleep_until(done).await;
        done - now
    }

    /// Assigns a request that arrived at `now` to the worker that becomes free first, and returns when it is done.
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

    /// Four requests at once on two workers that take 10 ms each: two of them wait. A later request, when all are done,
    /// does not.
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
