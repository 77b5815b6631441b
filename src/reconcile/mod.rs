//! One reconciliation: observe, plan, execute, settle. The command line and the daemon run the same one.
//!
//! It knows no terminal, no arguments and no dashboard: a caller passes in its progress display and its consent, and
//! gets back values to report.
//!
//! - [`leases`] and [`while_leading`]: one writer at a time, and the guard that proves it.
//! - [`recover`]: what an interrupted run destroyed is restored before anything else is planned.
//! - [`Reread`], [`unproven`]: what a plan writes to is read from the platform, never taken from a cache.
//! - [`execute`]: the only place that starts a run of [`crate::apply`]; without a lease guard it does not compile.
//! - [`BaseRefs`]: what was applied last, what incomplete runs have written since, and how a completely applied commit
//!   becomes the base.

mod advance;
mod base_refs;
mod execute;
mod lease;
mod recovery;
mod reread;

pub use advance::Advance;
pub use base_refs::{BaseRefs, Trees};
pub use execute::{AuditTrail, Execution, execute};
pub use lease::{Arbiter, Ended, claim, leases, while_leading};
pub use recovery::{Recoverer, RecoveryError, RecoveryEvent, recover};
pub use reread::{Reread, unproven};
