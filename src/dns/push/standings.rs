//! The live records of a primary, as far as they could be read.

use std::collections::{BTreeMap, BTreeSet};

use super::Standing;
use crate::dns::Question;
use crate::model::RecordName;

/// The primary's live state of the sets that managed accounts need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    /// The zone of each name.
    pub homes: BTreeMap<RecordName, Home>,
    /// The live sets of each zone; a set that exists but cannot be understood is left out. An error says why the zone
    /// could not be read.
    pub zones: BTreeMap<RecordName, Result<BTreeMap<Question, Standing>, String>>,
}

impl Standings {
    /// Returns the state in which nothing could be read.
    #[must_use]
    pub fn unknown(questions: &BTreeSet<Question>, reason: &str) -> Self {
        let home = |question: &Question| (question.name.clone(), Home::Unknown(reason.to_owned()));
        Self {
            homes: questions.iter().map(home).collect(),
            zones: BTreeMap::new(),
        }
    }
}

/// The zone of a name, among those that the primary has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// In this zone.
    Zone(RecordName),
    /// In none of them; the reason, and what to do.
    None(String),
    /// Unknown, with the reason.
    Unknown(String),
}
