//! The side of the tree that was applied last.

use super::Declaration;

/// What the last applied tree has of one thing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base<T> {
    /// No applied tree is known.
    Unknown,
    /// That tree does not have it.
    Missing,
    /// That tree has this.
    Known(T),
}

impl<T> Base<T> {
    /// Looks for the thing in the tree, when there is one.
    pub(super) fn find<Tree>(tree: Option<Tree>, find: impl FnOnce(Tree) -> Option<T>) -> Self {
        match tree.map(find) {
            None => Self::Unknown,
            Some(None) => Self::Missing,
            Some(Some(found)) => Self::Known(found),
        }
    }

    /// Turns what that tree has into something else.
    pub(super) fn map<U>(self, turn: impl FnOnce(T) -> U) -> Base<U> {
        match self {
            Self::Unknown => Base::Unknown,
            Self::Missing => Base::Missing,
            Self::Known(found) => Base::Known(turn(found)),
        }
    }

    /// Returns what that tree has.
    pub(super) fn known(self) -> Option<T> {
        match self {
            Self::Known(found) => Some(found),
            Self::Unknown | Self::Missing => None,
        }
    }

    /// Returns what that tree says about a part of it; what it does not have declares nothing.
    pub(super) fn declares<D>(
        self,
        part: impl FnOnce(T) -> Declaration<D>,
    ) -> Option<Declaration<D>> {
        match self {
            Self::Unknown => None,
            Self::Missing => Some(Declaration::Undeclared),
            Self::Known(found) => Some(part(found)),
        }
    }
}
