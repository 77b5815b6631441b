//! Watches the published status, and sends alerts to the configured channels.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    AlertError, Channel, Channels, CommitStanding, Damper, Damping, ForgeChannel, Notice, Pinger,
    notices, standing,
};
use crate::daemon::checksum::{verified, with_checksum};
use crate::daemon::{PublishedStatus, Role, Status};

/// How often the damper is run when nothing changes.
const TICK: Duration = Duration::from_secs(5);

/// Queue length of one channel; further messages are dropped, and counted as failed.
const WAITING: usize = 64;

/// Delays between attempts; after the last one a message is given up.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
];

/// The channels of alerts, with all secrets resolved.
#[derive(Debug)]
pub struct Announcer {
    /// How well a condition must be confirmed before it is reported.
    pub damping: Damping,
    /// Channels for notices, by name.
    pub channels: Vec<(String, Channel)>,
    /// Channels for commit statuses, by name.
    pub forges: Vec<(String, ForgeChannel)>,
    /// The dead man's ping, and its interval.
    pub ping: Option<(Pinger, Duration)>,
    /// URL of the dashboard for the messages.
    pub link: Option<String>,
    /// File that remembers what was reported, so that nothing is reported again after a restart.
    pub memory: Option<PathBuf>,
    /// How long without a heartbeat until the loop is considered dead.
    pub patience: Duration,
    /// Delays between attempts.
    pub pauses: Vec<Duration>,
}

impl Default for Announcer {
    fn default() -> Self {
        Self {
            damping: Damping::default(),
            channels: Vec::new(),
            forges: Vec::new(),
            ping: None,
            link: None,
            memory: None,
            patience: Duration::from_mins(5),
            pauses: PAUSES.to_vec(),
        }
    }
}

impl Announcer {
    /// The default interval of pings.
    pub const PING: Duration = Duration::from_mins(1);

    /// Returns whether any channel is configured.
    #[must_use]
    pub fn tells_anybody(&self) -> bool {
        !self.channels.is_empty() || !self.forges.is_empty() || self.ping.is_some()
    }
}

/// Sends alerts for changes of the published status until stopped; then each waiting message is tried once more,
/// without delays.
pub async fn announce(
    announcer: Announcer,
    published: PublishedStatus,
    channels: Channels,
    stop: CancellationToken,
) {
    let mut tasks = JoinSet::new();
    let mut notices = Vec::new();
    for (name, way) in announcer.channels {
        let (sender, receiver) = channel(WAITING);
        let post = Post::new(&channels, &name, way.kind(), &announcer.pauses, &stop);
        notices.push((post.place, sender));
        tasks.spawn(post.notices(way, receiver));
    }
    let mut standings = Vec::new();
    for (name, forge) in announcer.forges {
        let (sender, receiver) = channel(WAITING);
        let post = Post::new(&channels, &name, "commit_status", &announcer.pauses, &stop);
        standings.push((post.place, sender));
        tasks.spawn(post.standings(forge, announcer.link.clone(), receiver));
    }
    if let Some((pinger, every)) = announcer.ping {
        let post = Post::new(&channels, "ping", "ping", &[], &stop);
        tasks.spawn(post.pings(pinger, every, published.clone(), announcer.patience));
    }
    let mut teller = Teller {
        damper: remembered(announcer.memory.as_deref()),
        damping: announcer.damping,
        link: announcer.link,
        memory: announcer.memory,
        channels,
        notices,
        standings,
        last: None,
    };
    let mut changes = published.subscribe();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let status = published.status();
        teller.look(&status, Timestamp::now());
        tokio::select! {
            () = stop.cancelled() => break,
            _ = changes.changed() => {}
            _ = ticks.tick() => {}
        }
    }
    drop(teller);
    while tasks.join_next().await.is_some() {}
}

/// Decides what to report, and queues it for the channels.
struct Teller {
    damper: Damper,
    damping: Damping,
    link: Option<String>,
    memory: Option<PathBuf>,
    channels: Channels,
    notices: Vec<(usize, Sender<Notice>)>,
    standings: Vec<(usize, Sender<(CommitStanding, String)>)>,
    /// The last standing of a commit that was reported.
    last: Option<CommitStanding>,
}

