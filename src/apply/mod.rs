//! Plan → effects.

mod journal;
mod outcome;
mod run_id;
mod snapshot;
mod state_file;

pub use journal::{
    Entry, InHand, Interrupted, JOURNAL_VERSION, Journal, JournalError, JournalEvent, interrupted,
    read as read_journal, runs,
};
pub use outcome::{Applied, StepOutcome, StepResult};
pub use run_id::{RunId, RunIdError};
pub use snapshot::{
    AccountSnapshot, DocumentSnapshot, MANIFEST_VERSION, Manifest, SnapshotError, SnapshotStore,
    StoredAsset,
};
