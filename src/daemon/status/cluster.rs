//! The status of the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Alert, Approval, Author, HealthState, History, ObjectStatus, Part, PlannedStep, State, Taker,
};
use crate::apply::StepCount;
use crate::daemon::platform_events::EventStatus;
use crate::model::{AccountName, ClusterName, Digest, ObjectName};
use crate::plan::Refusal;

/// Everything that the daemon publishes. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Incremented by each change.
    pub version: u64,
    /// The cluster as a whole.
    pub cluster: ClusterStatus,
    /// The domain template, when the tree declares it.
    pub template: Option<Arc<ObjectStatus>>,
    /// The accounts of the source revision.
    pub accounts: BTreeMap<AccountName, Arc<ObjectStatus>>,
    /// The history, the newest entry last.
    pub history: Arc<History>,
}

/// The status of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// Its name; absent until a tree was read.
    pub name: Option<ClusterName>,
    /// When the daemon started.
    pub started: Timestamp,
    /// Heartbeat: when the loop last ended a cycle or found nothing to do.
    pub beat: Timestamp,
    /// Whether it may write.
    pub role: Role,
    /// What the daemon is doing now.
    pub mode: Mode,
    /// Where the tree comes from, and the source revision.
    pub source: SourceStatus,
    /// The pause, if one holds.
    pub paused: Option<Pause>,
    /// Start of the outage of the platform, if there is one.
    pub down_since: Option<Timestamp>,
    /// The last run.
    pub last_run: Option<Run>,
    /// When the next one is due, unless a trigger comes before.
    pub next_run: Option<Timestamp>,
    /// The digest of the plan that an approval would execute; an [`super::super::WorkItem::Approve`] names it. Absent
    /// when there is none.
    pub plan: Option<Digest>,
    /// What an approval of that plan would execute.
    #[serde(default)]
    pub offer: Offer,
    /// The approval that is being executed, or about to be.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// Planned steps on accounts that left the tree.
    #[serde(default)]
    pub others: Vec<OtherSteps>,
    /// Refusals by guards that concern the run as a whole.
    pub refusals: Vec<Refusal>,
    /// DNS queries since the daemon started.
    pub dns_questions: u64,
    /// Comparisons of an account with the tree since the daemon started. An unchanged account is not compared again.
    pub compared: u64,
    /// Number of plans computed since the daemon started; a quiet cycle computes none.
    pub planned: u64,
    /// What the platform tells of its changes; absent when it is not asked to.
    #[serde(default)]
    pub events: Option<EventStatus>,
    /// Whether drift can be proposed as a pull request: the daemon's file names a forge.
    #[serde(default)]
    pub has_forge: bool,
    /// The alerts that hold now.
    pub alerts: Vec<Alert>,
}

/// What an approval of [`ClusterStatus::plan`] would execute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// Number of steps that would be executed.
    pub steps: usize,
    /// Refusals that concern the plan as a whole: nothing would be executed.
    pub refusals: Vec<Refusal>,
}

/// Planned steps on an account that is not in the tree any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherSteps {
    /// The account, by its former name.
    pub account: AccountName,
    /// The steps, in order.
    pub steps: Vec<PlannedStep>,
    /// What an approval would execute of them.
    #[serde(default)]
    pub part: Option<Part>,
}

/// Whether the daemon may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Role {
    /// It has not tried to take the lease yet.
    Starting,
    /// It holds the lease.
    Leader {
        /// Start time.
        since: Timestamp,
    },
    /// The lease cannot be taken although no holder is known; the daemon reads nothing and writes nothing.
    Leaseless {
        /// The reason, with what to do. May contain any character.
        reason: String,
        /// Start time.
        since: Timestamp,
    },
    /// Another process holds it; the daemon reads nothing and writes nothing.
    Standby {
        /// The holder, in words. May contain any character.
        holder: String,
        /// Start of the wait.
        since: Timestamp,
    },
}

/// What the daemon is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Mode {
    /// It waits for something to do.
    Idle,
    /// A run is under way.
    Running(InFlight),
    /// It finishes the steps in flight, and ends.
    Stopping,
}

/// A run that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// When it started.
    pub since: Timestamp,
    /// What triggered it.
    pub triggers: Vec<Trigger>,
    /// Number of objects that it reads.
    pub objects: usize,
    /// Number of planned steps.
    pub steps: usize,
    /// Number of executed steps.
    pub done: usize,
}

/// What triggers a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The daemon started, or became the leader.
    Start,
    /// The source changed: a file, or the branch.
    Change,
    /// A forge sent a webhook.
    Webhook,
    /// The interval is over.
    Interval,
    /// Drift waits for confirmation.
    Confirm,
    /// A retry after a failure.
    Retry,
    /// A person asked for it.
    Resync,
    /// The pending plan was approved.
    Approval,
    /// The configuration was read again.
    Reload,
    /// The platform told of a change.
    Event,
}

/// Where the tree comes from, and the source revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// The folder, or the remote's URL without credentials.
    pub place: String,
    /// The branch, for a remote.
    pub branch: Option<String>,
    /// The commit that was read last.
    pub seen: Option<String>,
    /// The commit of the source revision: the last one that is valid and trusted; absent without Git.
    pub commit: Option<String>,
    /// The first line of its message. May contain any character.
    pub subject: Option<String>,
    /// Who signed it, when signatures are checked. May contain any character.
    pub signer: Option<String>,
    /// The digest of its desired state.
    pub tree: Option<Digest>,
    /// When it was adopted.
    pub since: Option<Timestamp>,
    /// When the source was last read.
    pub checked: Option<Timestamp>,
    /// The commit that was not adopted.
    #[serde(default)]
    pub rejected: Option<RejectedCommit>,
    /// Why the revision read last was not adopted, in words.
    pub problem: Option<String>,
    /// The mistakes in the revision read last, errors and warnings.
    pub mistakes: Vec<Mistake>,
}

