//! The standing of steps after a run, in four words, and their counts.
//!
//! Every format, the history, the daemon and the exit code count with [`StepCount`], so that they always agree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The standing of a step after a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StepStanding {
    /// It was carried out, and reading it back confirmed it.
    Done,
    /// It was tried and did not succeed; the state before it still exists.
    Failed,
    /// It was sent, and its effect could not be determined.
    Unknown,
    /// Nothing of it was written, and it did not fail itself: its object had changed, a step before it did not succeed,
    /// or the run ended first.
    NotBegun,
}

impl StepStanding {
    /// All standings, in display order.
    pub const ALL: [Self; 4] = [Self::Done, Self::Failed, Self::Unknown, Self::NotBegun];

    /// Returns the name in machine formats.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotBegun => "not_begun",
        }
    }

    /// Returns the name for people.
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

/// The number of steps by standing. Together they are all steps that a run was to carry out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCount {
    /// Steps that were carried out.
    #[serde(default)]
    pub done: usize,
    /// Steps that were tried and did not succeed.
    #[serde(default)]
    pub failed: usize,
    /// Steps that were sent, with an unknown effect.
    #[serde(default)]
    pub unknown: usize,
    /// Steps of which nothing was written, and which did not fail themselves.
    #[serde(default)]
    pub not_begun: usize,
}

impl FromIterator<StepStanding> for StepCount {
    fn from_iter<I: IntoIterator<Item = StepStanding>>(standings: I) -> Self {
        let mut count = Self::default();
        for standing in standings {
            count.add(standing);
        }
        count
    }
}

impl StepCount {
    /// Counts one more step.
    pub fn add(&mut self, standing: StepStanding) {
        *match standing {
            StepStanding::Done => &mut self.done,
            StepStanding::Failed => &mut self.failed,
            StepStanding::Unknown => &mut self.unknown,
            StepStanding::NotBegun => &mut self.not_begun,
        } += 1;
    }

    /// Returns the number of steps with a standing.
    #[must_use]
    pub fn get(self, standing: StepStanding) -> usize {
        match standing {
            StepStanding::Done => self.done,
            StepStanding::Failed => self.failed,
            StepStanding::Unknown => self.unknown,
            StepStanding::NotBegun => self.not_begun,
        }
    }

    /// Returns the total number of steps.
    #[must_use]
    pub fn total(self) -> usize {
        StepStanding::ALL
            .map(|standing| self.get(standing))
            .iter()
            .sum()
    }

    /// Iterates over the standings other than done that any step has.
    pub fn left(self) -> impl Iterator<Item = (StepStanding, usize)> {
        StepStanding::ALL
            .into_iter()
            .filter(|standing| *standing != StepStanding::Done)
            .map(move |standing| (standing, self.get(standing)))
            .filter(|(_, number)| *number > 0)
    }

    /// Describes the steps that are not done, each standing after a separator: `, 1 failed, 3 not begun`.
    #[must_use]
    pub fn told_left(self, separator: &str) -> String {
        let parts = self.left();
        let parts =
            parts.map(|(standing, number)| format!("{separator}{number} {}", standing.word()));
        parts.collect()
    }
}
