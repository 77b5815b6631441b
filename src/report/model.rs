//! The result of a run, as one value.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{DnsReport, Looks, Places, Problem};
use crate::apply::{StepCount, StepResult, StepStanding};
use crate::diag::Severity;
use crate::diff::{Cause, Change, ChangeKey, Kept, TEMPLATE};
use crate::live::{Reading, Unmanaged};
use crate::model::{
    AccountId, AccountName, AssetKind, ClusterName, Digest, RecordName, Shard, count,
};
use crate::plan::{Action, Refusal, Risk, StepId};
use crate::tree::Base;

/// The command that a report comes from; it affects the wording, not the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Only the tree was checked.
    Validate,
    /// The tree was compared with the platform.
    Plan,
    /// The tree was compared with the platform, to find what somebody changed there.
    Drift,
    /// A plan was applied.
    Apply,
    /// DNS was compared with the template.
    Dns,
    /// What the tree declares for one cluster was compared with what it declares for another one.
    Diff,
}

impl Command {
    /// Returns the machine-readable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Plan => "plan",
            Self::Drift => "drift",
            Self::Apply => "apply",
            Self::Dns => "dns",
            Self::Diff => "diff",
        }
    }
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The command.
    pub command: Command,
    /// The cluster; absent when the tree does not specify it.
    pub cluster: Option<ClusterName>,
    /// The digest of the desired state, if that could be determined.
    pub tree: Option<Digest>,
    /// The digest of the plan, if there is one.
    pub plan: Option<Digest>,
    /// Whether the tree was compared with the last applied tree, or with itself for another cluster, instead of the platform.
    pub recorded: bool,
    /// Whether a run is undone, and the desired state is a snapshot.
    #[serde(default)]
    pub restored: bool,
    /// The problems in the tree, sorted by file and place.
    pub problems: Vec<Problem>,
    /// The accounts of the tree, sorted by name.
    pub accounts: Vec<ObjectReport>,
    /// The number of accounts that are in sync and not in [`Self::accounts`]: a saved plan does not name them.
    #[serde(default)]
    pub unnamed: usize,
    /// The domain template, when the tree declares it.
    pub template: Option<ObjectReport>,
    /// The zones that hold records of accounts with `dns: manage`, sorted by name.
    pub zones: Vec<ObjectReport>,
    /// What guards refused for the run as a whole.
    pub refusals: Vec<Refusal>,
    /// Notes about the run as a whole.
    pub notes: Vec<String>,
    /// The state of the base, which is the last applied tree; absent unless requested.
    pub base: Option<BaseReport>,
    /// Live whitelabels outside the tree, if requested.
    pub coverage: Option<Coverage>,
    /// The number of requests sent, if they were counted.
    pub requests: Option<Requests>,
    /// The results of the DNS check, if there was one.
    pub dns: Option<DnsReport>,
    /// The shard of this report, if other reports cover the rest of the tree.
    pub shard: Option<ShardReport>,
    /// Places in the tree, for formats that point into files.
    pub places: Places,
}

/// What merging needs to know about a shard's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardReport {
    /// The shard.
    pub shard: Shard,
    /// The number of accounts that all shards examine together.
    pub accounts: usize,
    /// The number of accounts that this shard examined.
    pub looked_at: usize,
    /// The number of this shard's accounts with a live whitelabel.
    pub managed: usize,
    /// The number of this shard's accounts that could not be read.
    #[serde(default)]
    pub unread: usize,
    /// Notes that no longer apply once the reports are merged.
    pub notes: Vec<String>,
}

/// The result for one account, the template, or one zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectReport {
    /// The account's name in the tree; absent for the template and for zones.
    pub name: Option<AccountName>,
    /// The zone's name; absent for accounts and for the template.
    pub zone: Option<RecordName>,
    /// The account's id, when it is known.
    pub id: Option<AccountId>,
    /// The verdict.
    pub status: Status,
    /// Why it could not be checked, or not completely.
    pub unknown: Vec<String>,
    /// The planned or executed steps, in order.
    pub steps: Vec<StepReport>,
    /// What guards refused.
    pub refusals: Vec<Refusal>,
    /// The differences before any step.
    pub changes: Vec<Change>,
    /// How the brand looks on both sides, if it differs and both are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// The differences that stay.
    #[serde(default)]
    pub kept: Vec<Kept>,
    /// Notes about the object as a whole.
    pub notes: Vec<String>,
}

/// The state of the base, which is the last applied tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseReport {
    /// The machine-readable name of the state.
    pub state: &'static str,
    /// The commit that the ref names.
    pub commit: Option<String>,
    /// An explanation, and what to do.
    pub message: String,
}

