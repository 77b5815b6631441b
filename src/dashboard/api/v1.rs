//! The shapes of version 1.

mod from_status;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::daemon::{
    AlertKind, Finding, InterventionKind, Reason, RunResult, State, Taker, Trigger,
};
use crate::plan::RefusalKind;
use crate::report::Verb;

/// The daemon, and the cluster as a whole.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct StatusV1 {
    /// The version of this shape.
    version: u32,
    /// The running version of emblazon.
    emblazon: &'static str,
    /// Grows with each change of anything.
    revision: u64,
    /// The cluster, once a tree was read that says it.
    cluster: Option<String>,
    /// When the daemon began, as all times in RFC 3339.
    started: String,
    /// When its loop last came round.
    beat: String,
    /// Whether it writes.
    role: RoleV1,
    /// Who leads, for a standby; why the lease cannot be taken, for one without it.
    holder: Option<String>,
    /// What its loop does.
    mode: ModeV1,
    /// The tree.
    source: SourceV1,
    /// Why nothing is written, when somebody said so.
    paused: Option<PauseV1>,
    /// Since when the platform cannot be read.
    down_since: Option<String>,
    /// The run before.
    last_run: Option<RunV1>,
    /// When the next one is due.
    next_run: Option<String>,
    /// The digest of what there is to do once somebody approves it.
    plan: Option<String>,
    /// The approval that is being carried out, or about to be.
    approval: Option<AuthorV1>,
    /// How many objects there are in each state.
    objects: CountsV1,
    /// What guards refused for a run as a whole.
    refusals: Vec<RefusalV1>,
    /// The trouble that goes on.
    alerts: Vec<AlertV1>,
    /// What became of messages to people and machines.
    channels: Vec<ChannelV1>,
}

/// Whether the daemon writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RoleV1 {
    /// It has no tree yet that names the cluster.
    Starting,
    /// It holds the lease.
    Leader,
    /// Another process holds the lease.
    Standby,
    /// The lease cannot be taken, though nobody is known to hold it.
    Leaseless,
}

/// What the daemon's loop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ModeV1 {
    /// It waits for what is due.
    Idle,
    /// It reads or writes.
    Running,
    /// It finishes what is in flight, and ends.
    Stopping,
}

/// Where the tree comes from, and what is in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct SourceV1 {
    place: String,
    branch: Option<String>,
    /// The commit that was seen last.
    seen: Option<String>,
    /// The commit in force.
    commit: Option<String>,
    /// The first line of its message.
    subject: Option<String>,
    signer: Option<String>,
    /// The digest of the desired state.
    tree: Option<String>,
    since: Option<String>,
    checked: Option<String>,
    /// Why what was seen last is not in force.
    problem: Option<String>,
    mistakes: Vec<MistakeV1>,
}

/// A mistake in the tree that was seen last.
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

/// A time in which nothing is written.
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
    /// Steps that were sent, with an end that nobody knows.
    unknown: usize,
    /// Steps of which nothing was written, without anything being wrong with them.
    not_begun: usize,
}

/// How many objects there are in each state.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct CountsV1 {
    ready: usize,
    reconciling: usize,
    stalled: usize,
    unknown: usize,
}

/// Something that a guard refused.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct RefusalV1 {
    #[schemars(with = "String")]
    guard: RefusalKind,
    account: Option<String>,
    message: String,
    help: String,
}

/// Trouble that goes on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct AlertV1 {
    kind: AlertKind,
    account: Option<String>,
    message: String,
    since: String,
}

/// What became of the messages of one channel.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ChannelV1 {
    name: String,
    kind: &'static str,
    sent: u64,
    failed: u64,
    last_sent: Option<String>,
    problem: Option<String>,
}

/// Some accounts; `next` leads to further ones.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct AccountsV1 {
    version: u32,
    /// How many accounts there are in all that were asked for.
    total: usize,
    page: usize,
    pages: usize,
    accounts: Vec<SummaryV1>,
}

/// Who asked for something, and why.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct AuthorV1 {
    at: String,
    /// The name that was given; nobody checked it.
    by: Option<String>,
    reason: Option<String>,
    /// How it came, and from which address.
    via: Option<String>,
}

/// What people know a brand by, on one of the two sides.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct BrandV1 {
    company: Option<String>,
    domain: Option<String>,
    /// The SHA-256 of each asset; null for one that is not there.
    assets: BTreeMap<String, Option<String>>,
}

