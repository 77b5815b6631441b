//! `emblazon comment` and the workflows against a server that stands in for a forge.

mod lines;
mod pictures;
mod propose;
mod publish;
mod runner;
pub(crate) mod server;
mod workflows;
