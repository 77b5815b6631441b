//! Incremental comparison: only accounts with a changed side are compared again.

use std::sync::Arc;

use super::base::Base;
use super::compare::{Sides, compare_each};
use super::{AccountDifference, Differences};
use crate::diag::SourceMap;
use crate::live::{Live, LiveAccount};
use crate::tree::{Desired, SharedAccount};

/// A cache of account differences, each with the sides that it was computed from.
///
/// A difference is reused if all sides are still the same values by identity, not just equal: reading or changing an
/// account always creates a new value. The check compares one pointer per side.
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
    /// Compares like [`super::compare`].
    ///
    /// Cached differences keep their places: `sources` may have grown since, but must still contain the same files.
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
            // The cache and the accounts are both sorted by name.
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

    /// Returns the number of account comparisons that were not served from the cache.
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
