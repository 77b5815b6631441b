//! DNS records as structured data rather than text (RFC 1035, 2782, 3403, 3596, 8659).

mod data;
mod name;
mod parse;
mod record_type;

#[cfg(test)]
mod tests;

pub use data::RecordData;
pub use name::RecordName;
pub use parse::{RecordError, RecordErrorKind};
pub use record_type::RecordType;