/// One account in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct SummaryV1 {
    name: String,
    id: Option<String>,
    /// What the tree declares; what is live is under `live`.
    company: Option<String>,
    /// What the tree declares; what is live is under `live`.
    domain: Option<String>,
    /// What the platform had when it was last read; null while that is not known.
    live: Option<BrandV1>,
    state: State,
    reason: Reason,
    message: String,
    since: String,
    checked: Option<String>,
    /// Fields that somebody changed by hand, seen twice.
    drift: usize,
    /// Fields that Git changed and the platform does not have yet.
    pending: usize,
    #[schemars(with = "Option<String>")]
    dns: Option<crate::dns::Standing>,
}

/// One account, or the domain template, whole.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ObjectV1 {
    version: u32,
    /// Absent for the domain template.
    name: Option<String>,
    id: Option<String>,
    /// What the tree declares, as under `declared`.
    company: Option<String>,
    /// What the tree declares, as under `declared`.
    domain: Option<String>,
    /// What the tree in force declares.
    declared: BrandV1,
    /// What the platform had when it was last read; null while that is not known.
    live: Option<BrandV1>,
    state: State,
    reason: Reason,
    message: String,
    since: String,
    checked: Option<String>,
    /// The document's revision when it was last read or written.
    revision: Option<String>,
    /// The commit of which the platform had all.
    commit: Option<String>,
    pending: Vec<ChangeV1>,
    drift: Vec<DriftV1>,
    steps: Vec<StepV1>,
    refusals: Vec<RefusalV1>,
    failures: u32,
    retry_at: Option<String>,
    dns: Option<DnsV1>,
}

/// One line of a comparison; the values as people read them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ChangeV1 {
    key: String,
    /// The live side; null when it is not there.
    before: Option<String>,
    /// The side that the tree wants; null when it must not be there.
    after: Option<String>,
    #[schemars(with = "String")]
    cause: crate::diff::Cause,
}

/// Something that somebody changed by hand.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct DriftV1 {
    changes: Vec<ChangeV1>,
    seen: String,
    /// When a second read showed it again; null until then.
    confirmed: Option<String>,
    /// How often it was put right lately and came back.
    rounds: u32,
}

/// One step that would put something right.
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

/// What an account's DNS was found to be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct DnsV1 {
    /// The domain that was asked for: the one that the tree declares.
    domain: Option<String>,
    #[schemars(with = "String")]
    standing: crate::dns::Standing,
    hosts: usize,
    differing: usize,
    unknown: usize,
    lines: Vec<String>,
    asked: String,
    /// Since when something is seen to differ.
    seen: Option<String>,
    /// When a second look showed it again; it counts from then on.
    confirmed: Option<String>,
}

/// What there is to do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct PlanV1 {
    version: u32,
    /// What an approval names; null when there is nothing to approve.
    digest: Option<String>,
    /// How many steps there are, by who takes them; while the daemon is paused, the next run takes none.
    steps: TakersV1,
    /// Why an approval is not taken now, with the way on; null when it is.
    obstacle: Option<String>,
    /// The approval that is being carried out, or about to be.
    approval: Option<AuthorV1>,
    objects: Vec<PlannedV1>,
    refusals: Vec<RefusalV1>,
}

/// How many steps somebody takes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct TakersV1 {
    next_run: usize,
    approval: usize,
    nobody: usize,
}

/// What there is to do about one object.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct PlannedV1 {
    /// Absent for the domain template.
    account: Option<String>,
    /// Why it stands as it does; `left_the_tree` for an account that the tree does not have any more.
    reason: PlannedReasonV1,
    steps: Vec<StepV1>,
}

/// Why what is planned for an object is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
enum PlannedReasonV1 {
    /// The object's own reason.
    Object(Reason),
    /// The tree does not have the account any more.
    Left(LeftV1),
}

/// Where an account of the plan went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LeftV1 {
    /// Out of the tree.
    LeftTheTree,
}

/// What happened, the newest first; of each list as many as were asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct HistoryV1 {
    version: u32,
    incidents: Vec<IncidentV1>,
    /// What people asked for.
    interventions: Vec<InterventionV1>,
}

/// Something that somebody asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct InterventionV1 {
    id: u64,
    kind: InterventionKind,
    #[serde(flatten)]
    author: AuthorV1,
    /// The plan, of an approval.
    plan: Option<String>,
    /// The accounts, of a resync; all when empty.
    accounts: Vec<String>,
    /// When a pause ends by itself.
    until: Option<String>,
    /// What became of an approval, or of a pause; null while it goes on.
    outcome: Option<OutcomeV1>,
}

/// What became of something that somebody asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct OutcomeV1 {
    at: String,
    /// Whether all of it was done.
    done: bool,
    message: String,
}

/// One thing that happened.
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
    /// In seconds, at most.
    time_to_detect: Option<f64>,
    /// In seconds.
    time_to_repair: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that reads the answers learns each word from the schema.
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
