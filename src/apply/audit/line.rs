//! A line of the audit log.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::run_id::RunId;
use super::super::standing::StepStanding;
use crate::model::{AccountId, ClusterName, Digest};
use crate::plan::{StepId, Subject};

/// The version of the format; raised when a member changes its meaning.
pub const AUDIT_VERSION: u32 = 1;

/// One line: a write of a step is about to be sent, or the step has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "emblazon audit line")]
pub struct AuditLine {
    /// The version of this format; always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The number of the line in its log, from 1.
    pub number: u64,
    /// The digest of the line before; 64 zeros on the first line.
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))]
    pub previous: Digest,
    /// When it was written.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// What happened.
    pub event: AuditEvent,
    /// The run, as `history` lists it.
    #[schemars(with = "String")]
    pub run: RunId,
    /// The step of its plan.
    #[schemars(with = "u32")]
    pub step: StepId,
    /// The cluster.
    #[schemars(with = "String")]
    pub cluster: ClusterName,
    /// The object that is written to.
    pub object: AuditObject,
    /// What the step does, such as `update` or `upload logo`.
    pub action: String,
    /// The commit that is applied; absent for files that are not committed, and for a restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The author of that commit, unverified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who approved the run, and how; absent where a policy of the daemon lets it go on without anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// User, host and process that wrote.
    pub host: String,
    /// Where the credential came from; never the credential.
    pub key: String,
    /// The object before the step.
    pub before: AuditState,
    /// The object after it, as it was read back; only on a line about the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AuditState>,
    /// How the step ended; only on a line about the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<StepStanding>,
    /// The bytes of a torn line that were removed before this one: a run was killed while it wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended: Option<u64>,
    /// The SHA-256 of everything before this member: the line's bytes up to and without `,"digest":`.
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))]
    pub digest: Digest,
}

/// What a line reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// The first write of a step is about to be sent.
    Begun,
    /// The step has ended.
    Ended,
}

/// The object of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AuditObject {
    /// The whitelabel of an account, with its assets.
    Account {
        /// The account's name in the tree.
        name: String,
        /// Its id on the cluster.
        #[schemars(with = "String")]
        id: AccountId,
    },
    /// The system's domain template.
    Template,
    /// Records of a DNS zone.
    Zone {
        /// The zone.
        name: String,
    },
}

/// The state of an object, as far as a line tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditState {
    /// There was none.
    Absent,
    /// It could not be read.
    Unknown,
    /// It had this SHA-256: of its settings and the digests of its assets, of the template, or of the sets of records
    /// that the step is about.
    #[serde(rename = "sha256")]
    Known(#[schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$"))] Digest),
}

impl AuditState {
    /// Returns the state in a word, or as the first digits of its digest.
    #[must_use]
    pub fn short(&self) -> &str {
        match self {
            Self::Absent => "nothing",
            Self::Unknown => "unknown",
            Self::Known(digest) => digest.short(),
        }
    }
}

impl AuditObject {
    /// Returns the object's name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::Account { name, .. } | Self::Zone { name } => name,
            Self::Template => "domain template",
        }
    }
}

impl From<&Subject> for AuditObject {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Account { name, id } => Self::Account {
                name: name.to_string(),
                id: id.clone(),
            },
            Subject::Template => Self::Template,
            Subject::Zone(zone) => Self::Zone {
                name: zone.to_string(),
            },
        }
    }
}

/// What stands between the bytes that a line's digest covers and the digest.
const MEMBER: &str = ",\"digest\":\"";
/// What follows the digest.
const END: &str = "\"}";

impl AuditLine {
    /// Returns the line's bytes, with the newline, and its digest, which replaces whatever the member holds.
    pub(super) fn sealed(&self) -> serde_json::Result<(Vec<u8>, Digest)> {
        let mut bytes = serde_json::to_vec(self)?;
        let tail = MEMBER.len() + self.digest.as_str().len() + END.len();
        bytes.truncate(bytes.len().saturating_sub(tail));
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(MEMBER.as_bytes());
        bytes.extend_from_slice(digest.as_str().as_bytes());
        bytes.extend_from_slice(END.as_bytes());
        bytes.push(b'\n');
        Ok((bytes, digest))
    }

    /// Parses the bytes of a line without its newline; the error says what is wrong with them.
    pub(super) fn opened(bytes: &[u8]) -> Result<Self, LineError> {
        let line: Self =
            serde_json::from_slice(bytes).map_err(|error| LineError::Shape(error.to_string()))?;
        if line.version != AUDIT_VERSION {
            return Err(LineError::Version(line.version));
        }
        let tail = format!("{MEMBER}{}{END}", line.digest);
        match bytes.strip_suffix(tail.as_bytes()) {
            Some(body) if Digest::of(body) == line.digest => Ok(line),
            Some(_) | None => Err(LineError::Digest(Box::new(line))),
        }
    }
}

/// What is wrong with the bytes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineError {
    /// They are no line of an audit log.
    Shape(String),
    /// Another version of emblazon wrote it.
    Version(u32),
    /// They have another digest than the line says.
    Digest(Box<AuditLine>),
}
