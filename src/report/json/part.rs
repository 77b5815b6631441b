//! Reads a shard's report back.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::report::Report;

/// Why a text cannot be read as a shard's report.
#[derive(Debug, Error)]
pub enum PartError {
    /// It is malformed, or was written by a different version of emblazon.
    #[error("it cannot be read: {0}; merge reports with the version that wrote them")]
    Shape(#[from] serde_json::Error),
    /// It has another version of the format.
    #[error(
        "it has version {0} of the format, not 1; merge reports with the version that wrote them"
    )]
    Version(u64),
    /// It is a report of the whole tree.
    #[error("it is no shard's report; only those of runs with --shard can be merged")]
    Whole,
}

/// The members of a JSON report that are read back.
#[derive(Deserialize)]
struct Document {
    version: u64,
    shard: Option<Part>,
}

#[derive(Deserialize)]
struct Part {
    report: Value,
}

/// Reads the report embedded in a shard's JSON report.
///
/// # Errors
/// When the text is not a shard's report, or was written by another version.
pub fn of_shard(text: &str) -> Result<Report, PartError> {
    let document: Document = serde_json::from_str(text)?;
    if document.version != 1 {
        return Err(PartError::Version(document.version));
    }
    let part = document.shard.ok_or(PartError::Whole)?;
    Ok(serde_json::from_value(part.report)?)
}
