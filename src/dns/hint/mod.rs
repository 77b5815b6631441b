//! Names the usual mistakes behind a verdict. Pure: it returns which probes it needs, and what follows from their
//! results.

mod cause;
mod kind;
mod probe;

pub use cause::hints;
pub use kind::{Hint, HintKind};
pub use probe::{Evidence, Reach};
pub(super) use probe::{NOBODY, Probes, probes};
