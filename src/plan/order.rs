//! The order of steps.
//!
//! ```text
//!   release ──► delete ──► write ──► icon ──► logo ──► welcome ──► template ──► records
//!      │       recreate      ▲
//!      │          │          │
//!      └──────────┴──────────┘  a domain is claimed after its holder released it
//! ```
//!
//! One chain goes the other way: an account without a whitelabel that still reserves a domain gets one with a parked
//! name, which is deleted at once.
//!
//! The steps of an account form a chain; the precondition of each is the state that the previous one left. The only
//! edges between accounts are those of domains: the server refuses a domain that another account reserves (W19), so the
//! step that claims a domain comes after the step that frees it. The template depends on nothing and follows the
//! accounts. Records come last, because they direct customers to what the earlier steps created: if an account's domain
//! moves, its records wait for that step, and stay unchanged if it fails.
//!
//! The order icon, logo, welcome has these reasons (B11, B12, observed 2 and 3): while no logo is stored, the last
//! attachment that is not an icon counts as the logo, and uploading a logo deletes it, so the welcome page comes after
//! the logo. A failed upload to a document without attachments deletes the document, so the icon, which is never
//! mistaken for another asset, goes first and the later uploads find an attachment.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, StepId};
use crate::model::AssetKind;

/// The order of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A domain is moved to a parked name.
    Release,
    /// A whitelabel is deleted, for good or to be created again.
    Delete,
    /// A document is created or changed.
    Write,
    /// An icon is uploaded.
    Icon,
    /// A logo is uploaded.
    Logo,
    /// A welcome page is uploaded.
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

/// Identifies a step before it has an id: the index of the account in the tree (the template comes last), and the index
/// of the step in the account's chain.
pub(crate) type Slot = (usize, usize);

/// Numbers steps so that each comes after its dependencies and, among independent steps, by level, then by account.
/// Steps on a cycle are left out; the builder creates none.
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

    /// Trap 16 and observed 2: no other attachment may be mistaken for the logo when the logo is uploaded.
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
