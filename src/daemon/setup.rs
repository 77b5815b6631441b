//! What the daemon is given, with everything resolved.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::SignedDuration;

use crate::apply::SandboxPrimaries;
use crate::apply::lease::SKEW;
use crate::live::{ClientConfig, Trust};
use crate::model::Shard;

/// What the daemon is given, with everything resolved.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the tree comes from.
    pub source: Place,
    /// The cluster; may be left out when the tree has only one.
    pub cluster: Option<String>,
    /// Where journal, snapshots, history and the fetched repository are kept.
    pub state: Utf8PathBuf,
    /// A platform other than the one that the tree declares: a sandbox.
    pub platform: Option<ClientConfig>,
    /// The DNS of that sandbox; the world's when absent.
    pub sandbox: Option<SandboxDns>,
    /// How often each account is read.
    pub interval: SignedDuration,
    /// How often DNS is asked for each domain.
    pub dns_interval: SignedDuration,
    /// How often the source is looked at without being told.
    pub poll: SignedDuration,
    /// How long after it was first seen drift is looked at again.
    pub confirm_after: SignedDuration,
    /// How long to wait for further hints after one.
    pub settle: Duration,
    /// How long the lease holds unless it is renewed.
    pub term: Duration,
    /// By how much the clocks of two hosts may differ.
    pub skew: SignedDuration,
    /// Whether the Git remote arbitrates between hosts, and learns what was applied.
    pub push: bool,
    /// Whether a Lease of Kubernetes arbitrates between hosts instead.
    pub kubernetes: bool,
    /// The part of the tree's accounts that it is for, when other daemons are for the rest.
    pub shard: Option<Shard>,
    /// What the tree may say of where credentials come from and go to.
    pub trust: Trust,
}

/// The DNS of a sandbox.
#[derive(Clone, Debug, Default)]
pub struct SandboxDns {
    /// Its resolver, when it has one.
    pub resolver: Option<SocketAddr>,
    /// Its servers.
    pub primaries: SandboxPrimaries,
}

/// Reads the daemon's file anew, or says why that cannot be.
pub type Reread = Arc<dyn Fn() -> Result<Setup, String> + Send + Sync>;

/// Where the tree comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(Utf8PathBuf),
    /// A branch of a Git remote.
    Remote {
        /// Its URL, as `git` takes it.
        url: String,
        /// The branch.
        branch: String,
        /// The tree's folder in the repository; empty for the top.
        folder: Utf8PathBuf,
        /// The file that says who may sign; nobody needs to when absent.
        signers: Option<Utf8PathBuf>,
    },
}

impl Setup {
    /// Names the keys of the daemon's file by which another one differs, and which only a restart takes over.
    pub(super) fn moved(&self, other: &Self) -> Vec<&'static str> {
        let lease = |setup: &Self| (setup.term, setup.skew, setup.push, setup.kubernetes);
        let moved = [
            ("source", self.source != other.source),
            ("state", self.state != other.state),
            ("cluster", self.cluster != other.cluster),
            ("lease", lease(self) != lease(other)),
            ("shard", self.shard != other.shard),
        ];
        (moved.into_iter())
            .filter_map(|(key, has_moved)| has_moved.then_some(key))
            .collect()
    }

    /// Fills in what most daemons want.
    #[must_use]
    pub fn new(source: Place, state: Utf8PathBuf) -> Self {
        Self {
            trust: Trust::default(),
            source,
            cluster: None,
            state,
            platform: None,
            sandbox: None,
            interval: SignedDuration::from_mins(10),
            dns_interval: SignedDuration::from_mins(10),
            poll: SignedDuration::from_mins(1),
            confirm_after: SignedDuration::from_secs(10),
            settle: Duration::from_millis(300),
            term: Duration::from_mins(2),
            skew: SKEW,
            push: true,
            kubernetes: false,
            shard: None,
        }
    }
}
