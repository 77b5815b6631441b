//! Version 1 of the JSON report. The meaning of a member never changes; new members may be added.

mod from_report;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::dns::Dns;
use crate::apply::{Halt, StepStanding};
use crate::diff::{Cause, Direction, KeptReason};
use crate::model::AssetKind;
use crate::plan::{RefusalKind, Risk};
use crate::report::{Command, Status, Verb};

/// The whole report of one run of emblazon.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "emblazon report")]
pub struct Document {
    /// The version of this format; always 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// The command that was run.
    command: Command,
    /// The name of the cluster in the tree.
    cluster: Option<String>,
    /// The SHA-256 of the desired state.
    tree: Option<String>,
    /// The SHA-256 of the plan.
    plan: Option<String>,
    /// Whether no platform was read: the tree was compared with what was applied last, or for two clusters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    recorded: bool,
    /// The counts.
    summary: Summary,
    /// The mistakes in the tree, sorted by file and position.
    diagnostics: Vec<Diagnostic>,
    /// The accounts of the tree, sorted by name.
    accounts: Vec<Object>,
    /// The domain template, if the tree declares it.
    template: Option<Object>,
    /// The zones with records of accounts with `dns: manage`, sorted by name.
    zones: Vec<Object>,
    /// Refusals by guards that concern the run as a whole.
    refusals: Vec<Refusal>,
    /// Notes on the run as a whole.
    notes: Vec<String>,
    /// What is known about the tree that was applied last; null when it was not looked up.
    base: Option<Base>,
    /// Live whitelabels outside the tree.
    unmanaged: Option<Unmanaged>,
    /// The number of requests sent.
    requests: Option<Requests>,
    /// The results of the DNS check, if there was one.
    dns: Option<Dns>,
    /// The shard of the tree that this report covers, when other reports cover the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<ShardPart>,
}

/// A shard of a tree.
#[derive(Debug, Serialize, JsonSchema)]
struct ShardPart {
    /// The shard, such as `2/3`.
    shard: String,
    /// How many accounts all shards have together.
    accounts: usize,
    /// The whole report, for `report merge` of the same version; not for other programs.
    report: Value,
}

/// The counts of a run.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    /// Diagnostics that stop `plan` and `apply`.
    errors: usize,
    /// Diagnostics that do not.
    warnings: usize,
    /// Accounts of the tree.
    accounts: usize,
    /// Accounts, template and zones that are as the tree declares.
    in_sync: usize,
    /// Accounts, template and zones with planned steps.
    changing: usize,
    /// Accounts, template and zones that differ from the tree.
    differing: usize,
    /// Accounts, template and zones that could not be checked completely.
    unknown: usize,
    /// Differences that stay, because an option or a rule says so.
    kept: usize,
    /// Refusals.
    refused: usize,
    /// Planned steps.
    steps: usize,
    /// Steps that were carried out and confirmed by reading back.
    done: usize,
    /// Steps that were not carried out, because their object had changed since the plan.
    moved: usize,
    /// Steps that failed.
    failed: usize,
    /// Steps with an unknown outcome.
    uncertain: usize,
    /// Steps that were not tried, because an earlier one did not succeed.
    skipped: usize,
    /// Counts of the accounts of the tree.
    of_accounts: ObjectCounts,
    /// The domain template, if the tree declares it.
    of_template: ObjectCounts,
    /// Counts of the zones with records of accounts with `dns: manage`.
    of_zones: ObjectCounts,
    /// Counts of steps by standing, which add up to all steps; all are 0 before an apply.
    outcomes: Outcomes,
}

/// Counts of objects of one kind, before any step. `in_sync`, `differing`, `unknown` and `kept` add up to the total, unless
/// some objects were not compared, or are refused without a difference.
#[derive(Debug, Serialize, JsonSchema)]
struct ObjectCounts {
    /// All objects.
    total: usize,
    /// Objects that are as the tree declares.
    in_sync: usize,
    /// Objects that differ from the tree.
    differing: usize,
    /// Objects without a known difference that could not be checked completely.
    unknown: usize,
    /// Objects that differ only in what stays.
    kept: usize,
    /// Differing objects with planned steps.
    changing: usize,
    /// Differing objects that could not be checked completely.
    partly_unknown: usize,
}

/// Counts of steps by standing.
#[derive(Debug, Serialize, JsonSchema)]
struct Outcomes {
    /// Steps that were carried out and confirmed by reading back.
    done: usize,
    /// Steps that were tried and did not succeed.
    failed: usize,
    /// Steps that were sent, with an unknown effect.
    unknown: usize,
    /// Steps of which nothing was written, and which did not fail themselves: their object had changed, a step before
    /// did not succeed, or the run ended first.
    not_begun: usize,
}

/// What is known about the tree that was applied last.
#[derive(Debug, Serialize, JsonSchema)]
struct Base {
    /// `known`, `no_ref`, `shallow_missing`, `no_longer_parses`, `not_a_git_repository`, `unreadable`, `not_fetched`,
    /// `other_platform`, or, when the commit that the ref points to is not trusted, `not_in_history`, `history_cut_off`
    /// or `not_signed`.
    state: &'static str,
    /// The commit that the ref points to.
    commit: Option<String>,
    /// What the state means, and what to do.
    message: String,
}

/// One mistake in the tree.
#[derive(Debug, Serialize, JsonSchema)]
struct Diagnostic {
    /// The stable code, such as `EB0101`.
    code: &'static str,
    /// `error` or `warning`.
    severity: &'static str,
    /// What is wrong.
    message: String,
    /// What to do.
    help: String,
    /// The place to change.
    place: Option<Place>,
    /// Places that explain the mistake.
    related: Vec<Place>,
}

