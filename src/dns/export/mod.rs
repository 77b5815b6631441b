//! Exports expected records as files for the tools and people that enter them. Pure.
//!
//! One file per format: a fragment of a zone file (RFC 1035, section 5), YAML as octoDNS reads it, and JSON.

mod account;
mod json;
mod octodns;
mod zone_file;

#[cfg(test)]
mod tests;

pub use account::AccountRecords;
pub use json::{JSON_VERSION, json};
pub use octodns::{
    OCTODNS_CONFIG_FILE, OCTODNS_PROCESSOR, OCTODNS_PROCESSOR_FILE, Octodns, octodns,
    octodns_config,
};
pub use zone_file::zone_file;
