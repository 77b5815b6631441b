//! Three-way comparison: desired × base × live → changes. Pure.
//!
//! Every key that any side knows becomes a row, and a single table, [`verdict`], decides about each row. Undeclared
//! keys are rows too, so that they are kept by an explicit decision. All sides are converted to their [`canonical`]
//! form first.

mod account;
pub(crate) mod assets;
mod base;
pub mod canonical;
mod change;
mod compare;
mod comparison;
#[cfg(test)]
pub(crate) mod fixture;
mod kept;
mod placeholder;
mod recorded;
mod records;
mod removal;
mod restored;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod verdict;
mod written;
mod zone;

pub use account::{AccountDifference, Status, departed_name};
pub use canonical::settings_in_sync;
pub use change::{Cause, Change, ChangeKey, Direction, Side};
pub(crate) use compare::TEMPLATE;
pub use compare::{Differences, compare};
pub use comparison::Comparison;
pub(crate) use kept::without;
pub use kept::{Kept, KeptReason};
pub use placeholder::{is_placeholder, placeholder};
pub use recorded::recorded;
pub use records::ManagedRecords;
pub(crate) use removal::{removed, removed_hosts, removed_sets};
pub use restored::RestoredValue;
pub use settings::{Edit, undeclared};
pub use template::{TemplateDifference, TemplateRepair};
pub use verdict::{Declaration, Verdict, verdict};
pub use written::{WrittenParts, WrittenTree, laid_over, take_over, without_records};
pub use zone::{SetDifference, ZoneDifference, compare_zones};
