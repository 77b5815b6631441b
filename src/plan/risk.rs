//! How much a step can hurt.

use super::{Action, Risk};
use crate::diff::{Change, ChangeKey, Side};

/// Keys whose values no customer of the brand gets to see.
const UNSEEN: [&str; 6] = [
    "callReportEmail",
    "inbound_trunks_price",
    "jiraFeedback",
    "outbound_trunks_price",
    "port.authority",
    "twoway_trunks_price",
];

/// Rates a step by what it does and by what that changes.
pub(super) fn of(action: &Action, changes: &[Change]) -> Risk {
    let is_unseen = |change: &Change| {
        matches!(&change.key, ChangeKey::Setting(path)
            if UNSEEN.iter().any(|unseen| path.is_within(&(*unseen).into())))
    };
    let is_unread = |change: &Change| change.before == Side::Unread;
    match action {
        Action::Delete | Action::Recreate { .. } => Risk::Destructive,
        Action::ReplaceTemplate { .. } if changes.iter().any(is_unread) => Risk::Destructive,
        Action::Update { .. } if changes.iter().all(is_unseen) => Risk::Reversible,
        // Whoever uses a name that goes is cut off.
        Action::Records { sets } if sets.iter().any(|set| set.change.after.is_empty()) => {
            Risk::Destructive
        }
        Action::Create { .. }
        | Action::Records { .. }
        | Action::Update { .. }
        | Action::Release { .. }
        | Action::Upload { .. }
        | Action::ReplaceTemplate { .. } => Risk::CustomerVisible,
    }
}
