//! The scope of a lease: a whole cluster, or one shard of it.

use crate::model::{ClusterName, Shard};
use crate::tree::{lease_ref, plain_name};

/// The part of a cluster that one run needs exclusively.
///
/// The whole excludes every shard. A shard excludes itself, but not the other shards of its split; shards of different
/// splits overlap, so they exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseScope {
    reference: String,
    file: String,
    shard: Option<Shard>,
}

impl LeaseScope {
    /// Returns the scope of a whole cluster, or of one shard.
    #[must_use]
    pub fn new(cluster: &ClusterName, shard: Option<Shard>) -> Self {
        Self {
            reference: lease_ref(cluster),
            file: plain_name(cluster),
            shard,
        }
    }

    /// Returns the ref of the whole cluster; the refs of its shards begin with it.
    pub(super) fn whole(&self) -> &str {
        &self.reference
    }

    /// Returns the ref of this scope.
    pub(super) fn reference(&self) -> String {
        format!("{}{}", self.reference, self.suffix())
    }

    /// Returns the name of the lock file of the whole cluster.
    pub(super) fn whole_file(&self) -> &str {
        &self.file
    }

    /// Returns the name of the lock file of this scope.
    pub(super) fn file(&self) -> String {
        format!("{}{}", self.whole_file(), self.suffix())
    }

    /// Returns the suffix that distinguishes the names of this scope from those of the whole.
    pub(super) fn suffix(&self) -> String {
        self.shard.map_or_else(String::new, |shard| {
            format!("-{}-of-{}", shard.index(), shard.count())
        })
    }

    /// Returns whether this is a shard of a cluster.
    pub(super) fn is_part(&self) -> bool {
        self.shard.is_some()
    }

    /// Returns whether a ref or lock file belongs to another scope of the cluster that excludes this one; `start` is
    /// the name of the whole.
    pub(super) fn is_rival(&self, start: &str, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(start) else {
            return false;
        };
        match (self.shard, rest, part(rest)) {
            (None, "", _) => false,
            (Some(_), "", _) | (None, _, Some(_)) => true,
            (Some(mine), _, Some(other)) => mine.count() != other.count(),
            (_, _, None) => false,
        }
    }
}

fn part(suffix: &str) -> Option<Shard> {
    let (index, count) = suffix.strip_prefix('-')?.split_once("-of-")?;
    Shard::new(index.parse().ok()?, count.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_excludes_whom() {
        #[track_caller]
        fn check(mine: Option<(u32, u32)>, other: Option<(u32, u32)>, expected: bool) {
            let scope = |shard: Option<(u32, u32)>| {
                let shard = shard.and_then(|(index, count)| Shard::new(index, count));
                LeaseScope::new(&ClusterName::new("production"), shard)
            };
            let (mine, other) = (scope(mine), scope(other));
            let refs = mine.is_rival(mine.whole(), &other.reference());
            let files = mine.is_rival(mine.whole_file(), &other.file());
            assert_eq!((refs, files), (expected, expected), "{mine:?} {other:?}");
        }
        check(None, None, false);
        check(None, Some((1, 3)), true);
        check(Some((1, 3)), None, true);
        check(Some((1, 3)), Some((1, 3)), false);
        check(Some((1, 3)), Some((2, 3)), false);
        check(Some((1, 3)), Some((1, 4)), true);
        let scope = LeaseScope::new(&ClusterName::new("production"), None);
        assert!(!scope.is_rival("production", "production-blue"));
        assert!(!scope.is_rival("production", "production-1-of-0"));
    }
}
