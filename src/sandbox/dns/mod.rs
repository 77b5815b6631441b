//! The DNS of the faked world: authoritative servers and a resolver, on loopback, over UDP and TCP.
//!
//! - `seed` says which zones there are, who serves them, and what each server says differently.
//! - `zone` finds records as RFC 1034 (section 4.3.2) and RFC 4592 tell; `respond` makes messages of them, as an
//!   authoritative server or as the resolver.
//! - `update` changes zones (RFC 2136), signed with TSIG (RFC 8945); `keep` has them outlive the process.
//! - `fault` makes chosen answers go wrong; `server` moves the packets.
//!
//! The resolver is at 127.0.0.1; the servers that the zones name have 127.0.0.2 and up, all at one port.

mod fault;
mod keep;
mod respond;
mod seed;
mod server;
mod update;
mod wire;
mod zone;

#[cfg(test)]
mod tests;

pub use fault::{DnsFault, DnsFaultKind, Transport};
pub use seed::{DnsSeed, KeySeed, ServerSeed, ZoneSeed};
pub use server::{Asked, DnsError, DnsServer};
