//! Version 1 of the JSON report. The meaning of a member never changes; new members may be added.

mod from_report;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::dns::Dns;
use crate::apply::{Halt, StepStanding};
use crate::diff::{Cause, Direction};
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
    /// The command.
    command: Command,
    /// The cluster's name in the tree.
    cluster: Option<String>,
    /// The SHA-256 that names the desired state.
    tree: Option<String>,
    /// The SHA-256 that names the plan.
    plan: Option<String>,
    /// Whether no platform was read: the tree was compared with what was applied last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    recorded: bool,
    /// The figures.
    summary: Summary,
    /// The mistakes in the tree, sorted by file and place.
    diagnostics: Vec<Diagnostic>,
    /// The accounts of the tree, sorted by name.
    accounts: Vec<Object>,
    /// The domain template, when the tree declares it.
    template: Option<Object>,
    /// The zones that hold records of accounts with `dns: manage`, sorted by name.
    zones: Vec<Object>,
    /// What guards refused for the run as a whole.
    refusals: Vec<Refusal>,
    /// What a reader should know of the run as a whole.
    notes: Vec<String>,
    /// What is known of the tree that was applied last; null when nobody asked.
    base: Option<Base>,
    /// Live whitelabels outside the tree.
    unmanaged: Option<Unmanaged>,
    /// The requests that were sent.
    requests: Option<Requests>,
    /// What DNS answers, when it was asked.
    dns: Option<Dns>,
    /// The part of the tree that this is about, when other reports are about the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<ShardPart>,
}

/// A part of a tree.
#[derive(Debug, Serialize, JsonSchema)]
struct ShardPart {
    /// Which one, such as `2/3`.
    shard: String,
    /// How many accounts all parts have together.
    accounts: usize,
    /// The whole report as `report merge` of the same version reads it; not for other programs.
    report: Value,
}

/// The figures of a run.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    /// Diagnostics that stop `plan` and `apply`.
    errors: usize,
    /// Diagnostics that do not.
    warnings: usize,
    /// Accounts of the tree.
    accounts: usize,
    /// Accounts, template and zones that are as the tree wants them.
    in_sync: usize,
    /// Accounts, template and zones with planned steps.
    changing: usize,
    /// Accounts, template and zones that differ from the tree.
    differing: usize,
    /// Accounts, template and zones that could not be checked wholly.
    unknown: usize,
    /// Refusals.
    refused: usize,
    /// Planned steps.
    steps: usize,
    /// Steps that were carried out and seen in the read-back.
    done: usize,
    /// Steps that were not carried out because the object had moved.
    moved: usize,
    /// Steps that failed.
    failed: usize,
    /// Steps whose outcome is not known.
    uncertain: usize,
    /// Steps that were not tried, because one before did not succeed.
    skipped: usize,
    /// The accounts of the tree, by how they stand.
    of_accounts: ObjectCounts,
    /// The domain template, when the tree declares it.
    of_template: ObjectCounts,
    /// The zones that hold records of accounts with `dns: manage`.
    of_zones: ObjectCounts,
    /// How many steps stand how: together they are all steps. All are 0 before an apply.
    outcomes: Outcomes,
}

/// How many objects of one kind stand how before any step. `in_sync`, `differing` and `unknown` are all of them, unless some were not
/// compared, or are refused without a difference.
#[derive(Debug, Serialize, JsonSchema)]
struct ObjectCounts {
    /// All of them.
    total: usize,
    /// Those that are as the tree wants them.
    in_sync: usize,
    /// Those that differ from the tree.
    differing: usize,
    /// Those of which no difference was found, because they could not be checked, or not wholly.
    unknown: usize,
    /// Those of the differing ones that steps are planned for.
    changing: usize,
    /// Those of the differing ones that could not be checked wholly.
    partly_unknown: usize,
}

/// How many steps stand how.
#[derive(Debug, Serialize, JsonSchema)]
struct Outcomes {
    /// Steps that were carried out and seen in the read-back.
    done: usize,
    /// Steps that were tried and did not succeed.
    failed: usize,
    /// Steps that were sent, with an end that nobody knows.
    unknown: usize,
    /// Steps of which nothing was written, without anything being wrong with them: the object had moved, a step before
    /// did not succeed, or the run ended before.
    not_begun: usize,
}

