//! The status of one object: an account, or the domain template.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::platform_events::ChangeAuthor;
use super::{Approval, Declined, Keep, Part, ProbeSummary};
use crate::diff::Change;
use crate::dns::{Standing, Tally};
use crate::model::{AccountId, AssetFacts, AssetFile, AssetKind, ObjectName, Revision};
use crate::plan::{Refusal, Risk};
use crate::report::{Look, Verb};
use crate::tree::WatchPolicy;

/// The state of an object, in one word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Tree and platform agree.
    Ready,
    /// They differ, and the daemon works on it.
    Reconciling,
    /// They differ, and nothing happens until a person acts.
    Stalled,
    /// It could not be read, so nothing is written.
    Unknown,
}

/// Why an object is in its state. Each reason belongs to one [`State`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Ready: tree and platform agree.
    InSync,
    /// Reconciling: a change is about to be applied.
    Pending,
    /// Reconciling: a second read is to confirm a difference.
    Confirming,
    /// Reconciling: steps are being executed.
    Applying,
    /// Reconciling: the last attempt failed, and is retried later ([`ObjectStatus::retry_at`]).
    BackingOff,
    /// Stalled: the policy requires an approval.
    AwaitingApproval,
    /// Stalled: the policy never applies the tree's changes.
    ApplyOff,
    /// Stalled: the policy only reports drift.
    DriftReported,
    /// Stalled: a guard refused something ([`ObjectStatus::refusals`]).
    Refused,
    /// Stalled: somebody keeps undoing what was healed.
    KeepsChanging,
    /// Stalled: the daemon is paused, and something differs.
    Paused,
    /// Stalled: a person rejected what an approval would execute ([`ObjectStatus::declined`]).
    Rejected,
    /// Stalled: a person put it off ([`ObjectStatus::declined`]).
    PutOff,
    /// Unknown: it was not read since the daemon started.
    NotReadYet,
    /// Unknown: the platform could not be read.
    Unreadable,
}

/// The status of one object: an account, or the domain template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectStatus {
    /// Its name.
    pub name: ObjectName,
    /// The account's id, once it is known.
    pub id: Option<AccountId>,
    /// The company name that the tree declares. May contain any character.
    pub company: Option<String>,
    /// The domain that the tree declares.
    pub domain: Option<String>,
    /// The assets that the tree declares; [`super::super::PublishedStatus::asset`] reads their bytes.
    pub assets: BTreeMap<AssetKind, AssetFile>,
    /// The live values of the last read; absent when unknown.
    #[serde(default)]
    pub live: Option<LiveBrand>,
    /// What the tree lets the daemon do with it.
    pub policy: WatchPolicy,
    /// Its state.
    pub state: State,
    /// The reason for the state.
    pub reason: Reason,
    /// The reason in words, with what to do. May contain any character.
    pub message: String,
    /// When the reason last changed.
    pub since: Timestamp,
    /// When it was last read completely.
    pub checked: Option<Timestamp>,
    /// The document's revision when it was last read or written.
    pub revision: Option<Revision>,
    /// The last commit that is known to be completely live; absent without Git.
    pub commit: Option<String>,
    /// Changes of the tree that are not live yet.
    pub pending: Vec<Change>,
    /// Changes that somebody made on the platform.
    pub drift: Vec<Drift>,
    /// What keeping them would change in the tree; absent until that is known.
    #[serde(default)]
    pub keep: Option<Keep>,
    /// Who made the last of them, where the platform tells it.
    #[serde(default)]
    pub changed_by: Option<ChangeAuthor>,
    /// The planned steps, in order, with who takes each.
    pub steps: Vec<PlannedStep>,
    /// What an approval of this object alone would execute; absent when there is nothing.
    #[serde(default)]
    pub part: Option<Part>,
    /// The decision not to execute [`Self::part`].
    #[serde(default)]
    pub declined: Option<Declined>,
    /// The approval of [`Self::part`] whose outcome is not known yet.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// Refusals by guards.
    pub refusals: Vec<Refusal>,
    /// Number of consecutive failures.
    pub failures: u32,
    /// When it is retried, after a failure.
    pub retry_at: Option<Timestamp>,
    /// Summary of its DNS; absent when it was not checked.
    pub dns: Option<DnsSummary>,
    /// What customers see of it; absent when nobody looked.
    #[serde(default)]
    pub probe: Option<ProbeSummary>,
}

