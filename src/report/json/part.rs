//! A shard's report, read back.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::report::Report;

/// Says why a text is no shard's report.
#[derive(Debug, Error)]
pub enum PartError {
    /// It is not what a version of emblazon writes, or not what this one does.
    #[error("it cannot be read: {0}; merge reports with the version that wrote them")]
    Shape(#[from] serde_json::Error),
    /// It is of another version of the format.
    #[error(
        "it has version {0} of the format, not 1; merge reports with the version that wrote them"
    )]
    Version(u64),
    /// It is a report of the whole.
    #[error("it is no shard's report; only those of runs with --shard can be merged")]
    Whole,
}

/// What of a JSON report is read back.
#[derive(Deserialize)]
struct Document {
    version: u64,
    shard: Option<Part>,
}

#[derive(Deserialize)]
struct Part {
    report: Value,
}

/// Reads the report that a shard's JSON report holds.
///
/// # Errors
/// When it is none, or was written by another version.
pub fn of_shard(text: &str) -> Result<Report, PartError> {
    let document: Document = serde_json::from_str(text)?;
    if document.version != 1 {
        return Err(PartError::Version(document.version));
    }
    let part = document.shard.ok_or(PartError::Whole)?;
    Ok(serde_json::from_value(part.report)?)
}
