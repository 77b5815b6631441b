//! Turns changes into a plan. Pure: the same inputs give the same bytes (invariant 3).
//!
//! The order of steps is defined and illustrated in [`order`](Level). The order in which accounts release and claim
//! domains is determined separately, because domains are the only dependency between accounts.

mod builder;
mod confirm;
mod domains;
mod draft;
mod format;
pub mod guard;
mod house;
mod intent;
mod kept;
mod messages;
mod options;
mod order;
mod records;
mod removal;
mod risk;
mod servable;
mod shard;
mod step;
#[cfg(test)]
mod tests;
mod unknown;

pub use builder::{Planned, plan, plan_differences, plan_with_records};
pub use confirm::{Confirmed, Contradiction, confirm};
pub use format::PlanFormatError;
pub use house::{MAX_CHANGES, RuleAccount, RuleChange, RuleEffect, RuleInput, RuleKind};
pub(crate) use kept::keep;
pub use options::{Options, Part, Sibling, Siblings};
pub use order::Level;
pub(crate) use order::number;
pub(crate) use servable::check as check_template;
pub use shard::{Cut, Share};
pub use step::{
    Action, FORMAT_VERSION, Plan, PlannedSet, Precondition, Refusal, RefusalKind, Risk, Scope,
    ShardScope, Step, StepId, Subject,
};
pub use unknown::Unknown;
