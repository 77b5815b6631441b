//! The world, faked well: a server on loopback that answers as a Kazoo does.
//!
//! It imitates the whitelabel API from the wire contract, corrected by what a running server was
//! observed to answer; the numbers in the documentation (`W4`, `B12`, `observed 3`) point there.
//! Tests talk to it as users talk to Kazoo, over HTTP.
//!
//! - `world` holds what a Kazoo remembers: accounts, documents, attachments, the template.
//! - `api` turns a request into an answer, in the order of checks that the real server has (E20).
//! - `faults` and `connection` make chosen requests go wrong; `seed` says what is there at the
//!   start; `record` writes down what was asked and answered.
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
mod capacity;
mod clock;
mod connection;
mod counts;
mod digest;
pub mod dns;
mod faults;
mod gzip;
mod profile;
mod record;
mod seed;
mod server;
mod world;

pub use capacity::Capacity;
pub use counts::Counts;
pub use faults::{Fault, FaultKind};
pub use profile::Profile;
pub use seed::Seed;
pub use server::{Options, Sandbox, SandboxError};
pub use world::{Account, Attachment, Document, ServerSettings, StoredRevision, User, World};
