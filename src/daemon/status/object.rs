//! How one account stands, or the domain template.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diff::Change;
use crate::dns::{Standing, Tally};
use crate::model::{AccountId, AccountName, AssetFacts, AssetFile, AssetKind, Revision};
use crate::plan::{Refusal, Risk};
use crate::report::Verb;
use crate::tree::WatchPolicy;

/// How an object stands, in one word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Tree and platform agree.
    Ready,
    /// They do not yet, and the daemon is at it by itself.
    Reconciling,
    /// They do not, and nothing goes on until a person does something.
    Stalled,
    /// It could not be read; nothing is known, and nothing is written.
    Unknown,
}

/// Why an object stands as it does. Each belongs to one [`State`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Ready: tree and platform agree.
    InSync,
    /// Reconciling: a change is about to be applied.
    Pending,
    /// Reconciling: something differs, and a second read is to confirm it.
    Confirming,
    /// Reconciling: steps are being carried out.
    Applying,
    /// Reconciling: it did not succeed, and is tried again later ([`ObjectStatus::retry_at`]).
    BackingOff,
    /// Stalled: the policy leaves the apply to a person.
    AwaitingApproval,
    /// Stalled: the policy leaves the tree's changes as they are.
    ApplyOff,
    /// Stalled: the policy leaves live drift as it is.
    DriftReported,
    /// Stalled: a guard refused something ([`ObjectStatus::refusals`]).
    Refused,
    /// Stalled: somebody keeps changing back what was healed.
    KeepsChanging,
    /// Stalled: the daemon is paused, and something differs.
    Paused,
    /// Unknown: it was not read since the daemon began.
    NotReadYet,
    /// Unknown: the platform could not be read.
    Unreadable,
}

/// How one account stands, or the domain template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectStatus {
    /// The account's name in the tree; absent for the template.
    pub name: Option<AccountName>,
    /// The account's id, once it is known.
    pub id: Option<AccountId>,
    /// The company name that the tree declares. It may hold any character.
    pub company: Option<String>,
    /// The domain that the tree declares.
    pub domain: Option<String>,
    /// The assets that the tree declares; [`super::super::PublishedStatus::asset`] gives their bytes.
    pub assets: BTreeMap<AssetKind, AssetFile>,
    /// What the platform had when it was last read; absent when that is not known.
    #[serde(default)]
    pub live: Option<LiveBrand>,
    /// What the tree wants the daemon to do with it.
    pub policy: WatchPolicy,
    /// How it stands.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// The same in words, with what to do. It may hold any character.
    pub message: String,
    /// Since when state and reason are what they are.
    pub since: Timestamp,
    /// When it was last read, whole.
    pub checked: Option<Timestamp>,
    /// The document's revision when it was last read or written.
    pub revision: Option<Revision>,
    /// The commit of which it is known that the platform had all of it; absent without Git.
    pub commit: Option<String>,
    /// What the tree changed and the platform does not have yet.
    pub pending: Vec<Change>,
    /// What somebody changed on the platform.
    pub drift: Vec<Drift>,
    /// What there is to do, by whom, in order.
    pub steps: Vec<PlannedStep>,
    /// What guards refused.
    pub refusals: Vec<Refusal>,
    /// How often in a row it did not succeed.
    pub failures: u32,
    /// When it is tried again, after a failure.
    pub retry_at: Option<Timestamp>,
    /// What its DNS was found to be; absent when it was not asked.
    pub dns: Option<DnsSummary>,
}

/// What the platform shows of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveBrand {
    /// Whether it has a whitelabel at all.
    pub is_there: bool,
    /// The company name that is live. It may hold any character.
    pub company: Option<String>,
    /// The domain that is live. It may hold any character.
    pub domain: Option<String>,
    /// The assets that were asked for: what is live, or that nothing is; one that could not be read is not among them.
    pub assets: BTreeMap<AssetKind, Option<AssetFacts>>,
}

/// Something that somebody changed on the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// What: `before` is what is live, `after` what the tree wants.
    pub change: Change,
    /// When a read last did not show it; absent when every read did.
    #[serde(default)]
    pub absent: Option<Timestamp>,
    /// When it was first seen.
    pub seen: Timestamp,
    /// When a second read showed it again; it counts from then on.
    pub confirmed: Option<Timestamp>,
    /// How often it was put right lately, and came back.
    pub rounds: u32,
}

/// Who takes a step.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Taker {
    /// The next run, by itself.
    #[default]
    NextRun,
    /// The next run, once somebody approved it.
    Approval,
    /// Nobody here: the policy leaves it, whoever approves.
    Nobody,
}

/// One step that would put something right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Who takes it.
    #[serde(default)]
    pub taker: Taker,
    /// What it does, in one word.
    pub verb: Verb,
    /// The asset, for an upload.
    pub asset: Option<AssetKind>,
    /// What changes.
    pub changes: Vec<Change>,
    /// How much it can hurt.
    pub risk: Risk,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What an account's DNS was found to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsSummary {
    /// The worst of it.
    pub standing: Standing,
    /// The hosts by verdict.
    pub tally: Tally,
    /// One line for each host that is not right, and each hint.
    pub lines: Vec<String>,
    /// When it was asked.
    pub asked: Timestamp,
    /// Since when something is seen to differ.
    pub seen: Option<Timestamp>,
    /// When a second look showed it again; it counts from then on.
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
    pub const ALL: [Self; 13] = [
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
            | Self::Paused => State::Stalled,
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
    /// Begins with an object of which nothing is known yet.
    #[must_use]
    pub fn unread(name: Option<AccountName>, now: Timestamp) -> Self {
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
            steps: Vec::new(),
            refusals: Vec::new(),
            failures: 0,
            retry_at: None,
            dns: None,
        }
    }

    /// Returns what people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.name
            .as_ref()
            .map_or("domain template", AccountName::as_str)
    }

    /// Puts it into another state; [`Self::since`] moves only when state or reason do.
    pub fn put(&mut self, reason: Reason, message: impl Into<String>, now: Timestamp) {
        if self.reason != reason {
            self.reason = reason;
            self.state = reason.state();
            self.since = now;
        }
        self.message = message.into();
    }

    /// Tells whether an asset is live exactly as the tree declares it, so that the tree's bytes are the live ones.
    #[must_use]
    pub fn is_live(&self, kind: AssetKind) -> bool {
        let declared = self.assets.get(&kind).map(|file| &file.facts.digest);
        let live = self.live.as_ref().and_then(|live| live.assets.get(&kind));
        let live = live.and_then(|facts| Some(&facts.as_ref()?.digest));
        live.is_some() && live == declared
    }

    /// Iterates over the drift that a second read confirmed.
    pub fn confirmed_drift(&self) -> impl Iterator<Item = &Drift> {
        self.drift.iter().filter(|drift| drift.confirmed.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_moves_with_the_reason_alone() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut object = ObjectStatus::unread(Some(AccountName::new("acme")), at(1));
        object.put(Reason::Unreadable, "503", at(2));
        object.put(Reason::Unreadable, "timed out", at(3));
        assert_eq!((object.state, object.since), (State::Unknown, at(2)));
        assert_eq!(object.message, "timed out");
        object.put(Reason::InSync, "", at(4));
        assert_eq!((object.state, object.since), (State::Ready, at(4)));
    }
}
