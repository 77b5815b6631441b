//! The daemon: reconciles a tree with its platform again and again, as the tree's policy allows, and publishes a
//! status.
//!
//! ```text
//! file events, signals, webhooks, dashboard ──► WorkQueue ──► loop ──► PublishedStatus ──► HTTP, metrics, alerts
//!                                                ▲           │
//!                                  clock ────────┘           └──► history, on disk
//! ```
//!
//! Code outside the loop sees two types: [`WorkQueue`], which takes requests, and [`PublishedStatus`], which holds the
//! latest [`Status`] and wakes subscribers on each change. Neither lets one side block the other.

mod adopt;
mod applied_state;
mod assessment;
mod audit_trail;
mod base;
mod brand_state;
mod brands;
pub(crate) mod checksum;
mod conditions;
mod controller;
mod cycle;
mod decision_files;
mod dns;
mod domain_state;
mod domains;
mod drift_history;
mod event;
mod execute;
mod history_log;
mod hooks;
mod interventions;
mod keeping;
mod leader;
mod objects;
mod observe;
mod observed;
mod parts;
mod pause_ref;
mod platform_events;
mod probe;
mod proposal_work;
mod proposals;
mod published;
mod queue;
mod quiet;
mod recovery;
mod schedule;
mod selection;
mod service;
mod setup;
mod show;
mod source;
mod status;
mod subscriptions;
mod timers;
mod verdict;
mod zones;

pub use base::{BaseError, BaseFile, KeptBase, RefValues};
pub use event::{Event, events};
pub use hooks::hooks;
pub use leader::{WatchError, once, watch};
pub use platform_events::{
    ChangeAuthor, EventSource, EventStatus, Hint, PlatformEvents, SECRET_KEY,
};
pub use published::PublishedStatus;
pub use queue::{Decline, PendingWork, WorkItem, WorkQueue};
pub use service::{Notification, ServiceManager};
pub use setup::{
    EventChannel, Events, HookOwner, Place, ProbeSetup, ReadSetup, SandboxNetwork, Setup,
};
pub use status::{
    Alert, AlertKind, Approval, Author, Cause, CertificateEnd, ClusterStatus, Declined, DnsSummary,
    Drift, Finding, Health, HealthState, History, InFlight, Incident, Intervention,
    InterventionKind, Keep, KeepingPull, LiveBrand, Mistake, Mode, ObjectStatus, Offer, OtherSteps,
    Outcome, Part, Pause, PlannedStep, ProbeCount, ProbeSummary, Reason, RejectedCommit, Role, Run,
    RunResult, SourceStatus, State, Status, Taker, Trigger,
};
