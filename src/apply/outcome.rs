//! What became of each step.

use serde::{Deserialize, Serialize};

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
        let mut results = self.outcomes.iter().map(|outcome| &outcome.result);
        results.all(|result| matches!(result, StepResult::Done { .. }))
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
}
