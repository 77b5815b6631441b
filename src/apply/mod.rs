//! Plan → effects.

mod outcome;

pub use outcome::{Applied, StepOutcome, StepResult};
