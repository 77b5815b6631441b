//! Pushes changes to the primary of the zone, for accounts with `dns: manage`.
//!
//! ```text
//! expected ─┐
//!           ├─► change (pure) ─► write
//! standings ┘                     │
//!     ▲                           ├─ rfc2136: one signed update with prerequisites per change, over a session
//!  primary                        └─ powerdns: one PATCH per change, over HTTP
//! ```
//!
//! Only sets that the template declares are touched, and in them only records that are or were declared, unless the set
//! is declared exclusive. A zone that changed since it was read is refused, not overwritten.

mod change;
mod config;
mod endpoint;
mod error;
mod http;
mod powerdns;
mod powerdns_zone;
mod primary;
mod rfc2136;
mod session;
mod set;
mod size;
mod standings;
mod update;
mod wire;

pub use change::{Changes, PushPolicy, RefusedSet, Standing, ZoneChange, changes};
pub use config::{PowerDnsConfig, PushConfig, Rfc2136Config, TsigKey};
pub use error::PushError;
pub use primary::{PrimaryReader, PrimaryWriter};
pub use set::{SetChange, digest};
pub use size::{MESSAGE_OCTETS, octets};
pub use standings::{Home, Standings};