/// The live values that people recognise an account by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveBrand {
    /// Whether the account has a whitelabel.
    pub is_there: bool,
    /// The live company name. May contain any character.
    pub company: Option<String>,
    /// The live domain. May contain any character.
    pub domain: Option<String>,
    /// The assets that were requested: the live facts, or `None` when there is no such asset. An asset that could not
    /// be read is left out.
    pub assets: BTreeMap<AssetKind, Option<AssetFacts>>,
    /// What its login page looks like.
    #[serde(default)]
    pub look: Look,
}

/// A change that somebody made on the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The change: `before` is the live value, `after` the declared one.
    pub change: Change,
    /// When a read last showed it absent; `None` when every read showed it.
    #[serde(default)]
    pub absent: Option<Timestamp>,
    /// When it was first seen.
    pub seen: Timestamp,
    /// When a second read confirmed it; it counts from then on.
    pub confirmed: Option<Timestamp>,
    /// How often it was recently healed and came back.
    pub rounds: u32,
}

/// Who takes a step.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Taker {
    /// The next run, without a person.
    #[default]
    NextRun,
    /// The next run, after an approval.
    Approval,
    /// Not the daemon: the policy excludes it, even with an approval.
    Nobody,
}

/// A planned step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Who takes it.
    #[serde(default)]
    pub taker: Taker,
    /// The action, in one word.
    pub verb: Verb,
    /// The asset, for an upload.
    pub asset: Option<AssetKind>,
    /// The changes that it makes.
    pub changes: Vec<Change>,
    /// The risk.
    pub risk: Risk,
    /// Notes for the reader.
    pub notes: Vec<String>,
}

/// Summary of an account's DNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsSummary {
    /// The worst standing of its hosts.
    pub standing: Standing,
    /// Number of hosts by verdict.
    pub tally: Tally,
    /// One line for each host that is not right, and each hint.
    pub lines: Vec<String>,
    /// One sentence for each name at which phones find no server of the template.
    #[serde(default)]
    pub outages: Vec<String>,
    /// What `dns check` says to do about it.
    #[serde(default)]
    pub remedies: Vec<String>,
    /// When it was checked.
    pub asked: Timestamp,
    /// When a difference was first seen.
    pub seen: Option<Timestamp>,
    /// When a second check confirmed it; it counts from then on.
    pub confirmed: Option<Timestamp>,
}

impl DnsSummary {
    /// Returns the word for machines.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.standing {
            Standing::InSync => "in_sync",
            Standing::Propagating => "propagating",
            Standing::Unknown => "unknown",
            Standing::Differs if self.confirmed.is_none() => "confirming",
            Standing::Differs => "differs",
        }
    }

    /// Returns the most pressing line.
    #[must_use]
    pub fn headline(&self) -> &str {
        self.lines.first().map_or("DNS is wrong", String::as_str)
    }
}

impl Reason {
    /// All reasons, in their order.
    pub const ALL: [Self; 15] = [
        Self::InSync,
        Self::Pending,
        Self::Confirming,
        Self::Applying,
        Self::BackingOff,
        Self::AwaitingApproval,
        Self::ApplyOff,
        Self::DriftReported,
        Self::Refused,
        Self::KeepsChanging,
        Self::Paused,
        Self::Rejected,
        Self::PutOff,
        Self::NotReadYet,
        Self::Unreadable,
    ];