/// The form from which a [`BaseReport`] is deserialised.
#[derive(Deserialize)]
struct StoredBase {
    state: String,
    commit: Option<String>,
    message: String,
}

impl<'a> Deserialize<'a> for BaseReport {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = StoredBase::deserialize(deserializer)?;
        let mut known = Base::STATES.into_iter();
        let state = known.find(|state| *state == stored.state);
        let unknown = || D::Error::custom(format!("{} is no state of a base", stored.state));
        Ok(Self {
            state: state.ok_or_else(unknown)?,
            commit: stored.commit,
            message: stored.message,
        })
    }
}

impl BaseReport {
    /// Returns whether the base is known, and with it which side moved.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.state == "known"
    }
}

impl From<&Base> for BaseReport {
    fn from(base: &Base) -> Self {
        Self {
            state: base.state(),
            commit: base.commit().map(str::to_owned),
            message: base.explained(),
        }
    }
}

/// The verdict on one object.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was not compared with any platform.
    NotCompared,
    /// Tree and platform agree.
    InSync,
    /// They differ only in what stays as it is: something rules out that it is changed.
    Kept,
    /// Steps are pending, or there are differences that are not shown.
    Pending,
    /// A guard refused some of its changes; the others may be pending or done.
    Refused,
    /// It could not be checked, or not completely, and nothing is pending. After an apply: whether the writes took
    /// effect is unknown.
    Unknown,
    /// Every step was executed and confirmed by a read-back.
    Done,
    /// Some steps were executed.
    Partly,
    /// No step succeeded, and some failed.
    Failed,
    /// No step was started, and none failed.
    NotBegun,
}

/// A step and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its number in the plan.
    pub id: StepId,
    /// What the step does.
    pub verb: Verb,
    /// The asset, for an upload.
    pub asset: Option<AssetKind>,
    /// The changes that it makes.
    pub changes: Vec<Change>,
    /// The risk.
    pub risk: Risk,
    /// Other objects whose steps must come first.
    pub waits_for: Vec<String>,
    /// For how many seconds resolvers may give old records after the step.
    #[serde(default)]
    pub old_answers_for: Option<u32>,
    /// Notes about the step.
    pub notes: Vec<String>,
    /// Its result; absent before an apply.
    pub result: Option<StepResult>,
    /// Those of the notes that came with the result.
    #[serde(default)]
    pub result_notes: Vec<String>,
}

/// What a step does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// A whitelabel is created.
    Create,
    /// Keys of a whitelabel change.
    Update,
    /// A domain is released, so that another account can claim it.
    Release,
    /// An asset is uploaded.
    Upload,
    /// A whitelabel is deleted and created again, to remove an asset.
    Recreate,
    /// A whitelabel is deleted.
    Delete,
    /// The template is replaced.
    Replace,
    /// Records of a zone are added or changed; others may be removed.
    SetRecords,
    /// Records of a zone are removed.
    RemoveRecords,
}

/// Live whitelabels outside the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many accounts of the tree have a live whitelabel, as far as they could be read.
    pub managed: usize,
    /// How many accounts of the tree could not be read; each may have one.
    #[serde(default)]
    pub unread: usize,
    /// The accounts that have a live whitelabel and are not in the tree.
    pub unmanaged: Reading<Vec<Unmanaged>>,
}

/// How many requests were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Requests that read.
    pub reading: u64,
    /// Requests that write.
    pub writing: u64,
}

/// The objects of one kind, counted by their state before any step. `in_sync`, `differing`, `unknown` and `kept` add up to
/// `total`, unless some objects were not compared, or were refused without a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectCount {
    /// All objects.
    pub total: usize,
    /// Objects that match the tree.
    pub in_sync: usize,
    /// Objects that differ from the tree.
    pub differing: usize,
    /// Objects without a known difference that could not be checked, or not completely.
    pub unknown: usize,
    /// Objects that differ only in what stays.
    pub kept: usize,
    /// Differing objects with planned steps.
    pub changing: usize,
    /// Differing objects that could not be checked completely.
    pub partly_unknown: usize,
}

impl ObjectCount {
    fn of<'a>(objects: impl IntoIterator<Item = &'a ObjectReport>) -> Self {
        let mut count = Self::default();
        for object in objects {
            let (differs, is_unknown) = (object.differs(), !object.unknown.is_empty());
            count.total += 1;
            count.in_sync += usize::from(object.status == Status::InSync);
            count.differing += usize::from(differs);
            count.kept += usize::from(object.status == Status::Kept);
            count.unknown += usize::from(is_unknown && !differs);
            count.changing += usize::from(!object.steps.is_empty());
            count.partly_unknown += usize::from(is_unknown && differs);
        }
        count
    }
}

