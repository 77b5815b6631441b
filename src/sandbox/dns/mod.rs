//! The simulated DNS: authoritative servers and a resolver, on loopback, over UDP and TCP.
//!
//! - `seed` defines the zones, their servers, and the differences between servers.
//! - `zone` looks up records according to RFC 1034 (section 4.3.2) and RFC 4592; `respond` builds the responses of an
//!   authoritative server or the resolver.
//! - `signing` makes zones look signed.
//! - `update` changes zones (RFC 2136), signed with TSIG (RFC 8945) by the `keys`; `keep` persists them.
//! - `fault` makes selected responses go wrong; `server` handles the sockets.
//!
//! The resolver is at 127.0.0.1; the name servers of the zones are at 127.0.0.2 and up, and one of them, if the seed names
//! it, also at `::1`; all on the same port.

mod error;
mod fault;
mod keep;
mod keys;
mod respond;
mod seed;
mod server;
mod signing;
mod update;
mod wire;
mod zone;

#[cfg(test)]
mod tests;

pub use error::DnsError;
pub use fault::{DnsFault, DnsFaultKind, Transport};
pub use seed::{DnsSeed, DnssecSeed, KeySeed, ServerSeed, ZoneSeed};
pub use server::{Asked, DnsServer};