    /// Returns the state that it belongs to.
    #[must_use]
    pub fn state(self) -> State {
        match self {
            Self::InSync => State::Ready,
            Self::Pending | Self::Confirming | Self::Applying | Self::BackingOff => {
                State::Reconciling
            }
            Self::AwaitingApproval
            | Self::ApplyOff
            | Self::DriftReported
            | Self::Refused
            | Self::KeepsChanging
            | Self::Paused
            | Self::Rejected
            | Self::PutOff => State::Stalled,
            Self::NotReadYet | Self::Unreadable => State::Unknown,
        }
    }

    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Pending => "pending",
            Self::Confirming => "confirming",
            Self::Applying => "applying",
            Self::BackingOff => "backing_off",
            Self::AwaitingApproval => "awaiting_approval",
            Self::ApplyOff => "apply_off",
            Self::DriftReported => "drift_reported",
            Self::Refused => "refused",
            Self::KeepsChanging => "keeps_changing",
            Self::Paused => "paused",
            Self::Rejected => "rejected",
            Self::PutOff => "put_off",
            Self::NotReadYet => "not_read_yet",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Taker {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NextRun => "next_run",
            Self::Approval => "approval",
            Self::Nobody => "nobody",
        }
    }
}

impl State {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Reconciling => "reconciling",
            Self::Stalled => "stalled",
            Self::Unknown => "unknown",
        }
    }
}

impl ObjectStatus {
    /// Creates the status of an object that was not read yet.
    #[must_use]
    pub fn unread(name: ObjectName, now: Timestamp) -> Self {
        Self {
            name,
            id: None,
            company: None,
            domain: None,
            assets: BTreeMap::new(),
            live: None,
            policy: WatchPolicy::default(),
            state: State::Unknown,
            reason: Reason::NotReadYet,
            message: "not read yet".to_owned(),
            since: now,
            checked: None,
            revision: None,
            commit: None,
            pending: Vec::new(),
            drift: Vec::new(),
            keep: None,
            changed_by: None,
            steps: Vec::new(),
            part: None,
            declined: None,
            approval: None,
            refusals: Vec::new(),
            failures: 0,
            retry_at: None,
            dns: None,
            probe: None,
        }
    }

    /// Returns what people know it by: the live company name or, if none is known, its name in the tree.
    #[must_use]
    pub fn brand(&self) -> &str {
        let live = self.live.as_ref();
        let company = live.and_then(|live| live.company.as_deref());
        company.unwrap_or(self.title())
    }

    /// Returns the object's name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        self.name.title()
    }

    /// Sets reason and state; [`Self::since`] changes only when the reason does.
    pub fn put(&mut self, reason: Reason, message: impl Into<String>, now: Timestamp) {
        if self.reason != reason {
            self.reason = reason;
            self.state = reason.state();
            self.since = now;
        }
        self.message = message.into();
    }

    /// Returns whether an asset is live exactly as the tree declares it, so that the tree's bytes are the live ones.
    #[must_use]
    pub fn is_live(&self, kind: AssetKind) -> bool {
        let declared = self.assets.get(&kind).map(|file| &file.facts.digest);
        let live = self.live.as_ref().and_then(|live| live.assets.get(&kind));
        let live = live.and_then(|facts| Some(&facts.as_ref()?.digest));
        live.is_some() && live == declared
    }

    /// Iterates over the confirmed drift.
    pub fn confirmed_drift(&self) -> impl Iterator<Item = &Drift> {
        self.drift.iter().filter(|drift| drift.confirmed.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountName;

    #[test]
    fn since_moves_with_the_reason_alone() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut object = ObjectStatus::unread(AccountName::new("acme").into(), at(1));
        object.put(Reason::Unreadable, "503", at(2));
        object.put(Reason::Unreadable, "timed out", at(3));
        assert_eq!((object.state, object.since), (State::Unknown, at(2)));
        assert_eq!(object.message, "timed out");
        object.put(Reason::InSync, "", at(4));
        assert_eq!((object.state, object.since), (State::Ready, at(4)));
    }
}
