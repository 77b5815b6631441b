//! The daemon's setup, with everything resolved.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::platform_events::PlatformEvents;
use crate::apply::SandboxPrimaries;
use crate::apply::lease::SKEW;
use crate::forge::Target;
use crate::live::{ClientConfig, Trust};
use crate::model::{Digest, Shard};
use crate::probe::{ClosedWorld, Pace, Pin};
use crate::tree::Desired;

/// The daemon's setup, with everything resolved.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the tree comes from.
    pub source: Place,
    /// The cluster; optional when the tree has only one.
    pub cluster: Option<String>,
    /// The state folder: journal, snapshots, history and the fetched repository.
    pub state: Utf8PathBuf,
    /// A platform in place of the one that the tree declares: a sandbox, or the one that `--api` names.
    pub platform: Option<ClientConfig>,
    /// What a sandbox has besides its API; absent when there is none.
    pub sandbox: Option<SandboxNetwork>,
    /// How often each account is read.
    pub interval: SignedDuration,
    /// How often the DNS of each domain is checked.
    pub dns_interval: SignedDuration,
    /// How often the source is read without a trigger.
    pub poll: SignedDuration,
    /// Delay between the first sight of drift and the read that confirms it.
    pub confirm_after: SignedDuration,
    /// Debounce: how long to wait for further triggers after one.
    pub settle: Duration,
    /// How long the lease is valid without renewal.
    pub term: Duration,
    /// Most clock skew between two hosts.
    pub skew: SignedDuration,
    /// Whether the Git remote arbitrates between hosts, and gets the record of what was applied.
    pub push: bool,
    /// Whether a Kubernetes Lease arbitrates between hosts instead.
    pub kubernetes: bool,
    /// The shard of the tree's accounts, when other daemons reconcile the rest.
    pub shard: Option<Shard>,
    /// Which destinations and sources of credentials the tree may name.
    pub trust: Trust,
    /// What the platform tells of its changes; nothing when absent.
    pub events: Option<Events>,
    /// How the brands are looked at as customers do; nobody looks when absent.
    pub probe: Option<ProbeSetup>,
    /// The forge at which drift is proposed as pull requests; it is not when absent.
    pub forge: Option<Target>,
}

/// How brands are looked at as customers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSetup {
    /// How often each brand is looked at.
    pub interval: SignedDuration,
    /// After how many probes in a row it counts that customers do not see a brand.
    pub confirmations: u32,
    /// How long after one of them the next comes.
    pub confirm_after: SignedDuration,
    /// How long before its end a certificate is alerted of.
    pub certificates: SignedDuration,
    /// Addresses to connect to instead of those in DNS.
    pub resolve: Vec<Pin>,
    /// The address of this machine to connect from; the system's choice when absent.
    pub from: Option<IpAddr>,
    /// Certificate authorities to trust beside those of this machine and of the tree.
    pub ca_file: Option<Utf8PathBuf>,
    /// How fast the API is asked.
    pub pace: Pace,
}

impl Default for ProbeSetup {
    fn default() -> Self {
        Self {
            interval: SignedDuration::from_mins(10),
            confirmations: 2,
            confirm_after: SignedDuration::from_secs(30),
            certificates: SignedDuration::from_hours(14 * 24),
            resolve: Vec::new(),
            from: None,
            ca_file: None,
            pace: Pace::default(),
        }
    }
}

/// What the platform tells of its changes.
#[derive(Clone, Debug)]
pub struct Events {
    /// How it tells.
    pub channel: EventChannel,
    /// What is known of them, shared with the HTTP server.
    pub told: PlatformEvents,
}

/// How the platform tells of its changes.
#[derive(Clone, Debug)]
pub enum EventChannel {
    /// By requests to the daemon's HTTP server.
    Webhooks {
        /// Who makes the hooks there.
        owner: HookOwner,
        /// Where they send.
        url: String,
    },
    /// Over a websocket that the daemon connects to.
    Blackhole {
        /// Its URL.
        url: Url,
    },
}

/// Who makes the hooks on the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookOwner {
    /// The daemon, with secrets of its own.
    #[default]
    Daemon,
    /// A person, with the secret that is configured; `emblazon events hook` prints what to create.
    Operator,
}

/// What a sandbox has besides its API.
#[derive(Clone, Debug, Default)]
pub struct SandboxNetwork {
    /// Its resolver, if any.
    pub resolver: Option<SocketAddr>,
    /// Its primaries.
    pub primaries: SandboxPrimaries,
    /// What a probe sees of it; absent when nobody probes.
    pub world: Option<ClosedWorld>,
}

/// Reads the daemon's file again, or returns why it cannot be used.
pub type ReadSetup = Arc<dyn Fn() -> Result<Setup, String> + Send + Sync>;

/// Where the tree comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A local folder.
    Folder(Utf8PathBuf),
    /// A branch of a Git remote.
    Remote {
        /// The URL, as `git` takes it.
        url: String,
        /// The branch.
        branch: String,
        /// The tree's folder within the repository; empty for the root.
        folder: Utf8PathBuf,
        /// The `allowed_signers` file; without it no signature is required.
        signers: Option<Utf8PathBuf>,
    },
}

impl Setup {
    /// Returns the keys of the daemon's file that differ and need a restart.
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

    /// Returns the daemon's mark on what it makes on the platform: the same after a restart, and another one for each
    /// source, cluster and shard.
    pub(super) fn mark(&self) -> String {
        let parts = format!("{:?} {:?} {:?}", self.source, self.cluster, self.shard);
        Digest::of(parts.as_bytes()).short().to_owned()
    }

    /// Returns the base URL of the platform that a tree is for.
    pub(super) fn platform_of(&self, desired: &Desired) -> String {
        match (&self.platform, &desired.cluster.api) {
            (Some(platform), _) => platform.api.clone(),
            (None, Some(api)) => api.value.clone(),
            (None, None) => String::new(),
        }
    }

    /// Creates a setup with the defaults.
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
            events: None,
            probe: None,
            forge: None,
        }
    }
}
