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

mod board;
mod orders;
mod status;

pub use board::Board;
pub use orders::{Order, Orders, Wishes};
pub use status::{
    Alert, AlertKind, ClusterStatus, DnsSummary, Drift, Finding, History, InHand, Incident,
    Mistake, Mode, ObjectStatus, Pause, PlannedStep, Reason, Role, Run, RunResult, SourceStatus,
    State, Status, Trigger,
};
