//! Tracks which objects were read from the platform before they are written. Pure.

use std::collections::BTreeSet;

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
