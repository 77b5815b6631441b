//! Progress of a long command: a bar on a terminal, else lines.

mod ended;
mod frame;
mod phase;
mod pulse;

pub(crate) use ended::ended;
pub(crate) use phase::{Phase, during};
