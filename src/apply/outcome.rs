//! The outcomes of the steps of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::standing::{StepCount, StepStanding};
use crate::model::Revision;
use crate::plan::StepId;

/// The outcomes of a run, in the order of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// One outcome per step.
    pub outcomes: Vec<StepOutcome>,
}

impl Applied {
    /// Returns whether every step was done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let count = self.count();
        count.done == count.total()
    }

    /// Counts the steps by their standing.
    #[must_use]
    pub fn count(&self) -> StepCount {
        (self.outcomes.iter())
            .map(|outcome| outcome.result.standing())
            .collect()
    }

    /// Returns why the run ended before all of its steps were begun, if it did.
    #[must_use]
    pub fn halt(&self) -> Option<Halt> {
        let mut results = self.outcomes.iter().map(|outcome| &outcome.result);
        results.find_map(StepResult::halt)
    }
}

/// The outcome of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The step.
    pub step: StepId,
    /// Its result.
    pub result: StepResult,
    /// Notes for the reader, such as that a document was restored from its snapshot.
    pub notes: Vec<String>,
}

/// The result of a step, as far as the server showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// The server accepted it, and reading it back confirmed it.
    Done {
        /// The revision after it, if any.
        revision: Option<Revision>,
    },
    /// The object changed since the plan; nothing was written.
    Moved {
        /// What was expected and what was found.
        reason: String,
    },
    /// The server refused it, or it could not be carried out; the state before it still exists.
    Failed {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was sent, and its effect could not be determined.
    Unknown {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was not tried, because a step before it did not succeed.
    Skipped {
        /// The step that did not succeed.
        because: StepId,
    },
    /// It was not tried, because the run ended first.
    NotBegun {
        /// What ended the run.
        halt: Halt,
        /// The reason in words, and what to do.
        reason: String,
    },
}

/// Why a run ended before all of its steps were begun.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// Somebody asked for it: Ctrl-C, a signal, or a daemon that is shutting down.
    Interrupted,
    /// The lease was lost, so somebody else may be writing now.
    Lease,
    /// An object that goes first did not succeed, or too many objects failed.
    Failure,
    /// A freeze began.
    Freeze,
    /// The steps wait for each other.
    Knot,
    /// The process died.
    Died,
}

impl Halt {
    /// Returns the name in machine formats.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Lease => "lease",
            Self::Failure => "failure",
            Self::Freeze => "freeze",
            Self::Knot => "knot",
            Self::Died => "died",
        }
    }

    /// Returns a short description for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Lease => "the lease was lost",
            Self::Failure => "after a failure",
            Self::Freeze => "a freeze began",
            Self::Knot => "its steps wait for each other",
            Self::Died => "the process died",
        }
    }

    /// Returns whether a guard or a lock ended the run, so that nothing failed.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        match self {
            Self::Lease | Self::Freeze => true,
            Self::Interrupted | Self::Failure | Self::Knot | Self::Died => false,
        }
    }
}

impl StepResult {
    /// Returns the standing that all formats and counts use.
    #[must_use]
    pub fn standing(&self) -> StepStanding {
        match self {
            Self::Done { .. } => StepStanding::Done,
            Self::Failed { .. } => StepStanding::Failed,
            Self::Unknown { .. } => StepStanding::Unknown,
            Self::Moved { .. } | Self::Skipped { .. } | Self::NotBegun { .. } => {
                StepStanding::NotBegun
            }
        }
    }

    /// Returns what ended the run before this step was begun, if anything did.
    #[must_use]
    pub fn halt(&self) -> Option<Halt> {
        match self {
            Self::NotBegun { halt, .. } => Some(*halt),
            Self::Done { .. }
            | Self::Moved { .. }
            | Self::Failed { .. }
            | Self::Unknown { .. }
            | Self::Skipped { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Halt;

    #[test]
    fn four_words_have_four_counts_that_add_up() {
        let reason = String::new;
        let results = [
            StepResult::Done { revision: None },
            StepResult::Failed { reason: reason() },
            StepResult::Unknown { reason: reason() },
            StepResult::Moved { reason: reason() },
            StepResult::Skipped { because: StepId(1) },
            StepResult::NotBegun {
                halt: Halt::Interrupted,
                reason: reason(),
            },
        ];
        let count: StepCount = results.iter().map(StepResult::standing).collect();
        assert_eq!(count.total(), results.len());
        assert_eq!(count.told_left(", "), ", 1 failed, 1 unknown, 3 not begun");
        assert_eq!(
            StepStanding::ALL.map(|standing| count.get(standing)),
            [1, 1, 1, 3]
        );
    }
}
