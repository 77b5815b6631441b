//! What a primary shows, as far as it could be read.

use std::collections::{BTreeMap, BTreeSet};

use super::Standing;
use crate::dns::Question;
use crate::model::RecordName;

/// What the primary shows of the sets that managed accounts need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    /// Where each name lies.
    pub homes: BTreeMap<RecordName, Home>,
    /// What stands in each zone; a set that is there and cannot be understood is left out. An error says why the zone
    /// could not be read.
    pub zones: BTreeMap<RecordName, Result<BTreeMap<Question, Standing>, String>>,
}

impl Standings {
    /// Says of everything that it could not be read.
    #[must_use]
    pub fn unknown(questions: &BTreeSet<Question>, reason: &str) -> Self {
        let home = |question: &Question| (question.name.clone(), Home::Unknown(reason.to_owned()));
        Self {
            homes: questions.iter().map(home).collect(),
            zones: BTreeMap::new(),
        }
    }
}

/// Where a name lies, among the zones that the primary keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// In this zone.
    Zone(RecordName),
    /// In none of them; why, and what to do.
    None(String),
    /// That could not be found out; why.
    Unknown(String),
}
