//! Progress of a long command: a bar on a terminal, else occasional lines.

mod frame;
mod phase;
mod pulse;

pub(crate) use phase::{Phase, during};
