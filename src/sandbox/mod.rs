//! A fake Kazoo: a server on loopback that behaves like the real one.
//!
//! It implements the whitelabel API from the wire contract, corrected by the observed behaviour of a running server;
//! ids in the documentation (`W4`, `B12`, `observed 3`) refer to these. Tests use it like a real Kazoo, over HTTP.
//!
//! - `world` holds the state of a Kazoo: accounts, documents, attachments, the template.
//! - `api` turns requests into responses, with the real server's order of checks (E20).
//! - [`ui`] is a stand-in for the user interface, over TLS.
//! - `faults` and `connection` make selected requests go wrong; `delivery` sends what webhooks tell, `blackhole` what
//!   is told over a websocket; `seed` defines the initial state; `record` records requests and responses.
//!
//! ```no_run
//! # async fn example() -> Result<(), emblazon::sandbox::SandboxError> {
//! use emblazon::sandbox::{Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::default()).await?;
//! println!("{} {}", sandbox.url(), sandbox.api_key());
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod blackhole;
mod bucket;
mod capacity;
mod clock;
mod connection;
mod counts;
mod delivery;
mod digest;
pub mod dns;
mod error;
mod faults;
mod gzip;
mod profile;
mod record;
mod seed;
mod server;
pub mod ui;
mod world;

pub use capacity::Capacity;
pub use counts::Counts;
pub use error::SandboxError;
pub use faults::{Fault, FaultKind};
pub use profile::Profile;
pub use seed::Seed;
pub use server::{Options, Sandbox, WorldGuard};
pub use world::{
    Account, Attachment, Attachments, Document, Hook, ObjectAction, ObjectChange, ServerSettings,
    StoredRevision, User, World,
};
