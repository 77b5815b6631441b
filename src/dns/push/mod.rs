//! Changes → the primary of the zone, for accounts with `dns: manage`.
//!
//! ```text
//! expected ─┐
//!           ├─► change (pure) ─► write ─► read back
//! primary ──┘                     │
//!                                 ├─ rfc2136: one signed update with prerequisites a zone, over a session
//!                                 └─ powerdns: one PATCH a zone, over HTTP
//! ```
//!
//! Only sets that the template declares are touched, and in them only records that are or were declared, unless the set
//! is declared exclusive. A zone that changed since it was read is refused, not overwritten.

mod change;
mod config;
mod error;
mod http;
mod powerdns;
mod primary;
mod rfc2136;
mod session;
mod set;
mod show;
mod standings;
mod wire;

pub use change::{Changes, PushPolicy, RefusedSet, Standing, ZoneChange, changes};
pub use config::{PowerDnsConfig, PushConfig, Rfc2136Config, TsigKey};
pub use error::PushError;
pub use powerdns::PowerDns;
pub use primary::{Pending, Push, Pushed, pending, primary, push};
pub use rfc2136::Rfc2136;
pub use set::{SetChange, digest};
pub use show::show;
pub use standings::{Home, Standings};
