//! Version 1 of the JSON report. A member never changes its meaning; new ones may be added.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::apply::StepResult;
use crate::diag::Severity;
use crate::diff::{Cause, Change as Difference, ChangeKey, Side as DifferenceSide};
use crate::live::Reading;
use crate::model::AssetFacts;
use crate::plan::{Refusal as PlanRefusal, RefusalKind, Risk};
use crate::report::{self, ObjectReport, Report, Status, StepReport, Verb};

/// The whole report of one run of emblazon.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "emblazon report")]
pub struct Document {
    /// The version of this format; always 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// The command: `validate`, `plan`, `drift` or `apply`.
    command: &'static str,
    /// The cluster's name in the tree.
    cluster: Option<String>,
    /// The SHA-256 that names the desired state.
    tree: Option<String>,
    /// The SHA-256 that names the plan.
    plan: Option<String>,
    /// The figures.
    summary: Summary,
    /// The mistakes in the tree, sorted by file and place.
    diagnostics: Vec<Diagnostic>,
    /// The accounts of the tree, sorted by name.
    accounts: Vec<Object>,
    /// The domain template, when the tree declares it.
    template: Option<Object>,
    /// What guards refused for the run as a whole.
    refusals: Vec<Refusal>,
    /// What a reader should know of the run as a whole.
    notes: Vec<String>,
    /// Live whitelabels outside the tree.
    unmanaged: Option<Unmanaged>,
    /// The requests that were sent.
    requests: Option<Requests>,
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
    /// Accounts and template that are as the tree wants them.
    in_sync: usize,
    /// Accounts and template with planned steps.
    changing: usize,
    /// Accounts and template that differ from the tree.
    differing: usize,
    /// Accounts and template that could not be checked wholly.
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
    /// Steps that were not tried.
    skipped: usize,
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
    /// The account's name in the tree; null for the template.
    name: Option<String>,
    /// The account's id on the platform, when it is known.
    id: Option<String>,
    /// The verdict: `not_compared`, `in_sync`, `pending`, `refused`, `unknown`, `done`, `partly` or `failed`.
    status: &'static str,
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
    /// `create`, `update`, `release`, `upload`, `recreate`, `delete` or `replace`.
    action: &'static str,
    /// The asset of an upload.
    asset: Option<&'static str>,
    /// `reversible`, `customer_visible` or `destructive`.
    risk: &'static str,
    /// What changes; never empty.
    changes: Vec<Change>,
    /// Other accounts whose steps must come first.
    waits_for: Vec<String>,
    /// What a reader should know.
    notes: Vec<String>,
    /// What became of it; null before an apply.
    outcome: Option<Outcome>,
}

/// One difference.
#[derive(Debug, Serialize, JsonSchema)]
struct Change {
    /// `setting`, `asset`, `host`, `record_type` or `whitelabel`.
    kind: &'static str,
    /// The dotted path of a setting, the asset, the record type, or empty.
    key: String,
    /// The host, for a host of the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// The live side.
    before: Side,
    /// The side that the tree wants.
    after: Side,
    /// `differs`, `git`, `drift`, `conflict` or `removal`.
    cause: &'static str,
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
    /// A value of the whitelabel, or a host of the template.
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
}

