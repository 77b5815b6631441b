//! Tracks which objects were read from the platform before they are written. Pure.

use std::collections::BTreeSet;

use crate::live::Fresh;
use crate::model::AccountName;
use crate::plan::{Action, Plan, Subject};

/// Which objects were read from the platform itself, so that a plan may write to them.
///
/// A plan follows from everything that was read, including from a cache; reading an object again can add steps for
/// others, such as the holder of a domain. So a caller plans and reads again until [`Self::missing`] returns nothing: a
/// fixed point, which is reached because each object is read again only once.
#[derive(Clone, Debug)]
pub struct Reread<N> {
    done: BTreeSet<N>,
}

impl<N> Default for Reread<N> {
    fn default() -> Self {
        Self {
            done: BTreeSet::new(),
        }
    }
}

impl<N: Ord + Clone> Reread<N> {
    /// Returns the objects that a plan writes to and that are still to be read again, and counts them as read from now
    /// on.
    pub fn missing(&mut self, written: &BTreeSet<N>) -> BTreeSet<N> {
        let missing: BTreeSet<N> = written.difference(&self.done).cloned().collect();
        self.done.extend(missing.iter().cloned());
        missing
    }
}

/// Returns the accounts whose steps follow from the cache, so that they are to be read again before they are written.
///
/// Cached assets are enough for a step that keeps them, and for an upload, which looks at them before it writes.
#[must_use]
pub fn unproven(plan: &Plan, fresh: &Fresh) -> BTreeSet<AccountName> {
    let steps = plan.steps.iter();
    let unproven = steps.filter_map(|step| match &step.subject {
        Subject::Account { name, .. } => {
            let drops_assets = matches!(step.action, Action::Recreate { .. });
            let is_fresh =
                fresh.documents.contains(name) && (!drops_assets || fresh.assets.contains(name));
            (!is_fresh).then(|| name.clone())
        }
        Subject::Template | Subject::Zone(_) => None,
    });
    unproven.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_is_read_again_once() {
        let set = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        let mut reread = Reread::default();
        assert_eq!(reread.missing(&set(&["acme"])), set(&["acme"]));
        assert_eq!(reread.missing(&set(&["acme", "beta"])), set(&["beta"]));
        assert_eq!(reread.missing(&set(&["beta"])), set(&[]));
    }
}
