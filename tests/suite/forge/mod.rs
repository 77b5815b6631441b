//! `emblazon comment` against a server that stands in for a forge.

mod publish;
mod server;
