//! The machine-readable report: JSON, with one module per format version; the schema is `schemas/report.schema.json`.

mod dns;
mod part;
mod render;
pub mod v1;

pub use part::{PartError, of_shard};
pub use render::{render, schema};