/// What is known of the tree that was applied last.
#[derive(Debug, Serialize, JsonSchema)]
struct Base {
    /// `known`, `no_ref`, `shallow_missing`, `no_longer_parses`, `not_a_git_repository`, `unreadable`,
    /// `not_fetched`, `other_platform`, or, when nothing vouches for the commit that the ref names, `not_in_history`,
    /// `history_cut_off` or `not_signed`.
    state: &'static str,
    /// The commit that the ref names.
    commit: Option<String>,
    /// What that means, and what to do.
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
    /// The place that is to be changed.
    place: Option<Place>,
    /// Places that explain it.
    related: Vec<Place>,
}

/// A range in a file of the tree; lines and columns start at 1, columns count characters.
#[derive(Debug, Serialize, JsonSchema)]
struct Place {
    /// The path from the tree's top.
    file: String,
    /// The first line.
    line: u32,
    /// The first column.
    column: u32,
    /// The last line.
    end_line: u32,
    /// The column after the last one.
    end_column: u32,
    /// A few words on this place; may be empty.
    label: String,
}

/// One account, or the template.
#[derive(Debug, Serialize, JsonSchema)]
struct Object {
    /// The account's name in the tree; null for the template and for zones.
    name: Option<String>,
    /// The zone's name; null for accounts and for the template.
    zone: Option<String>,
    /// The account's id on the platform, when it is known.
    id: Option<String>,
    /// The verdict.
    status: Status,
    /// Why it could not be checked, or not wholly.
    unknown: Vec<String>,
    /// What is to be done, or was done, in order.
    steps: Vec<Step>,
    /// What guards refused.
    refusals: Vec<Refusal>,
    /// What differed before any step; what no step mends is here only.
    changes: Vec<Change>,
    /// What a reader should know of it as a whole.
    notes: Vec<String>,
}

/// One write.
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
    /// What a reader should know.
    notes: Vec<String>,
    /// Its standing; null before an apply.
    standing: Option<StepStanding>,
    /// What became of it; null before an apply.
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
    /// The record type below which a host of the template stands, when it moves from there to `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_from: Option<String>,
    /// The live side.
    before: Side,
    /// The side that the tree wants.
    after: Side,
    /// Where it comes from.
    cause: Cause,
    /// Which side moved since the tree was applied last: `git`, `live` or `both`; null when it is not known
    /// what was applied last.
    direction: Option<Direction>,
    /// The file in the tree that declares it.
    file: Option<String>,
    /// The line in that file.
    line: Option<u32>,
    /// The column in that line.
    column: Option<u32>,
}

/// One side of a difference.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Side {
    /// It is not there.
    Absent,
    /// It is there; there is no more to say about it.
    Present,
    /// Whatever is there, it could not be read.
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
        /// The content type, by content.
        content_type: Option<&'static str>,
        /// The width in pixels.
        width: Option<u32>,
        /// The height in pixels.
        height: Option<u32>,
    },
}

/// What became of a step.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Outcome {
    /// The server accepted it and the read-back shows it.
    Done {
        /// The revision after it.
        revision: Option<String>,
    },
    /// The object had moved since the plan; nothing was written.
    Moved {
        /// What was expected and what was found.
        reason: String,
    },
    /// It was refused, or could not be carried out.
    Failed {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was sent, and what became of it could not be found out.
    Unknown {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was not tried.
    Skipped {
        /// The number of the step that did not succeed.
        because: u32,
    },
    /// It was not tried, because the run ended before.
    NotBegun {
        /// What ended the run.
        halt: Halt,
        /// The same in words, and what to do.
        reason: String,
    },
}

/// What a guard refused.
#[derive(Debug, Serialize, JsonSchema)]
struct Refusal {
    /// The guard.
    guard: RefusalKind,
    /// Why.
    message: String,
    /// The narrow way to allow this one.
    help: String,
}

/// Live whitelabels outside the tree.
#[derive(Debug, Serialize, JsonSchema)]
struct Unmanaged {
    /// How many accounts of the tree have a live whitelabel.
    managed: usize,
    /// The share that the tree covers, in whole percent.
    covered_percent: Option<usize>,
    /// The accounts; null when they could not be listed.
    accounts: Option<Vec<UnmanagedAccount>>,
    /// Why they could not be listed.
    unknown: Option<String>,
}

/// An account with a whitelabel that is not in the tree.
#[derive(Debug, Serialize, JsonSchema)]
struct UnmanagedAccount {
    /// Its id.
    id: String,
    /// Its name on the platform.
    name: String,
    /// Its realm.
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
