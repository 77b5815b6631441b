//! The answers of version 1 of the API.

mod from_status;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::daemon::{
    AlertKind, EventSource, Finding, HealthState, InterventionKind, Reason, RunResult, State,
    Taker, Trigger,
};
use crate::plan::RefusalKind;
use crate::report::Verb;

/// The daemon, and the cluster as a whole.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct StatusV1 {
    /// The version of this format.
    version: u32,
    /// The running version of emblazon.
    emblazon: &'static str,
    /// Grows with every change of the status.
    revision: u64,
    /// The cluster, once a tree that names it was read.
    cluster: Option<String>,
    /// When the daemon started; as all times, in RFC 3339.
    started: String,
    /// When its loop last completed a cycle.
    beat: String,
    /// Whether it writes.
    role: RoleV1,
    /// The leader, for a standby; why the lease cannot be taken, for a daemon without it.
    holder: Option<String>,
    /// What its loop is doing.
    mode: ModeV1,
    /// The source of the tree.
    source: SourceV1,
    /// The pause, while somebody has paused the daemon.
    paused: Option<PauseV1>,
    /// Since when the platform cannot be read.
    down_since: Option<String>,
    /// The last run.
    last_run: Option<RunV1>,
    /// When the next one is due.
    next_run: Option<String>,
    /// The digest of the plan that somebody can approve.
    plan: Option<String>,
    /// The approval that is being carried out, or about to be.
    approval: Option<AuthorV1>,
    /// The number of objects in each state.
    objects: CountsV1,
    /// What the platform tells of its changes; null when it is not asked to.
    events: Option<EventsV1>,
    /// Refusals by guards that concern a run as a whole.
    refusals: Vec<RefusalV1>,
    /// The current alerts.
    alerts: Vec<AlertV1>,
    /// Delivery statistics of alerts, by channel.
    channels: Vec<ChannelV1>,
}

/// What the platform tells of its changes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct EventsV1 {
    /// What tells.
    by: EventSource,
    /// The number of webhooks that the daemon keeps there; zero where somebody else made them.
    hooks: usize,
    /// The number of accounts that Blackhole tells of.
    subscriptions: usize,
    /// Why there are none, or not all; the accounts are read by the interval all the same.
    problem: Option<String>,
    /// The number of events about accounts of the tree since the daemon started.
    heard: u64,
    /// When the last one came.
    last: Option<String>,
    /// How often a webhook was found disabled or gone, or the connection to Blackhole broke, and was put right.
    restored: u64,
}

/// Whether the daemon writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RoleV1 {
    /// It has no tree that names the cluster yet.
    Starting,
    /// It holds the lease.
    Leader,
    /// Another process holds the lease.
    Standby,
    /// The lease cannot be taken, though nobody is known to hold it.
    Leaseless,
}

/// What the daemon's loop is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ModeV1 {
    /// It waits for due work.
    Idle,
    /// It reads or writes.
    Running,
    /// It finishes what is in flight, and exits.
    Stopping,
}

/// Where the tree comes from, and its source revision.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct SourceV1 {
    place: String,
    branch: Option<String>,
    /// The last commit seen.
    seen: Option<String>,
    /// The source revision: the commit that the daemon reconciles.
    commit: Option<String>,
    /// The first line of its message.
    subject: Option<String>,
    signer: Option<String>,
    /// The digest of the desired state.
    tree: Option<String>,
    since: Option<String>,
    checked: Option<String>,
    /// Why the last commit seen is not the source revision.
    problem: Option<String>,
    /// That commit.
    rejected: Option<CommitV1>,
    /// Errors before warnings.
    mistakes: Vec<MistakeV1>,
}

/// What people know a commit by.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct CommitV1 {
    id: String,
    subject: String,
    /// The name of its author; it is not verified.
    author: String,
}

/// A mistake in the tree that was last seen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct MistakeV1 {
    code: String,
    is_error: bool,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    message: String,
    help: String,
}

/// A pause, during which nothing is written.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct PauseV1 {
    reason: String,
    by: Option<String>,
    since: String,
    until: Option<String>,
}

/// A run that ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct RunV1 {
    number: u64,
    triggers: Vec<Trigger>,
    started: String,
    ended: String,
    commit: Option<String>,
    objects: usize,
    result: RunResult,
    steps: usize,
    done: usize,
    failed: usize,
    /// Steps that were sent, with an unknown effect.
    unknown: usize,
    /// Steps of which nothing was written, and which did not fail themselves.
    not_begun: usize,
}

/// The number of objects in each state.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct CountsV1 {
    ready: usize,
    reconciling: usize,
    stalled: usize,
    unknown: usize,
}

/// A refusal by a guard.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct RefusalV1 {
    #[schemars(with = "String")]
    guard: RefusalKind,
    account: Option<String>,
    message: String,
    help: String,
}

/// A current alert.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct AlertV1 {
    kind: AlertKind,
    account: Option<String>,
    /// What people know the account by.
    brand: Option<String>,
    message: String,
    since: String,
}

