//! Differences that stay: something rules out the change that would resolve them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, ChangeKey, Edit};
use crate::model::KeyPath;

/// A difference that no run resolves. It is shown, and counts neither as pending nor as in sync.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The difference.
    pub change: Change,
    /// Why it stays.
    pub reason: KeptReason,
}

/// Why a difference stays.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// The run was told to remove nothing.
    NoRemove,
    /// `policy.remove` rules the removal out.
    NeverRemoved,
    /// The tree says to leave it alone once the whitelabel exists.
    Ignored,
    /// The account is only observed.
    Observed,
}

impl KeptReason {
    /// Returns the reason in a few words.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::NoRemove => "kept: --no-remove",
            Self::NeverRemoved => "kept: policy.remove says never",
            Self::Ignored => "kept: the tree ignores it",
            Self::Observed => "kept: the account is only observed",
        }
    }
}

impl Edit {
    /// Keeps a value that is only replaced because keys below it would be set, if all of these keys stay.
    pub(super) fn keep_what_is_in_the_way(
        &self,
        changes: &[Change],
        reasons: &mut [Option<KeptReason>],
    ) {
        let path = |change: &Change| match &change.key {
            ChangeKey::Setting(path) => Some(path.clone()),
            _ => None,
        };
        let below = |above: &KeyPath, reasons: &[Option<KeptReason>]| -> Vec<Option<KeptReason>> {
            let is_below = |change: &Change| {
                path(change).is_some_and(|path| path != *above && path.is_within(above))
            };
            let both = changes.iter().zip(reasons);
            let both = both.filter(|(change, _)| is_below(change));
            both.map(|(_, reason)| *reason).collect()
        };
        for (index, change) in changes.iter().enumerate() {
            let above = path(change).filter(|path| {
                change.is_removal() && !self.remove.contains(path) && reasons[index].is_none()
            });
            let Some(above) = above else { continue };
            let below = below(&above, reasons);
            if below.iter().all(Option::is_some) {
                reasons[index] = below.first().copied().flatten();
            }
        }
    }
}

/// Returns an edit that leaves these keys as they are. A declared map that was only set because its last key would go is
/// not set either: that would empty it. `changes` are those that remain.
pub(crate) fn without(edit: &Edit, changes: &[Change], kept: &BTreeSet<KeyPath>) -> Edit {
    let mut edit = edit.clone();
    edit.remove.retain(|path| !kept.contains(path));
    edit.set.retain(|path, value| {
        let is_map = matches!(value, Value::Object(_));
        let has_kept = || kept.iter().any(|it| it.is_within(path));
        let is_change = || (changes.iter()).any(|it| it.key == ChangeKey::Setting(path.clone()));
        !kept.contains(path) && (!is_map || !has_kept() || is_change())
    });
    edit
}
