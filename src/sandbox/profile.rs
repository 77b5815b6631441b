//! Which version of Kazoo the sandbox imitates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names the imitated version; contract section 8 lists what differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// Kazoo 4.3 (V3), read from source.
    #[serde(rename = "4.3")]
    V43,
    /// Kazoo master, as the recordings observed it.
    #[default]
    #[serde(rename = "master")]
    Master,
    /// Kazoo 5 (V5), read from source.
    #[serde(rename = "5")]
    V5,
}

impl Profile {
    /// Tells whether `/v1` is still served (V3) instead of answering 410 (E2).
    pub(crate) fn serves_v1(self) -> bool {
        self == Self::V43
    }

    /// Tells whether account-scoped GETs below `/whitelabel/` need no token (A11, observed 6).
    pub(crate) fn opens_account_reads(self) -> bool {
        self != Self::V43
    }

    /// Tells whether each request costs a token, also with a good login (C4).
    pub(crate) fn charges_every_request(self) -> bool {
        self == Self::V43
    }

    /// Tells whether envelopes carry `tokens` (E15).
    pub(crate) fn shows_tokens(self) -> bool {
        self != Self::V43
    }

    /// Tells whether `version` stands in answers to anonymous requests too (E15).
    pub(crate) fn always_shows_version(self) -> bool {
        self == Self::V43
    }

    /// Tells whether DELETE answers `metadata.deleted` instead of `data._read_only` (E17).
    pub(crate) fn marks_deletion_in_metadata(self) -> bool {
        self == Self::V5
    }

    /// Tells whether an upload stops when its first save fails (B12).
    pub(crate) fn stops_upload_after_conflict(self) -> bool {
        self == Self::V5
    }

    /// Tells whether a `Range` on an asset ends the connection without an answer (observed 11).
    pub(crate) fn dies_of_ranges(self) -> bool {
        self == Self::Master
    }

    /// Returns the `version` of envelopes.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::V43 => "4.3.0",
            Self::Master => "4.0.0",
            Self::V5 => "5.1.0",
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "4.3" => Ok(Self::V43),
            "master" => Ok(Self::Master),
            "5" => Ok(Self::V5),
            other => Err(format!(
                "unknown profile {other:?}; choose 4.3, master or 5"
            )),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V43 => "4.3",
            Self::Master => "master",
            Self::V5 => "5",
        })
    }
}
