//! What became of each step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::standing::{StepCount, StepStanding};
use crate::model::Revision;
use crate::plan::StepId;

/// What a run did: one outcome a step, in the order of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// One a step.
    pub outcomes: Vec<StepOutcome>,
}

impl Applied {
    /// Tells whether every step was carried out.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let count = self.count();
        count.done == count.total()
    }

    /// Counts how many steps stand how.
    #[must_use]
    pub fn count(&self) -> StepCount {
        StepCount::of(self.outcomes.iter().map(|outcome| &outcome.result))
    }

    /// Says why the run ended before all of its steps were begun, when it did.
    #[must_use]
    pub fn halt(&self) -> Option<Halt> {
        let mut results = self.outcomes.iter().map(|outcome| &outcome.result);
        results.find_map(StepResult::halt)
    }
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The step.
    pub step: StepId,
    /// What became of it.
    pub result: StepResult,
    /// What a reader should know, such as that a document was put back from its snapshot.
    pub notes: Vec<String>,
}

/// What became of a step, as far as the server showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// The server accepted it and the read-back shows it.
    Done {
        /// The revision after it, where there is one.
        revision: Option<Revision>,
    },
    /// The object moved since the plan; nothing was written.
    Moved {
        /// What was expected and what was found.
        reason: String,
    },
    /// The server refused it, or it could not be carried out; what was there before is there still.
    Failed {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was sent, and what became of it could not be found out.
    Unknown {
        /// What happened, and what to do.
        reason: String,
    },
    /// It was not tried, because a step before it did not succeed.
    Skipped {
        /// That step.
        because: StepId,
    },
    /// It was not tried, because the run ended before.
    NotBegun {
        /// What ended the run.
        halt: Halt,
        /// The same in words, and what to do.
        reason: String,
    },
}

/// What ends a run before all of its steps are begun.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// Somebody asked for it: Ctrl-C, a signal, or a daemon that is to end.
    Interrupted,
    /// The lease is over, so somebody else may write now.
    Lease,
    /// An object that goes first, or as many as may fail, did not succeed.
    Failure,
    /// A freeze began.
    Freeze,
    /// The steps wait for each other.
    Knot,
    /// The process died.
    Died,
}

impl Halt {
    /// Returns the word for machines.
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

    /// Says it in a few words for people.
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

    /// Tells whether a guard or a lock did it, so that nothing failed.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        match self {
            Self::Lease | Self::Freeze => true,
            Self::Interrupted | Self::Failure | Self::Knot | Self::Died => false,
        }
    }
}

impl StepResult {
    /// Returns the one word of four that all formats and counts go by.
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

    /// Says what ended the run before this step was begun, when something did.
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
