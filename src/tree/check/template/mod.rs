//! Validates the system's domain template, of which the server checks next to nothing (D8).

mod between;
mod host;
mod place;

pub(super) use between::across;
pub use host::{SpannedEntry, host, not_a_map, record_type};
