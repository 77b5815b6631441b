//! Delivery statistics of messages, shared between senders and readers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Delivery statistics of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Channel name, unique within the daemon.
    pub name: String,
    /// Its kind, one of [`Self::KINDS`].
    pub kind: &'static str,
    /// How many messages were delivered.
    pub sent: u64,
    /// How many were given up.
    pub failed: u64,
    /// When the last one was delivered.
    pub last_sent: Option<Timestamp>,
    /// Why the last one failed, if it did. It may contain any character.
    pub problem: Option<String>,
}

impl ChannelStatus {
    /// All kinds of channels.
    pub const KINDS: [&'static str; 5] = ["webhook", "slack", "email", "commit_status", "ping"];
}

/// Delivery statistics of all channels; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    shared: Arc<Mutex<Vec<ChannelStatus>>>,
}

impl Channels {
    /// Returns the statistics, in the order of the configuration.
    #[must_use]
    pub fn status(&self) -> Vec<ChannelStatus> {
        self.lock().clone()
    }

    /// Adds a channel, and returns its index.
    pub(super) fn add(&self, name: &str, kind: &'static str) -> usize {
        let mut channels = self.lock();
        channels.push(ChannelStatus {
            name: name.to_owned(),
            kind,
            sent: 0,
            failed: 0,
            last_sent: None,
            problem: None,
        });
        channels.len() - 1
    }

    /// Counts a delivered message.
    pub(super) fn sent(&self, place: usize, now: Timestamp) {
        if let Some(channel) = self.lock().get_mut(place) {
            channel.sent += 1;
            channel.last_sent = Some(now);
            channel.problem = None;
        }
    }

    /// Counts a message that was given up.
    pub(super) fn failed(&self, place: usize, problem: String) {
        if let Some(channel) = self.lock().get_mut(place) {
            tracing::warn!(channel = channel.name, problem, "a message was given up");
            channel.failed += 1;
            channel.problem = Some(problem);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ChannelStatus>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
