//! The id of one run of `apply`.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::Digest;

/// Identifies one run of `apply`: its journal, its snapshots, and the prefix of its request ids.
///
/// It is safe as a file name: letters, digits and hyphens only. Ids sort by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// Why a text is not a run id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not the name of a run; list the runs and copy one")]
pub struct RunIdError(String);

impl RunId {
    /// Builds the id from the start time of the run (in UTC, by the millisecond) and the digest of its plan.
    #[must_use]
    pub fn new(started: Timestamp, plan: &Digest) -> Self {
        let time = started.strftime("%Y%m%dT%H%M%S%3fZ");
        let plan = plan.as_str().get(..8).unwrap_or(plan.as_str());
        Self(format!("{time}-{plan}"))
    }

    /// Parses an id that [`fmt::Display`] wrote.
    ///
    /// # Errors
    /// When it has a character that no run id has, such as a slash.
    pub fn parse(text: &str) -> Result<Self, RunIdError> {
        let fits = (1..=80).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(RunIdError(text.to_owned()))
        }
    }

    /// Returns the id of the `n`th run that started in the same millisecond with the same plan.
    pub(crate) fn numbered(&self, n: u32) -> Self {
        Self(format!("{}-{n}", self.0))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(text: String) -> Result<Self, RunIdError> {
        Self::parse(&text)
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_as_files() {
        let started: Timestamp = "2026-11-23T21:05:14.0421Z".parse().unwrap();
        let run = RunId::new(started, &Digest::of(b"plan"));
        assert_eq!(run.as_str(), "20261123T210514042Z-64879f7d");
        assert_eq!(RunId::parse(run.as_str()), Ok(run.clone()));
        assert_eq!(run.numbered(2).as_str(), "20261123T210514042Z-64879f7d-2");
        for wrong in ["", "../x", "a/b", "a.json", &"a".repeat(81)] {
            assert!(RunId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
