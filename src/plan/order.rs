//! In which order steps are carried out.
//!
//! ```text
//!   release ──► delete ──► write ──► icon ──► logo ──► welcome ──► template ──► records
//!      │       recreate      ▲
//!      │          │          │
//!      └──────────┴──────────┘  a domain is claimed after its holder let it go
//! ```
//!
//! Inside an account the steps form a chain; each one's precondition is what the one before left.
//! Between accounts there are no edges but those of domains: the server refuses a domain that another
//! account reserves (W19), so the step that claims one comes after the step that frees it. The
//! template depends on nothing and comes after them. Records come last, for they lead customers to what the steps before
//! have made: those of an account whose domain moves wait for the step that moves it, and are left alone when it fails.
//!
//! Why icon, logo, welcome (B11, B12, observed 2 and 3): while no logo is stored, the last attachment
//! that is no icon counts as the logo, and uploading a logo deletes it; so the welcome comes after the logo. A
//! failed upload to a document without attachments deletes the document; the icon, which nothing
//! else is taken for, goes first, so that the later ones find an attachment there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, StepId};
use crate::model::AssetKind;

/// The order table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A domain is moved to a parked name.
    Release,
    /// A whitelabel is deleted, for good or to be created again.
    Delete,
    /// A document is created or changed.
    Write,
    /// An icon is put up.
    Icon,
    /// A logo is put up.
    Logo,
    /// A welcome page is put up.
    Welcome,
    /// The domain template is replaced.
    Template,
    /// Records of a zone change.
    Records,
}

impl Level {
    /// Returns the level of an action.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        match action {
            Action::Release { .. } => Self::Release,
            Action::Delete | Action::Recreate { .. } => Self::Delete,
            Action::Create { .. } | Action::Update { .. } => Self::Write,
            Action::Upload { asset, .. } => Self::of_upload(*asset),
            Action::ReplaceTemplate { .. } => Self::Template,
            Action::Records { .. } => Self::Records,
        }
    }

    fn of_upload(asset: AssetKind) -> Self {
        match asset {
            AssetKind::Icon => Self::Icon,
            AssetKind::Logo => Self::Logo,
            AssetKind::Welcome => Self::Welcome,
        }
    }
}

/// A step before it has its number: the account's place in the tree (the template's is the last),
/// and the step's place in the account's chain.
pub(crate) type Slot = (usize, usize);

/// Numbers steps so that each comes after those it depends on and, where that leaves a choice, by
/// level, then by account. Steps on a cycle are left out; the builder makes none.
pub(crate) fn number(
    levels: &BTreeMap<Slot, Level>,
    edges: &BTreeSet<(Slot, Slot)>,
) -> BTreeMap<Slot, StepId> {
    let mut waits: BTreeMap<Slot, usize> = levels.keys().map(|slot| (*slot, 0)).collect();
    for (_, after) in edges {
        *waits.entry(*after).or_default() += 1;
    }
    let ready_of = |slot: Slot| (levels.get(&slot).copied(), slot);
    let mut ready: BTreeSet<_> = (waits.iter())
        .filter(|(_, count)| **count == 0)
        .map(|(slot, _)| ready_of(*slot))
        .collect();
    let mut numbers = BTreeMap::new();
    let mut next = 0;
    while let Some((_, slot)) = ready.pop_first() {
        numbers.insert(slot, StepId(next));
        next += 1;
        for (_, after) in edges.range((slot, (0, 0))..=(slot, (usize::MAX, usize::MAX))) {
            if let Some(count) = waits.get_mut(after) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(ready_of(*after));
                }
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trap 16 and observed 2: nothing may be taken for the logo when the logo is put up.
    #[test]
    fn trap_16_observed_02_the_welcome_comes_after_the_logo() {
        assert!(Level::Icon < Level::Logo && Level::Logo < Level::Welcome);
    }

    #[test]
    fn numbers_follow_edges_then_levels_then_accounts() {
        #[track_caller]
        fn check(levels: &[(Slot, Level)], edges: &[(Slot, Slot)], expected: &[Slot]) {
            let numbers = number(
                &levels.iter().copied().collect(),
                &edges.iter().copied().collect(),
            );
            let mut order: Vec<_> = numbers.into_iter().map(|(slot, id)| (id, slot)).collect();
            order.sort();
            let order: Vec<Slot> = order.into_iter().map(|(_, slot)| slot).collect();
            assert_eq!(order, expected);
        }
        check(&[], &[], &[]);
        check(
            &[
                ((0, 0), Level::Write),
                ((0, 1), Level::Logo),
                ((1, 0), Level::Release),
                ((1, 1), Level::Write),
            ],
            &[((0, 0), (0, 1)), ((1, 0), (1, 1))],
            &[(1, 0), (0, 0), (1, 1), (0, 1)],
        );
        check(
            &[((0, 0), Level::Write), ((1, 0), Level::Write)],
            &[((1, 0), (0, 0))],
            &[(1, 0), (0, 0)],
        );
    }
}
