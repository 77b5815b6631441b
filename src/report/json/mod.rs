//! The report for machines: JSON whose version names its module; the schema is `schemas/report.schema.json`.

mod dns;
mod render;
pub mod v1;

pub use render::{render, schema};
