//! From which severity on a finding about the tree ends a command with 2.

use clap::{Args, ValueEnum};

use crate::diag::Severity;

/// From which severity on a finding about the tree ends a command with 2.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct SeverityArgs {
    /// End with 2 for findings about the tree from this severity on: warning, or error, which ends with 3 anyway
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "error",
        hide_default_value = true,
        hide_possible_values = true
    )]
    severity: SeverityName,
}

/// A severity on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SeverityName {
    /// Only errors count
    Error,
    /// Warnings count, too
    Warning,
}

impl SeverityArgs {
    /// Returns the lowest severity that counts.
    pub(crate) fn lowest(self) -> Severity {
        match self.severity {
            SeverityName::Error => Severity::Error,
            SeverityName::Warning => Severity::Warning,
        }
    }
}
