//! How far a long command is, and what it waits for: a bar on a terminal, else a line now and then.

mod frame;
mod phase;
mod pulse;

pub(crate) use phase::{Phase, during};