/// The counts of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Mistakes in the tree that stop `plan` and `apply`.
    pub errors: usize,
    /// Mistakes in the tree that do not.
    pub warnings: usize,
    /// The accounts of the tree.
    pub accounts: ObjectCount,
    /// The domain template, when the tree declares it.
    pub template: ObjectCount,
    /// The zones that hold records of accounts with `dns: manage`.
    pub zones: ObjectCount,
    /// Objects (accounts, the template, and zones) that match the tree.
    pub in_sync: usize,
    /// Objects with planned steps.
    pub changing: usize,
    /// Objects that differ from the tree, with or without a step that fixes it.
    pub differing: usize,
    /// Objects that could not be checked completely.
    pub unknown: usize,
    /// Differences that stay.
    pub kept: usize,
    /// Refusals, including those for the whole run.
    pub refused: usize,
    /// Planned steps.
    pub steps: usize,
    /// The steps by standing; all zero before an apply.
    pub count: StepCount,
    /// Steps that were not started because their object had changed since the plan.
    pub moved: usize,
    /// Steps that were not started because an earlier one did not succeed.
    pub skipped: usize,
    /// Whether the run ended before all steps were attempted, for another reason than a guard or lock.
    pub cut_short: bool,
    /// Hosts whose DNS differs from the template.
    pub dns_differing: usize,
    /// Names at which phones do not find what the template says.
    pub sip_failing: usize,
    /// Domains whose DNS could not be checked completely.
    pub dns_unknown: usize,
}

impl Report {
    /// Iterates over the template, if any, then the accounts, then the zones.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectReport> {
        self.template
            .iter()
            .chain(&self.accounts)
            .chain(&self.zones)
    }

    /// Marks the report of a restore. A snapshot is no file of the tree, so that no place declares what it holds, and
    /// nobody declares that something must not be there: it was not there before.
    pub fn is_of_restore(&mut self) {
        self.restored = true;
        self.places = Places::default();
        let objects = self.accounts.iter_mut().chain(&mut self.template);
        for object in objects.chain(&mut self.zones) {
            let steps = object.steps.iter_mut().flat_map(|step| &mut step.changes);
            let kept = object.kept.iter_mut().map(|kept| &mut kept.change);
            for change in object.changes.iter_mut().chain(steps).chain(kept) {
                change.origin = None;
                if change.cause == Cause::Removal {
                    change.cause = Cause::Differs;
                }
            }
        }
    }

    /// Iterates over the differences that stay, each with its object.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&ObjectReport, &Kept)> {
        self.objects()
            .flat_map(|object| object.kept.iter().map(move |kept| (object, kept)))
    }

    /// Merges the report of the same tree for another cluster: adds mistakes and accounts that are not in this one. The
    /// result no longer belongs to a single cluster.
    pub fn also(&mut self, other: Self) {
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        self.problems.sort_by(Problem::by_place);
        let known: BTreeSet<_> = self
            .accounts
            .iter()
            .map(|known| known.name.clone())
            .collect();
        let others = other.accounts.into_iter();
        self.accounts
            .extend(others.filter(|account| !known.contains(&account.name)));
        self.accounts.sort_by(|a, b| a.name.cmp(&b.name));
        self.cluster = None;
        self.tree = None;
    }

    /// Computes the counts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            accounts: ObjectCount::of(&self.accounts),
            template: ObjectCount::of(&self.template),
            zones: ObjectCount::of(&self.zones),
            refused: self.refusals.len(),
            ..Summary::default()
        };
        summary.accounts.total += self.unnamed;
        summary.accounts.in_sync += self.unnamed;
        for problem in &self.problems {
            match problem.severity {
                Severity::Error => summary.errors += 1,
                Severity::Warning => summary.warnings += 1,
            }
        }
        if let Some(dns) = &self.dns {
            let tally = dns.tally();
            summary.dns_differing = tally.differing();
            summary.sip_failing = tally.sip_failing;
            summary.dns_unknown = dns.unknown();
        }
        for object in self.objects() {
            summary.refused += object.refusals.len();
            summary.kept += object.kept.len();
            summary.steps += object.steps.len();
            for result in object.steps.iter().filter_map(|step| step.result.as_ref()) {
                summary.count.add(result.standing());
                summary.moved += usize::from(matches!(result, StepResult::Moved { .. }));
                summary.skipped += usize::from(matches!(result, StepResult::Skipped { .. }));
                summary.cut_short |= result.halt().is_some_and(|halt| !halt.is_refusal());
            }
        }
        for kind in [summary.accounts, summary.template, summary.zones] {
            summary.in_sync += kind.in_sync;
            summary.changing += kind.changing;
            summary.differing += kind.differing;
            summary.unknown += kind.unknown + kind.partly_unknown;
        }
        summary
    }
}