impl Teller {
    fn look(&mut self, status: &Status, now: Timestamp) {
        let cluster = &status.cluster;
        let name = cluster
            .name
            .as_ref()
            .map_or("emblazon", |name| name.as_str());
        let before = self.damper.clone();
        let transitions = self
            .damper
            .observe(now, cluster.beat, self.damping, &cluster.alerts);
        let interventions = &status.history.interventions;
        let link = self.link.as_deref();
        for notice in notices(now, name, link, &transitions, interventions) {
            tracing::warn!(
                kind = notice.kind.as_str(),
                severity = notice.severity.as_str(),
                "{}",
                notice.title
            );
            put(&self.channels, &self.notices, &notice);
        }
        if before != self.damper
            && let Some(memory) = &self.memory
            && let Err(error) = keep(memory, &self.damper)
        {
            tracing::warn!(%error, "what was told cannot be kept");
        }
        // A standby reports no commits: the leader applies them.
        if !matches!(cluster.role, Role::Leader { .. }) || self.standings.is_empty() {
            return;
        }
        let standing = standing(status);
        let is_news = |now: &CommitStanding| {
            self.last
                .as_ref()
                .is_none_or(|last| (&last.commit, last.progress) != (&now.commit, now.progress))
        };
        if let Some(standing) = standing.filter(is_news) {
            put(
                &self.channels,
                &self.standings,
                &(standing.clone(), format!("emblazon/{name}")),
            );
            self.last = Some(standing);
        }
    }
}

/// Queues a message for each channel; a full queue drops it.
fn put<T: Clone>(channels: &Channels, boxes: &[(usize, Sender<T>)], message: &T) {
    for (place, sender) in boxes {
        if sender.try_send(message.clone()).is_err() {
            channels.failed(*place, "too many messages wait".to_owned());
        }
    }
}

/// The worker that sends the messages of one channel.
struct Post {
    channels: Channels,
    place: usize,
    pauses: Vec<Duration>,
    stop: CancellationToken,
}

impl Post {
    fn new(
        channels: &Channels,
        name: &str,
        kind: &'static str,
        pauses: &[Duration],
        stop: &CancellationToken,
    ) -> Self {
        Self {
            channels: channels.clone(),
            place: channels.add(name, kind),
            pauses: pauses.to_vec(),
            stop: stop.clone(),
        }
    }

    async fn notices(self, channel: Channel, mut waiting: Receiver<Notice>) {
        while let Some(notice) = waiting.recv().await {
            let send = || {
                let (channel, notice) = (channel.clone(), notice.clone());
                async move { channel.send(&notice, Timestamp::now()).await }
            };
            self.deliver(send).await;
        }
    }

    async fn standings(
        self,
        forge: ForgeChannel,
        link: Option<String>,
        mut waiting: Receiver<(CommitStanding, String)>,
    ) {
        while let Some((standing, context)) = waiting.recv().await {
            let send = || {
                let (forge, standing) = (forge.clone(), standing.clone());
                let (context, link) = (context.clone(), link.clone());
                async move { forge.send(&standing, &context, link.as_deref()).await }
            };
            self.deliver(send).await;
        }
    }

    async fn pings(
        self,
        pinger: Pinger,
        every: Duration,
        published: PublishedStatus,
        patience: Duration,
    ) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // When the loop is stuck, the missing ping is the alert.
            if published.status().is_alive(Timestamp::now(), patience) {
                let send = || {
                    let pinger = pinger.clone();
                    async move { pinger.ping().await }
                };
                self.deliver(send).await;
            }
        }
    }

    /// Sends one message, with retries when the error may be temporary.
    async fn deliver<S: Future<Output = Result<(), AlertError>>>(&self, send: impl Fn() -> S) {
        let mut pauses = self.pauses.iter();
        loop {
            let error = match send().await {
                Ok(()) => return self.channels.sent(self.place, Timestamp::now()),
                Err(error) => error,
            };
            let pause = pauses.next().filter(|_| error.may_pass());
            let Some(pause) = pause.filter(|_| !self.stop.is_cancelled()) else {
                return self.channels.failed(self.place, error.to_string());
            };
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}

/// Reads what was reported before a restart; a file that cannot be read does not prevent the start.
fn remembered(memory: Option<&Path>) -> Damper {
    let Some(memory) = memory else {
        return Damper::default();
    };
    let text = match std::fs::read(memory) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Damper::default(),
        Err(error) => {
            tracing::warn!(%error, "what was told before cannot be read");
            return Damper::default();
        }
    };
    let text = String::from_utf8_lossy(&text);
    let known = verified(&text).and_then(|text| serde_json::from_str(text).ok());
    known.unwrap_or_else(|| {
        let path = memory.display();
        tracing::warn!(%path, "what was told before was corrupted, and may be told again");
        Damper::default()
    })
}

/// Stores what was reported, atomically.
fn keep(memory: &Path, damper: &Damper) -> std::io::Result<()> {
    use std::io::Write as _;
    let folder = memory.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(with_checksum(&serde_json::to_string(damper)?).as_bytes())?;
    file.persist(memory).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
#[path = "announce_tests.rs"]
mod tests;
