//! The machine-readable report: JSON, with one module per format version; the schema is `schemas/report.schema.json`.

mod dns;
mod part;
mod probe;
mod render;
pub mod v1;

pub use part::{PartError, of_shard};
pub use probe::{probe_schema, render_probe};
pub use render::{render, schema};