/// What a guard refused.
#[derive(Debug, Serialize, JsonSchema)]
struct Refusal {
    /// The guard.
    guard: &'static str,
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

impl From<&Report> for Document {
    fn from(report: &Report) -> Self {
        Self {
            version: 1,
            command: match report.command {
                report::Command::Validate => "validate",
                report::Command::Plan => "plan",
                report::Command::Drift => "drift",
                report::Command::Apply => "apply",
            },
            cluster: report.cluster.as_ref().map(ToString::to_string),
            tree: report.tree.as_ref().map(ToString::to_string),
            plan: report.plan.as_ref().map(ToString::to_string),
            summary: report.summary().into(),
            diagnostics: report.problems.iter().map(Diagnostic::from).collect(),
            accounts: report.accounts.iter().map(Object::from).collect(),
            template: report.template.as_ref().map(Object::from),
            refusals: report.refusals.iter().map(Refusal::from).collect(),
            notes: report.notes.clone(),
            unmanaged: report.coverage.as_ref().map(Unmanaged::from),
            requests: report.requests.map(|requests| Requests {
                reading: requests.reading,
                writing: requests.writing,
            }),
        }
    }
}

impl From<report::Summary> for Summary {
    fn from(summary: report::Summary) -> Self {
        Self {
            errors: summary.errors,
            warnings: summary.warnings,
            accounts: summary.accounts,
            in_sync: summary.in_sync,
            changing: summary.changing,
            differing: summary.differing,
            unknown: summary.unknown,
            refused: summary.refused,
            steps: summary.steps,
            done: summary.done,
            moved: summary.moved,
            failed: summary.failed,
            uncertain: summary.uncertain,
            skipped: summary.skipped,
        }
    }
}

impl From<&report::Problem> for Diagnostic {
    fn from(problem: &report::Problem) -> Self {
        Self {
            code: problem.code.as_str(),
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: problem.message.clone(),
            help: problem.help.clone(),
            place: problem.primary.as_ref().map(Place::from),
            related: problem.related.iter().map(Place::from).collect(),
        }
    }
}

impl From<&report::Label> for Place {
    fn from(label: &report::Label) -> Self {
        Self {
            file: label.source.path.to_string(),
            line: label.from.line,
            column: label.from.column,
            end_line: label.to.line,
            end_column: label.to.column,
            label: label.text.clone(),
        }
    }
}

impl From<&ObjectReport> for Object {
    fn from(object: &ObjectReport) -> Self {
        Self {
            name: object.name.as_ref().map(ToString::to_string),
            id: object.id.as_ref().map(ToString::to_string),
            status: match object.status {
                Status::NotCompared => "not_compared",
                Status::InSync => "in_sync",
                Status::Pending => "pending",
                Status::Refused => "refused",
                Status::Unknown => "unknown",
                Status::Done => "done",
                Status::Partly => "partly",
                Status::Failed => "failed",
            },
            unknown: object.unknown.clone(),
            steps: object.steps.iter().map(Step::from).collect(),
            refusals: object.refusals.iter().map(Refusal::from).collect(),
            changes: object.changes.iter().map(Change::from).collect(),
            notes: object.notes.clone(),
        }
    }
}

impl From<&StepReport> for Step {
    fn from(step: &StepReport) -> Self {
        Self {
            id: step.id.0,
            action: match step.verb {
                Verb::Create => "create",
                Verb::Update => "update",
                Verb::Release => "release",
                Verb::Upload => "upload",
                Verb::Recreate => "recreate",
                Verb::Delete => "delete",
                Verb::Replace => "replace",
            },
            asset: step.asset.map(crate::model::AssetKind::as_str),
            risk: match step.risk {
                Risk::Reversible => "reversible",
                Risk::CustomerVisible => "customer_visible",
                Risk::Destructive => "destructive",
            },
            changes: step.changes.iter().map(Change::from).collect(),
            waits_for: step.waits_for.clone(),
            notes: step.notes.clone(),
            outcome: step.result.as_ref().map(Outcome::from),
        }
    }
}

impl From<&Difference> for Change {
    fn from(change: &Difference) -> Self {
        let (kind, key, host) = match &change.key {
            ChangeKey::Setting(path) => ("setting", path.to_string(), None),
            ChangeKey::Asset(kind) => ("asset", kind.to_string(), None),
            ChangeKey::Host(target) => {
                let host = Some(target.host.clone());
                ("host", target.record_type.clone(), host)
            }
            ChangeKey::RecordType(record_type) => ("record_type", record_type.clone(), None),
            ChangeKey::Whitelabel => ("whitelabel", String::new(), None),
        };
        let origin = change.origin.as_ref();
        Self {
            kind,
            key,
            host,
            before: Side::from(&change.before),
            after: Side::from(&change.after),
            cause: match change.cause {
                Cause::Differs => "differs",
                Cause::Git => "git",
                Cause::Drift => "drift",
                Cause::Conflict => "conflict",
                Cause::Removal => "removal",
            },
            file: origin.map(|origin| origin.file.to_string()),
            line: origin.map(|origin| origin.line),
            column: origin.map(|origin| origin.column),
        }
    }
}

impl From<&DifferenceSide> for Side {
    fn from(side: &DifferenceSide) -> Self {
        match side {
            DifferenceSide::Absent => Self::Absent,
            DifferenceSide::Present => Self::Present,
            DifferenceSide::Value(value) => Self::Value {
                value: value.clone(),
            },
            DifferenceSide::Host(entry) => Self::Value {
                value: serde_json::to_value(entry).unwrap_or_default(),
            },
            DifferenceSide::Asset(facts) => Self::from(facts),
        }
    }
}

impl From<&AssetFacts> for Side {
    fn from(facts: &AssetFacts) -> Self {
        Self::Asset {
            sha256: facts.digest.to_string(),
            size: facts.size,
            content_type: facts.asset_type.map(crate::model::AssetType::content_type),
            width: facts.dimensions.map(|dimensions| dimensions.width),
            height: facts.dimensions.map(|dimensions| dimensions.height),
        }
    }
}

impl From<&StepResult> for Outcome {
    fn from(result: &StepResult) -> Self {
        match result {
            StepResult::Done { revision } => Self::Done {
                revision: revision.as_ref().map(ToString::to_string),
            },
            StepResult::Moved { reason } => Self::Moved {
                reason: reason.clone(),
            },
            StepResult::Failed { reason } => Self::Failed {
                reason: reason.clone(),
            },
            StepResult::Unknown { reason } => Self::Unknown {
                reason: reason.clone(),
            },
            StepResult::Skipped { because } => Self::Skipped { because: because.0 },
        }
    }
}

impl From<&PlanRefusal> for Refusal {
    fn from(refusal: &PlanRefusal) -> Self {
        Self {
            guard: match refusal.kind {
                RefusalKind::Prune => "prune",
                RefusalKind::Recreate => "recreate",
                RefusalKind::Protected => "protected",
                RefusalKind::UnservableTemplate => "unservable_template",
                RefusalKind::DomainHeld => "domain_held",
                RefusalKind::EmptyTree => "empty_tree",
            },
            message: refusal.message.clone(),
            help: refusal.help.clone(),
        }
    }
}

impl From<&report::Coverage> for Unmanaged {
    fn from(coverage: &report::Coverage) -> Self {
        let (accounts, unknown) = match &coverage.unmanaged {
            Reading::Unknown(reason) => (None, Some(reason.clone())),
            Reading::Known(accounts) => {
                let account = |found: &crate::live::Unmanaged| UnmanagedAccount {
                    id: found.id.to_string(),
                    name: found.name.clone(),
                    realm: found.realm.clone(),
                };
                (Some(accounts.iter().map(account).collect()), None)
            }
        };
        Self {
            managed: coverage.managed,
            covered_percent: coverage.percent(),
            accounts,
            unknown,
        }
    }
}
