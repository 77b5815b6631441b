//! What the system's domain template may hold: the server checks nearly nothing of it (D8).

mod between;
mod host;
mod place;

pub(super) use between::across;
pub use host::{SpannedEntry, host, not_a_map, record_type};
