//! Interventions: what people requested of the daemon, and the outcome.

use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, Digest};

/// Who requests something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// When it was requested.
    pub at: Timestamp,
    /// The name that was given. Unverified, and may contain any character.
    pub by: Option<String>,
    /// The reason that was given. May contain any character.
    pub reason: Option<String>,
    /// Through which channel it came, such as a login and the client's address.
    pub via: Option<String>,
}

/// The kind of an intervention.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum InterventionKind {
    /// Execute a plan.
    Approve,
    /// Stop writing.
    Pause,
    /// Resume writing.
    Resume,
    /// Read something now.
    Resync,
}

/// A request by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// Its number, from 1; it keeps growing across restarts. 0 until the history log has it.
    pub id: u64,
    /// The kind.
    pub kind: InterventionKind,
    /// Who requested it.
    pub author: Author,
    /// The plan, for an approval.
    pub plan: Option<Digest>,
    /// The accounts, for a resync; empty for all.
    pub accounts: Vec<AccountName>,
    /// When a pause ends by itself.
    pub until: Option<Timestamp>,
    /// The outcome; absent until it is known.
    pub outcome: Option<Outcome>,
}

/// The outcome of an intervention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When the outcome was known.
    pub at: Timestamp,
    /// Whether all of it was executed.
    pub is_done: bool,
    /// The outcome in words, with the reason where it was refused. May contain any character.
    pub message: String,
}

impl Author {
    /// Creates an author without a name.
    #[must_use]
    pub fn unnamed(at: Timestamp) -> Self {
        Self {
            at,
            by: None,
            reason: None,
            via: None,
        }
    }

    /// Returns the name, or a phrase when none was given.
    #[must_use]
    pub fn named(&self) -> &str {
        self.by.as_deref().unwrap_or("somebody who gave no name")
    }
}

impl Intervention {
    /// Creates an intervention with the parts common to all kinds.
    #[must_use]
    pub fn new(kind: InterventionKind, author: Author) -> Self {
        Self {
            id: 0,
            kind,
            author,
            plan: None,
            accounts: Vec::new(),
            until: None,
            outcome: None,
        }
    }

    /// Returns one line with what was requested, by whom, and why.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = match self.kind {
            InterventionKind::Approve => match &self.plan {
                Some(plan) => format!("approved plan {}", plan.short()),
                None => "approved a plan".to_owned(),
            },
            InterventionKind::Pause => "paused".to_owned(),
            InterventionKind::Resume => "resumed".to_owned(),
            InterventionKind::Resync => match self.accounts.as_slice() {
                [] => "asked for a look at everything".to_owned(),
                [only] => format!("asked for a look at {only}"),
                several => format!("asked for a look at {} accounts", several.len()),
            },
        };
        let mut sentence = format!("{} {what}", self.author.named());
        if let Some(via) = &self.author.via {
            let _ = write!(sentence, " ({via})");
        }
        if let Some(reason) = &self.author.reason {
            sentence.push_str(": ");
            sentence.push_str(reason);
        }
        sentence
    }
}

impl InterventionKind {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Resync => "resync",
        }
    }
}
