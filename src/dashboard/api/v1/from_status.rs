//! Published status → answers of the API.

use super::{
    AccountsV1, AlertV1, AuthorV1, BrandV1, CauseV1, CertificateV1, ChangeV1, ChannelV1, CommitV1,
    CountsV1, DeclinedV1, DnsV1, DriftV1, EventsV1, HealthV1, HistoryV1, IncidentV1,
    InterventionV1, KeepV1, LeftV1, MistakeV1, ModeV1, ObjectV1, OutcomeV1, PartV1, PauseV1,
    PlanV1, PlannedReasonV1, PlannedV1, ProbeV1, ProbesV1, RefusalV1, RoleV1, RunV1, SourceV1,
    StatusV1, StepV1, SummaryV1, TakersV1,
};
use crate::alert::ChannelStatus;
use crate::daemon::{
    Alert, Author, Declined, DnsSummary, Drift, EventStatus, Health, Incident, Intervention, Keep,
    LiveBrand, Mistake, Mode, ObjectStatus, Part, Pause, PlannedStep, ProbeCount, ProbeSummary,
    Role, Run, State, Status, Taker,
};
use crate::dashboard::intervene::obstacle;
use crate::dashboard::page::{Selected, path};
use crate::diff::Change;
use crate::plan::{Refusal, Subject};
use crate::report::{Line, lines};

impl StatusV1 {
    pub(in crate::dashboard::api) fn new(status: &Status, channels: &[ChannelStatus]) -> Self {
        let cluster = &status.cluster;
        let source = &cluster.source;
        let (role, holder) = match &cluster.role {
            Role::Starting => (RoleV1::Starting, None),
            Role::Leader { .. } => (RoleV1::Leader, None),
            Role::Leaseless { reason, .. } => (RoleV1::Leaseless, Some(reason.clone())),
            Role::Standby { holder, .. } => (RoleV1::Standby, Some(holder.clone())),
        };
        Self {
            version: 1,
            emblazon: env!("CARGO_PKG_VERSION"),
            revision: status.version,
            cluster: text(cluster.name.as_ref()),
            started: cluster.started.to_string(),
            beat: cluster.beat.to_string(),
            role,
            holder,
            mode: match cluster.mode {
                Mode::Idle => ModeV1::Idle,
                Mode::Running(_) => ModeV1::Running,
                Mode::Stopping => ModeV1::Stopping,
            },
            source: SourceV1 {
                place: source.place.clone(),
                branch: source.branch.clone(),
                seen: source.seen.clone(),
                commit: source.commit.clone(),
                subject: source.subject.clone(),
                signer: source.signer.clone(),
                tree: text(source.tree.as_ref()),
                since: text(source.since.as_ref()),
                checked: text(source.checked.as_ref()),
                problem: source.problem.clone(),
                rejected: source.rejected.as_ref().map(|commit| CommitV1 {
                    id: commit.id.clone(),
                    subject: commit.subject.clone(),
                    author: commit.author.clone(),
                }),
                mistakes: source.mistakes.iter().map(MistakeV1::from).collect(),
            },
            paused: cluster.paused.as_ref().map(PauseV1::from),
            down_since: text(cluster.down_since.as_ref()),
            last_run: cluster.last_run.as_ref().map(RunV1::from),
            next_run: text(cluster.next_run.as_ref()),
            plan: text(cluster.plan.as_ref()),
            approval: cluster
                .approval
                .as_ref()
                .map(|given| (&given.author).into()),
            objects: CountsV1 {
                ready: status.count(State::Ready),
                reconciling: status.count(State::Reconciling),
                stalled: status.count(State::Stalled),
                unknown: status.count(State::Unknown),
            },
            events: cluster.events.as_ref().map(EventsV1::from),
            refusals: cluster.refusals.iter().map(RefusalV1::from).collect(),
            alerts: cluster.alerts.iter().map(AlertV1::from).collect(),
            channels: channels.iter().map(ChannelV1::from).collect(),
        }
    }
}

impl From<&EventStatus> for EventsV1 {
    fn from(events: &EventStatus) -> Self {
        Self {
            by: events.by,
            hooks: events.hooks,
            subscriptions: events.subscriptions,
            problem: events.problem.clone(),
            heard: events.heard,
            last: text(events.last.as_ref()),
            restored: events.restored,
        }
    }
}