/// Delivery statistics of one channel.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ChannelV1 {
    name: String,
    kind: &'static str,
    sent: u64,
    failed: u64,
    last_sent: Option<String>,
    problem: Option<String>,
}

/// One page of accounts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct AccountsV1 {
    version: u32,
    /// The number of matching accounts on all pages.
    total: usize,
    page: usize,
    pages: usize,
    accounts: Vec<SummaryV1>,
}

/// Who intervened, and why.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct AuthorV1 {
    at: String,
    /// The given name; it is not verified.
    by: Option<String>,
    reason: Option<String>,
    /// How the request was authenticated, and from which address it came.
    via: Option<String>,
}

/// What people know a brand by, either declared or live.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct BrandV1 {
    company: Option<String>,
    domain: Option<String>,
    /// The SHA-256 of each asset; null for one that does not exist.
    assets: BTreeMap<String, Option<String>>,
}

/// One account in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct SummaryV1 {
    name: String,
    id: Option<String>,
    /// What the tree declares; the live value is in `live`.
    company: Option<String>,
    /// What the tree declares; the live value is in `live`.
    domain: Option<String>,
    /// What the platform had when it was last read; null while unknown.
    live: Option<BrandV1>,
    state: State,
    reason: Reason,
    message: String,
    since: String,
    checked: Option<String>,
    /// The number of fields changed by hand, confirmed by a second read.
    drift: usize,
    /// The number of fields that Git changed and that are not applied yet.
    pending: usize,
    /// Whether customers get the brand.
    health: HealthState,
    #[schemars(with = "Option<String>")]
    dns: Option<crate::dns::Standing>,
}

/// One account, or the domain template, in full.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ObjectV1 {
    version: u32,
    /// Absent for the domain template.
    name: Option<String>,
    id: Option<String>,
    /// What the tree declares, as in `declared`.
    company: Option<String>,
    /// What the tree declares, as in `declared`.
    domain: Option<String>,
    /// What the source revision declares.
    declared: BrandV1,
    /// What the platform had when it was last read; null while unknown.
    live: Option<BrandV1>,
    state: State,
    reason: Reason,
    message: String,
    since: String,
    checked: Option<String>,
    /// The revision of the document when it was last read or written.
    revision: Option<String>,
    /// The commit that was last applied completely.
    commit: Option<String>,
    pending: Vec<ChangeV1>,
    drift: Vec<DriftV1>,
    /// What keeping the drift would change in the tree; null until that is known.
    keep: Option<KeepV1>,
    steps: Vec<StepV1>,
    refusals: Vec<RefusalV1>,
    /// What an approval of this object alone would do; null when there is nothing.
    part: Option<PartV1>,
    /// The decision to leave that as it is.
    declined: Option<DeclinedV1>,
    /// The approval of it that is being carried out, or about to be.
    approval: Option<AuthorV1>,
    failures: u32,
    retry_at: Option<String>,
    /// Whether customers get the brand.
    health: HealthV1,
    dns: Option<DnsV1>,
    /// What customers see of the brand; null when nobody looked.
    probe: Option<ProbeV1>,
}

/// What an approval of one object alone would do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct PartV1 {
    /// The digest that an approval, a rejection or a postponement of it must name.
    digest: String,
    steps: usize,
    /// Whether it can be approved by itself; else the whole plan can.
    alone: bool,
}

/// The decision to leave something as it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct DeclinedV1 {
    #[serde(flatten)]
    author: AuthorV1,
    /// The digest of what was decided about.
    plan: String,
    /// Until when it is put off; null when it is rejected.
    until: Option<String>,
}

/// Whether customers get a brand.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct HealthV1 {
    state: HealthState,
    /// What is not healthy, the worst first.
    causes: Vec<CauseV1>,
}

/// One thing that is not healthy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct CauseV1 {
    state: HealthState,
    what: String,
    /// What to do about it.
    remedies: Vec<String>,
    since: Option<String>,
}

/// One line of a comparison, with values formatted for people.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ChangeV1 {
    key: String,
    /// The live value; null when it does not exist.
    before: Option<String>,
    /// The desired value; null when it must not exist.
    after: Option<String>,
    #[schemars(with = "String")]
    cause: crate::diff::Cause,
}

/// What keeping drift would change in the tree.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct KeepV1 {
    /// The path of the patch for `git apply`, below the dashboard; null when there is none.
    patch: Option<String>,
    /// The digest of the patch.
    digest: Option<String>,
    /// How many files it changes.
    files: usize,
    /// The number of the pull request that proposes it.
    pull_request: Option<u64>,
    /// Where people look at that.
    link: Option<String>,
    /// Why there is no patch, or no pull request.
    problem: Option<String>,
}

/// A change made by hand.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct DriftV1 {
    changes: Vec<ChangeV1>,
    seen: String,
    /// When a second read confirmed it; null until then.
    confirmed: Option<String>,
    /// How many times it was repaired recently and came back.
    rounds: u32,
}

