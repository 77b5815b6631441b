//! What a run has to say, as one value.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{DnsReport, Places, Problem};
use crate::apply::{StepCount, StepResult, StepStanding};
use crate::diag::Severity;
use crate::diff::{Change, ChangeKey, TEMPLATE};
use crate::live::{Reading, Unmanaged};
use crate::model::{
    AccountId, AccountName, AssetKind, ClusterName, Digest, RecordName, Shard, count,
};
use crate::plan::{Action, Refusal, Risk, StepId};
use crate::tree::Base;

/// Names the command that a report comes from; it decides the words, not the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The tree alone was checked.
    Validate,
    /// The tree was compared with the platform.
    Plan,
    /// The same, seen as what somebody changed on the platform.
    Drift,
    /// The steps were carried out.
    Apply,
    /// DNS was compared with the template.
    Dns,
}

impl Command {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Plan => "plan",
            Self::Drift => "drift",
            Self::Apply => "apply",
            Self::Dns => "dns",
        }
    }
}

/// What a run has to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The command.
    pub command: Command,
    /// The cluster; absent when the tree does not say which.
    pub cluster: Option<ClusterName>,
    /// The digest of the desired state, when it could be made out.
    pub tree: Option<Digest>,
    /// The digest of the plan, when there is one.
    pub plan: Option<Digest>,
    /// Whether no platform was read: the tree was compared with what was applied last.
    pub recorded: bool,
    /// What is wrong in the tree, sorted by file and place.
    pub problems: Vec<Problem>,
    /// The accounts of the tree, sorted by name.
    pub accounts: Vec<ObjectReport>,
    /// The domain template, when the tree declares it.
    pub template: Option<ObjectReport>,
    /// The zones that hold records of accounts with `dns: manage`, sorted by name.
    pub zones: Vec<ObjectReport>,
    /// What guards refused for the run as a whole.
    pub refusals: Vec<Refusal>,
    /// What a reader should know of the run as a whole.
    pub notes: Vec<String>,
    /// What is known of the tree that was applied last; absent when nobody asked.
    pub base: Option<BaseReport>,
    /// Live whitelabels outside the tree, when somebody asked for them.
    pub coverage: Option<Coverage>,
    /// The requests that were sent, when they were counted.
    pub requests: Option<Requests>,
    /// What DNS answers, when it was asked.
    pub dns: Option<DnsReport>,
    /// The part of the tree that this is about, when other reports are about the rest.
    pub shard: Option<ShardReport>,
    /// Where things stand in the tree, for formats that point into files.
    pub places: Places,
}

/// What a shard's report says for the merging of all shards' reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardReport {
    /// Which it is.
    pub shard: Shard,
    /// How many accounts all of them look at together.
    pub accounts: usize,
    /// How many of them this one looked at.
    pub looked_at: usize,
    /// How many of this one's accounts have a live whitelabel.
    pub managed: usize,
    /// Which of the notes are of no interest once all reports are one.
    pub notes: Vec<String>,
}

/// What there is to say about one account, about the template, or about one zone.
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
    /// Why it could not be checked, or not wholly.
    pub unknown: Vec<String>,
    /// What is to be done, or was done, in order.
    pub steps: Vec<StepReport>,
    /// What guards refused.
    pub refusals: Vec<Refusal>,
    /// What differed before any step.
    pub changes: Vec<Change>,
    /// What a reader should know of it as a whole.
    pub notes: Vec<String>,
}

/// What is known of the tree that was applied last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseReport {
    /// The word for machines.
    pub state: &'static str,
    /// The commit that the ref names.
    pub commit: Option<String>,
    /// What it means, and what to do.
    pub message: String,
}

/// What a base report is read back from.
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
    /// Tells whether it is known, so that it can be told which side moved.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was not compared with any platform.
    NotCompared,
    /// Tree and platform agree.
    InSync,
    /// Steps are pending, or it differs in what is not shown.
    Pending,
    /// A guard refused some of it; what it did not refuse may be pending or done.
    Refused,
    /// It could not be checked, or not wholly, and nothing is pending; after an apply, nobody knows whether what was
    /// sent was carried out.
    Unknown,
    /// Every step was carried out and seen in the read-back.
    Done,
    /// Some steps were carried out.
    Partly,
    /// No step was carried out, and some failed.
    Failed,
    /// No step was begun, and none failed.
    NotBegun,
}

/// One step and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its number in the plan.
    pub id: StepId,
    /// What it does, in one word.
    pub verb: Verb,
    /// The asset, for an upload.
    pub asset: Option<AssetKind>,
    /// What changes.
    pub changes: Vec<Change>,
    /// How much it can hurt.
    pub risk: Risk,
    /// The objects whose steps must come first; the object's own are left out.
    pub waits_for: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// What became of it; absent before an apply.
    pub result: Option<StepResult>,
}

/// What a step does, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// A whitelabel is made.
    Create,
    /// Keys of a whitelabel change.
    Update,
    /// A domain is given up, for another account to take.
    Release,
    /// An asset is put up.
    Upload,
    /// A whitelabel is deleted and made again, to lose an asset.
    Recreate,
    /// A whitelabel is deleted.
    Delete,
    /// The template is replaced.
    Replace,
    /// Records of a zone are entered or changed, and taken out.
    SetRecords,
    /// Records of a zone are taken out.
    RemoveRecords,
}