/// A range in a file of the tree; lines and columns start at 1, columns count characters.
#[derive(Debug, Serialize, JsonSchema)]
struct Place {
    /// The path, relative to the top of the tree.
    file: String,
    /// The first line.
    line: u32,
    /// The first column.
    column: u32,
    /// The last line.
    end_line: u32,
    /// The column after the last one.
    end_column: u32,
    /// A short text about this place; may be empty.
    label: String,
}

/// One account, one zone, or the domain template.
#[derive(Debug, Serialize, JsonSchema)]
struct Object {
    /// The name of the account in the tree; null for the template and for zones.
    name: Option<String>,
    /// The name of the zone; null for accounts and for the template.
    zone: Option<String>,
    /// The id of the account on the platform, if known.
    id: Option<String>,
    /// Its status.
    status: Status,
    /// Why it could not be checked completely.
    unknown: Vec<String>,
    /// The steps that are planned or were carried out, in order.
    steps: Vec<Step>,
    /// Refusals by guards.
    refusals: Vec<Refusal>,
    /// What differed before any step, including what no step fixes.
    changes: Vec<Change>,
    /// What differs and stays; none of it is in `changes`.
    kept: Vec<Kept>,
    /// Notes on the object as a whole.
    notes: Vec<String>,
}

/// One step.
#[derive(Debug, Serialize, JsonSchema)]
struct Step {
    /// Its number in the plan, from 0.
    id: u32,
    /// What it does.
    action: Verb,
    /// The asset of an upload.
    asset: Option<AssetKind>,
    /// What can go wrong with it.
    risk: Risk,
    /// What changes; never empty.
    changes: Vec<Change>,
    /// Other accounts whose steps must come first.
    waits_for: Vec<String>,
    /// For how many seconds resolvers may give the old records after a step that replaces some; null otherwise.
    old_answers_for: Option<u32>,
    /// Notes for the reader.
    notes: Vec<String>,
    /// Its standing; null before an apply.
    standing: Option<StepStanding>,
    /// Its outcome; null before an apply.
    outcome: Option<Outcome>,
}

/// One difference.
#[derive(Debug, Serialize, JsonSchema)]
struct Change {
    /// `setting`, `asset`, `host`, `record_type`, `records` or `whitelabel`.
    kind: &'static str,
    /// The dotted path of a setting, the asset, the record type, or empty.
    key: String,
    /// The host, for a host of the template and for records in the DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// The record type that a host of the template moves from, to the one in `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_from: Option<String>,
    /// The live value.
    before: Side,
    /// The desired value.
    after: Side,
    /// What caused it.
    cause: Cause,
    /// Which side changed since the tree was applied last: `git`, `live` or `both`; null when it is unknown what was
    /// applied last.
    direction: Option<Direction>,
    /// The file in the tree that declares it.
    file: Option<String>,
    /// The line in that file.
    line: Option<u32>,
    /// The column in that line.
    column: Option<u32>,
}

/// A difference that stays.
#[derive(Debug, Serialize, JsonSchema)]
struct Kept {
    /// Why it stays.
    reason: KeptReason,
    /// The difference.
    #[serde(flatten)]
    change: Change,
}

/// One side of a difference.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Side {
    /// It does not exist.
    Absent,
    /// It exists; there is no more to say about it.
    Present,
    /// It could not be read.
    Unread,
    /// A value of the whitelabel, a host of the template, or the texts of the records in the DNS.
    Value {
        /// The value.
        value: Value,
    },
    /// An asset.
    Asset {
        /// The SHA-256 of its bytes.
        sha256: String,
        /// The number of bytes.
        size: u64,
        /// The content type, detected from the content.
        content_type: Option<&'static str>,
        /// The width in pixels.
        width: Option<u32>,
        /// The height in pixels.
        height: Option<u32>,
    },
}

/// The outcome of a step.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Outcome {
    /// The server accepted it, and reading it back confirmed it.
    Done {
        /// The revision after it.
        revision: Option<String>,
    },
    /// The object had changed since the plan; nothing was written.
    Moved {
        /// What was expected and what was found.
        reason: String,
    },
    /// It was refused, or could not be carried out.
    Failed {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was sent, and its effect could not be determined.
    Unknown {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was not tried.
    Skipped {
        /// The number of the step that did not succeed.
        because: u32,
    },
    /// It was not tried, because the run ended first.
    NotBegun {
        /// What ended the run.
        halt: Halt,
        /// The reason in words, and what to do.
        reason: String,
    },
}

/// A refusal by a guard.
#[derive(Debug, Serialize, JsonSchema)]
struct Refusal {
    /// The guard.
    guard: RefusalKind,
    /// Why it was refused.
    message: String,
    /// The narrowest way to allow it.
    help: String,
}

/// Live whitelabels outside the tree.
#[derive(Debug, Serialize, JsonSchema)]
struct Unmanaged {
    /// How many accounts of the tree have a live whitelabel, as far as they could be read.
    managed: usize,
    /// The share of live whitelabels that the tree covers, in whole percent; a lower limit when an account could not be
    /// read.
    covered_percent: Option<usize>,
    /// The accounts; null when they could not be listed.
    accounts: Option<Vec<UnmanagedAccount>>,
    /// Why they could not be listed.
    unknown: Option<String>,
}

/// An account with a whitelabel that is not in the tree.
#[derive(Debug, Serialize, JsonSchema)]
struct UnmanagedAccount {
    /// The id of the account.
    id: String,
    /// The name of the account on the platform.
    name: String,
    /// The realm of the account.
    realm: String,
}

/// How many requests were sent.
#[derive(Debug, Serialize, JsonSchema)]
struct Requests {
    /// Requests that read.
    reading: u64,
    /// Requests that write.
    writing: u64,
}
