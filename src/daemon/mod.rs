//! The wheel, turned again and again: source → plan → apply by policy → status.
//!
//! ```text
//! file events, signals, webhooks, dashboard ──► Orders ──► loop ──► Board ──► HTTP, metrics, alerts
//!                                                ▲           │
//!                                  clock ────────┘           └──► history, on disk
//! ```
//!
//! What is outside of the loop sees two things: [`Orders`], which it puts wishes into, and [`Board`], from which
//! it reads the last [`Status`] and is told when there is another. Neither can be made to wait by the other side.

mod agenda;
mod alarm;
mod approval;
mod assessment;
mod base;
mod board;
mod carry;
mod chronicle;
mod daemon;
mod dns;
mod event;
mod force;
mod memory;
mod opinion;
mod orders;
mod outage;
mod quiet;
mod reading;
mod recovery;
pub(crate) mod sealed;
mod selection;
mod service;
mod setup;
mod share;
mod show;
mod source;
mod status;
mod turn;
mod verdict;
mod wheel;
mod zones;

pub use board::Board;
pub use daemon::{WatchError, once, watch};
pub use event::{Event, events};
pub use orders::{Order, Orders, Wishes};
pub use service::{Notification, ServiceManager};
pub use setup::{Place, Reread, SandboxDns, Setup};
pub use status::{
    Alert, AlertKind, Approval, Author, ClusterStatus, DnsSummary, Drift, Finding, History, InHand,
    Incident, Intervention, InterventionKind, LiveBrand, Mistake, Mode, ObjectStatus, Offer,
    OtherSteps, Outcome, Pause, PlannedStep, Reason, Role, Run, RunResult, SourceStatus, State,
    Status, Taker, Trigger,
};
