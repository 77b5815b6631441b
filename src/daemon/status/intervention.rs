//! Interventions: what people requested of the daemon, and the outcome.

use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{AccountName, Digest, ObjectName};

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
    /// Execute a plan, or one object's part of it.
    Approve,
    /// Do not execute a plan, or one object's part of it.
    Reject,
    /// Do not execute a plan, or one object's part of it, before a time.
    PutOff,
    /// Stop writing.
    Pause,
    /// Resume writing.
    Resume,
    /// Read something now.
    Resync,
    /// Propose the drift of an account for the tree.
    Propose,
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
    /// The plan or the part of it that was decided about.
    pub plan: Option<Digest>,
    /// The object whose part of the plan was decided about; absent for the whole plan.
    #[serde(default)]
    pub object: Option<ObjectName>,
    /// The accounts, for a resync; empty for all.
    pub accounts: Vec<AccountName>,
    /// When a pause ends by itself, or until when something is put off.
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
            object: None,
            accounts: Vec::new(),
            until: None,
            outcome: None,
        }
    }

    /// Returns one line with what was requested, by whom, and why.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = match self.kind {
            InterventionKind::Approve => format!("approved {}", self.decided()),
            InterventionKind::Reject => format!("rejected {}", self.decided()),
            InterventionKind::PutOff => {
                let until = self.until.map_or_else(String::new, |until| {
                    format!(" until {}", until.strftime("%Y-%m-%d %H:%M UTC"))
                });
                format!("put off {}{until}", self.decided())
            }
            InterventionKind::Pause => "paused".to_owned(),
            InterventionKind::Resume => "resumed".to_owned(),
            InterventionKind::Resync => match self.accounts.as_slice() {
                [] => "asked for a look at everything".to_owned(),
                [only] => format!("asked for a look at {only}"),
                several => format!("asked for a look at {} accounts", several.len()),
            },
            InterventionKind::Propose => {
                format!("proposed to keep what is live for {}", self.decided())
            }
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

impl Intervention {
    /// Returns what was decided about.
    fn decided(&self) -> String {
        match (&self.object, &self.plan) {
            (Some(object), Some(plan)) => format!("{object}, plan {}", plan.short()),
            (Some(object), None) => object.to_string(),
            (None, Some(plan)) => format!("plan {}", plan.short()),
            (None, None) => "a plan".to_owned(),
        }
    }
}

impl InterventionKind {
    /// Returns the word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::PutOff => "put_off",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Resync => "resync",
            Self::Propose => "propose",
        }
    }
}