impl AccountsV1 {
    pub(in crate::dashboard::api) fn new(page: &Selected<'_>) -> Self {
        Self {
            version: 1,
            total: page.total,
            page: page.page,
            pages: page.pages,
            accounts: page.accounts.iter().copied().map(SummaryV1::from).collect(),
        }
    }
}

impl From<&ObjectStatus> for SummaryV1 {
    fn from(object: &ObjectStatus) -> Self {
        Self {
            name: object.title().to_owned(),
            id: text(object.id.as_ref()),
            company: object.company.clone(),
            domain: object.domain.clone(),
            live: object.live.as_ref().map(BrandV1::from),
            state: object.state,
            reason: object.reason,
            message: object.message.clone(),
            since: object.since.to_string(),
            checked: text(object.checked.as_ref()),
            drift: object.confirmed_drift().count(),
            pending: object.pending.len(),
            health: object.health_state(),
            dns: object.dns.as_ref().map(|dns| dns.standing),
        }
    }
}

impl From<&ObjectStatus> for ObjectV1 {
    fn from(object: &ObjectStatus) -> Self {
        Self {
            version: 1,
            name: text(object.name.account()),
            id: text(object.id.as_ref()),
            company: object.company.clone(),
            domain: object.domain.clone(),
            declared: BrandV1::declared(object),
            live: object.live.as_ref().map(BrandV1::from),
            state: object.state,
            reason: object.reason,
            message: object.message.clone(),
            since: object.since.to_string(),
            checked: text(object.checked.as_ref()),
            revision: object
                .revision
                .as_ref()
                .map(|revision| revision.as_str().to_owned()),
            commit: object.commit.clone(),
            pending: changes(&object.pending),
            drift: object.drift.iter().map(DriftV1::from).collect(),
            keep: (object.keep.as_ref()).map(|keep| keep_v1(object, keep)),
            steps: object.steps.iter().map(StepV1::from).collect(),
            refusals: object.refusals.iter().map(RefusalV1::from).collect(),
            part: object.part.as_ref().map(PartV1::from),
            declined: object.declined.as_ref().map(DeclinedV1::from),
            approval: (object.approval.as_ref()).map(|given| (&given.author).into()),
            failures: object.failures,
            retry_at: text(object.retry_at.as_ref()),
            health: HealthV1::from(&object.health()),
            dns: (object.dns.as_ref()).map(|dns| DnsV1::new(dns, object.domain.as_ref())),
            probe: object.probe.as_ref().map(ProbeV1::from),
        }
    }
}

impl From<&Status> for PlanV1 {
    fn from(status: &Status) -> Self {
        let objects = status.objects().filter(|object| !object.steps.is_empty());
        let refusals = status.objects().flat_map(|object| &object.refusals);
        let objects = objects.map(|object| PlannedV1 {
            account: text(object.name.account()),
            reason: PlannedReasonV1::Object(object.reason),
            steps: object.steps.iter().map(StepV1::from).collect(),
            part: object.part.as_ref().map(PartV1::from),
            declined: object.declined.as_ref().map(DeclinedV1::from),
        });
        let others = status.cluster.others.iter().map(|other| PlannedV1 {
            account: Some(other.account.to_string()),
            reason: PlannedReasonV1::Left(LeftV1::LeftTheTree),
            steps: other.steps.iter().map(StepV1::from).collect(),
            part: other.part.as_ref().map(PartV1::from),
            declined: None,
        });
        let cluster = &status.cluster;
        Self {
            version: 1,
            digest: text(cluster.plan.as_ref()),
            steps: TakersV1 {
                next_run: status.steps(Taker::NextRun),
                approval: status.steps(Taker::Approval),
                nobody: status.steps(Taker::Nobody),
            },
            obstacle: obstacle(status).err().map(|refused| refused.why),
            approval: cluster
                .approval
                .as_ref()
                .map(|given| (&given.author).into()),
            objects: objects.chain(others).collect(),
            refusals: status
                .cluster
                .refusals
                .iter()
                .chain(refusals)
                .map(RefusalV1::from)
                .collect(),
        }
    }
}

