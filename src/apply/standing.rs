//! How steps stand after a run, in four words, and how many stand so.
//!
//! Every format, the history, the daemon and the exit code count with [`StepCount`], so that none of them can tell
//! another story than the others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::StepResult;

/// How a step stands after a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StepStanding {
    /// It was carried out, and the read-back shows it.
    Done,
    /// It was tried and did not succeed; what was there before is there still.
    Failed,
    /// It was sent, and what became of it could not be found out.
    Unknown,
    /// Nothing of it was written and nothing went wrong with it: its object had moved, a step before it did not succeed,
    /// or the run ended before.
    NotBegun,
}

impl StepStanding {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Done, Self::Failed, Self::Unknown, Self::NotBegun];

    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotBegun => "not_begun",
        }
    }

    /// Returns the word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotBegun => "not begun",
        }
    }
}

/// How many steps stand how. Together they are all steps that a run was to carry out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCount {
    /// Those that were carried out.
    #[serde(default)]
    pub done: usize,
    /// Those that were tried and did not succeed.
    #[serde(default)]
    pub failed: usize,
    /// Those that were sent, with an end that nobody knows.
    #[serde(default)]
    pub unknown: usize,
    /// Those of which nothing was written, without anything being wrong with them.
    #[serde(default)]
    pub not_begun: usize,
}

impl StepCount {
    /// Counts results.
    #[must_use]
    pub fn of<'a>(results: impl IntoIterator<Item = &'a StepResult>) -> Self {
        let mut count = Self::default();
        for result in results {
            count.add(result.standing());
        }
        count
    }

    /// Counts one more.
    pub fn add(&mut self, standing: StepStanding) {
        *match standing {
            StepStanding::Done => &mut self.done,
            StepStanding::Failed => &mut self.failed,
            StepStanding::Unknown => &mut self.unknown,
            StepStanding::NotBegun => &mut self.not_begun,
        } += 1;
    }

    /// Returns how many stand so.
    #[must_use]
    pub fn get(self, standing: StepStanding) -> usize {
        match standing {
            StepStanding::Done => self.done,
            StepStanding::Failed => self.failed,
            StepStanding::Unknown => self.unknown,
            StepStanding::NotBegun => self.not_begun,
        }
    }

    /// Returns how many steps there are in all.
    #[must_use]
    pub fn total(self) -> usize {
        StepStanding::ALL
            .map(|standing| self.get(standing))
            .iter()
            .sum()
    }

    /// Iterates over what is not done, as far as there is any of it.
    pub fn left(self) -> impl Iterator<Item = (StepStanding, usize)> {
        StepStanding::ALL
            .into_iter()
            .filter(|standing| *standing != StepStanding::Done)
            .map(move |standing| (standing, self.get(standing)))
            .filter(|(_, number)| *number > 0)
    }

    /// Says what is not done, each part after a separator: `, 1 failed, 3 not begun`.
    #[must_use]
    pub fn told_left(self, separator: &str) -> String {
        let parts = self.left();
        let parts =
            parts.map(|(standing, number)| format!("{separator}{number} {}", standing.word()));
        parts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Halt;
    use crate::plan::StepId;

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
        let count = StepCount::of(&results);
        assert_eq!(count.total(), results.len());
        assert_eq!(count.told_left(", "), ", 1 failed, 1 unknown, 3 not begun");
        assert_eq!(
            StepStanding::ALL.map(|standing| count.get(standing)),
            [1, 1, 1, 3]
        );
    }
}
