//! Converts a report into version 1 of the JSON report.

use super::{
    Base, Change, Diagnostic, Document, Kept, Object, ObjectCounts, Outcome, Outcomes, Place,
    Refusal, Requests, ShardPart, Side, Step, Summary, Unmanaged, UnmanagedAccount,
};
use crate::apply::StepResult;
use crate::diag::Severity;
use crate::diff::{Change as Difference, ChangeKey, Side as DifferenceSide};
use crate::live::Reading;
use crate::model::AssetFacts;
use crate::plan::Refusal as PlanRefusal;
use crate::report::json::dns::Dns;
use crate::report::{self, ObjectReport, Report, StepReport};

impl From<&Report> for Document {
    fn from(report: &Report) -> Self {
        let mut document = Self {
            version: 1,
            command: report.command,
            cluster: report.cluster.as_ref().map(ToString::to_string),
            tree: report.tree.as_ref().map(ToString::to_string),
            plan: report.plan.as_ref().map(ToString::to_string),
            recorded: report.recorded,
            summary: report.summary().into(),
            diagnostics: report.problems.iter().map(Diagnostic::from).collect(),
            accounts: report.accounts.iter().map(Object::from).collect(),
            template: report.template.as_ref().map(Object::from),
            zones: report.zones.iter().map(Object::from).collect(),
            refusals: report.refusals.iter().map(Refusal::from).collect(),
            notes: report.notes.clone(),
            base: report.base.as_ref().map(|base| Base {
                state: base.state,
                commit: base.commit.clone(),
                message: base.message.clone(),
            }),
            unmanaged: report.coverage.as_ref().map(Unmanaged::from),
            requests: report.requests.map(|requests| Requests {
                reading: requests.reading,
                writing: requests.writing,
            }),
            dns: report.dns.as_ref().map(Dns::from),
            shard: report.shard.as_ref().map(|part| ShardPart {
                shard: part.shard.to_string(),
                accounts: part.accounts,
                report: serde_json::to_value(report).unwrap_or_default(),
            }),
        };
        if !report
            .base
            .as_ref()
            .is_some_and(report::BaseReport::is_known)
        {
            document.forget_directions();
        }
        document
    }
}

impl Document {
    fn forget_directions(&mut self) {
        let objects = self.accounts.iter_mut().chain(&mut self.template);
        for object in objects.chain(&mut self.zones) {
            let steps = object.steps.iter_mut().flat_map(|step| &mut step.changes);
            let kept = object.kept.iter_mut().map(|kept| &mut kept.change);
            for change in object.changes.iter_mut().chain(steps).chain(kept) {
                change.direction = None;
            }
        }
    }
}

impl From<report::ObjectCount> for ObjectCounts {
    fn from(count: report::ObjectCount) -> Self {
        Self {
            total: count.total,
            in_sync: count.in_sync,
            differing: count.differing,
            unknown: count.unknown,
            kept: count.kept,
            changing: count.changing,
            partly_unknown: count.partly_unknown,
        }
    }
}

impl From<report::Summary> for Summary {
    fn from(summary: report::Summary) -> Self {
        Self {
            errors: summary.errors,
            warnings: summary.warnings,
            accounts: summary.accounts.total,
            in_sync: summary.in_sync,
            changing: summary.changing,
            differing: summary.differing,
            unknown: summary.unknown,
            kept: summary.kept,
            refused: summary.refused,
            steps: summary.steps,
            done: summary.count.done,
            moved: summary.moved,
            failed: summary.count.failed,
            uncertain: summary.count.unknown,
            skipped: summary.skipped,
            of_accounts: summary.accounts.into(),
            of_template: summary.template.into(),
            of_zones: summary.zones.into(),
            outcomes: Outcomes {
                done: summary.count.done,
                failed: summary.count.failed,
                unknown: summary.count.unknown,
                not_begun: summary.count.not_begun,
            },
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
            zone: object.zone.as_ref().map(ToString::to_string),
            id: object.id.as_ref().map(ToString::to_string),
            status: object.status,
            unknown: object.unknown.clone(),
            steps: object.steps.iter().map(Step::from).collect(),
            refusals: object.refusals.iter().map(Refusal::from).collect(),
            changes: object.changes.iter().map(Change::from).collect(),
            kept: (object.kept.iter())
                .map(|kept| Kept {
                    reason: kept.reason,
                    change: Change::from(&kept.change),
                })
                .collect(),
            notes: object.notes.clone(),
        }
    }
}

impl From<&StepReport> for Step {
    fn from(step: &StepReport) -> Self {
        Self {
            id: step.id.0,
            action: step.verb,
            asset: step.asset,
            risk: step.risk,
            changes: step.changes.iter().map(Change::from).collect(),
            waits_for: step.waits_for.clone(),
            old_answers_for: step.old_answers_for,
            notes: step.notes.clone(),
            standing: step.standing(),
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
            ChangeKey::Records(target) => {
                let host = Some(target.host.clone());
                ("records", target.record_type.clone(), host)
            }
            ChangeKey::RecordType(record_type) => ("record_type", record_type.clone(), None),
            ChangeKey::Whitelabel => ("whitelabel", String::new(), None),
        };
        let origin = change.origin.as_ref();
        Self {
            kind,
            key,
            host,
            moved_from: match &change.before {
                DifferenceSide::Elsewhere { target, .. } => Some(target.record_type.clone()),
                _ => None,
            },
            before: Side::from(&change.before),
            after: Side::from(&change.after),
            cause: change.cause,
            direction: change.cause.direction(),
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
            DifferenceSide::Unread => Self::Unread,
            DifferenceSide::Host(entry) | DifferenceSide::Elsewhere { entry, .. } => Self::Value {
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
            StepResult::NotBegun { halt, reason } => Self::NotBegun {
                halt: *halt,
                reason: reason.clone(),
            },
        }
    }
}

impl From<&PlanRefusal> for Refusal {
    fn from(refusal: &PlanRefusal) -> Self {
        Self {
            guard: refusal.kind,
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
