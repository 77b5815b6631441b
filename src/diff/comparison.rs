//! Comparing again and again: only what has another side than the last time is compared anew.

use std::sync::Arc;

use super::base::Base;
use super::compare::{Sides, compare_each};
use super::{AccountDifference, Differences};
use crate::diag::SourceMap;
use crate::live::{Live, LiveAccount};
use crate::tree::{Desired, SharedAccount};

/// The accounts that were compared, each with the very values that it was compared from.
///
/// An account whose sides are the same values still, not only equal ones, differs as it did: whoever reads an account anew,
/// or changes one, has another value. It costs a pointer for each side to find that out.
#[derive(Debug, Default)]
pub struct Comparison {
    known: Vec<Compared>,
    compared: u64,
}

#[derive(Debug)]
struct Compared {
    desired: SharedAccount,
    base: Base<SharedAccount>,
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
        let known = std::mem::take(&mut self.known);
        self.known.reserve(desired.accounts.len());
        let mut known = known.into_iter().peekable();
        compare_each(desired, base, live, sources, |sides| {
            // Both are sorted by name.
            let name = &sides.desired.name;
            while known.next_if(|known| known.desired.name < *name).is_some() {}
            let known = known.next_if(|known| known.desired.name == *name);
            let compared = known.filter(|known| known.is_of(sides)).unwrap_or_else(|| {
                self.compared += 1;
                Compared::new(sides, sources)
            });
            let difference = Arc::clone(&compared.difference);
            self.known.push(compared);
            difference
        })
    }

    /// Counts the accounts that were compared anew.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.compared
    }
}

impl Compared {
    fn new(sides: Sides<'_>, sources: &SourceMap) -> Self {
        Self {
            desired: sides.desired.clone(),
            base: sides.base.map(Clone::clone),
            live: sides.live.map(Arc::clone),
            difference: Arc::new(sides.compare(sources)),
        }
    }

    fn is_of(&self, sides: Sides<'_>) -> bool {
        let same_base = match (&self.base, sides.base) {
            (Base::Unknown, Base::Unknown) | (Base::Missing, Base::Missing) => true,
            (Base::Known(one), Base::Known(other)) => one.is(other),
            (Base::Unknown | Base::Missing | Base::Known(_), _) => false,
        };
        let same_live = match (&self.live, sides.live) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None | Some(_), _) => false,
        };
        self.desired.is(sides.desired) && same_base && same_live
    }
}
