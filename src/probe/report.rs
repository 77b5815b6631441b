//! The result of a probe of several brands.

use std::time::Duration;

use super::{BrandProbe, Visibility};
use crate::model::AccountName;

/// The result of a probe of several brands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    /// The brands, in the order of the tree.
    pub brands: Vec<BrandProbe>,
    /// The accounts without a brand to look at, with the reason.
    pub skipped: Vec<(AccountName, String)>,
    /// How many requests were sent over HTTP.
    pub requests: u64,
    /// How many connections were made.
    pub connections: u64,
    /// How often the brands were looked at, with `--wait`.
    pub rounds: u32,
    /// How long it took.
    pub took: Duration,
}

impl ProbeReport {
    /// Counts the brands with a verdict.
    #[must_use]
    pub fn count(&self, verdict: Visibility) -> usize {
        let brands = self.brands.iter();
        brands.filter(|brand| brand.verdict() == verdict).count()
    }

    /// Returns the verdict on all brands: broken if any is, else unknown if any is.
    #[must_use]
    pub fn verdict(&self) -> Visibility {
        if self.count(Visibility::Broken) > 0 {
            Visibility::Broken
        } else if self.count(Visibility::Unknown) > 0 {
            Visibility::Unknown
        } else {
            Visibility::Visible
        }
    }
}
