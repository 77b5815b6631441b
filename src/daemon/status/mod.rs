//! The daemon's status, as plain values that can be stored, sent and compared.

mod alert;
mod cluster;
mod decision;
mod health;
mod history;
mod intervention;
mod keep;
mod object;
mod probe;

pub use alert::{Alert, AlertKind};
pub use cluster::{
    ClusterStatus, InFlight, Mistake, Mode, Offer, OtherSteps, Pause, RejectedCommit, Role, Run,
    RunResult, SourceStatus, Status, Trigger,
};
pub use decision::{Approval, Declined, Part};
pub use health::{Cause, Health, HealthState};
pub use history::{Finding, History, Incident};
pub use intervention::{Author, Intervention, InterventionKind, Outcome};
pub use keep::{Keep, KeepingPull};
pub use object::{DnsSummary, Drift, LiveBrand, ObjectStatus, PlannedStep, Reason, State, Taker};
pub use probe::{CertificateEnd, ProbeCount, ProbeSummary};
