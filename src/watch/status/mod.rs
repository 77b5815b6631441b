//! What the daemon knows, as plain values that can be kept, sent and compared.

mod alert;
mod cluster;
mod history;
mod object;

pub use alert::{Alert, AlertKind};
pub use cluster::{
    ClusterStatus, InHand, Mistake, Mode, Pause, Role, Run, RunResult, SourceStatus, Status,
    Trigger,
};
pub use history::{Finding, History, Incident};
pub use object::{DnsSummary, Drift, ObjectStatus, PlannedStep, Reason, State};
