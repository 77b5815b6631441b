//! What people asked the daemon for, who they were, and what became of it.

use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, Digest};

/// Who asks for something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// When it was asked for.
    pub at: Timestamp,
    /// The name that was given. Nobody checked it, and it may hold any character.
    pub by: Option<String>,
    /// Why, in somebody's words. It may hold any character.
    pub reason: Option<String>,
    /// How it came, such as that somebody was logged in, and from which address.
    pub via: Option<String>,
}

/// What kind of thing was asked for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum InterventionKind {
    /// To carry out a plan.
    Approve,
    /// To write nothing.
    Pause,
    /// To go on writing.
    Resume,
    /// To read something now.
    Resync,
}

/// Something that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// Its number, from 1; it only grows, also over restarts. 0 before the history has it.
    pub id: u64,
    /// What kind of thing.
    pub kind: InterventionKind,
    /// Who asked for it.
    pub author: Author,
    /// The plan, of an approval.
    pub plan: Option<Digest>,
    /// The accounts, of a resync; all when empty.
    pub accounts: Vec<AccountName>,
    /// When a pause ends by itself.
    pub until: Option<Timestamp>,
    /// What became of an approval; absent while it is waited for.
    pub outcome: Option<Outcome>,
}

/// What became of something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When it was known.
    pub at: Timestamp,
    /// Whether all of it was carried out.
    pub is_done: bool,
    /// The same in words, with the reason where it was not. It may hold any character.
    pub message: String,
}

impl Author {
    /// Stands for somebody who gave no name.
    #[must_use]
    pub fn unnamed(at: Timestamp) -> Self {
        Self {
            at,
            by: None,
            reason: None,
            via: None,
        }
    }

    /// Says who it was, as far as is known.
    #[must_use]
    pub fn named(&self) -> &str {
        self.by.as_deref().unwrap_or("somebody who gave no name")
    }
}

impl Intervention {
    /// Begins with what all kinds have.
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

    /// Says in a line what was asked for, by whom, and why.
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
