//! What people decide about a part of the plan.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Author;
use crate::model::Digest;

/// An object's part of the plan that an approval would execute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The digest of its steps, which an approval, a rejection or a postponement of the part names.
    pub plan: Digest,
    /// The number of its steps.
    pub steps: usize,
    /// Whether it can be executed by itself: no step waits for another object's, or writes to one.
    pub is_alone: bool,
}

/// An approval whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The plan.
    pub plan: Digest,
    /// The approver.
    pub author: Author,
}

/// The decision not to execute a part of the plan. It holds for exactly the part that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// [`Part::plan`].
    pub plan: Digest,
    /// Who decided.
    pub author: Author,
    /// Until when it is put off; absent when it is rejected.
    pub until: Option<Timestamp>,
}

impl Declined {
    /// Returns whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Returns one line with who decided what, and why.
    #[must_use]
    pub fn sentence(&self) -> String {
        let who = self.author.named();
        let what = match self.until {
            Some(until) => format!(
                "put off by {who} until {}",
                until.strftime("%Y-%m-%d %H:%M UTC")
            ),
            None => format!("rejected by {who}"),
        };
        match &self.author.reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what,
        }
    }
}
