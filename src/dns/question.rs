//! What is asked.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::record::{RecordName, RecordType};

/// A name and a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Question {
    /// The name.
    pub name: RecordName,
    /// The type.
    pub record_type: RecordType,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.record_type)
    }
}
