//! Comparing again and again: only what has another side than the last time is compared anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::base::Base;
use super::compare::{Sides, compare_each};
use super::{AccountDifference, Differences};
use crate::diag::SourceMap;
use crate::live::{Live, LiveAccount};
use crate::model::AccountName;
use crate::tree::{Desired, DesiredAccount};

/// The accounts that were compared, each with the very values that it was compared from.
///
/// An account whose sides are the same values still, not only equal ones, differs as it did: whoever reads an account anew,
/// or changes one, has another value. It costs a pointer for each side to find that out.
#[derive(Debug, Default)]
pub struct Comparison {
    known: BTreeMap<AccountName, Compared>,
    compared: u64,
}

#[derive(Debug)]
struct Compared {
    desired: Arc<DesiredAccount>,
    base: Base<Arc<DesiredAccount>>,
    live: Option<Arc<LiveAccount>>,
    difference: Arc<AccountDifference>,
}

impl Comparison {
    /// Compares as [`super::compare`] does.
    ///
    /// An account that is the same value as before stands at the same places: the sources may have grown since, but
    /// what they held of its files they hold still.
    pub fn compare(
        &mut self,
        desired: &Desired,
        base: Option<&Desired>,
        live: &Live,
        sources: &SourceMap,
    ) -> Differences {
        let differences = compare_each(desired, base, live, sources, |sides| {
            self.find(sides).unwrap_or_else(|| {
                self.compared += 1;
                let difference = Arc::new(sides.compare(sources));
                let compared = Compared::new(sides, Arc::clone(&difference));
                self.known.insert(sides.desired.name.clone(), compared);
                difference
            })
        });
        if self.known.len() > desired.accounts.len() {
            let is_there = |name: &AccountName| desired.account(name).is_some();
            self.known.retain(|name, _| is_there(name));
        }
        differences
    }

    /// Counts the accounts that were compared anew.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.compared
    }

    fn find(&self, sides: Sides<'_>) -> Option<Arc<AccountDifference>> {
        let known = self.known.get(&sides.desired.name)?;
        known.is_of(sides).then(|| Arc::clone(&known.difference))
    }
}

impl Compared {
    fn new(sides: Sides<'_>, difference: Arc<AccountDifference>) -> Self {
        Self {
            desired: Arc::clone(sides.desired),
            base: sides.base.map(Arc::clone),
            live: sides.live.map(Arc::clone),
            difference,
        }
    }

    fn is_of(&self, sides: Sides<'_>) -> bool {
        let same_base = match (&self.base, sides.base) {
            (Base::Unknown, Base::Unknown) | (Base::Missing, Base::Missing) => true,
            (Base::Known(one), Base::Known(other)) => Arc::ptr_eq(one, other),
            (Base::Unknown | Base::Missing | Base::Known(_), _) => false,
        };
        let same_live = match (&self.live, sides.live) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None | Some(_), _) => false,
        };
        Arc::ptr_eq(&self.desired, sides.desired) && same_base && same_live
    }
}
