//! The daemon as its users start it: the real program, a platform over HTTP, real Git. Nothing sleeps here; each test
//! waits for what the daemon itself says.

mod approvals;
mod base;
mod blackhole;
pub(crate) mod daemon;
mod dns;
mod events;
mod folder;
mod leader;
mod orders;
mod private;
mod probe;
mod propose;
mod recovery;
mod remote;
mod state;
mod trust;
mod written;
