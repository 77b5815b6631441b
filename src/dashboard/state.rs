//! The state that all requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::access::Access;
use super::unproven::Unproven;
use super::webhook::{Deliveries, Hook};
use crate::alert::Channels;
use crate::daemon::{PlatformEvents, PublishedStatus, WorkQueue};

/// The maximum number of readers of `/events`.
const LISTENERS: usize = 32;

/// The state that all requests share.
pub(super) struct Shared {
    pub(super) published: PublishedStatus,
    pub(super) queue: WorkQueue,
    pub(super) channels: Channels,
    pub(super) access: Access,
    pub(super) public_url: Option<Url>,
    pub(super) open_metrics: bool,
    pub(super) hook: Option<Hook>,
    pub(super) events: Option<PlatformEvents>,
    pub(super) deliveries: Mutex<Deliveries>,
    pub(super) counters: Counters,
    /// The memory budget of unauthenticated bodies.
    pub(super) unproven: Unproven,
    pub(super) listeners: Arc<Semaphore>,
    /// How long without a heartbeat until the loop is considered dead.
    pub(super) patience: Duration,
    pub(super) stop: CancellationToken,
}

/// Counters since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) pushes: AtomicU64,
    pub(super) ignored: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) cut: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) ignored_events: AtomicU64,
    pub(super) forged_events: AtomicU64,
    /// Those that came to a standby.
    pub(super) unheard_events: AtomicU64,
}

impl Shared {
    pub(super) fn listeners() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(LISTENERS))
    }

    /// Returns whether a delivery was not seen before.
    pub(super) fn is_new(&self, marks: &[String]) -> bool {
        let mut deliveries = self
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        deliveries.is_new(marks)
    }
}

/// Increments a counter.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