/// Live whitelabels outside the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many accounts of the tree have a live whitelabel.
    pub managed: usize,
    /// The accounts that have one and are not in the tree.
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

/// How many objects of one kind stand how before any step. Those in sync, those that differ and those of which nothing is known
/// are all of them, unless some were not compared, or are refused without a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectCount {
    /// All of them.
    pub total: usize,
    /// Those that are as the tree wants them.
    pub in_sync: usize,
    /// Those that differ from the tree.
    pub differing: usize,
    /// Those of which no difference was found, because they could not be checked, or not wholly.
    pub unknown: usize,
    /// Those of the differing ones that steps are planned for.
    pub changing: usize,
    /// Those of the differing ones that could not be checked wholly.
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
            count.unknown += usize::from(is_unknown && !differs);
            count.changing += usize::from(!object.steps.is_empty());
            count.partly_unknown += usize::from(is_unknown && differs);
        }
        count
    }
}

/// The figures of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Mistakes in the tree that stop `plan` and `apply`.
    pub errors: usize,
    /// Mistakes that do not.
    pub warnings: usize,
    /// The accounts of the tree.
    pub accounts: ObjectCount,
    /// The domain template, when the tree declares it.
    pub template: ObjectCount,
    /// The zones that hold records of accounts with `dns: manage`.
    pub zones: ObjectCount,
    /// Objects (accounts, the template, and zones) that are as the tree wants them.
    pub in_sync: usize,
    /// Objects that steps are planned for.
    pub changing: usize,
    /// Objects that differ from the tree, with or without a step that mends it.
    pub differing: usize,
    /// Objects that could not be checked wholly.
    pub unknown: usize,
    /// Refusals, those for the whole run included.
    pub refused: usize,
    /// Planned steps.
    pub steps: usize,
    /// How many of them stand how; nothing before an apply.
    pub count: StepCount,
    /// Those of the steps not begun whose object had moved.
    pub moved: usize,
    /// Those of the steps not begun that one before kept from it.
    pub skipped: usize,
    /// Whether the run ended before all of its steps, and no guard or lock did that.
    pub cut_short: bool,
    /// Hosts whose DNS differs from the template.
    pub dns_differing: usize,
    /// Domains whose DNS could not be checked wholly.
    pub dns_unknown: usize,
}

impl Report {
    /// Iterates over the template, if any, the accounts, and the zones.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectReport> {
        self.template
            .iter()
            .chain(&self.accounts)
            .chain(&self.zones)
    }

    /// Takes in what the same tree's report for another cluster says: mistakes and accounts that are not
    /// in this one. The result is about no single cluster.
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

    /// Counts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            accounts: ObjectCount::of(&self.accounts),
            template: ObjectCount::of(&self.template),
            zones: ObjectCount::of(&self.zones),
            refused: self.refusals.len(),
            ..Summary::default()
        };
        for problem in &self.problems {
            match problem.severity {
                Severity::Error => summary.errors += 1,
                Severity::Warning => summary.warnings += 1,
            }
        }
        if let Some(dns) = &self.dns {
            summary.dns_differing = dns.tally().differing();
            summary.dns_unknown = dns.unknown();
        }
        for object in self.objects() {
            summary.refused += object.refusals.len();
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

/// Names what is meant of a tree's accounts, its template and its zones: `2 of 3 accounts, the domain template and 1 zone`.
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
    /// Returns what people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        match (&self.name, &self.zone) {
            (Some(name), _) => name.as_str(),
            (None, Some(zone)) => zone.as_str(),
            (None, None) => TEMPLATE,
        }
    }

    /// Tells whether the platform differs from the tree, as far as it could be read before any step.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.steps.is_empty() || !self.changes.is_empty()
    }

    /// Iterates over the differences that no step mends, because a guard refused or something is unknown.
    pub fn open(&self) -> impl Iterator<Item = &Change> {
        let mended = |key: &ChangeKey| {
            let changes = self.steps.iter().flat_map(|step| &step.changes);
            changes.into_iter().any(|change| change.key == *key)
        };
        self.changes
            .iter()
            .filter(move |change| !mended(&change.key))
    }

    /// Counts how many steps stand how; nothing before an apply.
    #[must_use]
    pub fn count(&self) -> StepCount {
        StepCount::of(self.steps.iter().filter_map(|step| step.result.as_ref()))
    }

    /// Works the verdict out from everything else.
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
        } else {
            Status::InSync
        }
    }
}

impl StepReport {
    /// Returns how it stands; `None` before an apply.
    #[must_use]
    pub fn standing(&self) -> Option<StepStanding> {
        self.result.as_ref().map(StepResult::standing)
    }

    /// Says what it does, in a word or two: `update`, `upload logo`.
    #[must_use]
    pub fn what(&self) -> String {
        self.verb.of(self.asset)
    }
}

impl Coverage {
    /// Returns the share of live whitelabels that the tree covers, in whole percent, rounded down; absent when the
    /// others could not be listed or when there is none at all.
    #[must_use]
    pub fn percent(&self) -> Option<usize> {
        let others = self.unmanaged.known()?.len();
        (self.managed * 100).checked_div(self.managed + others)
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
    /// Returns the word, with the asset of an upload.
    #[must_use]
    pub fn of(self, asset: Option<AssetKind>) -> String {
        match asset {
            Some(asset) => format!("{} {asset}", self.as_str()),
            None => self.as_str().to_owned(),
        }
    }

    /// Returns the word.
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
