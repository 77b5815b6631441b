//! The version of Kazoo that the sandbox emulates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The emulated version; section 8 of the contract lists the differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// Kazoo 4.3 (V3), read from source.
    #[serde(rename = "4.3")]
    V43,
    /// Kazoo master, as observed in the recordings.
    #[default]
    #[serde(rename = "master")]
    Master,
    /// Kazoo 5 (V5), read from source.
    #[serde(rename = "5")]
    V5,
}

impl Profile {
    /// Returns whether `/v1` is still served (V3) instead of answering 410 (E2).
    pub(crate) fn serves_v1(self) -> bool {
        self == Self::V43
    }

    /// Returns whether account-scoped GETs below `/whitelabel/` need no token (A11, observed 6).
    pub(crate) fn opens_account_reads(self) -> bool {
        self != Self::V43
    }

    /// Returns whether every request takes a token from the bucket, even an authenticated one (C4).
    pub(crate) fn charges_every_request(self) -> bool {
        self == Self::V43
    }

    /// Returns whether envelopes carry `tokens` (E15).
    pub(crate) fn shows_tokens(self) -> bool {
        self != Self::V43
    }

    /// Returns whether responses to anonymous requests contain `version` too (E15).
    pub(crate) fn always_shows_version(self) -> bool {
        self == Self::V43
    }

    /// Returns whether DELETE responses contain `metadata.deleted` instead of `data._read_only` (E17).
    pub(crate) fn marks_deletion_in_metadata(self) -> bool {
        self == Self::V5
    }

    /// Returns whether errors before the negotiation of the content type name it all the same (kazoo-4.3, statement 4).
    pub(crate) fn types_early_errors(self) -> bool {
        self == Self::V43
    }

    /// Returns whether a body that is not UTF-8 is refused instead of read as Latin-1 (kazoo-4.3, statement 10).
    pub(crate) fn refuses_other_encodings(self) -> bool {
        self == Self::V43
    }

    /// Returns whether `vary` names the encoding of an answer that is compressed (kazoo-4.3, statement 4).
    pub(crate) fn varies_by_encoding(self) -> bool {
        self == Self::V43
    }

    /// Returns whether lists ascend by name, and their keys hold the name only (kazoo-4.3, statement 15).
    pub(crate) fn lists_ascend(self) -> bool {
        self == Self::V43
    }

    /// Returns whether the answer to a new account has its location and revision (kazoo-4.3, statement 18).
    pub(crate) fn locates_new_accounts(self) -> bool {
        self == Self::V43
    }

    /// Returns whether lists of ancestors show all that other lists show (kazoo-4.3, statement 17).
    pub(crate) fn describes_ancestors(self) -> bool {
        self == Self::V43
    }

    /// Returns whether requests without the account or the domain that they need are refused with a reason, where
    /// others crash (kazoo-4.3, statements 10 and 13).
    pub(crate) fn explains_missing_parts(self) -> bool {
        self == Self::V43
    }

    /// Returns whether an account keeps the reserved domain of a deleted whitelabel (kazoo-4.3, statement 5).
    pub(crate) fn keeps_domain_after_deletion(self) -> bool {
        self == Self::V43
    }

    /// Returns whether an upload stops when its first save fails (B12).
    pub(crate) fn stops_upload_after_conflict(self) -> bool {
        self == Self::V5
    }

    /// Returns whether a `Range` request for an asset closes the connection without a response (observed 11).
    pub(crate) fn dies_of_ranges(self) -> bool {
        self != Self::V5
    }

    /// Returns whether a POST of an account counts two revisions (recorded of master, for a child of a reseller).
    pub(crate) fn writes_accounts_twice(self) -> bool {
        self == Self::Master
    }

    /// Returns whether a webhook's `action` may be `all` (V2).
    pub(crate) fn hooks_know_all(self) -> bool {
        self != Self::V43
    }

    /// Returns whether a webhook says who made the change (V3).
    pub(crate) fn hooks_name_authors(self) -> bool {
        self == Self::V5
    }

    /// Returns the value of `version` in envelopes.
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
