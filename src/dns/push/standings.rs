//! The live records of a primary, as far as they could be read.

use std::collections::{BTreeMap, BTreeSet};

use super::{PushError, Standing};
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
    /// What a reader of the plan should know when a zone is written.
    pub notes: BTreeMap<RecordName, String>,
}

impl Standings {
    /// Returns the state in which nothing could be read.
    #[must_use]
    pub fn unknown(questions: &BTreeSet<Question>, reason: &str) -> Self {
        let home = |question: &Question| (question.name.clone(), Home::Unknown(reason.to_owned()));
        Self {
            homes: questions.iter().map(home).collect(),
            ..Self::default()
        }
    }
}

impl Standings {
    /// Adds what was read of a zone. A name that the primary must not be asked to write has no zone there.
    pub(super) fn add(&mut self, zone: RecordName, reading: Result<ZoneReading, PushError>) {
        let ZoneReading { sets, note } = match reading {
            Ok(reading) => reading,
            Err(error @ PushError::Secondary { .. }) => {
                let reason = error.to_string();
                for home in self.homes.values_mut() {
                    if *home == Home::Zone(zone.clone()) {
                        *home = Home::None(reason.clone());
                    }
                }
                return;
            }
            Err(error) => {
                self.zones.insert(zone, Err(error.to_string()));
                return;
            }
        };
        let mut known = BTreeMap::new();
        for (question, standing) in sets {
            match standing {
                Ok(standing) => {
                    known.insert(question, standing);
                }
                Err(error) => {
                    self.homes
                        .insert(question.name, Home::None(error.to_string()));
                }
            }
        }
        self.notes.extend(note.map(|note| (zone.clone(), note)));
        self.zones.insert(zone, Ok(known));
    }
}

/// What was read of a zone.
#[derive(Debug, Default)]
pub(super) struct ZoneReading {
    /// The live sets, or why one must not be written there; a set that exists but cannot be understood is left out.
    pub(super) sets: BTreeMap<Question, Result<Standing, PushError>>,
    /// What a writer of the zone should know.
    pub(super) note: Option<String>,
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