impl HistoryV1 {
    pub(in crate::dashboard::api) fn new(status: &Status, limit: usize) -> Self {
        let newest = status.history.incidents.iter().rev().take(limit);
        Self {
            version: 1,
            incidents: newest.map(IncidentV1::from).collect(),
            interventions: (status.history.interventions.iter().rev())
                .take(limit)
                .map(InterventionV1::from)
                .collect(),
        }
    }
}

impl From<&Part> for PartV1 {
    fn from(part: &Part) -> Self {
        Self {
            digest: part.plan.to_string(),
            steps: part.steps,
            alone: part.is_alone,
        }
    }
}

impl From<&Declined> for DeclinedV1 {
    fn from(declined: &Declined) -> Self {
        Self {
            author: (&declined.author).into(),
            plan: declined.plan.to_string(),
            until: text(declined.until.as_ref()),
        }
    }
}

impl From<&Health> for HealthV1 {
    fn from(health: &Health) -> Self {
        let causes = health.causes().iter();
        Self {
            state: health.state(),
            causes: causes
                .map(|cause| CauseV1 {
                    state: cause.state,
                    what: cause.what.clone(),
                    remedies: cause.remedies.clone(),
                    since: text(cause.since.as_ref()),
                })
                .collect(),
        }
    }
}

impl From<&Author> for AuthorV1 {
    fn from(author: &Author) -> Self {
        Self {
            at: author.at.to_string(),
            by: author.by.clone(),
            reason: author.reason.clone(),
            via: author.via.clone(),
        }
    }
}

impl From<&Intervention> for InterventionV1 {
    fn from(intervention: &Intervention) -> Self {
        Self {
            id: intervention.id,
            kind: intervention.kind,
            author: (&intervention.author).into(),
            plan: text(intervention.plan.as_ref()),
            object: text(intervention.object.as_ref()),
            accounts: (intervention.accounts.iter())
                .map(ToString::to_string)
                .collect(),
            until: text(intervention.until.as_ref()),
            outcome: intervention.outcome.as_ref().map(|outcome| OutcomeV1 {
                at: outcome.at.to_string(),
                done: outcome.is_done,
                message: outcome.message.clone(),
            }),
        }
    }
}

impl BrandV1 {
    fn declared(object: &ObjectStatus) -> Self {
        let assets = object.assets.iter();
        Self {
            company: object.company.clone(),
            domain: object.domain.clone(),
            assets: assets
                .map(|(kind, file)| {
                    let digest = file.facts.digest.to_string();
                    (kind.as_str().to_owned(), Some(digest))
                })
                .collect(),
        }
    }
}

impl From<&LiveBrand> for BrandV1 {
    fn from(live: &LiveBrand) -> Self {
        let assets = live.assets.iter();
        Self {
            company: live.company.clone(),
            domain: live.domain.clone(),
            assets: assets
                .map(|(kind, facts)| {
                    let digest = facts.as_ref().map(|facts| facts.digest.to_string());
                    (kind.as_str().to_owned(), digest)
                })
                .collect(),
        }
    }
}

impl From<&Incident> for IncidentV1 {
    fn from(incident: &Incident) -> Self {
        Self {
            id: incident.id,
            finding: incident.finding,
            account: text(incident.account.as_ref()),
            message: incident.message.clone(),
            commit: incident.commit.clone(),
            begun: text(incident.begun.as_ref()),
            detected: incident.detected.to_string(),
            repaired: text(incident.repaired.as_ref()),
            end: incident.end.clone(),
            time_to_detect: incident.time_to_detect().map(|time| time.as_secs_f64()),
            time_to_repair: incident.time_to_repair().map(|time| time.as_secs_f64()),
        }
    }
}

impl From<&Mistake> for MistakeV1 {
    fn from(mistake: &Mistake) -> Self {
        Self {
            code: mistake.code.clone(),
            is_error: mistake.is_error,
            file: text(mistake.file.as_ref()),
            line: mistake.line,
            column: mistake.column,
            message: mistake.message.clone(),
            help: mistake.help.clone(),
        }
    }
}

impl From<&Pause> for PauseV1 {
    fn from(pause: &Pause) -> Self {
        Self {
            reason: pause.reason.clone(),
            by: pause.by.clone(),
            since: pause.since.to_string(),
            until: text(pause.until.as_ref()),
        }
    }
}

