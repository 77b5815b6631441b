//! The risk of a step.

use super::guard::runs_code;
use super::{Action, Risk};
use crate::diff::{Change, ChangeKey, Side};

/// The keys whose values customers of the brand never see.
const UNSEEN: [&str; 5] = [
    "callReportEmail",
    "inbound_trunks_price",
    "outbound_trunks_price",
    "port.authority",
    "twoway_trunks_price",
];

/// Rates a step by its action and its changes.
pub(super) fn of(action: &Action, changes: &[Change]) -> Risk {
    let is_unseen = |change: &Change| {
        matches!(&change.key, ChangeKey::Setting(path)
            if UNSEEN.iter().any(|unseen| path.is_within(&(*unseen).into())))
    };
    let executes = |change: &Change| runs_code(change).is_some();
    let is_unread = |change: &Change| change.before == Side::Unread;
    match action {
        Action::Delete | Action::Recreate { .. } => Risk::Destructive,
        Action::ReplaceTemplate { .. } if changes.iter().any(is_unread) => Risk::Destructive,
        Action::Create { .. } | Action::Update { .. } if changes.iter().any(executes) => {
            Risk::Executes
        }
        Action::Update { .. } if changes.iter().all(is_unseen) => Risk::Reversible,
        // Removing a name cuts off its users.
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
