//! The audit log: who wrote what on whose behalf, one line of JSON a write, each chained to the line before.
//!
//! ```text
//! STATE/audit.jsonl                    lines; each names the digest of the one before
//! refs/emblazon/CLUSTER/audit          commits without files; each message names the last line after a run
//! ```
//!
//! The journal is for recovery and goes with its run; the audit log is never cut. A line is on disk before the write
//! that it announces is sent. Whoever edits, cuts or moves a line breaks the chain; whoever writes the whole log anew
//! contradicts the heads that Git keeps.

mod head;
mod head_ref;
mod inspection;
mod line;
mod log;
mod principals;

pub use head::{AuditHead, KeptHead};
pub use head_ref::{AuditRef, KeptHeads};
pub use inspection::{AuditFault, AuditProblem, Inspection, inspect};
pub use line::{AUDIT_VERSION, AuditEvent, AuditLine, AuditObject, AuditState};
pub(super) use log::{AuditDraft, AuditLog};
pub use log::{AuditError, audit_head, audit_path};
pub use principals::Principals;
