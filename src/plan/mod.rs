//! Changes → plan. Pure: the same inputs give the same bytes (invariant 3).

mod step;

pub use step::{
    Action, FORMAT_VERSION, Plan, Precondition, Refusal, RefusalKind, Risk, Step, StepId, Subject,
};