/// One planned step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct StepV1 {
    #[schemars(with = "String")]
    verb: Verb,
    /// Who takes it.
    taken_by: Taker,
    #[schemars(with = "Option<String>")]
    asset: Option<crate::model::AssetKind>,
    #[schemars(with = "String")]
    risk: crate::plan::Risk,
    changes: Vec<ChangeV1>,
    notes: Vec<String>,
}

/// The result of an account's DNS check.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct DnsV1 {
    /// The domain that was checked: the one that the tree declares.
    domain: Option<String>,
    #[schemars(with = "String")]
    standing: crate::dns::Standing,
    hosts: usize,
    differing: usize,
    unknown: usize,
    lines: Vec<String>,
    asked: String,
    /// Since when a difference is seen.
    seen: Option<String>,
    /// When a second check confirmed it; it counts from then on.
    confirmed: Option<String>,
}

/// What customers see of a brand, as the last probe showed it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ProbeV1 {
    /// The host that customers type.
    host: String,
    view: crate::probe::BrandView,
    /// What is not right, with what to do.
    lines: Vec<String>,
    probed: String,
    /// Since when customers do not see the declared brand.
    seen: Option<String>,
    /// When further probes confirmed it; it counts from then on.
    confirmed: Option<String>,
    /// The certificate that ends first.
    certificate: Option<CertificateV1>,
    /// The number of probes, by what customers saw.
    probes: ProbesV1,
}

/// The end of a certificate.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct CertificateV1 {
    ends: String,
    /// Whether it ends within the time that the daemon's file says.
    is_near: bool,
    message: String,
}

/// The number of probes of a brand.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ProbesV1 {
    declared: u64,
    other: u64,
    unknown: u64,
}

/// The planned steps.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct PlanV1 {
    version: u32,
    /// The digest that an approval must name; null when there is nothing to approve.
    digest: Option<String>,
    /// The number of steps, by who takes them; while the daemon is paused, the next run takes none.
    steps: TakersV1,
    /// Why an approval would be refused now, with what to do; null when it would be accepted.
    obstacle: Option<String>,
    /// The approval that is being carried out, or about to be.
    approval: Option<AuthorV1>,
    objects: Vec<PlannedV1>,
    refusals: Vec<RefusalV1>,
}

/// The number of steps, by who takes them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct TakersV1 {
    next_run: usize,
    approval: usize,
    nobody: usize,
}

/// The planned steps of one object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct PlannedV1 {
    /// Absent for the domain template.
    account: Option<String>,
    /// The reason for its state; `left_the_tree` for an account that is no longer in the tree.
    reason: PlannedReasonV1,
    steps: Vec<StepV1>,
    /// What an approval of this object alone would do.
    part: Option<PartV1>,
    /// The decision to leave that as it is.
    declined: Option<DeclinedV1>,
}

/// Why the planned steps of an object are not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
enum PlannedReasonV1 {
    /// The reason for the object's state.
    Object(Reason),
    /// The account is no longer in the tree.
    Left(LeftV1),
}

/// The reason for an account that is not in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LeftV1 {
    /// The account was removed from the tree.
    LeftTheTree,
}

/// The history, newest first; each list has at most as many entries as requested.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct HistoryV1 {
    version: u32,
    incidents: Vec<IncidentV1>,
    /// Interventions of people and programs.
    interventions: Vec<InterventionV1>,
}

/// An intervention of a person or a program.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct InterventionV1 {
    id: u64,
    kind: InterventionKind,
    #[serde(flatten)]
    author: AuthorV1,
    /// The digest of the plan, or of the part of it, that was decided about.
    plan: Option<String>,
    /// The object whose part was decided about; null for the whole plan.
    object: Option<String>,
    /// The accounts, for a resync; all when empty.
    accounts: Vec<String>,
    /// When a pause ends by itself, or until when something is put off.
    until: Option<String>,
    /// The outcome of an approval or a pause; null while it is in progress.
    outcome: Option<OutcomeV1>,
}

/// The outcome of an intervention.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct OutcomeV1 {
    at: String,
    /// Whether all of it was done.
    done: bool,
    message: String,
}

/// One incident.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct IncidentV1 {
    id: u64,
    finding: Finding,
    account: Option<String>,
    message: String,
    commit: Option<String>,
    begun: Option<String>,
    detected: String,
    repaired: Option<String>,
    end: Option<String>,
    /// The upper bound, in seconds.
    time_to_detect: Option<f64>,
    /// In seconds.
    time_to_repair: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs learn every value from the schema.
    #[test]
    fn the_schema_knows_every_role() {
        let schema = serde_json::to_string(&schemars::schema_for!(StatusV1)).unwrap();
        for role in [
            RoleV1::Starting,
            RoleV1::Leader,
            RoleV1::Standby,
            RoleV1::Leaseless,
        ] {
            let word = serde_json::to_string(&role).unwrap();
            assert!(schema.contains(&word), "{word}");
        }
    }
}