impl From<&Run> for RunV1 {
    fn from(run: &Run) -> Self {
        Self {
            number: run.number,
            triggers: run.triggers.clone(),
            started: run.started.to_string(),
            ended: run.ended.to_string(),
            commit: run.commit.clone(),
            objects: run.objects,
            result: run.result,
            steps: run.steps,
            done: run.count.done,
            failed: run.count.failed,
            unknown: run.count.unknown,
            not_begun: run.count.not_begun,
        }
    }
}

impl From<&Refusal> for RefusalV1 {
    fn from(refusal: &Refusal) -> Self {
        let account = match &refusal.subject {
            Some(Subject::Account { name, .. }) => Some(name.to_string()),
            Some(Subject::Template | Subject::Zone(_)) | None => None,
        };
        Self {
            guard: refusal.kind,
            account,
            message: refusal.message.clone(),
            help: refusal.help.clone(),
        }
    }
}

impl From<&Alert> for AlertV1 {
    fn from(alert: &Alert) -> Self {
        Self {
            kind: alert.kind,
            account: text(alert.account.as_ref()),
            brand: alert.brand.clone(),
            message: alert.message.clone(),
            since: alert.since.to_string(),
        }
    }
}

impl From<&ChannelStatus> for ChannelV1 {
    fn from(channel: &ChannelStatus) -> Self {
        Self {
            name: channel.name.clone(),
            kind: channel.kind,
            sent: channel.sent,
            failed: channel.failed,
            last_sent: text(channel.last_sent.as_ref()),
            problem: channel.problem.clone(),
        }
    }
}

fn keep_v1(object: &ObjectStatus, keep: &Keep) -> KeepV1 {
    let pull = keep.pull.as_ref();
    KeepV1 {
        patch: (keep.patch.as_ref()).map(|_| format!("{}/keep.patch", path(object.title()))),
        digest: keep.patch.as_ref().map(ToString::to_string),
        files: keep.files,
        pull_request: pull.map(|pull| pull.number),
        link: pull.and_then(|pull| pull.link.clone()),
        problem: keep.problem.clone(),
    }
}

impl From<&Drift> for DriftV1 {
    fn from(drift: &Drift) -> Self {
        Self {
            changes: changes(std::slice::from_ref(&drift.change)),
            seen: drift.seen.to_string(),
            confirmed: text(drift.confirmed.as_ref()),
            rounds: drift.rounds,
        }
    }
}

impl From<&PlannedStep> for StepV1 {
    fn from(step: &PlannedStep) -> Self {
        Self {
            verb: step.verb,
            taken_by: step.taker,
            asset: step.asset,
            risk: step.risk,
            changes: changes(&step.changes),
            notes: step.notes.clone(),
        }
    }
}

impl From<&ProbeSummary> for ProbeV1 {
    fn from(probe: &ProbeSummary) -> Self {
        let ProbeCount {
            declared,
            other,
            unknown,
        } = probe.count;
        Self {
            host: probe.host.clone(),
            view: probe.view,
            lines: probe.lines.clone(),
            probed: probe.asked.to_string(),
            seen: text(probe.seen.as_ref()),
            confirmed: text(probe.confirmed.as_ref()),
            certificate: probe.certificate.as_ref().map(|certificate| CertificateV1 {
                ends: certificate.at.to_string(),
                is_near: certificate.is_near,
                message: certificate.sentence.clone(),
            }),
            probes: ProbesV1 {
                declared,
                other,
                unknown,
            },
        }
    }
}

impl DnsV1 {
    fn new(dns: &DnsSummary, domain: Option<&String>) -> Self {
        Self {
            domain: domain.cloned(),
            standing: dns.standing,
            hosts: dns.tally.hosts(),
            differing: dns.tally.differing(),
            unknown: dns.tally.unknown,
            lines: dns.lines.clone(),
            asked: dns.asked.to_string(),
            seen: dns.seen.map(|seen| seen.to_string()),
            confirmed: dns.confirmed.map(|confirmed| confirmed.to_string()),
        }
    }
}

fn changes(changes: &[Change]) -> Vec<ChangeV1> {
    let said = |line: Line| ChangeV1 {
        key: line.key,
        before: line.before,
        after: line.after,
        cause: line.cause,
    };
    lines(changes).into_iter().map(said).collect()
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}
