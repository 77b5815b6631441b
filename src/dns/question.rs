//! A question to DNS.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::record::{RecordName, RecordType};

/// A question to DNS: a name and a record type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Question {
    /// Name that is asked for.
    pub name: RecordName,
    /// Record type that is asked for.
    pub record_type: RecordType,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.record_type)
    }
}
