//! Blackhole: tells of changes over a websocket (B1).
//!
//! A real Kazoo has it at a port of its own; here, whatever asks the server to become a websocket gets it.

mod session;
mod socket;

pub(super) use socket::{Blackhole, Upgrade, serve};