/// A commit that was not adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedCommit {
    /// Its id.
    pub id: String,
    /// The first line of its message. May contain any character.
    pub subject: String,
    /// The name of its author, unverified. May contain any character.
    pub author: String,
}

/// One mistake in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// The code of the catalogue.
    pub code: String,
    /// Whether it prevents the tree from being adopted.
    pub is_error: bool,
    /// The file, relative to the tree's root.
    pub file: Option<Utf8PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The message.
    pub message: String,
    /// How to fix it.
    pub help: String,
}

/// A pause: nothing is written, reading goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The reason that was given. May contain any character.
    pub reason: String,
    /// Who requested it, if known.
    pub by: Option<String>,
    /// Through which channel it came, such as a login and the client's address.
    #[serde(default)]
    pub via: Option<String>,
    /// Start time.
    pub since: Timestamp,
    /// When it ends by itself; without it, when somebody resumes.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// Returns who requested it, and why.
    #[must_use]
    pub fn author(&self) -> Author {
        Author {
            at: self.since,
            by: self.by.clone(),
            reason: Some(self.reason.clone()),
            via: self.via.clone(),
        }
    }

    /// Returns whether it is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number, counted from 1 since the daemon started.
    pub number: u64,
    /// What triggered it.
    pub triggers: Vec<Trigger>,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The commit of the source revision.
    pub commit: Option<String>,
    /// Number of objects that it read.
    pub objects: usize,
    /// How it ended.
    pub result: RunResult,
    /// Number of planned steps.
    pub steps: usize,
    /// Number of steps by standing.
    pub count: StepCount,
}

/// How a run ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Nothing was pending.
    InSync,
    /// Everything that policy allows was applied.
    Applied,
    /// Something waits for a person or for a second read.
    Open,
    /// Some steps failed.
    Failed,
    /// Something, or everything, could not be read.
    Unknown,
}

impl Status {
    /// Creates the status of a daemon that has read nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            version: 0,
            cluster: ClusterStatus {
                name: None,
                started: now,
                beat: now,
                role: Role::Starting,
                mode: Mode::Idle,
                source: SourceStatus::default(),
                paused: None,
                down_since: None,
                last_run: None,
                next_run: None,
                plan: None,
                offer: Offer::default(),
                approval: None,
                others: Vec::new(),
                refusals: Vec::new(),
                dns_questions: 0,
                compared: 0,
                planned: 0,
                events: None,
                has_forge: false,
                alerts: Vec::new(),
            },
            template: None,
            accounts: BTreeMap::new(),
            history: Arc::default(),
        }
    }

    /// Returns an object of the tree.
    #[must_use]
    pub fn object(&self, name: &ObjectName) -> Option<&ObjectStatus> {
        let object = match name {
            ObjectName::Account(name) => self.accounts.get(name),
            ObjectName::Template => self.template.as_ref(),
            ObjectName::Zone(_) => None,
        };
        object.map(|object| &**object)
    }

    /// Returns the same for a change; callers that change nothing must not copy it, because readers share it.
    pub fn object_mut(&mut self, name: &ObjectName) -> Option<&mut Arc<ObjectStatus>> {
        match name {
            ObjectName::Account(name) => self.accounts.get_mut(name),
            ObjectName::Template => self.template.as_mut(),
            ObjectName::Zone(_) => None,
        }
    }

    /// Iterates over the template, if any, and the accounts.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectStatus> {
        self.template
            .iter()
            .chain(self.accounts.values())
            .map(|object| &**object)
    }

    /// Counts the steps of a taker; those of the next run count only while the daemon is not paused.
    #[must_use]
    pub fn steps(&self, taker: Taker) -> usize {
        if taker == Taker::NextRun && self.cluster.paused.is_some() {
            return 0;
        }
        let others = self.cluster.others.iter().flat_map(|other| &other.steps);
        (self
            .objects()
            .flat_map(|object| &object.steps)
            .chain(others))
        .filter(|step| step.taker == taker)
        .count()
    }

    /// Counts the steps that somebody rejected or put off.
    #[must_use]
    pub fn steps_declined(&self) -> usize {
        let declined = self.objects().filter(|object| object.declined.is_some());
        let steps = declined.flat_map(|object| &object.steps);
        steps.filter(|step| step.taker == Taker::Nobody).count()
    }

    /// Returns whether the last heartbeat is recent enough.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp, patience: Duration) -> bool {
        let silence = Duration::try_from(now.duration_since(self.cluster.beat));
        // A clock that was set back gives a negative silence, which counts as none.
        silence.is_ok_and(|silence| silence <= patience) || now <= self.cluster.beat
    }

    /// Counts the accounts in a state of health.
    #[must_use]
    pub fn in_health(&self, state: HealthState) -> usize {
        (self.accounts.values())
            .filter(|account| account.health_state() == state)
            .count()
    }

    /// Counts the objects in a state.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        self.objects()
            .filter(|object| object.state == state)
            .count()
    }
}

impl Trigger {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Change => "change",
            Self::Webhook => "webhook",
            Self::Interval => "interval",
            Self::Confirm => "confirm",
            Self::Retry => "retry",
            Self::Resync => "resync",
            Self::Approval => "approval",
            Self::Reload => "reload",
            Self::Event => "event",
        }
    }
}

impl RunResult {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Applied => "applied",
            Self::Open => "open",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_alive_while_it_comes_round() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let status = Status::new(at(100));
        let patience = Duration::from_mins(1);
        assert!(status.is_alive(at(160), patience));
        assert!(!status.is_alive(at(161), patience));
        assert!(status.is_alive(at(10), patience), "a clock may be set back");
    }
}
