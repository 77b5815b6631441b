//! How the cluster stands as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Alert, Author, History, ObjectStatus, PlannedStep, State, Taker};
use crate::apply::StepCount;
use crate::model::{AccountName, ClusterName, Digest};
use crate::plan::Refusal;

/// Everything that the daemon has to say. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Grows with each change of anything.
    pub version: u64,
    /// The whole.
    pub cluster: ClusterStatus,
    /// The domain template, when the tree declares it.
    pub template: Option<Arc<ObjectStatus>>,
    /// The accounts of the tree in force.
    pub accounts: BTreeMap<AccountName, Arc<ObjectStatus>>,
    /// What happened, the newest last.
    pub history: Arc<History>,
}

/// How the cluster stands as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// Its name; absent until a tree was read that says it.
    pub name: Option<ClusterName>,
    /// When the daemon began.
    pub started: Timestamp,
    /// When it last came round: a run ended, or it found that it has nothing to do.
    pub beat: Timestamp,
    /// Whether it may write.
    pub role: Role,
    /// What it is doing now.
    pub mode: Mode,
    /// Where the tree comes from, and what is in force.
    pub source: SourceStatus,
    /// Why it writes nothing, when somebody paused it.
    pub paused: Option<Pause>,
    /// Since when the platform cannot be read; absent when it can.
    pub down_since: Option<Timestamp>,
    /// The run before.
    pub last_run: Option<Run>,
    /// When the next one is due, unless something else calls for one before.
    pub next_run: Option<Timestamp>,
    /// The digest of what there is to do once somebody approves it; an [`super::super::WorkItem::Approve`] names it. Absent
    /// when there is nothing.
    pub plan: Option<Digest>,
    /// What an approval of it would lead to.
    #[serde(default)]
    pub offer: Offer,
    /// The approval that is being carried out, or about to be.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// What there is to do about what the tree in force does not have any more.
    #[serde(default)]
    pub others: Vec<OtherSteps>,
    /// What guards refused for a run as a whole.
    pub refusals: Vec<Refusal>,
    /// How many questions DNS was asked since the daemon began.
    pub dns_questions: u64,
    /// How many accounts were compared with the tree since the daemon began. One of which no side moved is not compared again.
    pub compared: u64,
    /// How often it was planned what there is to do; a turn in which nothing moved plans nothing.
    pub planned: u64,
    /// The trouble that goes on.
    pub alerts: Vec<Alert>,
}

/// What an approval of [`ClusterStatus::plan`] would lead to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The steps that would be carried out.
    pub steps: usize,
    /// What guards refuse of it as a whole: nothing would be carried out.
    pub refusals: Vec<Refusal>,
}

/// A plan that somebody approved, and of which it is not known yet what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The plan.
    pub plan: Digest,
    /// Who approved it.
    pub author: Author,
}

/// What there is to do about something that has no place among the objects of the tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherSteps {
    /// The account, by the name that it had.
    pub account: AccountName,
    /// What would be done, in order.
    pub steps: Vec<PlannedStep>,
}

/// Whether the daemon may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Role {
    /// It has not asked for the lease yet.
    Starting,
    /// It holds the lease.
    Leader {
        /// Since when.
        since: Timestamp,
    },
    /// The lease cannot be taken, though nobody is known to hold it; this one reads nothing and writes nothing.
    Leaseless {
        /// Why, with what to do; may hold any character.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// Somebody else holds it; this one reads nothing and writes nothing.
    Standby {
        /// Who, in words; may hold any character.
        holder: String,
        /// Since when it waits.
        since: Timestamp,
    },
}

/// What the daemon is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Mode {
    /// It waits for something to do.
    Idle,
    /// A run is going on.
    Running(InFlight),
    /// It finishes what is in hand, and ends.
    Stopping,
}

/// A run that is going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Since when.
    pub since: Timestamp,
    /// What called for it.
    pub triggers: Vec<Trigger>,
    /// The objects that it looks at.
    pub objects: usize,
    /// The steps that it planned.
    pub steps: usize,
    /// Those of them that were carried out.
    pub done: usize,
}

