//! Git commands at shutdown: those that write get a grace period, others end at once.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long all writing commands together may take at shutdown, such as to release a lease; the whole shutdown takes
/// ten seconds at most, and a remote that responds needs less than one.
const LAST: Duration = Duration::from_secs(4);

/// Signals commands that the program is shutting down. Cheap to clone; clones share the remaining time.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    token: CancellationToken,
    /// When a command first noticed.
    since: Arc<OnceLock<Instant>>,
}

impl Ending {
    /// Ends commands some time after a token is cancelled.
    #[must_use]
    pub fn with(token: CancellationToken) -> Self {
        Self {
            token,
            since: Arc::default(),
        }
    }

    /// Waits until a command has to end; forever while the program keeps running. A command that starts only after
    /// that, such as the lookup before a lease is released, may take as long as a write.
    pub(super) async fn comes(&self, writes: bool) {
        let writes = writes || self.token.is_cancelled();
        self.token.cancelled().await;
        let since = *self.since.get_or_init(Instant::now);
        if writes {
            tokio::time::sleep_until(since + LAST).await;
        }
    }
}
