//! Desired × base × live → changes. Pure.

mod change;

pub use change::{Cause, Change, ChangeKey, Side};