/// What calls for a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The daemon began, or took over.
    Start,
    /// The source changed: a file, or the branch.
    Change,
    /// A forge said so.
    Webhook,
    /// The interval is over.
    Interval,
    /// Drift is to be confirmed.
    Confirm,
    /// Something that did not succeed is tried again.
    Retry,
    /// Somebody asked for it.
    Resync,
    /// Somebody approved what is pending.
    Approval,
    /// The configuration was read anew.
    Reload,
}

/// Where the tree comes from, and what is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// The folder, or the remote without credentials.
    pub place: String,
    /// The branch, for a remote.
    pub branch: Option<String>,
    /// The commit that was seen last.
    pub seen: Option<String>,
    /// The commit in force: the last one that validated, and is trusted; absent without Git.
    pub commit: Option<String>,
    /// The first line of its message. It may hold any character.
    pub subject: Option<String>,
    /// Who signed it, when signatures are checked. It may hold any character.
    pub signer: Option<String>,
    /// The digest of the desired state in force.
    pub tree: Option<Digest>,
    /// Since when it is in force.
    pub since: Option<Timestamp>,
    /// When the source was last read.
    pub checked: Option<Timestamp>,
    /// Why what was seen last is not in force, in words.
    pub problem: Option<String>,
    /// The mistakes in what was seen last, errors and warnings.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// The code of the catalogue.
    pub code: String,
    /// Whether it keeps the tree from being in force.
    pub is_error: bool,
    /// The file, from the tree's top.
    pub file: Option<Utf8PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A time in which nothing is written. Reading goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why, in somebody's words. It may hold any character.
    pub reason: String,
    /// Who asked for it, as far as is known.
    pub by: Option<String>,
    /// How it came, such as that somebody was logged in, and from which address.
    #[serde(default)]
    pub via: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when; until somebody resumes when absent.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// Says who asked for it, and why.
    #[must_use]
    pub fn author(&self) -> Author {
        Author {
            at: self.since,
            by: self.by.clone(),
            reason: Some(self.reason.clone()),
            via: self.via.clone(),
        }
    }

    /// Tells whether it is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number, from 1, since the daemon began.
    pub number: u64,
    /// What called for it.
    pub triggers: Vec<Trigger>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The commit that was in force.
    pub commit: Option<String>,
    /// The objects that it looked at.
    pub objects: usize,
    /// How it ended.
    pub result: RunResult,
    /// The steps that it planned.
    pub steps: usize,
    /// How many of them stand how.
    pub count: StepCount,
}

/// How a run ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Nothing was to be done.
    InSync,
    /// All that policy lets be done was done.
    Applied,
    /// Something was left to a person, or for a second read.
    Open,
    /// Some of it did not succeed.
    Failed,
    /// Something, or everything, could not be read.
    Unknown,
}

impl Status {
    /// Begins with a daemon that has read nothing yet.
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
                alerts: Vec::new(),
            },
            template: None,
            accounts: BTreeMap::new(),
            history: Arc::default(),
        }
    }

    /// Returns an account, or the template when none is named.
    #[must_use]
    pub fn object(&self, name: Option<&AccountName>) -> Option<&ObjectStatus> {
        let object = match name {
            Some(name) => self.accounts.get(name),
            None => self.template.as_ref(),
        };
        object.map(|object| &**object)
    }

    /// Returns the same to be changed; who changes nothing does not copy it from under those who look at it.
    pub fn object_mut(&mut self, name: Option<&AccountName>) -> Option<&mut Arc<ObjectStatus>> {
        match name {
            Some(name) => self.accounts.get_mut(name),
            None => self.template.as_mut(),
        }
    }

    /// Iterates over the template, if any, and the accounts.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectStatus> {
        self.template
            .iter()
            .chain(self.accounts.values())
            .map(|object| &**object)
    }

    /// Counts the steps that somebody takes: those of the next run only while nobody paused the daemon.
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

    /// Tells whether the loop came round within some time.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp, patience: Duration) -> bool {
        let silence = Duration::try_from(now.duration_since(self.cluster.beat));
        // A clock that was set back gives a silence below zero, which is none.
        silence.is_ok_and(|silence| silence <= patience) || now <= self.cluster.beat
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