/// Formats a list of the given objects: `2 of 3 accounts, the domain template and 1 zone`.
pub(super) fn kinds(accounts: Option<String>, template: bool, zones: usize) -> String {
    let mut parts: Vec<String> = accounts.into_iter().collect();
    if template {
        parts.push("the domain template".to_owned());
    }
    if zones > 0 {
        parts.push(count(zones, "zone"));
    }
    match parts.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

impl ObjectReport {
    /// Returns the display name.
    #[must_use]
    pub fn title(&self) -> &str {
        match (&self.name, &self.zone) {
            (Some(name), _) => name.as_str(),
            (None, Some(zone)) => zone.as_str(),
            (None, None) => TEMPLATE,
        }
    }

    /// Returns whether the platform differs from the tree, as far as it could be read before any step.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.steps.is_empty() || !self.changes.is_empty()
    }

    /// Iterates over the differences that no step fixes, because a guard refused or something is unknown.
    pub fn open(&self) -> impl Iterator<Item = &Change> {
        let mended = |key: &ChangeKey| {
            let changes = self.steps.iter().flat_map(|step| &step.changes);
            changes.into_iter().any(|change| change.key == *key)
        };
        self.changes
            .iter()
            .filter(move |change| !mended(&change.key))
    }

    /// Counts the steps by standing; all zero before an apply.
    #[must_use]
    pub fn count(&self) -> StepCount {
        (self.steps.iter())
            .filter_map(StepReport::standing)
            .collect()
    }

    /// Derives the status from everything else.
    #[must_use]
    pub fn verdict(&self) -> Status {
        let count = self.count();
        if count.total() > 0 {
            return match count {
                _ if count.done == self.steps.len() && self.refusals.is_empty() => Status::Done,
                _ if count.done == self.steps.len() => Status::Refused,
                _ if count.done > 0 => Status::Partly,
                _ if count.unknown > 0 => Status::Unknown,
                _ if count.failed > 0 => Status::Failed,
                _ => Status::NotBegun,
            };
        }
        if !self.refusals.is_empty() {
            Status::Refused
        } else if self.differs() {
            Status::Pending
        } else if !self.unknown.is_empty() {
            Status::Unknown
        } else if !self.kept.is_empty() {
            Status::Kept
        } else {
            Status::InSync
        }
    }
}

impl StepReport {
    /// Returns the standing of the step; `None` before an apply.
    #[must_use]
    pub fn standing(&self) -> Option<StepStanding> {
        self.result.as_ref().map(StepResult::standing)
    }

    /// Describes the step in a word or two: `update`, `upload logo`.
    #[must_use]
    pub fn what(&self) -> String {
        self.verb.of(self.asset)
    }
}

impl Coverage {
    /// Returns the share of live whitelabels that the tree covers at least, in whole percent, rounded down; `None` when
    /// the others could not be listed or when there are no whitelabels.
    #[must_use]
    pub fn percent(&self) -> Option<usize> {
        let others = self.unmanaged.known()?.len();
        (self.managed * 100).checked_div(self.managed + others)
    }

    /// Returns `at least ` where more accounts could have been counted if all could have been read.
    #[must_use]
    pub fn at_least(&self) -> &'static str {
        if self.unread == 0 { "" } else { "at least " }
    }
}

impl From<&Action> for Verb {
    fn from(action: &Action) -> Self {
        match action {
            Action::Create { .. } => Self::Create,
            Action::Update { .. } => Self::Update,
            Action::Release { .. } => Self::Release,
            Action::Upload { .. } => Self::Upload,
            Action::Recreate { .. } => Self::Recreate,
            Action::Delete => Self::Delete,
            Action::ReplaceTemplate { .. } => Self::Replace,
            Action::Records { sets } => {
                if sets.iter().any(|set| set.change.added().next().is_some()) {
                    Self::SetRecords
                } else {
                    Self::RemoveRecords
                }
            }
        }
    }
}

impl Verb {
    /// Returns the display name, with the asset for an upload.
    #[must_use]
    pub fn of(self, asset: Option<AssetKind>) -> String {
        match asset {
            Some(asset) => format!("{} {asset}", self.as_str()),
            None => self.as_str().to_owned(),
        }
    }

    /// Returns the display name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Release => "release domain",
            Self::Upload => "upload",
            Self::Recreate => "recreate",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::SetRecords => "set records",
            Self::RemoveRecords => "remove records",
        }
    }
}
