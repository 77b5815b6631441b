//! What becomes of commands when the program is about to end: it waits a moment for those that write, and for no other.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long all commands together have that write when the program is about to end, such as to give a lease back; a whole end
/// takes ten seconds at most, and a remote that answers needs less than one.
const LAST: Duration = Duration::from_secs(4);

/// Tells commands that the program is about to end; cheap to clone, and the clones share the time that is left.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    token: CancellationToken,
    /// When a command first heard of it.
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

    /// Waits until a command has to end; for ever while the program goes on. What is begun only then belongs to the end,
    /// such as the look before a lease is given back, and has as long as a write.
    pub(super) async fn comes(&self, writes: bool) {
        let writes = writes || self.token.is_cancelled();
        self.token.cancelled().await;
        let since = *self.since.get_or_init(Instant::now);
        if writes {
            tokio::time::sleep_until(since + LAST).await;
        }
    }
}
