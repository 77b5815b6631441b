//! The wheel, turned again and again: source → plan → apply by policy → status.
//!
//! ```text
//! file events, signals, webhooks, dashboard ──► WorkQueue ──► loop ──► PublishedStatus ──► HTTP, metrics, alerts
//!                                                ▲           │
//!                                  clock ────────┘           └──► history, on disk
//! ```
//!
//! What is outside of the loop sees two things: [`WorkQueue`], which it puts wishes into, and [`PublishedStatus`], from which
//! it reads the last [`Status`] and is told when there is another. Neither can be made to wait by the other side.

mod adopt;
mod approval;
mod assessment;
mod base;
pub(crate) mod checksum;
mod conditions;
mod controller;
mod cycle;
mod daemon;
mod dns;
mod domain_state;
mod drift_history;
mod event;
mod execute;
mod history_log;
mod observe;
mod outage;
mod published;
mod queue;
mod quiet;
mod recovery;
mod schedule;
mod selection;
mod service;
mod setup;
mod shard;
mod show;
mod source;
mod status;
mod verdict;
mod zones;

pub use daemon::{WatchError, once, watch};
pub use event::{Event, events};
pub use published::PublishedStatus;
pub use queue::{PendingWork, WorkItem, WorkQueue};
pub use service::{Notification, ServiceManager};
pub use setup::{Place, Reread, SandboxDns, Setup};
pub use status::{
    Alert, AlertKind, Approval, Author, ClusterStatus, DnsSummary, Drift, Finding, History,
    InFlight, Incident, Intervention, InterventionKind, LiveBrand, Mistake, Mode, ObjectStatus,
    Offer, OtherSteps, Outcome, Pause, PlannedStep, Reason, Role, Run, RunResult, SourceStatus,
    State, Status, Taker, Trigger,
};
