//! Plan → effects.
//!
//! ```text
//! plan ──► schedule ──► step ──► read ──► precondition ──► snapshot ──► journal ──► write
//!             ▲                                                                       │
//!             │                               repair ◄── verify ◄── read back ◄───────┘
//!             └────────────── outcome ◄── journal ◄──────┘
//! ```
//!
//! Nothing is decided here that the plan did not decide, except what to do when the server does something else than it
//! was asked to: each such case is read again and repaired, or reported as it is.

mod answer;
mod applied_ref;
mod approved_plan;
mod audit;
mod brand;
pub(crate) mod chain;
mod context;
mod document;
mod error;
mod executor;
mod history;
mod journal;
pub mod lease;
mod manifest;
mod object_state;
mod options;
mod outcome;
mod parked;
mod primary;
mod reading;
mod records_back;
mod recovery;
pub mod released;
pub mod remote;
mod restore;
mod retention;
mod rollout;
mod run_id;
mod schedule;
mod settle;
mod snapshot;
mod standing;
mod state_file;
mod step;
mod step_run;
mod verify;
mod written;
mod written_ref;

pub use applied_ref::{AppliedRef, Complete, Unseen, left_open};
pub use approved_plan::ApprovedPlan;
pub use audit::{
    AUDIT_VERSION, AuditError, AuditEvent, AuditFault, AuditHead, AuditLine, AuditObject,
    AuditProblem, AuditRef, AuditState, Inspection, KeptHead, KeptHeads, Principals, audit_head,
    audit_path, inspect,
};
pub use error::ApplyError;
pub use executor::run;
pub use history::{Record, RunState, outcomes, plan_of, record, records, run_of, used_by};
pub use journal::{
    Entry, InFlight, Interrupted, JOURNAL_VERSION, Journal, JournalError, JournalEvent,
    interrupted, read as read_journal, runs,
};
pub use manifest::{
    AccountSnapshot, DocumentSnapshot, MANIFEST_VERSION, Manifest, SnapshotError, StoredAsset,
};
pub use options::{AssetSource, CanaryCheck, Event, Options, RetryLimits};
pub use outcome::{Applied, Halt, StepOutcome, StepResult};
pub use primary::{SandboxPrimaries, primary, push_policy};
pub use records_back::RecordsBack;
pub use recovery::{InterruptedRun, close, interrupted_runs, repair};
pub use restore::{RestoreError, RestoreTarget, StoredAssets, moved_since, restore_target};
pub use retention::{Pruned, SnapshotUse, prune};
pub use rollout::Rollout;
pub use run_id::{RunId, RunIdError};
pub use snapshot::SnapshotStore;
pub use standing::{StepCount, StepStanding};
pub(crate) use state_file::{make_directory, write_whole};
pub use written::Written;
pub use written_ref::{Recall, Recalled, WrittenRef};
